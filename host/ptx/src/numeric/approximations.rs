//! Approximations of elementary functions in `f32`: powers and logarithms of two, sine, cosine,
//! hyperbolic tangent. Minimax polynomials after a range reduction (Cody and Waite 1980).
//!
//! The polynomials are minimax: coefficients from the exchange algorithm of Remez in 60 digits, with
//! the weight that makes the error asked for even (relative for powers and the tangent, absolute for
//! the others), then each rounded to f32. What the whole function is off by, its
//! roundings included, was measured over all f32 values; `docs/numerics.md` has the table.

use crate::numeric::ArithBuilder;

/// 1.5 * 2^23: added to a number of less than 2^22, it leaves the nearest integer in the low bits.
const TO_INTEGER: f32 = 12_582_912.0;
const TO_INTEGER_BITS: u32 = 0x4b40_0000;

/// `(2^x - 1) / x` from -0.5 to 0.5; of `2^x`, it is off by 2^-28.8.
const POWER: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_48,
    0.055_503_342,
    0.009_618_442,
    0.001_339_842_1,
    0.000_153_518_08,
];

/// `log2(1 + x) / x` from 1/√2 - 1 to √2 - 1, off by 2^-27.3.
const LOGARITHM: [f32; 10] = [
    std::f32::consts::LOG2_E,
    -0.721_347_33,
    0.480_897_9,
    -0.360_696_43,
    0.288_585_2,
    -0.239_636_05,
    0.204_297_77,
    -0.190_619_48,
    0.187_817_28,
    -0.112_944_5,
];

/// `(sin(√z) / √z - 1) / z` from 0 to 0.83²; the sine is off by 2^-27.3.
const SINE: [f32; 3] = [-0.166_666_5, 0.008_331_925, -0.000_194_827_24];

/// `(cos(√z) - 1) / z` from 0 to 0.83²; the cosine is off by 2^-33.
const COSINE: [f32; 4] = [-0.5, 0.041_666_61, -0.001_388_630_1, 0.000_024_347_086];

/// `(tanh(√z) / √z - 1) / z` from 0 to [`STEEP`]²; the tangent is off by 2^-24.5.
const TANGENT: [f32; 4] = [-0.333_330_27, 0.133_221_42, -0.052_746_944, 0.016_560_698];

/// From here on the hyperbolic tangent is computed from a power.
const STEEP: f32 = 0.55;

/// π/2 in three parts. All are cut off, so that none is negative: a zero keeps its sign.
const QUARTER: [f32; 3] = [
    f32::from_bits(0x3fc9_0fda),
    f32::from_bits(0x33a2_2168),
    f32::from_bits(0x27c2_34c4),
];

/// The largest angle that is reduced rightly: 2^20.
const LARGEST_ANGLE: f32 = 1_048_576.0;

/// 2 to a power. Subnormal results are rounded once.
pub(crate) fn power_of_two<S: ArithBuilder>(s: &mut S, x: S::F32) -> S::F32 {
    // Beyond these, results are infinite and zero. A NaN passes both.
    let (most, least) = (s.f32_const(129.0), s.f32_const(-151.0));
    let above = s.f32_lt(most, x);
    let x = s.f32_select(above, most, x);
    let below = s.f32_lt(x, least);
    let x = s.f32_select(below, least, x);
    let magic = s.f32_const(TO_INTEGER);
    let shifted = s.f32_add(x, magic);
    let whole = s.f32_sub(shifted, magic);
    let fraction = s.f32_sub(x, whole);
    let bits = s.f32_to_bits(shifted);
    let exponent = s.i32_add_const(bits, TO_INTEGER_BITS.wrapping_neg());
    let slope = s.f32_polynomial(fraction, &POWER);
    let one = s.f32_const(1.0);
    let value = s.f32_fma(fraction, slope, one);
    // In two steps, of which the first is exact: the power alone may be no normal number.
    let half = s.i32_shr_s(exponent, 1);
    let rest = s.i32_sub(exponent, half);
    let scaled = |s: &mut S, value, exponent| {
        let biased = s.i32_add_const(exponent, 127);
        let bits = s.i32_shl(biased, 23);
        let scale = s.f32_from_bits(bits);
        s.f32_mul(value, scale)
    };
    let value = scaled(s, value, half);
    scaled(s, value, rest)
}

/// The logarithm to base 2.
pub(crate) fn logarithm_of_two<S: ArithBuilder>(s: &mut S, x: S::F32) -> S::F32 {
    let normal = s.f32_const(f32::MIN_POSITIVE);
    let small = s.f32_lt(x, normal);
    let scale = s.f32_const(16_777_216.0);
    let scaled = s.f32_mul(x, scale);
    let number = s.f32_select(small, scaled, x);
    let (offset, none) = (s.f32_const(-24.0), s.f32_const(0.0));
    let offset = s.f32_select(small, offset, none);
    // From 1/√2 to √2, times a power of two.
    let bits = s.f32_to_bits(number);
    let above_root = s.i32_add_const(bits, 0x3f35_04f3_u32.wrapping_neg());
    let exponent = s.i32_shr_s(above_root, 23);
    let field = s.i32_shl(exponent, 23);
    let fraction = s.i32_sub(bits, field);
    let fraction = s.f32_from_bits(fraction);
    let one = s.f32_const(1.0);
    let fraction = s.f32_sub(fraction, one);
    let slope = s.f32_polynomial(fraction, &LOGARITHM);
    let exponent = s.f32_from_i32(exponent);
    let exponent = s.f32_add(exponent, offset);
    let value = s.f32_fma(fraction, slope, exponent);
    let (zero, infinity) = (s.f32_const(0.0), s.f32_const(f32::INFINITY));
    let (nan, minus_infinity) = (s.f32_const(f32::NAN), s.f32_const(f32::NEG_INFINITY));
    let is_zero = s.f32_eq(x, zero);
    let other = s.f32_select(is_zero, minus_infinity, nan);
    let positive = s.f32_lt(zero, x);
    let value = s.f32_select(positive, value, other);
    let infinite = s.f32_eq(x, infinity);
    s.f32_select(infinite, infinity, value)
}

/// An angle from -π/4 to π/4, and how many quarters of a turn were taken off, as the low bits of a
/// word. Angles past [`LARGEST_ANGLE`] lose their size: another one is taken of the same bits.
fn reduced<S: ArithBuilder>(s: &mut S, x: S::F32) -> (S::F32, S::I32) {
    let size = s.f32_abs(x);
    let limit = s.f32_const(LARGEST_ANGLE);
    let fits = s.f32_lt(size, limit);
    let bits = s.f32_to_bits(x);
    let kept = s.i32_and_const(bits, 0x807f_ffff);
    let exponent = s.i32_const(0x4900_0000);
    let smaller = s.i32_or(kept, exponent);
    let smaller = s.f32_from_bits(smaller);
    let x = s.f32_select(fits, x, smaller);
    let (per_quarter, magic) = (
        s.f32_const(std::f32::consts::FRAC_2_PI),
        s.f32_const(TO_INTEGER),
    );
    let shifted = s.f32_fma(x, per_quarter, magic);
    let quarters = s.f32_sub(shifted, magic);
    let mut rest = x;
    for part in QUARTER {
        let part = s.f32_const(-part);
        rest = s.f32_fma(quarters, part, rest);
    }
    (rest, s.f32_to_bits(shifted))
}

fn sine_or_cosine<S: ArithBuilder>(s: &mut S, x: S::F32, quarters_more: u32) -> S::F32 {
    let (angle, quarters) = reduced(s, x);
    let quarters = s.i32_add_const(quarters, quarters_more);
    let square = s.f32_mul(angle, angle);
    let one = s.f32_const(1.0);
    let slope = s.f32_polynomial(square, &SINE);
    let ratio = s.f32_fma(square, slope, one);
    let sine = s.f32_mul(angle, ratio);
    let slope = s.f32_polynomial(square, &COSINE);
    let cosine = s.f32_fma(square, slope, one);
    let odd = s.i32_and_const(quarters, 1);
    let none = s.i32_const(0);
    let even = s.i32_eq(odd, none);
    let value = s.f32_select(even, sine, cosine);
    // The sign is that of bit 1.
    let sign = s.i32_and_const(quarters, 2);
    let sign = s.i32_shl(sign, 30);
    let one_bits = s.i32_const(0x3f80_0000);
    let sign = s.i32_or(sign, one_bits);
    let sign = s.f32_from_bits(sign);
    let value = s.f32_mul(value, sign);
    let size = s.f32_abs(x);
    let infinity = s.f32_const(f32::INFINITY);
    let finite = s.f32_lt(size, infinity);
    let nan = s.f32_const(f32::NAN);
    s.f32_select(finite, value, nan)
}

/// The sine; subnormal operands are the caller's to flush.
pub(crate) fn sine<S: ArithBuilder>(s: &mut S, x: S::F32) -> S::F32 {
    sine_or_cosine(s, x, 0)
}

pub(crate) fn cosine<S: ArithBuilder>(s: &mut S, x: S::F32) -> S::F32 {
    sine_or_cosine(s, x, 1)
}

/// The hyperbolic tangent.
pub(crate) fn hyperbolic_tangent<S: ArithBuilder>(s: &mut S, x: S::F32) -> S::F32 {
    let one = s.f32_const(1.0);
    let square = s.f32_mul(x, x);
    let slope = s.f32_polynomial(square, &TANGENT);
    let ratio = s.f32_fma(square, slope, one);
    let flat = s.f32_mul(x, ratio);
    // 1 - 2 / (e^2x + 1)
    let size = s.f32_abs(x);
    let scale = s.f32_const(2.0 * std::f32::consts::LOG2_E);
    let exponent = s.f32_mul(size, scale);
    let power = power_of_two(s, exponent);
    let sum = s.f32_add(power, one);
    let two = s.f32_const(-2.0);
    let quotient = s.f32_div(two, sum);
    let steep = s.f32_add(quotient, one);
    let bits = s.f32_to_bits(x);
    let sign = s.i32_and_const(bits, 1 << 31);
    let one_bits = s.i32_const(0x3f80_0000);
    let sign = s.i32_or(sign, one_bits);
    let sign = s.f32_from_bits(sign);
    let steep = s.f32_mul(steep, sign);
    let limit = s.f32_const(STEEP);
    let is_flat = s.f32_lt(size, limit);
    s.f32_select(is_flat, flat, steep)
}

//! The approximations of single precision: powers and logarithms of two, sine, cosine, hyperbolic
//! tangent.
//!
//! The polynomials are minimax: coefficients from the exchange algorithm of Remez in 60 digits, with
//! the weight that makes the error asked for even (relative for powers and the tangent, absolute for
//! the others), then each rounded to single precision. What the whole function is off by, its
//! roundings included, was measured over all singles; `docs/numerics.md` has the table.

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
pub(crate) fn power_of_two<S: ArithBuilder>(s: &mut S, x: S::Single) -> S::Single {
    // Beyond these, results are infinite and zero. A NaN passes both.
    let (most, least) = (s.single(129.0), s.single(-151.0));
    let above = s.lt(most, x);
    let x = s.pick(above, most, x);
    let below = s.lt(x, least);
    let x = s.pick(below, least, x);
    let magic = s.single(TO_INTEGER);
    let shifted = s.add(x, magic);
    let whole = s.sub(shifted, magic);
    let fraction = s.sub(x, whole);
    let bits = s.bits(shifted);
    let exponent = s.plus_constant(bits, TO_INTEGER_BITS.wrapping_neg());
    let slope = s.polynomial(fraction, &POWER);
    let one = s.single(1.0);
    let value = s.fma(fraction, slope, one);
    // In two steps, of which the first is exact: the power alone may be no normal number.
    let half = s.right_signed(exponent, 1);
    let rest = s.minus(exponent, half);
    let scaled = |s: &mut S, value, exponent| {
        let biased = s.plus_constant(exponent, 127);
        let bits = s.left(biased, 23);
        let scale = s.of_bits(bits);
        s.mul(value, scale)
    };
    let value = scaled(s, value, half);
    scaled(s, value, rest)
}

/// The logarithm to base 2.
pub(crate) fn logarithm_of_two<S: ArithBuilder>(s: &mut S, x: S::Single) -> S::Single {
    let normal = s.single(f32::MIN_POSITIVE);
    let small = s.lt(x, normal);
    let scale = s.single(16_777_216.0);
    let scaled = s.mul(x, scale);
    let number = s.pick(small, scaled, x);
    let (offset, none) = (s.single(-24.0), s.single(0.0));
    let offset = s.pick(small, offset, none);
    // From 1/√2 to √2, times a power of two.
    let bits = s.bits(number);
    let above_root = s.plus_constant(bits, 0x3f35_04f3_u32.wrapping_neg());
    let exponent = s.right_signed(above_root, 23);
    let field = s.left(exponent, 23);
    let fraction = s.minus(bits, field);
    let fraction = s.of_bits(fraction);
    let one = s.single(1.0);
    let fraction = s.sub(fraction, one);
    let slope = s.polynomial(fraction, &LOGARITHM);
    let exponent = s.of_integer(exponent);
    let exponent = s.add(exponent, offset);
    let value = s.fma(fraction, slope, exponent);
    let (zero, infinity) = (s.single(0.0), s.single(f32::INFINITY));
    let (nan, minus_infinity) = (s.single(f32::NAN), s.single(f32::NEG_INFINITY));
    let is_zero = s.eq(x, zero);
    let other = s.pick(is_zero, minus_infinity, nan);
    let positive = s.lt(zero, x);
    let value = s.pick(positive, value, other);
    let infinite = s.eq(x, infinity);
    s.pick(infinite, infinity, value)
}

/// An angle from -π/4 to π/4, and how many quarters of a turn were taken off, as the low bits of a
/// word. Angles past [`LARGEST_ANGLE`] lose their size: another one is taken of the same bits.
fn reduced<S: ArithBuilder>(s: &mut S, x: S::Single) -> (S::Single, S::Word) {
    let size = s.abs(x);
    let limit = s.single(LARGEST_ANGLE);
    let fits = s.lt(size, limit);
    let bits = s.bits(x);
    let kept = s.and_mask(bits, 0x807f_ffff);
    let exponent = s.word(0x4900_0000);
    let smaller = s.or(kept, exponent);
    let smaller = s.of_bits(smaller);
    let x = s.pick(fits, x, smaller);
    let (per_quarter, magic) = (s.single(std::f32::consts::FRAC_2_PI), s.single(TO_INTEGER));
    let shifted = s.fma(x, per_quarter, magic);
    let quarters = s.sub(shifted, magic);
    let mut rest = x;
    for part in QUARTER {
        let part = s.single(-part);
        rest = s.fma(quarters, part, rest);
    }
    (rest, s.bits(shifted))
}

fn sine_or_cosine<S: ArithBuilder>(s: &mut S, x: S::Single, quarters_more: u32) -> S::Single {
    let (angle, quarters) = reduced(s, x);
    let quarters = s.plus_constant(quarters, quarters_more);
    let square = s.mul(angle, angle);
    let one = s.single(1.0);
    let slope = s.polynomial(square, &SINE);
    let ratio = s.fma(square, slope, one);
    let sine = s.mul(angle, ratio);
    let slope = s.polynomial(square, &COSINE);
    let cosine = s.fma(square, slope, one);
    let odd = s.and_mask(quarters, 1);
    let none = s.word(0);
    let even = s.same(odd, none);
    let value = s.pick(even, sine, cosine);
    // The sign is that of bit 1.
    let sign = s.and_mask(quarters, 2);
    let sign = s.left(sign, 30);
    let one_bits = s.word(0x3f80_0000);
    let sign = s.or(sign, one_bits);
    let sign = s.of_bits(sign);
    let value = s.mul(value, sign);
    let size = s.abs(x);
    let infinity = s.single(f32::INFINITY);
    let finite = s.lt(size, infinity);
    let nan = s.single(f32::NAN);
    s.pick(finite, value, nan)
}

/// The sine; subnormal operands are the caller's to flush.
pub(crate) fn sine<S: ArithBuilder>(s: &mut S, x: S::Single) -> S::Single {
    sine_or_cosine(s, x, 0)
}

pub(crate) fn cosine<S: ArithBuilder>(s: &mut S, x: S::Single) -> S::Single {
    sine_or_cosine(s, x, 1)
}

/// The hyperbolic tangent.
pub(crate) fn hyperbolic_tangent<S: ArithBuilder>(s: &mut S, x: S::Single) -> S::Single {
    let one = s.single(1.0);
    let square = s.mul(x, x);
    let slope = s.polynomial(square, &TANGENT);
    let ratio = s.fma(square, slope, one);
    let flat = s.mul(x, ratio);
    // 1 - 2 / (e^2x + 1)
    let size = s.abs(x);
    let scale = s.single(2.0 * std::f32::consts::LOG2_E);
    let exponent = s.mul(size, scale);
    let power = power_of_two(s, exponent);
    let sum = s.add(power, one);
    let two = s.single(-2.0);
    let quotient = s.div(two, sum);
    let steep = s.add(quotient, one);
    let bits = s.bits(x);
    let sign = s.and_mask(bits, 1 << 31);
    let one_bits = s.word(0x3f80_0000);
    let sign = s.or(sign, one_bits);
    let sign = s.of_bits(sign);
    let steep = s.mul(steep, sign);
    let limit = s.single(STEEP);
    let is_flat = s.lt(size, limit);
    s.pick(is_flat, flat, steep)
}

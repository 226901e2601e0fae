//! The 16-bit formats binary16 and bfloat16 by way of `f32`: conversions, and arithmetic that is rounded
//! once.
//!
//! An f32 has more than twice the bits of a half. So the sum and the product of two halves, rounded
//! to an f32, round to the half that is nearest to the exact one. A fused product and sum does not:
//! there what is lost is kept in the lowest bit first (rounding to odd, Boldo and Melquiond 2008), which decides between two
//! halves that would else be as near.

use crate::numeric::Round;
use crate::numeric::{ArithBuilder, directed_rounding};

/// One of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HalfFormat {
    /// 5 bits of exponent, 10 of fraction.
    F16,
    /// The upper half of an f32.
    BF16,
}

use HalfFormat::{BF16, F16};

/// The NaN that operations give.
pub(crate) const NAN: u32 = 0x7fff;
pub(crate) const SIGN: u32 = 0x8000;
const MAGNITUDE: u32 = 0x7fff;

impl HalfFormat {
    pub(crate) fn infinity(self) -> u32 {
        match self {
            F16 => 0x7c00,
            BF16 => 0x7f80,
        }
    }

    pub(crate) fn one(self) -> u32 {
        match self {
            F16 => 0x3c00,
            BF16 => 0x3f80,
        }
    }

    fn normal(self) -> u32 {
        match self {
            F16 => 0x0400,
            BF16 => 0x0080,
        }
    }
}

/// The f32 that a half is equal to. The half is in the upper 16 bits of the word, above zeros.
pub(crate) fn to_f32<S: ArithBuilder>(s: &mut S, format: HalfFormat, upper: S::I32) -> S::F32 {
    if format == BF16 {
        return s.f32_from_bits(upper);
    }
    // With the fraction where an f32 has it, the exponent is too small by a constant.
    let shifted = s.i32_shr_s(upper, 3);
    let moved = s.i32_and_const(shifted, 0x8fff_e000);
    let small = s.f32_from_bits(moved);
    let scale = s.f32_const(f32::from_bits((127 + 112) << 23));
    let value = s.f32_mul(small, scale);
    let field = s.i32_and_const(moved, 0x0f80_0000);
    let all = s.i32_const(0x0f80_0000);
    let special = s.i32_eq(field, all);
    let exponent = s.i32_const(0x7f80_0000);
    let other = s.i32_or(moved, exponent);
    let other = s.f32_from_bits(other);
    s.f32_select(special, other, value)
}

/// The half that an f32 becomes in a direction, in the low bits of a word; NaN becomes the one NaN.
pub(crate) fn from_f32<S: ArithBuilder>(
    s: &mut S,
    format: HalfFormat,
    round: Round,
    x: S::F32,
) -> S::I32 {
    let bits = s.f32_to_bits(x);
    let magnitude = s.i32_and_const(bits, 0x7fff_ffff);
    let sign = s.i32_shr_u(bits, 16);
    let sign = s.i32_and_const(sign, SIGN);
    let rounded = match format {
        F16 => half_magnitude(s, round, bits, magnitude),
        BF16 => shortened(s, round, (bits, magnitude), 16),
    };
    let value = s.i32_or(rounded, sign);
    let nan = s.i32_const(NAN);
    let number = s.f32_eq(x, x);
    s.i32_select(number, value, nan)
}

/// Whether a direction is away from zero for a number of this sign: a word of 0 or 1.
fn outwards<S: ArithBuilder>(s: &mut S, round: Round, bits: S::I32) -> S::I32 {
    let negative = s.i32_shr_u(bits, 31);
    let one = s.i32_const(1);
    match round {
        Round::Down => negative,
        Round::Up => s.i32_xor(negative, one),
        _ => s.i32_const(0),
    }
}

/// A magnitude without so many of its lowest bits, rounded.
fn shortened<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    (bits, magnitude): (S::I32, S::I32),
    by: u32,
) -> S::I32 {
    let half = 1 << (by - 1);
    let more = match round {
        Round::Nearest => {
            let odd = s.i32_shr_u(magnitude, by);
            let odd = s.i32_and_const(odd, 1);
            s.i32_add_const(odd, half - 1)
        }
        Round::Away => s.i32_const(half),
        Round::Zero => s.i32_const(0),
        // All bits that are lost, where it goes outwards.
        Round::Down | Round::Up => {
            let outwards = outwards(s, round, bits);
            let shifted = s.i32_shl(outwards, by);
            s.i32_sub(shifted, outwards)
        }
    };
    let sum = s.i32_add(magnitude, more);
    s.i32_shr_u(sum, by)
}

/// An f32 with ten bits of fraction; where `finite`, the largest one in place of infinity. NaN
/// becomes the one NaN.
pub(crate) fn tensor_float<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    finite: bool,
    x: S::F32,
) -> S::F32 {
    let bits = s.f32_to_bits(x);
    let magnitude = s.i32_and_const(bits, 0x7fff_ffff);
    let mut short = shortened(s, round, (bits, magnitude), 13);
    if finite {
        let most = s.i32_const((0x7f80_0000 >> 13) - 1);
        let fits = s.i32_lt_s(short, most);
        short = s.i32_select(fits, short, most);
    }
    let sign = s.i32_and_const(bits, 1 << 31);
    let value = s.i32_shl(short, 13);
    let value = s.i32_or(value, sign);
    let value = s.f32_from_bits(value);
    let nan = s.f32_const(f32::from_bits(0x7fff_ffff));
    let number = s.f32_eq(x, x);
    s.f32_select(number, value, nan)
}

fn half_magnitude<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    bits: S::I32,
    magnitude: S::I32,
) -> S::I32 {
    // Just below 2^16, which is past the largest half.
    let limit = s.i32_const(0x477f_ffff);
    let fits = s.i32_lt_s(magnitude, limit);
    let clamped = s.i32_select(fits, magnitude, limit);
    let value = s.f32_from_bits(clamped);
    // A power of two so large that a sum with it has the half's bits, and no more.
    let field = s.i32_and_const(clamped, 0x7f80_0000);
    let least = s.i32_const(0x3880_0000);
    let subnormal = s.i32_lt_s(field, least);
    let field = s.i32_select(subnormal, least, field);
    let large = s.i32_add_const(field, 13 << 23);
    let large_value = s.f32_from_bits(large);
    let sum = s.f32_add(value, large_value);
    let sum_bits = s.f32_to_bits(sum);
    let fraction = s.i32_sub(sum_bits, large);
    let exponent = s.i32_shr_u(field, 13);
    let exponent = s.i32_add_const(exponent, (0x3880_0000_u32 >> 13).wrapping_neg());
    let nearest = s.i32_add(exponent, fraction);
    if round == Round::Nearest {
        return nearest;
    }
    // Back by one where the nearest is on the wrong side.
    let found = s.f32_sub(sum, large_value);
    let (zero, one) = (s.i32_const(0), s.i32_const(1));
    let above = s.f32_lt(value, found);
    let less = s.i32_select(above, one, zero);
    let inner = s.i32_sub(nearest, less);
    let directed = if round == Round::Zero {
        inner
    } else {
        let outwards = outwards(s, round, bits);
        let exact = s.f32_eq(value, found);
        let outwards = s.i32_select(exact, zero, outwards);
        s.i32_add(inner, outwards)
    };
    // What is past the largest half, but no infinity, stays within where it does not go outwards.
    let infinity = s.i32_const(0x7f80_0000);
    let finite = s.i32_lt_s(magnitude, infinity);
    let half_infinity = s.i32_const(F16.infinity());
    s.i32_select(finite, directed, half_infinity)
}

/// An f32 that is rounded to odd: one that is not exactly what it stands for has its lowest bit
/// set, between the two f32 values around that. `less` is whether the exact number is below it.
fn odd<S: ArithBuilder>(s: &mut S, value: S::F32, inexact: S::Bool, less: S::Bool) -> S::F32 {
    // Less in magnitude where the error's sign is not the value's.
    let bits = s.f32_to_bits(value);
    let (zero, one) = (s.i32_const(0), s.i32_const(1));
    let less = s.i32_select(less, one, zero);
    let negative = s.i32_shr_u(bits, 31);
    let inwards = s.i32_xor(less, negative);
    let below = s.i32_sub(bits, inwards);
    let odd = s.i32_or(below, one);
    let odd = s.f32_from_bits(odd);
    s.f32_select(inexact, odd, value)
}

/// An f64 as an f32 that rounds to the half that the f64 would.
pub(crate) fn odd_from_f64<S: ArithBuilder>(s: &mut S, value: S::F64) -> S::F32 {
    let rounded = s.f32_from_f64(value);
    let back = s.f64_from_f32(rounded);
    let less = s.f64_lt(value, back);
    let more = s.f64_lt(back, value);
    let inexact = s.bool_or(less, more);
    odd(s, rounded, inexact, less)
}

/// `a * b + c` of halves, as an f32 that rounds to the half nearest to the exact one.
pub(crate) fn fused<S: ArithBuilder>(
    s: &mut S,
    format: HalfFormat,
    [a, b, c]: [S::F32; 3],
) -> S::F32 {
    if format == BF16 {
        // Products may be smaller than any f32, so that what is lost cannot be told as one.
        let nearest = s.f32_fma(a, b, c);
        let (above, below) = directed_rounding::sides(s, nearest, [a, b, c]);
        let inexact = s.bool_or(above, below);
        return odd(s, nearest, inexact, above);
    }
    // The product is exact; what its sum lacks is what the steps back lack.
    let product = s.f32_mul(a, b);
    let sum = s.f32_add(product, c);
    let back = s.f32_sub(sum, product);
    let rest = s.f32_sub(sum, back);
    let product_error = s.f32_sub(product, rest);
    let c_error = s.f32_sub(c, back);
    let error = s.f32_add(product_error, c_error);
    let zero = s.f32_const(0.0);
    let less = s.f32_lt(error, zero);
    let more = s.f32_lt(zero, error);
    let inexact = s.bool_or(less, more);
    odd(s, sum, inexact, less)
}

/// Whether a half is no number.
pub(crate) fn is_nan<S: ArithBuilder>(s: &mut S, format: HalfFormat, value: S::I32) -> S::Bool {
    let magnitude = s.i32_and_const(value, MAGNITUDE);
    let infinity = s.i32_const(format.infinity());
    s.i32_lt_s(infinity, magnitude)
}

/// A half with subnormals as zeros of the same sign.
pub(crate) fn flushed<S: ArithBuilder>(s: &mut S, format: HalfFormat, value: S::I32) -> S::I32 {
    let magnitude = s.i32_and_const(value, MAGNITUDE);
    let normal = s.i32_const(format.normal());
    let small = s.i32_lt_s(magnitude, normal);
    let zero = s.i32_and_const(value, SIGN);
    s.i32_select(small, zero, value)
}

/// The largest half in place of an infinity.
pub(crate) fn finite<S: ArithBuilder>(s: &mut S, format: HalfFormat, value: S::I32) -> S::I32 {
    let magnitude = s.i32_and_const(value, MAGNITUDE);
    let infinity = s.i32_const(format.infinity());
    let infinite = s.i32_eq(magnitude, infinity);
    let one = s.i32_const(1);
    let largest = s.i32_sub(value, one);
    s.i32_select(infinite, largest, value)
}

/// Zero where the sign is set, else the half. A NaN must be the one without a sign.
pub(crate) fn rectified<S: ArithBuilder>(s: &mut S, value: S::I32) -> S::I32 {
    let sign = s.i32_const(SIGN);
    let positive = s.i32_lt_s(value, sign);
    let zero = s.i32_const(0);
    s.i32_select(positive, value, zero)
}

/// A half from 0 to 1; NaN, which must be the one without a sign, becomes zero.
pub(crate) fn saturated<S: ArithBuilder>(s: &mut S, format: HalfFormat, value: S::I32) -> S::I32 {
    let one = s.i32_const(format.one());
    let below = s.i32_lt_s(value, one);
    let clamped = s.i32_select(below, value, one);
    let (zero, nan) = (s.i32_const(0), s.i32_const(NAN));
    let number = s.i32_lt_s(value, nan);
    s.i32_select(number, clamped, zero)
}

/// The lesser of two halves, or the greater. A NaN loses, or wins; the negative zero is less.
pub(crate) fn chosen<S: ArithBuilder>(
    s: &mut S,
    format: HalfFormat,
    [a, b]: [S::I32; 2],
    (greater, nan_wins): (bool, bool),
) -> S::I32 {
    // Integers in the same order.
    let key = |s: &mut S, value| {
        let upper = s.i32_shl(value, 16);
        let sign = s.i32_shr_s(upper, 31);
        let flip = s.i32_shr_u(sign, 1);
        s.i32_xor(upper, flip)
    };
    let (x, y) = (key(s, a), key(s, b));
    let first = if greater {
        s.i32_lt_s(y, x)
    } else {
        s.i32_lt_s(x, y)
    };
    let value = s.i32_select(first, a, b);
    let (a_is_nan, b_is_nan) = (is_nan(s, format, a), is_nan(s, format, b));
    let nan = s.i32_const(NAN);
    if nan_wins {
        let any = s.bool_or(a_is_nan, b_is_nan);
        return s.i32_select(any, nan, value);
    }
    let value = s.i32_select(b_is_nan, a, value);
    let other = s.i32_select(b_is_nan, nan, b);
    s.i32_select(a_is_nan, other, value)
}

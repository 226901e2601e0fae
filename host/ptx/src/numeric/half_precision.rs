//! The 16-bit formats by way of single precision: conversions, and arithmetic that is rounded once.
//!
//! A single has more than twice the bits of a half. So the sum and the product of two halves, rounded
//! to a single, round to the half that is nearest to the exact one. A fused product and sum does not:
//! there what is lost is kept in the lowest bit first (rounding to odd), which decides between two
//! halves that would else be as near.

use crate::numeric::Round;
use crate::numeric::{ArithBuilder, directed_rounding};

/// One of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// 5 bits of exponent, 10 of fraction.
    Half,
    /// The upper half of a single.
    Brain,
}

use Kind::{Brain, Half};

/// The NaN that operations give.
pub(crate) const NAN: u32 = 0x7fff;
pub(crate) const SIGN: u32 = 0x8000;
const MAGNITUDE: u32 = 0x7fff;

impl Kind {
    pub(crate) fn infinity(self) -> u32 {
        match self {
            Half => 0x7c00,
            Brain => 0x7f80,
        }
    }

    pub(crate) fn one(self) -> u32 {
        match self {
            Half => 0x3c00,
            Brain => 0x3f80,
        }
    }

    fn normal(self) -> u32 {
        match self {
            Half => 0x0400,
            Brain => 0x0080,
        }
    }
}

/// The single that a half is equal to. The half is in the upper 16 bits of the word, above zeros.
pub(crate) fn to_single<S: ArithBuilder>(s: &mut S, kind: Kind, upper: S::Word) -> S::Single {
    if kind == Brain {
        return s.of_bits(upper);
    }
    // With the fraction where a single has it, the exponent is too small by a constant.
    let shifted = s.right_signed(upper, 3);
    let moved = s.and_mask(shifted, 0x8fff_e000);
    let small = s.of_bits(moved);
    let scale = s.single(f32::from_bits((127 + 112) << 23));
    let value = s.mul(small, scale);
    let field = s.and_mask(moved, 0x0f80_0000);
    let all = s.word(0x0f80_0000);
    let special = s.same(field, all);
    let exponent = s.word(0x7f80_0000);
    let other = s.or(moved, exponent);
    let other = s.of_bits(other);
    s.pick(special, other, value)
}

/// The half that a single becomes in a direction, in the low bits of a word; NaN becomes the one NaN.
pub(crate) fn of_single<S: ArithBuilder>(
    s: &mut S,
    kind: Kind,
    round: Round,
    x: S::Single,
) -> S::Word {
    let bits = s.bits(x);
    let magnitude = s.and_mask(bits, 0x7fff_ffff);
    let sign = s.right(bits, 16);
    let sign = s.and_mask(sign, SIGN);
    let rounded = match kind {
        Half => half_magnitude(s, round, bits, magnitude),
        Brain => shortened(s, round, (bits, magnitude), 16),
    };
    let value = s.or(rounded, sign);
    let nan = s.word(NAN);
    let number = s.eq(x, x);
    s.choose(number, value, nan)
}

/// Whether a direction is away from zero for a number of this sign: a word of 0 or 1.
fn outwards<S: ArithBuilder>(s: &mut S, round: Round, bits: S::Word) -> S::Word {
    let negative = s.right(bits, 31);
    let one = s.word(1);
    match round {
        Round::Down => negative,
        Round::Up => s.xor(negative, one),
        _ => s.word(0),
    }
}

/// A magnitude without so many of its lowest bits, rounded.
fn shortened<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    (bits, magnitude): (S::Word, S::Word),
    by: u32,
) -> S::Word {
    let half = 1 << (by - 1);
    let more = match round {
        Round::Nearest => {
            let odd = s.right(magnitude, by);
            let odd = s.and_mask(odd, 1);
            s.plus_constant(odd, half - 1)
        }
        Round::Away => s.word(half),
        Round::Zero => s.word(0),
        // All bits that are lost, where it goes outwards.
        Round::Down | Round::Up => {
            let outwards = outwards(s, round, bits);
            let shifted = s.left(outwards, by);
            s.minus(shifted, outwards)
        }
    };
    let sum = s.plus(magnitude, more);
    s.right(sum, by)
}

/// A single with ten bits of fraction; where `finite`, the largest one in place of infinity. NaN
/// becomes the one NaN.
pub(crate) fn tensor_float<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    finite: bool,
    x: S::Single,
) -> S::Single {
    let bits = s.bits(x);
    let magnitude = s.and_mask(bits, 0x7fff_ffff);
    let mut short = shortened(s, round, (bits, magnitude), 13);
    if finite {
        let most = s.word((0x7f80_0000 >> 13) - 1);
        let fits = s.less(short, most);
        short = s.choose(fits, short, most);
    }
    let sign = s.and_mask(bits, 1 << 31);
    let value = s.left(short, 13);
    let value = s.or(value, sign);
    let value = s.of_bits(value);
    let nan = s.single(f32::from_bits(0x7fff_ffff));
    let number = s.eq(x, x);
    s.pick(number, value, nan)
}

fn half_magnitude<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    bits: S::Word,
    magnitude: S::Word,
) -> S::Word {
    // Just below 2^16, which is past the largest half.
    let limit = s.word(0x477f_ffff);
    let fits = s.less(magnitude, limit);
    let clamped = s.choose(fits, magnitude, limit);
    let value = s.of_bits(clamped);
    // A power of two so large that a sum with it has the half's bits, and no more.
    let field = s.and_mask(clamped, 0x7f80_0000);
    let least = s.word(0x3880_0000);
    let subnormal = s.less(field, least);
    let field = s.choose(subnormal, least, field);
    let large = s.plus_constant(field, 13 << 23);
    let large_value = s.of_bits(large);
    let sum = s.add(value, large_value);
    let sum_bits = s.bits(sum);
    let fraction = s.minus(sum_bits, large);
    let exponent = s.right(field, 13);
    let exponent = s.plus_constant(exponent, (0x3880_0000_u32 >> 13).wrapping_neg());
    let nearest = s.plus(exponent, fraction);
    if round == Round::Nearest {
        return nearest;
    }
    // Back by one where the nearest is on the wrong side.
    let found = s.sub(sum, large_value);
    let (zero, one) = (s.word(0), s.word(1));
    let above = s.lt(value, found);
    let less = s.choose(above, one, zero);
    let inner = s.minus(nearest, less);
    let directed = if round == Round::Zero {
        inner
    } else {
        let outwards = outwards(s, round, bits);
        let exact = s.eq(value, found);
        let outwards = s.choose(exact, zero, outwards);
        s.plus(inner, outwards)
    };
    // What is past the largest half, but no infinity, stays within where it does not go outwards.
    let infinity = s.word(0x7f80_0000);
    let finite = s.less(magnitude, infinity);
    let half_infinity = s.word(Half.infinity());
    s.choose(finite, directed, half_infinity)
}

/// A single that is rounded to odd: one that is not exactly what it stands for has its lowest bit
/// set, between the two singles around that. `less` is whether the exact number is below it.
fn odd<S: ArithBuilder>(
    s: &mut S,
    value: S::Single,
    inexact: S::Truth,
    less: S::Truth,
) -> S::Single {
    // Less in magnitude where the error's sign is not the value's.
    let bits = s.bits(value);
    let (zero, one) = (s.word(0), s.word(1));
    let less = s.choose(less, one, zero);
    let negative = s.right(bits, 31);
    let inwards = s.xor(less, negative);
    let below = s.minus(bits, inwards);
    let odd = s.or(below, one);
    let odd = s.of_bits(odd);
    s.pick(inexact, odd, value)
}

/// A double as a single that rounds to the half that the double would.
pub(crate) fn odd_of_double<S: ArithBuilder>(s: &mut S, value: S::Double) -> S::Single {
    let single = s.demote(value);
    let back = s.promote(single);
    let less = s.wide_lt(value, back);
    let more = s.wide_lt(back, value);
    let inexact = s.either(less, more);
    odd(s, single, inexact, less)
}

/// `a * b + c` of halves, as a single that rounds to the half nearest to the exact one.
pub(crate) fn fused<S: ArithBuilder>(
    s: &mut S,
    kind: Kind,
    [a, b, c]: [S::Single; 3],
) -> S::Single {
    if kind == Brain {
        // Products may be smaller than any single, so that what is lost cannot be told as one.
        let nearest = s.fma(a, b, c);
        let (above, below) = directed_rounding::sides(s, nearest, [a, b, c]);
        let inexact = s.either(above, below);
        return odd(s, nearest, inexact, above);
    }
    // The product is exact; what its sum lacks is what the steps back lack.
    let product = s.mul(a, b);
    let sum = s.add(product, c);
    let back = s.sub(sum, product);
    let rest = s.sub(sum, back);
    let product_error = s.sub(product, rest);
    let c_error = s.sub(c, back);
    let error = s.add(product_error, c_error);
    let zero = s.single(0.0);
    let less = s.lt(error, zero);
    let more = s.lt(zero, error);
    let inexact = s.either(less, more);
    odd(s, sum, inexact, less)
}

/// Whether a half is no number.
pub(crate) fn is_nan<S: ArithBuilder>(s: &mut S, kind: Kind, value: S::Word) -> S::Truth {
    let magnitude = s.and_mask(value, MAGNITUDE);
    let infinity = s.word(kind.infinity());
    s.less(infinity, magnitude)
}

/// A half with subnormals as zeros of the same sign.
pub(crate) fn flushed<S: ArithBuilder>(s: &mut S, kind: Kind, value: S::Word) -> S::Word {
    let magnitude = s.and_mask(value, MAGNITUDE);
    let normal = s.word(kind.normal());
    let small = s.less(magnitude, normal);
    let zero = s.and_mask(value, SIGN);
    s.choose(small, zero, value)
}

/// The largest half in place of an infinity.
pub(crate) fn finite<S: ArithBuilder>(s: &mut S, kind: Kind, value: S::Word) -> S::Word {
    let magnitude = s.and_mask(value, MAGNITUDE);
    let infinity = s.word(kind.infinity());
    let infinite = s.same(magnitude, infinity);
    let one = s.word(1);
    let largest = s.minus(value, one);
    s.choose(infinite, largest, value)
}

/// Zero where the sign is set, else the half. A NaN must be the one without a sign.
pub(crate) fn rectified<S: ArithBuilder>(s: &mut S, value: S::Word) -> S::Word {
    let sign = s.word(SIGN);
    let positive = s.less(value, sign);
    let zero = s.word(0);
    s.choose(positive, value, zero)
}

/// A half from 0 to 1; NaN, which must be the one without a sign, becomes zero.
pub(crate) fn saturated<S: ArithBuilder>(s: &mut S, kind: Kind, value: S::Word) -> S::Word {
    let one = s.word(kind.one());
    let below = s.less(value, one);
    let clamped = s.choose(below, value, one);
    let (zero, nan) = (s.word(0), s.word(NAN));
    let number = s.less(value, nan);
    s.choose(number, clamped, zero)
}

/// The lesser of two halves, or the greater. A NaN loses, or wins; the negative zero is less.
pub(crate) fn chosen<S: ArithBuilder>(
    s: &mut S,
    kind: Kind,
    [a, b]: [S::Word; 2],
    (greater, nan_wins): (bool, bool),
) -> S::Word {
    // Integers in the same order.
    let key = |s: &mut S, value| {
        let upper = s.left(value, 16);
        let sign = s.right_signed(upper, 31);
        let flip = s.right(sign, 1);
        s.xor(upper, flip)
    };
    let (x, y) = (key(s, a), key(s, b));
    let first = if greater { s.less(y, x) } else { s.less(x, y) };
    let value = s.choose(first, a, b);
    let (a_is_nan, b_is_nan) = (is_nan(s, kind, a), is_nan(s, kind, b));
    let nan = s.word(NAN);
    if nan_wins {
        let any = s.either(a_is_nan, b_is_nan);
        return s.choose(any, nan, value);
    }
    let value = s.choose(b_is_nan, a, value);
    let other = s.choose(b_is_nan, nan, b);
    s.choose(a_is_nan, other, value)
}

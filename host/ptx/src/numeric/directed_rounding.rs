//! Directed rounding of `f32` (IEEE 754-2019, section 4.3): the nearest f32, and one step back where it lies on
//! the wrong side of the exact result. On which side it lies is found in f64, which has
//! all bits of a product of two f32 values.

use crate::numeric::ArithBuilder;
use crate::numeric::Round;

/// The next f32: further from zero, or nearer.
fn moved<S: ArithBuilder>(s: &mut S, bits: S::I32, outwards: bool) -> S::F32 {
    let by = if outwards { 1 } else { u32::MAX };
    let next = s.i32_add_const(bits, by);
    s.f32_from_bits(next)
}

/// The nearest f32, put right: `above` and `below` say where it lies next to the exact result.
fn corrected<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    nearest: S::F32,
    (above, below): (S::Bool, S::Bool),
) -> S::F32 {
    let bits = s.f32_to_bits(nearest);
    let zero = s.i32_const(0);
    let negative = s.i32_lt_s(bits, zero);
    let (inner, outer) = (moved(s, bits, false), moved(s, bits, true));
    match round {
        Round::Down => {
            let next = s.f32_select(negative, outer, inner);
            s.f32_select(above, next, nearest)
        }
        Round::Up => {
            let next = s.f32_select(negative, inner, outer);
            s.f32_select(below, next, nearest)
        }
        _ => {
            let positive = s.bool_not(negative);
            let (above, below) = (s.bool_and(above, positive), s.bool_and(below, negative));
            let too_large = s.bool_or(above, below);
            s.f32_select(too_large, inner, nearest)
        }
    }
}

/// An f64.
pub(crate) fn from_f64<S: ArithBuilder>(s: &mut S, round: Round, value: S::F64) -> S::F32 {
    let nearest = s.f32_from_f64(value);
    let back = s.f64_from_f32(nearest);
    let sides = (s.f64_lt(value, back), s.f64_lt(back, value));
    corrected(s, round, nearest, sides)
}

/// An f64, and what it lacks: less than half of its last bit.
pub(crate) fn of_sum<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    value: S::F64,
    lost: S::F64,
) -> S::F32 {
    let nearest = s.f32_from_f64(value);
    let back = s.f64_from_f32(nearest);
    let (more, less) = (s.f64_lt(value, back), s.f64_lt(back, value));
    let same = s.f64_eq(value, back);
    let zero = s.f32_const(0.0);
    let zero = s.f64_from_f32(zero);
    let (lost_more, lost_less) = (s.f64_lt(lost, zero), s.f64_lt(zero, lost));
    let (lost_more, lost_less) = (s.bool_and(same, lost_more), s.bool_and(same, lost_less));
    let sides = (s.bool_or(more, lost_more), s.bool_or(less, lost_less));
    corrected(s, round, nearest, sides)
}

/// `a * b`.
pub(crate) fn product<S: ArithBuilder>(s: &mut S, round: Round, a: S::F32, b: S::F32) -> S::F32 {
    let (a, b) = (s.f64_from_f32(a), s.f64_from_f32(b));
    let product = s.f64_mul(a, b);
    from_f64(s, round, product)
}

/// `a / b`.
pub(crate) fn quotient<S: ArithBuilder>(s: &mut S, round: Round, a: S::F32, b: S::F32) -> S::F32 {
    let nearest = s.f32_div(a, b);
    // Above the exact quotient is above the dividend, times the divisor, or below if that is negative.
    let zero = s.f32_const(0.0);
    let negative = s.f32_lt(b, zero);
    let [a, b, value] = [a, b, nearest].map(|value| s.f64_from_f32(value));
    let product = s.f64_mul(value, b);
    let (more, less) = (s.f64_lt(a, product), s.f64_lt(product, a));
    let positive = s.bool_not(negative);
    let above = [s.bool_and(more, positive), s.bool_and(less, negative)];
    let below = [s.bool_and(less, positive), s.bool_and(more, negative)];
    let sides = (s.bool_or(above[0], above[1]), s.bool_or(below[0], below[1]));
    corrected(s, round, nearest, sides)
}

/// The square root.
pub(crate) fn root<S: ArithBuilder>(s: &mut S, round: Round, a: S::F32) -> S::F32 {
    let nearest = s.f32_sqrt(a);
    let [a, value] = [a, nearest].map(|value| s.f64_from_f32(value));
    let square = s.f64_mul(value, value);
    let sides = (s.f64_lt(a, square), s.f64_lt(square, a));
    corrected(s, round, nearest, sides)
}

/// `a + b`.
pub(crate) fn sum<S: ArithBuilder>(s: &mut S, round: Round, a: S::F32, b: S::F32) -> S::F32 {
    let one = s.f32_const(1.0);
    fused(s, round, [a, one, b])
}

/// `a * b + c`.
pub(crate) fn fused<S: ArithBuilder>(s: &mut S, round: Round, [a, b, c]: [S::F32; 3]) -> S::F32 {
    let nearest = if round == Round::Down {
        // So that a sum that is exactly zero is the negative one, unless both are positive.
        let (minus_a, minus_c) = (s.f32_neg(a), s.f32_neg(c));
        let value = s.f32_fma(minus_a, b, minus_c);
        s.f32_neg(value)
    } else {
        s.f32_fma(a, b, c)
    };
    let sides = sides(s, nearest, [a, b, c]);
    corrected(s, round, nearest, sides)
}

/// Whether the f32 nearest to `a * b + c` is above it, and whether it is below.
///
/// It is above where `nearest - c` is above the product. Where that difference is not exact, `c` is
/// far smaller, and what was lost is found from it.
pub(crate) fn sides<S: ArithBuilder>(
    s: &mut S,
    nearest: S::F32,
    [a, b, c]: [S::F32; 3],
) -> (S::Bool, S::Bool) {
    let [a, b, c, value] = [a, b, c, nearest].map(|value| s.f64_from_f32(value));
    let product = s.f64_mul(a, b);
    let difference = s.f64_sub(value, c);
    let back = s.f64_sub(value, difference);
    let more = s.f64_lt(product, difference);
    let less = s.f64_lt(difference, product);
    let same = s.f64_eq(difference, product);
    let lost_more = s.f64_lt(c, back);
    let lost_less = s.f64_lt(back, c);
    let (lost_more, lost_less) = (s.bool_and(same, lost_more), s.bool_and(same, lost_less));
    (s.bool_or(more, lost_more), s.bool_or(less, lost_less))
}

//! Single precision, rounded in a direction: the nearest single, and one step back where it lies on
//! the wrong side of the exact result. On which side it lies is found in double precision, which has
//! all bits of a product of two singles.

use crate::numeric::ArithBuilder;
use crate::numeric::Round;

/// The next single: further from zero, or nearer.
fn moved<S: ArithBuilder>(s: &mut S, bits: S::Word, outwards: bool) -> S::Single {
    let by = if outwards { 1 } else { u32::MAX };
    let next = s.plus_constant(bits, by);
    s.of_bits(next)
}

/// The nearest single, put right: `above` and `below` say where it lies next to the exact result.
fn corrected<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    nearest: S::Single,
    (above, below): (S::Truth, S::Truth),
) -> S::Single {
    let bits = s.bits(nearest);
    let zero = s.word(0);
    let negative = s.less(bits, zero);
    let (inner, outer) = (moved(s, bits, false), moved(s, bits, true));
    match round {
        Round::Down => {
            let next = s.pick(negative, outer, inner);
            s.pick(above, next, nearest)
        }
        Round::Up => {
            let next = s.pick(negative, inner, outer);
            s.pick(below, next, nearest)
        }
        _ => {
            let positive = s.not(negative);
            let (above, below) = (s.both(above, positive), s.both(below, negative));
            let too_large = s.either(above, below);
            s.pick(too_large, inner, nearest)
        }
    }
}

/// A double.
pub(crate) fn of_double<S: ArithBuilder>(s: &mut S, round: Round, value: S::Double) -> S::Single {
    let nearest = s.demote(value);
    let back = s.promote(nearest);
    let sides = (s.wide_lt(value, back), s.wide_lt(back, value));
    corrected(s, round, nearest, sides)
}

/// A double, and what it lacks: less than half of its last bit.
pub(crate) fn of_sum<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    value: S::Double,
    lost: S::Double,
) -> S::Single {
    let nearest = s.demote(value);
    let back = s.promote(nearest);
    let (more, less) = (s.wide_lt(value, back), s.wide_lt(back, value));
    let same = s.wide_eq(value, back);
    let zero = s.single(0.0);
    let zero = s.promote(zero);
    let (lost_more, lost_less) = (s.wide_lt(lost, zero), s.wide_lt(zero, lost));
    let (lost_more, lost_less) = (s.both(same, lost_more), s.both(same, lost_less));
    let sides = (s.either(more, lost_more), s.either(less, lost_less));
    corrected(s, round, nearest, sides)
}

/// `a * b`.
pub(crate) fn product<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    a: S::Single,
    b: S::Single,
) -> S::Single {
    let (a, b) = (s.promote(a), s.promote(b));
    let product = s.wide_mul(a, b);
    of_double(s, round, product)
}

/// `a / b`.
pub(crate) fn quotient<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    a: S::Single,
    b: S::Single,
) -> S::Single {
    let nearest = s.div(a, b);
    // Above the exact quotient is above the dividend, times the divisor, or below if that is negative.
    let zero = s.single(0.0);
    let negative = s.lt(b, zero);
    let [a, b, value] = [a, b, nearest].map(|value| s.promote(value));
    let product = s.wide_mul(value, b);
    let (more, less) = (s.wide_lt(a, product), s.wide_lt(product, a));
    let positive = s.not(negative);
    let above = [s.both(more, positive), s.both(less, negative)];
    let below = [s.both(less, positive), s.both(more, negative)];
    let sides = (s.either(above[0], above[1]), s.either(below[0], below[1]));
    corrected(s, round, nearest, sides)
}

/// The square root.
pub(crate) fn root<S: ArithBuilder>(s: &mut S, round: Round, a: S::Single) -> S::Single {
    let nearest = s.sqrt(a);
    let [a, value] = [a, nearest].map(|value| s.promote(value));
    let square = s.wide_mul(value, value);
    let sides = (s.wide_lt(a, square), s.wide_lt(square, a));
    corrected(s, round, nearest, sides)
}

/// `a + b`.
pub(crate) fn sum<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    a: S::Single,
    b: S::Single,
) -> S::Single {
    let one = s.single(1.0);
    fused(s, round, [a, one, b])
}

/// `a * b + c`.
pub(crate) fn fused<S: ArithBuilder>(
    s: &mut S,
    round: Round,
    [a, b, c]: [S::Single; 3],
) -> S::Single {
    let nearest = if round == Round::Down {
        // So that a sum that is exactly zero is the negative one, unless both are positive.
        let (minus_a, minus_c) = (s.minus_single(a), s.minus_single(c));
        let value = s.fma(minus_a, b, minus_c);
        s.minus_single(value)
    } else {
        s.fma(a, b, c)
    };
    let sides = sides(s, nearest, [a, b, c]);
    corrected(s, round, nearest, sides)
}

/// Whether the single nearest to `a * b + c` is above it, and whether it is below.
///
/// It is above where `nearest - c` is above the product. Where that difference is not exact, `c` is
/// far smaller, and what was lost is found from it.
pub(crate) fn sides<S: ArithBuilder>(
    s: &mut S,
    nearest: S::Single,
    [a, b, c]: [S::Single; 3],
) -> (S::Truth, S::Truth) {
    let [a, b, c, value] = [a, b, c, nearest].map(|value| s.promote(value));
    let product = s.wide_mul(a, b);
    let difference = s.wide_sub(value, c);
    let back = s.wide_sub(value, difference);
    let more = s.wide_lt(product, difference);
    let less = s.wide_lt(difference, product);
    let same = s.wide_eq(difference, product);
    let lost_more = s.wide_lt(c, back);
    let lost_less = s.wide_lt(back, c);
    let (lost_more, lost_less) = (s.both(same, lost_more), s.both(same, lost_less));
    (s.either(more, lost_more), s.either(less, lost_less))
}

//! Integers in pairs of 16 bits, and results that are clamped (`.sat`) or zero instead of negative
//! (`.relu`).

use crate::numeric::eval::Flags;
use crate::numeric::int_builder::IntBinary::*;
use crate::numeric::int_builder::IntBuilder;

/// The bits of a pair that are its signs.
const SIGNS: u64 = 0x8000_8000;

/// `add` of pairs. The signs are added apart, so that no carry leaves the lower half.
pub(super) fn add_pairs<B: IntBuilder>(b: &mut B, _: Flags, [x, y]: [B::Int; 2]) -> B::Int {
    let low_x = b.binary_const(And, x, !SIGNS);
    let low_y = b.binary_const(And, y, !SIGNS);
    let sum = b.binary(Add, low_x, low_y);
    let signs = b.binary(Xor, x, y);
    let signs = b.binary_const(And, signs, SIGNS);
    b.binary(Xor, sum, signs)
}

/// Which of two numbers.
#[derive(Clone, Copy, PartialEq)]
enum Extreme {
    Less,
    Greater,
}

fn extreme<B: IntBuilder>(b: &mut B, which: Extreme, [x, y]: [B::Int; 2]) -> B::Int {
    let less = match which {
        Extreme::Less => b.binary(LtS, x, y),
        Extreme::Greater => b.binary(LtS, y, x),
    };
    b.int_select(less, x, y)
}

/// Zero instead of a negative number.
fn rectified<B: IntBuilder>(b: &mut B, value: B::Int) -> B::Int {
    let is_negative = b.binary_const(LtS, value, 0);
    let zero = b.word(0);
    b.int_select(is_negative, zero, value)
}

fn extreme_of_pairs<B: IntBuilder>(
    b: &mut B,
    which: Extreme,
    flags: Flags,
    pairs: [B::Int; 2],
) -> B::Int {
    let shift = if flags.to.is_signed() { ShrS } else { ShrU };
    let [low, high] = [16, 0].map(|up| {
        let halves = pairs.map(|pair| {
            let top = b.binary_const(Shl, pair, up);
            b.binary_const(shift, top, 16)
        });
        let value = extreme(b, which, halves);
        if flags.relu {
            rectified(b, value)
        } else {
            value
        }
    });
    let low = b.binary_const(And, low, 0xffff);
    let high = b.binary_const(Shl, high, 16);
    b.binary(Or, low, high)
}

/// `min` of pairs.
pub(super) fn min_pairs<B: IntBuilder>(b: &mut B, flags: Flags, pairs: [B::Int; 2]) -> B::Int {
    extreme_of_pairs(b, Extreme::Less, flags, pairs)
}

/// `max` of pairs.
pub(super) fn max_pairs<B: IntBuilder>(b: &mut B, flags: Flags, pairs: [B::Int; 2]) -> B::Int {
    extreme_of_pairs(b, Extreme::Greater, flags, pairs)
}

/// `min.relu.s32`.
pub(super) fn min_relu<B: IntBuilder>(b: &mut B, _: Flags, operands: [B::Int; 2]) -> B::Int {
    let value = extreme(b, Extreme::Less, operands);
    rectified(b, value)
}

/// `max.relu.s32`.
pub(super) fn max_relu<B: IntBuilder>(b: &mut B, _: Flags, operands: [B::Int; 2]) -> B::Int {
    let value = extreme(b, Extreme::Greater, operands);
    rectified(b, value)
}

/// `add.sat.s32`: a sum that does not fit is the largest or the least number.
pub(super) fn add_sat<B: IntBuilder>(b: &mut B, _: Flags, [x, y]: [B::Int; 2]) -> B::Int {
    let sum = b.binary(Add, x, y);
    // It does not fit where its sign is neither operand's.
    let first = b.binary(Xor, x, sum);
    let second = b.binary(Xor, y, sum);
    clamped(b, x, sum, [first, second])
}

/// `sub.sat.s32`: the same of a difference.
pub(super) fn sub_sat<B: IntBuilder>(b: &mut B, _: Flags, [x, y]: [B::Int; 2]) -> B::Int {
    let difference = b.binary(Sub, x, y);
    let first = b.binary(Xor, x, difference);
    let second = b.binary(Xor, x, y);
    clamped(b, x, difference, [first, second])
}

/// A result, or where both signs are set the number of the first operand's sign that is farthest from
/// zero.
fn clamped<B: IntBuilder>(b: &mut B, x: B::Int, result: B::Int, signs: [B::Int; 2]) -> B::Int {
    let wrong = b.binary(And, signs[0], signs[1]);
    let does_not_fit = b.binary_const(LtS, wrong, 0);
    let sign = b.binary_const(ShrS, x, 31);
    let limit = b.binary_const(Xor, sign, u64::from(i32::MAX.cast_unsigned()));
    b.int_select(does_not_fit, limit, result)
}

//! Integer instructions, each one function over [`IntBuilder`]: the interpreter computes it, the
//! compiler emits what computes it. An instruction whose operations the builder has needs a row in
//! `syntax/table/rows.rs` and a function here; `docs/adding-an-instruction.md` shows the steps.
//!
//! Names and meaning are those of the PTX ISA, sections "Integer Arithmetic Instructions", "Logic and
//! Shift Instructions" and their extensions. Since interpreter and compiler share these functions,
//! they are no check of each other here: `scalar_tests.rs` has the definitions once more, in numbers
//! of 128 bits.

mod bit_selection;
mod packed;

use crate::numeric::eval::{Eval, Flags};
use crate::numeric::evaluator::{Evaluator, Integer};
use crate::numeric::int_builder::IntBinary::*;
use crate::numeric::int_builder::IntUnary::*;
use crate::numeric::int_builder::{IntBuilder, Width};
use crate::numeric::integer::mask;
use crate::numeric::video_scalar::{vabsdiff, vadd, vmad, vmax, vmin, vset, vshl, vshr, vsub};
use crate::syntax::modifier::Modifier;
use crate::syntax::table::ScalarOp;
pub(crate) use bit_selection::any_of_three;
use bit_selection::{bfe, bfi, lop3, prmt};
use packed::{add_pairs, add_sat, max_pairs, max_relu, min_pairs, min_relu, sub_sat};

/// An operand of the instruction's first type.
#[inline(always)]
fn typed(bits: u64, flags: Flags) -> Integer {
    Integer::new(Width::of(flags.to), bits)
}

/// An operand of 32 bits, whatever the instruction's type.
#[inline(always)]
fn word(bits: u64, _: Flags) -> Integer {
    Integer::new(Width::W32, bits)
}

/// A function that computes the result from the bits of its operands.
macro_rules! evaluated {
    ($function:ident, $a:ident) => {
        Eval::One(|a, f| $function(&mut Evaluator, f, [$a(a, f)]).bits())
    };
    ($function:ident, $a:ident, $b:ident) => {
        Eval::Two(|a, b, f| $function(&mut Evaluator, f, [$a(a, f), $b(b, f)]).bits())
    };
    ($function:ident, $a:ident, $b:ident, $c:ident) => {
        Eval::Three(|a, b, c, f| {
            $function(&mut Evaluator, f, [$a(a, f), $b(b, f), $c(c, f)]).bits()
        })
    };
    ($function:ident, $a:ident, $b:ident, $c:ident, $d:ident) => {
        Eval::Four(|a, b, c, d, f| {
            $function(&mut Evaluator, f, [$a(a, f), $b(b, f), $c(c, f), $d(d, f)]).bits()
        })
    };
}

/// The function of each instruction, and how its operands are read.
macro_rules! scalar_instructions {
    ($($op:ident => $function:ident($($operand:ident),*);)*) => {
        /// The function as the interpreter calls it.
        pub(crate) fn eval(op: ScalarOp) -> Eval {
            match op {
                $(ScalarOp::$op => evaluated!($function, $($operand),*),)*
            }
        }

        /// The result by a builder; `None` where the operands are not as many as the function's.
        pub(crate) fn build<B: IntBuilder>(
            b: &mut B,
            op: ScalarOp,
            flags: Flags,
            operands: &[B::Int],
        ) -> Option<B::Int> {
            match op {
                $(ScalarOp::$op => Some($function(b, flags, operands.try_into().ok()?)),)*
            }
        }

        /// All of them, with the names of the functions that read their operands.
        #[cfg(test)]
        pub(crate) const ALL: &[(ScalarOp, &[&str])] =
            &[$((ScalarOp::$op, &[$(stringify!($operand)),*])),*];
    };
}

scalar_instructions! {
    AddPairs => add_pairs(typed, typed);
    AddSat => add_sat(typed, typed);
    Bfe => bfe(typed, word, word);
    Bfi => bfi(typed, typed, word, word);
    Bfind => bfind(typed);
    Bmsk => bmsk(word, word);
    Brev => brev(typed);
    Clz => clz(typed);
    Cnot => cnot(typed);
    Dp2a => dp2a(word, word, word);
    Dp4a => dp4a(word, word, word);
    Lop3 => lop3(word, word, word, word);
    Mad24 => mad24(typed, typed, typed);
    MaxPairs => max_pairs(typed, typed);
    MaxRelu => max_relu(typed, typed);
    MinPairs => min_pairs(typed, typed);
    MinRelu => min_relu(typed, typed);
    Mul24 => mul24(typed, typed);
    Not => not(typed);
    Popc => popc(typed);
    Prmt => prmt(word, word, word);
    Sad => sad(typed, typed, typed);
    ShfLeft => shf_left(word, word, word);
    ShfRight => shf_right(word, word, word);
    SubSat => sub_sat(typed, typed);
    Szext => szext(typed, word);
    Vabsdiff => vabsdiff(word, word, word);
    Vadd => vadd(word, word, word);
    Vmad => vmad(word, word, word);
    Vmax => vmax(word, word, word);
    Vmin => vmin(word, word, word);
    Vset => vset(word, word, word);
    Vshl => vshl(word, word, word);
    Vshr => vshr(word, word, word);
    Vsub => vsub(word, word, word);
}

/// `popc`: how many bits are set.
fn popc<B: IntBuilder>(b: &mut B, _: Flags, [a]: [B::Int; 1]) -> B::Int {
    let count = b.unary(Popcnt, a);
    b.in_w32(count)
}

/// `clz`: how many bits are zero above the highest one that is set.
fn clz<B: IntBuilder>(b: &mut B, _: Flags, [a]: [B::Int; 1]) -> B::Int {
    let count = b.unary(Clz, a);
    b.in_w32(count)
}

/// `bfind`: where the highest bit is that is not a copy of the sign, or how far it has to be shifted
/// to become the top one; all bits set where there is none.
fn bfind<B: IntBuilder>(b: &mut B, flags: Flags, [a]: [B::Int; 1]) -> B::Int {
    let bits = b.width(a).bits();
    let mut value = a;
    if flags.to.is_signed() {
        let sign = b.binary_const(ShrS, a, u64::from(bits - 1));
        value = b.binary(Xor, a, sign);
    }
    let count = b.unary(Clz, value);
    let count = b.in_w32(count);
    let place = if flags.is(Modifier::Shiftamt) {
        count
    } else {
        let top = b.word(bits - 1);
        b.binary(Sub, top, count)
    };
    let empty = b.binary_const(Eq, value, 0);
    let none = b.word(u32::MAX);
    b.int_select(empty, none, place)
}

/// `brev`: the bits in reverse. Neighbours change places: bits, pairs of bits, and so on.
fn brev<B: IntBuilder>(b: &mut B, _: Flags, [a]: [B::Int; 1]) -> B::Int {
    let bits = b.width(a).bits();
    let mut value = a;
    for (by, keep) in [
        (1, 0x5555_5555_5555_5555),
        (2, 0x3333_3333_3333_3333),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (8, 0x00ff_00ff_00ff_00ff),
        (16, 0x0000_ffff_0000_ffff),
        (32, 0x0000_0000_ffff_ffff),
    ] {
        if by == bits {
            break;
        }
        let high = b.binary_const(ShrU, value, u64::from(by));
        let high = b.binary_const(And, high, keep);
        let low = b.binary_const(And, value, keep);
        let low = b.binary_const(Shl, low, u64::from(by));
        value = b.binary(Or, low, high);
    }
    value
}

/// `not`: all bits turned over; of a predicate, the one that it has.
fn not<B: IntBuilder>(b: &mut B, flags: Flags, [a]: [B::Int; 1]) -> B::Int {
    b.binary_const(Xor, a, mask(flags.to.bits()))
}

/// `cnot`: 1 where the operand is zero, else 0.
fn cnot<B: IntBuilder>(b: &mut B, _: Flags, [a]: [B::Int; 1]) -> B::Int {
    let is_zero = b.binary_const(Eq, a, 0);
    match b.width(a) {
        Width::W32 => is_zero,
        Width::W64 => b.in_w64(is_zero, false),
    }
}

/// `sad`: the distance of two numbers, and a third.
fn sad<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let ty = flags.to;
    let (x, y) = (b.signed(ty, x), b.signed(ty, y));
    let less = b.less_than(ty, x, y);
    let (up, down) = (b.binary(Sub, y, x), b.binary(Sub, x, y));
    let distance = b.int_select(less, up, down);
    let sum = b.binary(Add, distance, c);
    b.narrowed(ty, sum)
}

/// Bits 0 to 31 of the product of the low 24 bits, or bits 16 to 47.
fn product24<B: IntBuilder>(b: &mut B, flags: Flags, factors: [B::Int; 2]) -> B::Int {
    let signed = flags.to.is_signed();
    let [x, y] = factors.map(|factor| {
        let top = b.binary_const(Shl, factor, 8);
        b.binary_const(if signed { ShrS } else { ShrU }, top, 8)
    });
    if !flags.is(Modifier::Hi) {
        return b.binary(Mul, x, y);
    }
    let (x, y) = (b.in_w64(x, signed), b.in_w64(y, signed));
    let product = b.binary(Mul, x, y);
    let high = b.binary_const(ShrU, product, 16);
    b.in_w32(high)
}

/// `mul24`: the product of the low 24 bits, of which `.hi` and `.lo` choose 32.
fn mul24<B: IntBuilder>(b: &mut B, flags: Flags, factors: [B::Int; 2]) -> B::Int {
    product24(b, flags, factors)
}

/// `mad24`: the same and a third number. With `.sat`, which signed numbers alone have, a sum that
/// does not fit is the nearest number that does.
fn mad24<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let product = product24(b, flags, [x, y]);
    if !flags.sat {
        return b.binary(Add, product, c);
    }
    let (product, c) = (b.in_w64(product, true), b.in_w64(c, true));
    let sum = b.binary(Add, product, c);
    let least = b.int(Width::W64, i64::from(i32::MIN).cast_unsigned());
    let most = b.int(Width::W64, i64::from(i32::MAX).cast_unsigned());
    let below = b.binary(LtS, sum, least);
    let above = b.binary(LtS, most, sum);
    let sum = b.int_select(below, least, sum);
    let sum = b.int_select(above, most, sum);
    b.in_w32(sum)
}

/// `dp4a`: the products of four bytes each, added to a third number.
fn dp4a<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let mut sum = c;
    for part in 0..4 {
        let x = b.field(x, 8 * part, 8, flags.to.is_signed());
        let y = b.field(y, 8 * part, 8, flags.from.is_signed());
        let product = b.binary(Mul, x, y);
        sum = b.binary(Add, sum, product);
    }
    sum
}

/// `dp2a`: the products of two halves and two bytes, which `.hi` and `.lo` choose, added to a third
/// number.
fn dp2a<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let first = if flags.is(Modifier::Hi) { 16 } else { 0 };
    let mut sum = c;
    for part in 0..2 {
        let x = b.field(x, 16 * part, 16, flags.to.is_signed());
        let y = b.field(y, first + 8 * part, 8, flags.from.is_signed());
        let product = b.binary(Mul, x, y);
        sum = b.binary(Add, sum, product);
    }
    sum
}

/// `shf.l`: the upper half of 64 bits that are shifted left.
fn shf_left<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    let (both, amount) = funnel(b, flags, operands);
    let shifted = b.binary(Shl, both, amount);
    let upper = b.binary_const(ShrU, shifted, 32);
    b.in_w32(upper)
}

/// `shf.r`: the lower half of 64 bits that are shifted right.
fn shf_right<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    let (both, amount) = funnel(b, flags, operands);
    let shifted = b.binary(ShrU, both, amount);
    b.in_w32(shifted)
}

/// What a funnel shift shifts, whose upper half is the second operand, and by how much: more than 32
/// counts as 32, or with `.wrap` modulo 32.
fn funnel<B: IntBuilder>(
    b: &mut B,
    flags: Flags,
    [low, high, amount]: [B::Int; 3],
) -> (B::Int, B::Int) {
    let amount = if flags.is(Modifier::Wrap) {
        b.binary_const(And, amount, 31)
    } else {
        b.at_most(amount, 32)
    };
    let (low, high) = (b.in_w64(low, false), b.in_w64(high, false));
    let amount = b.in_w64(amount, false);
    let high = b.binary_const(Shl, high, 32);
    let both = b.binary(Or, high, low);
    (both, amount)
}

/// `szext`: the low bits, as many as the second operand says, extended by their sign where the type
/// has one. More than 32 count as 32, or with `.wrap` modulo 32; none give zero.
fn szext<B: IntBuilder>(b: &mut B, flags: Flags, [a, len]: [B::Int; 2]) -> B::Int {
    let len = if flags.is(Modifier::Wrap) {
        b.binary_const(And, len, 31)
    } else {
        b.at_most(len, 32)
    };
    let width = b.word(32);
    let unused = b.binary(Sub, width, len);
    let top = b.binary(Shl, a, unused);
    let shift = if flags.to.is_signed() { ShrS } else { ShrU };
    let extended = b.binary(shift, top, unused);
    let is_empty = b.binary_const(Eq, len, 0);
    let zero = b.word(0);
    b.int_select(is_empty, zero, extended)
}

/// `bmsk`: a mask of so many bits from a position on. Position and length above 32 count as 32, or
/// with `.wrap` modulo 32.
fn bmsk<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 2]) -> B::Int {
    let [pos, len] = operands.map(|operand| {
        let bounded = if flags.is(Modifier::Wrap) {
            b.binary_const(And, operand, 31)
        } else {
            b.at_most(operand, 32)
        };
        b.in_w64(bounded, false)
    });
    let one = b.int(Width::W64, 1);
    let above = b.binary(Shl, one, len);
    let ones = b.binary_const(Sub, above, 1);
    let placed = b.binary(Shl, ones, pos);
    b.in_w32(placed)
}

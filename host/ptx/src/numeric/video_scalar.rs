//! Scalar video instructions (PTX ISA, "Scalar Video Instructions"), over [`IntBuilder`] as in
//! `scalar.rs`: parts of two registers are computed with, the result is clamped where that is asked
//! for, and then goes through a second operation, or into a part of the last operand.
//!
//! Everything is in 64 bits, where no intermediate result overflows, but for what the functions say.

use crate::numeric::eval::Flags;
use crate::numeric::int_builder::IntBinary::*;
use crate::numeric::int_builder::{IntBuilder, Width};
use crate::numeric::integer::mask;
use crate::syntax::modifier::Modifier;
use crate::syntax::tree::Part;
use crate::syntax::types::Type;

pub(crate) fn vadd<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    primary(b, flags, operands, |b, x, y| b.binary(Add, x, y))
}

pub(crate) fn vsub<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    primary(b, flags, operands, |b, x, y| b.binary(Sub, x, y))
}

pub(crate) fn vabsdiff<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    primary(b, flags, operands, |b, x, y| {
        let less = b.binary(LtS, x, y);
        let (up, down) = (b.binary(Sub, y, x), b.binary(Sub, x, y));
        b.int_select(less, up, down)
    })
}

pub(crate) fn vmin<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    primary(b, flags, operands, least)
}

pub(crate) fn vmax<B: IntBuilder>(b: &mut B, flags: Flags, operands: [B::Int; 3]) -> B::Int {
    primary(b, flags, operands, most)
}

/// An instruction whose operands have types of their own, and whose result may be clamped.
fn primary<B: IntBuilder>(
    b: &mut B,
    flags: Flags,
    [x, y, c]: [B::Int; 3],
    function: impl FnOnce(&mut B, B::Int, B::Int) -> B::Int,
) -> B::Int {
    let x = part(b, x, flags.video.a, flags.from.is_signed());
    let y = part(b, y, flags.video.b, flags.third.is_signed());
    let value = function(b, x, y);
    let value = saturated(b, flags, value, true);
    finished(b, flags, flags.to, value, c)
}

/// `vshl`: a number whose type is unsigned may need all 64 bits then.
pub(crate) fn vshl<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let signed = flags.from.is_signed();
    let x = part(b, x, flags.video.a, signed);
    let amount = amount(b, flags, y);
    let value = b.binary(Shl, x, amount);
    let value = saturated(b, flags, value, signed);
    finished(b, flags, flags.to, value, c)
}

pub(crate) fn vshr<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let x = part(b, x, flags.video.a, flags.from.is_signed());
    let amount = amount(b, flags, y);
    let value = b.binary(ShrS, x, amount);
    let value = saturated(b, flags, value, true);
    finished(b, flags, flags.to, value, c)
}

/// By how much is shifted: more than 32 counts as 32, or with `.wrap` modulo 32.
fn amount<B: IntBuilder>(b: &mut B, flags: Flags, y: B::Int) -> B::Int {
    let amount = part(b, y, flags.video.b, false);
    if flags.is(Modifier::Wrap) {
        return b.binary_const(And, amount, 31);
    }
    b.at_most(amount, 32)
}

/// `vset`: its types are those of its operands; the result is an unsigned number.
pub(crate) fn vset<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let x = part(b, x, flags.video.a, flags.to.is_signed());
    let y = part(b, y, flags.video.b, flags.from.is_signed());
    let outcomes = [b.binary(LtS, x, y), b.binary(Eq, x, y), b.binary(LtS, y, x)];
    let mut holds = b.word(0);
    for (bit, outcome) in outcomes.into_iter().enumerate() {
        if (flags.accepted >> bit) & 1 == 1 {
            holds = b.binary(Or, holds, outcome);
        }
    }
    let value = b.in_w64(holds, false);
    finished(b, flags, Type::U32, value, c)
}

/// `vmad`: a product and a sum, exact, of which the scale drops low bits. Both are unsigned if the
/// operands are, and the product is not negated; the result is unsigned if besides nothing is
/// negated at all.
pub(crate) fn vmad<B: IntBuilder>(b: &mut B, flags: Flags, [x, y, c]: [B::Int; 3]) -> B::Int {
    let video = flags.video;
    let are_unsigned = !flags.from.is_signed() && !flags.third.is_signed();
    let negates = video.negates_product || video.negates_addend;
    let is_unsigned = are_unsigned && !negates;
    let x = part(b, x, video.a, flags.from.is_signed());
    let y = part(b, y, video.b, flags.third.is_signed());
    let mut sum = b.binary(Mul, x, y);
    if flags.sat && are_unsigned && negates {
        // One that needs all 64 bits is out of range with any addend and scale, as this number is.
        let most = b.int(Width::W64, 1 << 62);
        let fits = b.binary(LtU, sum, most);
        sum = b.int_select(fits, sum, most);
    }
    let zero = b.int(Width::W64, 0);
    if video.negates_product {
        sum = b.binary(Sub, zero, sum);
    }
    let mut addend = b.in_w64(c, !is_unsigned);
    if video.negates_addend {
        addend = b.binary(Sub, zero, addend);
    }
    sum = b.binary(Add, sum, addend);
    if video.plus_one {
        sum = b.binary_const(Add, sum, 1);
    }
    let scale = match flags.variant {
        Some(Modifier::Shr7) => 7,
        Some(Modifier::Shr15) => 15,
        _ => 0,
    };
    let shift = if is_unsigned { ShrU } else { ShrS };
    let mut value = b.binary_const(shift, sum, scale);
    if flags.sat {
        value = if is_unsigned {
            let most = b.int(Width::W64, mask(32));
            let fits = b.binary(LtU, value, most);
            b.int_select(fits, value, most)
        } else {
            clamped(b, value, true, 32)
        };
    }
    b.in_w32(value)
}

/// A part of a register as a number of 64 bits.
fn part<B: IntBuilder>(b: &mut B, word: B::Int, part: Part, signed: bool) -> B::Int {
    let value = match part {
        Part::Word => word,
        _ => b.field(word, part.shift(), part.bits(), signed),
    };
    b.in_w64(value, signed)
}

fn least<B: IntBuilder>(b: &mut B, x: B::Int, y: B::Int) -> B::Int {
    let less = b.binary(LtS, x, y);
    b.int_select(less, x, y)
}

fn most<B: IntBuilder>(b: &mut B, x: B::Int, y: B::Int) -> B::Int {
    let less = b.binary(LtS, x, y);
    b.int_select(less, y, x)
}

/// The nearest number of so many bits.
fn clamped<B: IntBuilder>(b: &mut B, value: B::Int, signed: bool, bits: u32) -> B::Int {
    let (low, high) = if signed {
        (-1i64 << (bits - 1), mask(bits - 1))
    } else {
        (0, mask(bits))
    };
    let low = b.int(Width::W64, low.cast_unsigned());
    let high = b.int(Width::W64, high);
    let value = most(b, value, low);
    least(b, value, high)
}

/// With `.sat` the nearest number that the result, or its part that is written, can have.
fn saturated<B: IntBuilder>(b: &mut B, flags: Flags, value: B::Int, signed: bool) -> B::Int {
    if !flags.sat {
        return value;
    }
    let mut value = value;
    if !signed {
        // The value is unsigned: where it has the top bit, it is beyond any range.
        let top = b.int(Width::W64, 1 << 62);
        let fits = b.binary(LtU, value, top);
        value = b.int_select(fits, value, top);
    }
    clamped(b, value, flags.to.is_signed(), flags.video.result.bits())
}

/// The second operation of a result of this type, or its merge into the last operand.
fn finished<B: IntBuilder>(b: &mut B, flags: Flags, ty: Type, value: B::Int, c: B::Int) -> B::Int {
    let into = flags.video.result;
    if into != Part::Word {
        let value = b.in_w32(value);
        let value = b.binary_const(And, value, mask(into.bits()));
        let value = b.binary_const(Shl, value, u64::from(into.shift()));
        let rest = b.binary_const(And, c, !(mask(into.bits()) << into.shift()));
        return b.binary(Or, value, rest);
    }
    let Some(secondary) = flags.secondary else {
        return b.in_w32(value);
    };
    // Both are signed numbers of 33 bits here, as the manual has it.
    let value = b.binary_const(Shl, value, 31);
    let value = b.binary_const(ShrS, value, 31);
    let c = b.in_w64(c, ty.is_signed());
    let value = match secondary {
        Modifier::Min => least(b, value, c),
        Modifier::Max => most(b, value, c),
        _ => b.binary(Add, value, c),
    };
    b.in_w32(value)
}

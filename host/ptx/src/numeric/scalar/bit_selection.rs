//! Instructions that choose bits: fields of a word (`bfe`, `bfi`), any function of three bits (`lop3`),
//! and bytes of two words (`prmt`).

use std::cmp::Ordering;

use crate::numeric::eval::Flags;
use crate::numeric::int_builder::IntBinary::*;
use crate::numeric::int_builder::{IntBuilder, Width};
use crate::syntax::modifier::Modifier;

/// An amount in the width of the value that is shifted by it.
fn amount<B: IntBuilder>(b: &mut B, width: Width, amount: B::Int) -> B::Int {
    match width {
        Width::W32 => amount,
        Width::W64 => b.in_w64(amount, false),
    }
}

/// So many low bits set; all of them from the width on.
fn ones<B: IntBuilder>(b: &mut B, width: Width, len: B::Int) -> B::Int {
    let inside = b.binary_const(LtU, len, u64::from(width.bits()));
    let len = amount(b, width, len);
    let one = b.int(width, 1);
    let above = b.binary(Shl, one, len);
    let low = b.binary_const(Sub, above, 1);
    let all = b.int(width, u64::MAX);
    b.int_select(inside, low, all)
}

/// `bfe`: the field of so many bits from a position on; its sign fills the rest where the type is
/// signed. Position and length are read modulo 256, and bits past the width are copies of the sign, or
/// zero.
pub(super) fn bfe<B: IntBuilder>(b: &mut B, flags: Flags, [a, pos, len]: [B::Int; 3]) -> B::Int {
    let width = b.width(a);
    let bits = u64::from(width.bits());
    let pos = b.binary_const(And, pos, 0xff);
    let len = b.binary_const(And, len, 0xff);
    if !flags.to.is_signed() {
        let is_inside = b.binary_const(LtU, pos, bits);
        let pos = amount(b, width, pos);
        let moved = b.binary(ShrU, a, pos);
        let mask = ones(b, width, len);
        let field = b.binary(And, moved, mask);
        let zero = b.int(width, 0);
        return b.int_select(is_inside, field, zero);
    }
    // The field goes to the top, and from there down with its sign.
    let is_empty = b.binary_const(Eq, len, 0);
    let first = b.at_most(pos, bits - 1);
    let end = b.binary(Add, first, len);
    let end = b.at_most(end, bits);
    let whole = b.word(width.bits());
    let above = b.binary(Sub, whole, end);
    let unused = b.binary(Add, above, first);
    let (above, unused) = (amount(b, width, above), amount(b, width, unused));
    let top = b.binary(Shl, a, above);
    let field = b.binary(ShrS, top, unused);
    let zero = b.int(width, 0);
    b.int_select(is_empty, zero, field)
}

/// `bfi`: the second operand with low bits of the first in place of its own. Position and length are
/// read modulo 256; a position past the width changes nothing.
pub(super) fn bfi<B: IntBuilder>(b: &mut B, _: Flags, [a, base, pos, len]: [B::Int; 4]) -> B::Int {
    let width = b.width(a);
    let pos = b.binary_const(And, pos, 0xff);
    let len = b.binary_const(And, len, 0xff);
    let is_inside = b.binary_const(LtU, pos, u64::from(width.bits()));
    let pos = amount(b, width, pos);
    let mask = ones(b, width, len);
    let field = b.binary(Shl, mask, pos);
    let rest = b.binary_const(Xor, field, u64::MAX);
    let moved = b.binary(Shl, a, pos);
    let inserted = b.binary(And, moved, field);
    let kept = b.binary(And, base, rest);
    let both = b.binary(Or, inserted, kept);
    b.int_select(is_inside, both, base)
}

/// `lop3`: any function of three bits.
pub(super) fn lop3<B: IntBuilder>(b: &mut B, _: Flags, operands: [B::Int; 4]) -> B::Int {
    any_of_three(b, operands)
}

/// Any function of three bits. Its table is the fourth operand: bit `4x + 2y + z` of it is the result
/// for these bits.
pub(crate) fn any_of_three<B: IntBuilder>(b: &mut B, [x, y, z, table]: [B::Int; 4]) -> B::Int {
    let Some(known) = b.known(table) else {
        return looked_up(b, [x, y, z], table);
    };
    let (set, clear) = ((known >> 4) & 15, known & 15);
    let clear_value = of_two(b, clear, y, z);
    if set == clear {
        return clear_value;
    }
    if set == !clear & 15 {
        return b.binary(Xor, x, clear_value);
    }
    let set_value = of_two(b, set, y, z);
    choose(b, x, set_value, clear_value)
}

/// The bits of one value where those of `which` are set, else those of the other one.
fn choose<B: IntBuilder>(b: &mut B, which: B::Int, set: B::Int, clear: B::Int) -> B::Int {
    let differ = b.binary(Xor, set, clear);
    let picked = b.binary(And, differ, which);
    b.binary(Xor, picked, clear)
}

/// A function of three bits whose table is a value: each row of it is chosen by one bit after the other.
fn looked_up<B: IntBuilder>(b: &mut B, [x, y, z]: [B::Int; 3], table: B::Int) -> B::Int {
    let rows = [0, 1, 2, 3, 4, 5, 6, 7].map(|row| {
        let top = b.binary_const(Shl, table, 31 - row);
        b.binary_const(ShrS, top, 31)
    });
    let by_z = [0, 2, 4, 6].map(|row| choose(b, z, rows[row + 1], rows[row]));
    let by_y = [0, 2].map(|row| choose(b, y, by_z[row + 1], by_z[row]));
    choose(b, x, by_y[1], by_y[0])
}

/// Any function of two bits, whose table has four.
fn of_two<B: IntBuilder>(b: &mut B, table: u64, y: B::Int, z: B::Int) -> B::Int {
    let all = u64::from(u32::MAX);
    // The opposite of a result turns the upper half of the tables into the lower.
    if table & 1 == 1 && table != 15 {
        let value = of_two(b, !table & 15, y, z);
        return b.binary_const(Xor, value, all);
    }
    match table {
        0 => b.word(0),
        15 => b.word(u32::MAX),
        // Bit 3 is y & z, bit 2 is y & !z, bit 1 is !y & z.
        0b1000 => b.binary(And, y, z),
        0b0100 => {
            let z = b.binary_const(Xor, z, all);
            b.binary(And, y, z)
        }
        0b0010 => {
            let y = b.binary_const(Xor, y, all);
            b.binary(And, y, z)
        }
        0b1100 => y,
        0b1010 => z,
        0b0110 => b.binary(Xor, y, z),
        _ => b.binary(Or, y, z),
    }
}

/// `prmt`: four bytes out of the eight of two words. By default the third operand has a selector of
/// four bits for each byte, of which the top one asks for the byte's sign; in the other modes its two
/// low bits say where a pattern begins.
pub(super) fn prmt<B: IntBuilder>(
    b: &mut B,
    flags: Flags,
    [x, y, selector]: [B::Int; 3],
) -> B::Int {
    let mut result = None;
    for place in 0..4u32 {
        let picked = picked(b, flags.variant, selector, place);
        let byte = match b.known(picked) {
            Some(known) => known_byte(b, [x, y], known, 8 * place),
            None => {
                let byte = byte(b, [x, y], picked, flags.variant.is_none());
                b.binary_const(Shl, byte, u64::from(8 * place))
            }
        };
        result = Some(match result {
            Some(others) => b.binary(Or, others, byte),
            None => byte,
        });
    }
    result.unwrap_or(x)
}

/// Which byte goes to a place: bits 0 to 2 of the result and, in the default mode, bit 3 where its sign
/// is wanted instead. The bits above are left over.
fn picked<B: IntBuilder>(
    b: &mut B,
    mode: Option<Modifier>,
    selector: B::Int,
    place: u32,
) -> B::Int {
    let Some(mode) = mode else {
        return b.binary_const(ShrU, selector, u64::from(4 * place));
    };
    let place = u64::from(place);
    let first = b.binary_const(And, selector, 3);
    let index = match mode {
        Modifier::F4e => b.binary_const(Add, first, place),
        Modifier::B4e => b.binary_const(Sub, first, place),
        Modifier::Ecl => {
            let is_less = b.binary_const(LtU, first, place);
            let place = b.int(Width::W32, place);
            b.int_select(is_less, place, first)
        }
        Modifier::Ecr => b.at_most(first, place),
        Modifier::Rc16 => {
            let half = b.binary_const(And, selector, 1);
            let half = b.binary_const(Shl, half, 1);
            b.binary_const(Or, half, place & 1)
        }
        // `.rc8`: the same byte everywhere.
        _ => first,
    };
    b.binary_const(And, index, 7)
}

/// A byte, or its sign, at a place where all else is zero.
fn known_byte<B: IntBuilder>(b: &mut B, words: [B::Int; 2], picked: u64, at: u32) -> B::Int {
    let word = if picked & 4 == 0 { words[0] } else { words[1] };
    let from = 8 * (picked as u32 & 3);
    let keep = 0xff << at;
    if picked & 8 != 0 {
        let top = b.binary_const(Shl, word, u64::from(24 - from));
        let sign = b.binary_const(ShrS, top, 31);
        return b.binary_const(And, sign, keep);
    }
    let moved = match at.cmp(&from) {
        Ordering::Less => b.binary_const(ShrU, word, u64::from(from - at)),
        Ordering::Equal => word,
        Ordering::Greater => b.binary_const(Shl, word, u64::from(at - from)),
    };
    b.binary_const(And, moved, keep)
}

/// The same, at the bottom, by a selector that is a value: bit by bit.
fn byte<B: IntBuilder>(b: &mut B, words: [B::Int; 2], picked: B::Int, may_be_sign: bool) -> B::Int {
    let is_second = b.binary_const(And, picked, 4);
    let word = b.int_select(is_second, words[1], words[0]);
    let is_upper = b.binary_const(And, picked, 2);
    let half = b.binary_const(ShrU, word, 16);
    let half = b.int_select(is_upper, half, word);
    let is_odd = b.binary_const(And, picked, 1);
    let byte = b.binary_const(ShrU, half, 8);
    let mut byte = b.int_select(is_odd, byte, half);
    if may_be_sign {
        let top = b.binary_const(Shl, byte, 24);
        let sign = b.binary_const(ShrS, top, 31);
        let is_sign = b.binary_const(And, picked, 8);
        byte = b.int_select(is_sign, sign, byte);
    }
    b.binary_const(And, byte, 0xff)
}

//! The scalar instructions against their definitions, written out in numbers of up to 128 bits: the
//! interpreter and the compiler share the functions of `scalar.rs`, so neither is a check of the other.
#![allow(clippy::unwrap_used)]

use crate::numeric::eval::{Eval, Flags};
use crate::numeric::integer::{Int, mask, range, wide};
use crate::numeric::scalar;
use crate::numeric::{Evaluator, IntBinary, IntBuilder, IntUnary, Integer, Width};
use crate::syntax::check::operand_type;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::{self, Op, OperandKind, ScalarOp, Slot};
use crate::syntax::types::Type;

fn narrow<T: Int>(value: i128) -> u64 {
    (value as u64) & mask(T::BITS)
}

fn fit<T: Int>(value: i128, flags: Flags) -> u64 {
    if flags.sat {
        let (least, most) = range::<T>();
        return narrow::<T>(value.clamp(least, most));
    }
    narrow::<T>(value)
}

/// The product of the low 24 bits, which has 48: its upper or lower 32.
fn product24<T: Int>(a: u64, b: u64, flags: Flags) -> i128 {
    let low = |bits: u64| {
        if T::SIGNED {
            i128::from((bits << 40).cast_signed() >> 40)
        } else {
            i128::from(bits & 0xff_ffff)
        }
    };
    let product = low(a) * low(b);
    let part = if flags.is(Modifier::Hi) {
        product >> 16
    } else {
        product
    };
    wide::<T>(part as u64)
}

fn mul24<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    narrow::<T>(product24::<T>(a, b, flags))
}

fn mad24<T: Int>(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    fit::<T>(product24::<T>(a, b, flags) + wide::<T>(c), flags)
}

fn sad<T: Int>(a: u64, b: u64, c: u64, _: Flags) -> u64 {
    narrow::<T>((wide::<T>(a) - wide::<T>(b)).abs() + wide::<T>(c))
}

/// The bytes, or halves, of a word as numbers.
fn parts<const COUNT: usize>(word: u64, bits: u32, signed: bool) -> [i64; COUNT] {
    let mut shift = 0;
    [(); COUNT].map(|()| {
        let part = (word >> shift) & mask(bits);
        shift += bits;
        if signed {
            (part << (64 - bits)).cast_signed() >> (64 - bits)
        } else {
            part.cast_signed()
        }
    })
}

fn dp4a(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    let a = parts::<4>(a, 8, flags.to.is_signed());
    let b = parts::<4>(b, 8, flags.from.is_signed());
    let sum: i64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    c.wrapping_add_signed(sum) & mask(32)
}

fn dp2a(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    let a = parts::<2>(a, 16, flags.to.is_signed());
    let shift = if flags.is(Modifier::Hi) { 16 } else { 0 };
    let b = parts::<2>(b >> shift, 8, flags.from.is_signed());
    let sum: i64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    c.wrapping_add_signed(sum) & mask(32)
}

fn popc(a: u64, _: Flags) -> u64 {
    u64::from(a.count_ones())
}

fn clz<T: Int>(a: u64, _: Flags) -> u64 {
    u64::from(a.leading_zeros() - (64 - T::BITS))
}

/// Where the highest bit is that is not a copy of the sign; all bits set where there is none.
fn bfind<T: Int>(a: u64, flags: Flags) -> u64 {
    let value = wide::<T>(a);
    let bits = (if value < 0 { !value } else { value }) as u64;
    if bits == 0 {
        return mask(32);
    }
    let place = 63 - bits.leading_zeros();
    if flags.is(Modifier::Shiftamt) {
        return u64::from(T::BITS - 1 - place);
    }
    u64::from(place)
}

fn brev<T: Int>(a: u64, _: Flags) -> u64 {
    a.reverse_bits() >> (64 - T::BITS)
}

/// The low `len` bits of `a`, extended by their sign where the type is signed. A length of the whole
/// width, or more where it is clamped, changes nothing.
fn szext<T: Int>(a: u64, len: u64, flags: Flags) -> u64 {
    let len = if flags.is(Modifier::Wrap) {
        len & 31
    } else {
        len.min(32)
    };
    if len == 0 {
        return 0;
    }
    let unused = 64 - len as u32;
    let value = a << unused;
    let extended = if T::SIGNED {
        (value.cast_signed() >> unused).cast_unsigned()
    } else {
        value >> unused
    };
    extended & mask(T::BITS)
}

/// A mask of `len` bits at `pos`.
fn bmsk(pos: u64, len: u64, flags: Flags) -> u64 {
    let (pos, len) = if flags.is(Modifier::Wrap) {
        (pos & 31, len & 31)
    } else {
        (pos.min(32), len.min(32))
    };
    // Both are at most 32.
    (mask(len as u32) << pos) & mask(32)
}

fn not<T: Int>(a: u64, _: Flags) -> u64 {
    !a & mask(T::BITS)
}

fn funnel(amount: u64, flags: Flags) -> u64 {
    if flags.is(Modifier::Wrap) {
        amount & 31
    } else {
        amount.min(32)
    }
}

/// The upper half of `b:a`, shifted left.
fn shf_left(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    (((b << 32) | a) << funnel(c, flags)) >> 32
}

/// The lower half of `b:a`, shifted right.
fn shf_right(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    (((b << 32) | a) >> funnel(c, flags)) & mask(32)
}

/// The field of `len` bits at `pos`; its sign fills the rest where the type is signed. Position and
/// length are read modulo 256, and bits past the width are copies of the sign, or zero.
fn bfe<T: Int>(a: u64, pos: u64, len: u64, _: Flags) -> u64 {
    let (pos, len) = ((pos & 0xff) as u32, (len & 0xff) as u32);
    if len == 0 {
        return 0;
    }
    let shifted = wide::<T>(a) >> pos.min(127);
    if len >= T::BITS {
        return narrow::<T>(shifted);
    }
    let field = (shifted as u64) & mask(len);
    // The sign is the field's top bit, or the value's where the field reaches past it.
    let top = (pos + len - 1).min(T::BITS - 1);
    let negative = T::SIGNED && (a >> top) & 1 == 1;
    if negative {
        return (field | !mask(len)) & mask(T::BITS);
    }
    field
}

/// `b` with the low `len` bits of `a` in place of its own at `pos`.
fn bfi<T: Int>(a: u64, b: u64, pos: u64, len: u64, _: Flags) -> u64 {
    let (pos, len) = ((pos & 0xff) as u32, (len & 0xff) as u32);
    if pos >= T::BITS {
        return b;
    }
    let field = (mask(len) << pos) & mask(T::BITS);
    (b & !field) | ((a << pos) & field)
}

/// Any function of three bits, whose value table is `table`.
fn lop3(a: u64, b: u64, c: u64, table: u64, _: Flags) -> u64 {
    let mut result = 0;
    for row in 0..8u32 {
        if (table >> row) & 1 == 1 {
            let pick = |bits: u64, bit: u32| if (row >> bit) & 1 == 1 { bits } else { !bits };
            result |= pick(a, 2) & pick(b, 1) & pick(c, 0);
        }
    }
    result & mask(32)
}

/// Picks four bytes out of the eight of `b:a`.
fn prmt(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    let bytes = (b << 32) | a;
    let byte = |index: u64| (bytes >> (8 * (index & 7))) & 0xff;
    let low = c & 3;
    let mut result = 0;
    for place in 0..4u64 {
        let picked = match flags.variant {
            Some(Modifier::F4e) => byte(low + place),
            Some(Modifier::B4e) => byte(low.wrapping_sub(place)),
            Some(Modifier::Rc8) => byte(low),
            Some(Modifier::Ecl) => byte(low.max(place)),
            Some(Modifier::Ecr) => byte(low.min(place)),
            Some(Modifier::Rc16) => byte((low & 1) * 2 + (place & 1)),
            _ => {
                let selector = c >> (4 * place);
                let value = byte(selector);
                match (selector & 8 != 0, value & 0x80 != 0) {
                    (false, _) => value,
                    (true, true) => 0xff,
                    (true, false) => 0,
                }
            }
        };
        result |= picked << (8 * place);
    }
    result
}

/// The halves of two pairs, each half as a number of its own.
fn of_halves(a: u64, b: u64, flags: Flags, function: impl Fn(i64, i64) -> i64) -> u64 {
    let signed = flags.to.is_signed();
    let (a, b) = (parts::<2>(a, 16, signed), parts::<2>(b, 16, signed));
    let half = |index: usize| function(a[index], b[index]).cast_unsigned() & mask(16);
    half(1) << 16 | half(0)
}

fn rectified(value: i64, flags: Flags) -> i64 {
    if flags.relu { value.max(0) } else { value }
}

fn add_pairs(a: u64, b: u64, flags: Flags) -> u64 {
    of_halves(a, b, flags, |a, b| a + b)
}

fn min_pairs(a: u64, b: u64, flags: Flags) -> u64 {
    of_halves(a, b, flags, |a, b| rectified(a.min(b), flags))
}

fn max_pairs(a: u64, b: u64, flags: Flags) -> u64 {
    of_halves(a, b, flags, |a, b| rectified(a.max(b), flags))
}

fn add_sat<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    fit::<T>(wide::<T>(a) + wide::<T>(b), flags)
}

fn sub_sat<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    fit::<T>(wide::<T>(a) - wide::<T>(b), flags)
}

fn min_relu<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a).min(wide::<T>(b)).max(0))
}

fn max_relu<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a).max(wide::<T>(b)).max(0))
}

/// The definition of an instruction of one type.
fn definition<T: Int>(op: ScalarOp) -> Eval {
    match op {
        ScalarOp::AddPairs => Eval::Two(add_pairs),
        ScalarOp::AddSat => Eval::Two(add_sat::<T>),
        ScalarOp::Bfe => Eval::Three(bfe::<T>),
        ScalarOp::Bfi => Eval::Four(bfi::<T>),
        ScalarOp::Bfind => Eval::One(bfind::<T>),
        ScalarOp::Bmsk => Eval::Two(bmsk),
        ScalarOp::Brev => Eval::One(brev::<T>),
        ScalarOp::Clz => Eval::One(clz::<T>),
        ScalarOp::Cnot => Eval::One(|a, _| u64::from(a == 0)),
        ScalarOp::Dp2a => Eval::Three(dp2a),
        ScalarOp::Dp4a => Eval::Three(dp4a),
        ScalarOp::Lop3 => Eval::Four(lop3),
        ScalarOp::Mad24 => Eval::Three(mad24::<T>),
        ScalarOp::MaxPairs => Eval::Two(max_pairs),
        ScalarOp::MaxRelu => Eval::Two(max_relu::<T>),
        ScalarOp::MinPairs => Eval::Two(min_pairs),
        ScalarOp::MinRelu => Eval::Two(min_relu::<T>),
        ScalarOp::Mul24 => Eval::Two(mul24::<T>),
        ScalarOp::Not => Eval::One(not::<T>),
        ScalarOp::Popc => Eval::One(popc),
        ScalarOp::Prmt => Eval::Three(prmt),
        ScalarOp::Sad => Eval::Three(sad::<T>),
        ScalarOp::ShfLeft => Eval::Three(shf_left),
        ScalarOp::ShfRight => Eval::Three(shf_right),
        ScalarOp::SubSat => Eval::Two(sub_sat::<T>),
        ScalarOp::Szext => Eval::Two(szext::<T>),
        video => panic!("{video:?} is defined in `video_scalar_tests.rs`"),
    }
}

fn defined(op: ScalarOp, ty: Type) -> Eval {
    match ty {
        Type::Pred => Eval::One(|a, _| a ^ 1),
        Type::U16 | Type::B16 => definition::<u16>(op),
        Type::S16 => definition::<i16>(op),
        Type::U32 | Type::B32 | Type::U16x2 | Type::S16x2 => definition::<u32>(op),
        Type::S32 => definition::<i32>(op),
        Type::U64 | Type::B64 => definition::<u64>(op),
        Type::S64 => definition::<i64>(op),
        other => panic!("no scalar instruction has type `{other}`"),
    }
}

fn call(eval: Eval, [a, b, c, d]: [u64; 4], flags: Flags) -> u64 {
    match eval {
        Eval::One(function) => function(a, flags),
        Eval::Two(function) => function(a, b, flags),
        Eval::Three(function) => function(a, b, c, flags),
        Eval::Four(function) => function(a, b, c, d, flags),
    }
}

/// All combinations of what may stand in the slots.
fn combinations(slots: &[Slot]) -> Vec<Vec<Modifier>> {
    let Some((slot, rest)) = slots.split_first() else {
        return vec![Vec::new()];
    };
    let mut choices: Vec<Option<Modifier>> = match slot {
        Slot::Need(words) | Slot::May(words) => words.iter().copied().map(Some).collect(),
        Slot::Of(types) => types.iter().map(|ty| Some(Modifier::Type(*ty))).collect(),
    };
    if matches!(slot, Slot::May(_)) {
        choices.push(None);
    }
    let rest = combinations(rest);
    let mut all = Vec::new();
    for choice in choices {
        for rest in &rest {
            all.push(choice.into_iter().chain(rest.iter().copied()).collect());
        }
    }
    all
}

/// Every form of every scalar instruction but the video instructions: its operation, its modifiers, and its operands' types.
fn forms() -> Vec<(&'static str, ScalarOp, Modifiers, Vec<Type>)> {
    let mut forms = Vec::new();
    for row in table::all() {
        let Op::Scalar(op) = row.op else {
            continue;
        };
        if op.is_video() {
            continue;
        }
        for words in combinations(row.slots) {
            let modifiers = Modifiers::of(&words);
            let sources = row.operands.iter().filter_map(|kind| match kind {
                OperandKind::Src(ty) => Some(operand_type(*ty, &modifiers)),
                _ => None,
            });
            forms.push((row.name, op, modifiers, sources.collect()));
        }
    }
    forms
}

/// A number that a type has, at the edges of it or at random.
fn operand(numbers: &mut fastrand::Rng, ty: Type) -> u64 {
    let top = 1u64 << (ty.bits() - 1);
    let near = numbers.u64(0..4);
    let bits = match numbers.u32(0..8) {
        0 => near,
        1 => near.wrapping_sub(4),
        2 => (top.wrapping_add(near)).wrapping_sub(2),
        3 => numbers.u64(0..80),
        4 => 1 << numbers.u32(0..64),
        5 => numbers.u64(..) >> numbers.u32(0..64),
        _ => numbers.u64(..),
    };
    bits & mask(ty.bits())
}

#[test]
fn scalar_instructions_compute_what_their_definitions_say() {
    let mut numbers = fastrand::Rng::with_seed(0x9e37_79b9_7f4a_7c15);
    for (name, op, modifiers, sources) in forms() {
        let flags = Flags::of(&modifiers);
        let (found, expected) = (scalar::eval(op), defined(op, modifiers.ty()));
        for _ in 0..20_000 {
            let mut operands = [0; 4];
            for (place, ty) in operands.iter_mut().zip(&sources) {
                *place = operand(&mut numbers, *ty);
            }
            assert_eq!(
                call(found, operands, flags),
                call(expected, operands, flags),
                "{name} {modifiers:?} of {operands:#x?}"
            );
        }
    }
}

/// Computes like the evaluator, but knows no value while code is built, as the compiler where an operand
/// is a register.
struct KnowsNoValue;

impl IntBuilder for KnowsNoValue {
    type Int = Integer;

    fn int(&mut self, width: Width, value: u64) -> Integer {
        Evaluator.int(width, value)
    }

    fn width(&self, a: Integer) -> Width {
        Evaluator.width(a)
    }

    fn known(&self, _: Integer) -> Option<u64> {
        None
    }

    fn unary(&mut self, op: IntUnary, a: Integer) -> Integer {
        Evaluator.unary(op, a)
    }

    fn binary(&mut self, op: IntBinary, a: Integer, b: Integer) -> Integer {
        Evaluator.binary(op, a, b)
    }

    fn int_select(&mut self, condition: Integer, yes: Integer, no: Integer) -> Integer {
        Evaluator.int_select(condition, yes, no)
    }
}

#[test]
fn scalar_instructions_compute_the_same_where_no_operand_is_known() {
    let mut numbers = fastrand::Rng::with_seed(7);
    for (name, op, modifiers, sources) in forms() {
        let (flags, expected) = (Flags::of(&modifiers), defined(op, modifiers.ty()));
        for _ in 0..2_000 {
            let mut operands = [0; 4];
            for (place, ty) in operands.iter_mut().zip(&sources) {
                *place = operand(&mut numbers, *ty);
            }
            let given: Vec<Integer> = operands
                .iter()
                .zip(&sources)
                .map(|(bits, ty)| Integer::new(Width::of(*ty), *bits))
                .collect();
            let found = scalar::build(&mut KnowsNoValue, op, flags, &given).unwrap();
            assert_eq!(
                found.bits(),
                call(expected, operands, flags),
                "{name} {modifiers:?} of {operands:#x?}"
            );
        }
    }
}

#[test]
fn scalar_instructions_read_their_operands_in_the_width_that_the_table_says() {
    for (name, op, modifiers, sources) in forms() {
        let (_, read) = scalar::ALL.iter().find(|(other, _)| *other == op).unwrap();
        assert_eq!(read.len(), sources.len(), "{name}");
        for (read, ty) in read.iter().zip(&sources) {
            let read_bits = match *read {
                "typed" => modifiers.ty().bits().max(32),
                _ => 32,
            };
            assert_eq!(read_bits, ty.bits().max(32), "{name} {modifiers:?}");
        }
    }
}

#[test]
fn every_scalar_operation_has_a_row() {
    let forms = forms();
    for (op, _) in scalar::ALL.iter().filter(|(op, _)| !op.is_video()) {
        assert!(forms.iter().any(|form| form.1 == *op), "{op:?}");
    }
}

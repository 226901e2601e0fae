//! The scalar video instructions against the manual's definition, written out in numbers of 128 bits.
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;

use crate::numeric::eval::{Eval, Flags, VideoOperands};
use crate::numeric::scalar;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::{self, Op, ScalarOp, Slot};
use crate::syntax::tree::Part;
use crate::syntax::types::Type;

const PARTS: [Part; 7] = [
    Part::Word,
    Part::Byte(0),
    Part::Byte(1),
    Part::Byte(2),
    Part::Byte(3),
    Part::Half(0),
    Part::Half(1),
];

/// What an instruction says, in the words of the manual.
struct Form {
    op: ScalarOp,
    words: Vec<Modifier>,
    operands: VideoOperands,
}

impl Form {
    fn types(&self) -> Vec<Type> {
        Modifiers::of(&self.words).types().collect()
    }

    fn has(&self, word: Modifier) -> bool {
        self.words.contains(&word)
    }

    fn flags(&self) -> Flags {
        Flags {
            video: VideoOperands {
                plus_one: self.has(Modifier::PlusOne),
                ..self.operands
            },
            ..Flags::of(&Modifiers::of(&self.words))
        }
    }
}

fn signed(ty: Type) -> bool {
    ty == Type::S32
}

fn extended(word: u64, bits: u32, is_signed: bool) -> i128 {
    let value = i128::from(word) & ((1 << bits) - 1);
    if is_signed && value >> (bits - 1) != 0 {
        value - (1 << bits)
    } else {
        value
    }
}

fn selected(word: u64, part: Part, ty: Type) -> i128 {
    extended(word >> part.shift(), part.bits(), signed(ty))
}

fn clamp(value: i128, bits: u32, is_signed: bool) -> i128 {
    if is_signed {
        value.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        value.clamp(0, (1 << bits) - 1)
    }
}

fn multiplied(form: &Form, [a, b, c]: [u64; 3]) -> u64 {
    let types = form.types();
    let VideoOperands {
        negates_product,
        negates_addend,
        ..
    } = form.operands;
    let product = selected(a, form.operands.a, types[1]) * selected(b, form.operands.b, types[2]);
    let is_signed = signed(types[1]) || signed(types[2]) || negates_product || negates_addend;
    let c = extended(c, 32, is_signed);
    let mut sum = if negates_product { -product } else { product };
    sum += if negates_addend { -c } else { c };
    sum += i128::from(form.has(Modifier::PlusOne));
    if form.has(Modifier::Shr7) {
        sum >>= 7;
    }
    if form.has(Modifier::Shr15) {
        sum >>= 15;
    }
    if form.has(Modifier::Sat) {
        sum = clamp(sum, 32, is_signed);
    }
    sum as u64 & 0xffff_ffff
}

fn defined(form: &Form, [a, b, c]: [u64; 3]) -> u64 {
    if form.op == ScalarOp::Vmad {
        return multiplied(form, [a, b, c]);
    }
    let types = form.types();
    // A comparison has no type of its result.
    let (to, first, second) = match types.as_slice() {
        [first, second] => (Type::U32, *first, *second),
        [to, first, second] => (*to, *first, *second),
        other => panic!("{other:?}"),
    };
    let a = selected(a, form.operands.a, first);
    let b = selected(b, form.operands.b, second);
    let amount = if form.has(Modifier::Wrap) {
        b & 31
    } else {
        b.min(32)
    };
    let holds = match a.cmp(&b) {
        Ordering::Less => [Modifier::Lt, Modifier::Le, Modifier::Ne],
        Ordering::Equal => [Modifier::Eq, Modifier::Le, Modifier::Ge],
        Ordering::Greater => [Modifier::Gt, Modifier::Ge, Modifier::Ne],
    };
    let mut value = match form.op {
        ScalarOp::Vadd => a + b,
        ScalarOp::Vsub => a - b,
        ScalarOp::Vabsdiff => (a - b).abs(),
        ScalarOp::Vmin => a.min(b),
        ScalarOp::Vmax => a.max(b),
        ScalarOp::Vset => i128::from(holds.iter().any(|word| form.has(*word))),
        ScalarOp::Vshl => a << amount,
        ScalarOp::Vshr => a >> amount,
        other => panic!("{other:?}"),
    };
    let into = form.operands.result;
    if form.has(Modifier::Sat) {
        value = clamp(value, into.bits(), signed(to));
    }
    if into != Part::Word {
        let keep = ((1u64 << into.bits()) - 1) << into.shift();
        return (c & !keep) | (((value as u64) << into.shift()) & keep);
    }
    // The intermediate result has 33 bits and a sign.
    let value33 = extended(value as u64, 33, true);
    let addend = extended(c, 32, signed(to));
    let value = if form.has(Modifier::Add) {
        value33 + addend
    } else if form.has(Modifier::Min) {
        value33.min(addend)
    } else if form.has(Modifier::Max) {
        value33.max(addend)
    } else {
        value
    };
    value as u64 & 0xffff_ffff
}

/// A form of a row, with every choice at random.
fn any_form(op: ScalarOp, slots: &[Slot], numbers: &mut fastrand::Rng) -> Form {
    let mut words = Vec::new();
    for slot in slots {
        match slot {
            Slot::Need(choices) => words.push(*numbers.choice(*choices).unwrap()),
            Slot::May(choices) if numbers.bool() => words.push(*numbers.choice(*choices).unwrap()),
            Slot::May(_) => {}
            Slot::Of(types) => words.push(Modifier::Type(*numbers.choice(*types).unwrap())),
        }
    }
    let mut part = || *numbers.choice(&PARTS).unwrap();
    // Where the row has no second operation, a part may be merged into the last operand.
    let mut operands = VideoOperands {
        result: part(),
        a: part(),
        b: part(),
        ..VideoOperands::default()
    };
    let has = |word| words.contains(&word);
    let second = has(Modifier::Add) || has(Modifier::Min) || has(Modifier::Max);
    if second || op == ScalarOp::Vmad {
        operands.result = Part::Word;
    }
    if op == ScalarOp::Vmad && !has(Modifier::PlusOne) {
        match numbers.u32(0..3) {
            0 => operands.negates_product = true,
            1 => operands.negates_addend = true,
            _ => {}
        }
    }
    Form {
        op,
        words,
        operands,
    }
}

#[test]
fn scalar_video_instructions_compute_what_the_manual_says() {
    let mut numbers = fastrand::Rng::with_seed(0x2545_f491_4f6c_dd1d);
    let mut seen = 0;
    for row in table::all() {
        let Op::Scalar(op) = row.op else {
            continue;
        };
        if !op.is_video() {
            continue;
        }
        seen += 1;
        for _ in 0..200_000 {
            let form = any_form(op, row.slots, &mut numbers);
            let Eval::Three(function) = scalar::eval(op) else {
                panic!("{op:?} has three operands");
            };
            let operands = [(); 3].map(|()| match numbers.u32(0..6) {
                0 => numbers.u64(0..3),
                1 => numbers.u64(0x7fff_fffe..0x8000_0002),
                2 => numbers.u64(0xffff_fffd..=0xffff_ffff),
                3 => numbers.u64(0..70),
                4 => 0x8080_7f7f,
                _ => numbers.u64(0..=0xffff_ffff),
            });
            let [a, b, c] = operands;
            assert_eq!(
                function(a, b, c, form.flags()),
                defined(&form, operands),
                "{} {:?} {:?} of {operands:#x?}",
                row.name,
                form.words,
                form.operands
            );
        }
    }
    assert_eq!(seen, 25);
}

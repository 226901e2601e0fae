//! Holds every row of the table of instructions against the parser, the checker, the printer and the
//! interpreter: whatever the table lists, all of them know.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use crate::address::GLOBAL_BASE;
use crate::interpret::run_grid;
use crate::simt::{Launch, Memory, MemoryError};
use crate::syntax::check::operand_type;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::{self, Op, OperandKind, Row, Slot};
use crate::syntax::types::{Space, Type};
use crate::{Extent, Limits, parse};

/// A memory that holds zeros and forgets what is written.
struct Zeros;

impl Memory for Zeros {
    fn load(&self, _: u64, _: u32) -> Result<u64, MemoryError> {
        Ok(0)
    }

    fn store(&self, _: u64, _: u32, _: u64) -> Result<(), MemoryError> {
        Ok(())
    }

    fn update(&self, _: u64, _: u32, f: &mut dyn FnMut(u64) -> u64) -> Result<u64, MemoryError> {
        f(0);
        Ok(0)
    }
}

/// What may stand in a slot; `None` is nothing.
fn choices(slot: &Slot) -> Vec<Option<Modifier>> {
    match slot {
        Slot::Need(words) => words.iter().copied().map(Some).collect(),
        Slot::May(words) => std::iter::once(None)
            .chain(words.iter().copied().map(Some))
            .collect(),
        Slot::Of(types) => types.iter().map(|ty| Some(Modifier::Type(*ty))).collect(),
    }
}

/// The forms of a row: all types with the first of each other choice, and each other choice once.
fn forms(row: &Row) -> Vec<Modifiers> {
    let all: Vec<Vec<Option<Modifier>>> = row.slots.iter().map(choices).collect();
    let mut forms = Vec::new();
    for varied in 0..all.len().max(1) {
        let count = all.get(varied).map_or(1, Vec::len);
        for choice in 0..count {
            let mut modifiers = Modifiers::new();
            for (index, slot) in all.iter().enumerate() {
                let chosen = slot[if index == varied { choice } else { 0 }];
                if let Some(word) = chosen {
                    modifiers.push(word).unwrap();
                }
            }
            if row.accepts(modifiers.as_slice()) && !forms.contains(&modifiers) {
                forms.push(modifiers);
            }
        }
    }
    forms
}

fn register(ty: Type, number: usize) -> String {
    let class = match ty {
        Type::Pred => "p",
        Type::F32 => "f",
        Type::F64 => "g",
        _ if ty.bits() <= 16 => "h",
        _ if ty.bits() == 32 => "r",
        _ => "d",
    };
    format!("%{class}{number}")
}

fn operand(kind: OperandKind, number: usize, row: &Row, modifiers: &Modifiers) -> String {
    let typed = |ty| register(operand_type(ty, modifiers), number);
    match kind {
        OperandKind::Dst(ty) | OperandKind::DstLoose(ty) | OperandKind::SrcLoose(ty) => typed(ty),
        OperandKind::Src(_)
            if matches!(row.op, Op::Barrier | Op::BarrierArrive | Op::BarrierReduce) =>
        {
            let last_but_one = row
                .operands
                .iter()
                .take(number)
                .filter(|kind| matches!(kind, OperandKind::Src(_)));
            if last_but_one.count() == 0 {
                "0".into()
            } else {
                "32".into()
            }
        }
        OperandKind::Src(_) if matches!(row.op, Op::CopyAsync | Op::CopyBulk) && number == 2 => {
            "16".into()
        }
        OperandKind::Src(_) if row.op == Op::WarpgroupMultiply && number > 3 => "1".into(),
        OperandKind::Src(table::Ty::Is(Type::U32)) => "1".into(),
        OperandKind::Src(ty) => typed(ty),
        OperandKind::DstPair(ty) => format!("{}|%p7", typed(ty)),
        OperandKind::PredPair => format!("%p{number}|%p7"),
        OperandKind::DstPart(ty) => format!("{}.b1", typed(ty)),
        OperandKind::SrcPart(ty) if number == 3 => typed(ty),
        OperandKind::SrcPart(ty) => format!("{}.h1", typed(ty)),
        OperandKind::DstMasked(ty) if matches!(row.op, Op::Video(_, 2)) => {
            format!("{}.h1", typed(ty))
        }
        OperandKind::DstMasked(ty) => format!("{}.b20", typed(ty)),
        OperandKind::SrcSelected(ty) if matches!(row.op, Op::Video(_, 2)) => {
            format!("{}.h30", typed(ty))
        }
        OperandKind::SrcSelected(ty) => format!("{}.b7034", typed(ty)),
        OperandKind::SrcPred => format!("!%p{number}"),
        OperandKind::DstLanes | OperandKind::SrcLanes => {
            let lanes: Vec<String> = (0..modifiers.lanes())
                .map(|lane| register(modifiers.ty(), lane))
                .collect();
            if lanes.len() == 1 {
                lanes[0].clone()
            } else {
                format!("{{{}}}", lanes.join(", "))
            }
        }
        OperandKind::DstMove | OperandKind::SrcMove => register(modifiers.ty(), number),
        OperandKind::DstVector(ty, count) | OperandKind::SrcVector(ty, count) => {
            let ty = operand_type(ty, modifiers);
            let registers: Vec<String> = (0..usize::from(count))
                .map(|place| register(ty, place))
                .collect();
            format!("{{{}}}", registers.join(", "))
        }
        OperandKind::DstWarpgroup(ty) => {
            let ty = match operand_type(ty, modifiers) {
                Type::F16 => Type::B32,
                other => other,
            };
            let count = modifiers.warpgroup_registers();
            let registers: Vec<String> = (0..count).map(|place| register(ty, place % 8)).collect();
            format!("{{{}}}", registers.join(", "))
        }
        OperandKind::SrcMatrix => "%d1".into(),
        OperandKind::SrcCopied => "!%p1".into(),
        OperandKind::AddressIn(Space::Shared) => "[s]".into(),
        OperandKind::AddressIn(_) => "[%base]".into(),
        OperandKind::Address if matches!(row.op, Op::LoadMatrix | Op::StoreMatrix) => "[s]".into(),
        OperandKind::Address => match modifiers.space() {
            Space::Shared => "[s]".into(),
            Space::Local => "[l]".into(),
            Space::Const => "[c]".into(),
            Space::Param if row.op == Op::St => "[a]".into(),
            Space::Param => "[p]".into(),
            _ => "[%base]".into(),
        },
        OperandKind::Label => "end".into(),
        OperandKind::Labels => "list".into(),
        OperandKind::Call => "(%r1), callee, (%r2)".into(),
    }
}

/// A module for one form, or `None` where the table allows what no instruction does.
fn text(row: &Row, modifiers: &Modifiers) -> Option<String> {
    let lanes = u32::try_from(modifiers.lanes()).unwrap();
    if matches!(row.op, Op::Ld | Op::St) && modifiers.ty().bits() * lanes > 128 {
        return None;
    }
    if row.op == Op::Cvt && crate::syntax::check::conversion(modifiers).is_err() {
        return None;
    }
    let words: String = modifiers
        .as_slice()
        .iter()
        .map(|word| format!(".{}", word.text()))
        .collect();
    let operands: Vec<String> = row
        .operands
        .iter()
        .enumerate()
        .map(|(number, kind)| operand(*kind, number, row, modifiers))
        .collect();
    // Without a member mask, they are for older targets alone.
    let is_old = matches!(row.op, Op::Shfl | Op::Vote) && !modifiers.has(Modifier::Sync);
    let target = if is_old { 60 } else { 90 };
    Some(format!(
        ".version 8.6\n.target sm_{target}\n.address_size 64\n.const .align 16 .b8 c[64];\n\
         .func (.reg .b32 %o) callee(.reg .b32 %i)\n{{\nmov.b32 %o, %i;\nret;\n}}\n\
         .visible .entry k(.param .align 16 .b8 p[64], .param .u64 q)\n{{\n\
         .reg .pred %p<9>;\n.reg .b16 %h<9>;\n.reg .b32 %r<9>;\n.reg .b64 %d<9>;\n.reg .f32 %f<9>;\n.reg .f64 %g<9>;\n\
         .reg .b64 %base;\n.shared .align 16 .b8 s[8192];\n.local .align 16 .b8 l[64];\n.param .align 16 .b8 a[64];\n\
         ld.param.u64 %base, [q];\nlist: .branchtargets end, end;\n{}{words} {};\nend:\nret;\n}}\n",
        row.name,
        operands.join(", ")
    ))
}

#[test]
fn every_row_is_parsed_printed_decoded_and_run() {
    let mut seen = 0;
    for row in table::all() {
        for modifiers in forms(row) {
            let Some(text) = text(row, &modifiers) else {
                continue;
            };
            let module = parse(text.as_bytes(), &Limits::default());
            let module = match module {
                Ok(module) => Arc::new(module),
                Err(diagnostics) => panic!("{}", diagnostics[0]),
            };
            let printed = module.to_string();
            assert!(
                parse(printed.as_bytes(), &Limits::default()).unwrap() == *module,
                "{printed}"
            );
            let one = Extent { x: 1, y: 1, z: 1 };
            let mut arguments = vec![0; 64];
            arguments.extend(GLOBAL_BASE.to_le_bytes());
            let launch =
                Launch::new(module, "k", one, one, 0, arguments, vec![GLOBAL_BASE]).unwrap();
            let ran = run_grid(&launch, &Zeros, 10_000);
            // What no function was found for is decoded as a trap.
            assert_eq!(ran.is_err(), row.op == Op::Trap, "{text}\n{ran:?}");
            seen += 1;
        }
    }
    assert!(seen > 900, "{seen} forms");
}

#[test]
fn rows_of_one_mnemonic_that_take_as_many_operands_do_not_hide_one_another() {
    for row in table::all() {
        for modifiers in forms(row) {
            let first = table::rows(row.name).iter().find(|other| {
                other.operands.len() == row.operands.len() && other.accepts(modifiers.as_slice())
            });
            let found = first.unwrap();
            assert!(
                found.op == row.op && found.operands.len() == row.operands.len(),
                "{} {:?}",
                row.name,
                modifiers.as_slice()
            );
        }
    }
}

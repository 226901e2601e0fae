//! The function around those for groups and for single threads.

use wasm_encoder::{BlockType, Encode, Instruction as W, ValType};

use crate::compile::abi::{self, SCALAR_FALLBACK};
use crate::compile::codegen::{BEHIND, FIRST, Function, Imports, scratch};

/// In what the function for groups returns where threads are to be run alone: from which on, and
/// from this bit on up to which.
pub(crate) const BEHIND_SHIFT: u32 = 12;

/// The functions of a module whose threads run in groups, by their numbers.
const ALONE: u32 = Imports::COUNT;
const GROUPS: u32 = ALONE + 1;
const WRITE_OUT: u32 = ALONE + 2;

/// The function that runs groups, and threads one by one where those part.
pub(crate) fn both() -> Function {
    let told = 2;
    let behind = 3;
    let first = 4;
    let mut code = Vec::new();
    let instructions = [
        W::Loop(BlockType::Empty),
        W::LocalGet(FIRST),
        W::LocalGet(BEHIND),
        W::Call(GROUPS),
        W::LocalTee(told),
        W::I32Const(SCALAR_FALLBACK.cast_signed()),
        W::I32LtS,
        W::If(BlockType::Empty),
        W::LocalGet(told),
        W::Return,
        W::End,
        W::LocalGet(told),
        W::I32Const((1 << BEHIND_SHIFT) - 1),
        W::I32And,
        W::LocalGet(told),
        W::I32Const(SCALAR_FALLBACK.cast_signed() - 1),
        W::I32And,
        W::I32Const(BEHIND_SHIFT.cast_signed()),
        W::I32ShrU,
        W::LocalSet(behind),
        W::LocalTee(first),
        W::LocalGet(behind),
        W::Call(WRITE_OUT),
        W::Drop,
        W::LocalGet(first),
        W::LocalGet(behind),
        W::Call(ALONE),
        W::LocalTee(told),
        W::I32Const(0),
        W::I32GeS,
        W::If(BlockType::Empty),
        W::LocalGet(told),
        W::Return,
        W::End,
        // Where they meet, they go on; else those behind them do.
        W::I32Const(0),
        W::I32Const(0),
        W::I32Const(0),
        W::I32Load(scratch(abi::RECONVERGE_AT, 2)),
        W::I32Const(0),
        W::I32Ne,
        W::LocalTee(told),
        W::I32Sub,
        W::I32Store(scratch(abi::KEEP_GOING, 2)),
        W::LocalGet(first),
        W::LocalGet(behind),
        W::LocalGet(told),
        W::Select,
        W::LocalSet(FIRST),
        W::Br(0),
        W::End,
        W::Unreachable,
        W::End,
    ];
    for instruction in instructions {
        instruction.encode(&mut code);
    }
    Function {
        locals: vec![ValType::I32; 5],
        code,
        unlikely: Vec::new(),
        lines: Vec::new(),
    }
}

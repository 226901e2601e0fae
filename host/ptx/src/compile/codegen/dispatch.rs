//! The dispatch function of a vectorised kernel: it calls the function for lane groups, and for
//! threads that diverged the one for single threads.

use wasm_encoder::{BlockType, Encode, Instruction as W, ValType};

use crate::compile::abi::{self, SCALAR_FALLBACK};
use crate::compile::codegen::function_writer::{END_THREAD, FIRST_THREAD, Function};
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::scratch;

/// In what the function for lane groups returns where threads are to run in the function for single
/// threads: from this bit on, the thread behind the last of them. The first one is below.
pub(crate) const END_THREAD_SHIFT: u32 = 12;

/// The functions of a vectorised kernel's module, by their index.
const SCALAR: u32 = Imports::COUNT;
const LANE_GROUPS: u32 = SCALAR + 1;
const SPILL_UNIFORM_FRAME: u32 = SCALAR + 2;

/// Writes the function.
pub(crate) fn dispatch() -> Function {
    let result = 2;
    let end = 3;
    let first = 4;
    let mut code = Vec::new();
    let instructions = [
        W::Loop(BlockType::Empty),
        W::LocalGet(FIRST_THREAD),
        W::LocalGet(END_THREAD),
        W::Call(LANE_GROUPS),
        W::LocalTee(result),
        W::I32Const(SCALAR_FALLBACK.cast_signed()),
        W::I32LtS,
        W::If(BlockType::Empty),
        W::LocalGet(result),
        W::Return,
        W::End,
        W::LocalGet(result),
        W::I32Const((1 << END_THREAD_SHIFT) - 1),
        W::I32And,
        W::LocalGet(result),
        W::I32Const(SCALAR_FALLBACK.cast_signed() - 1),
        W::I32And,
        W::I32Const(END_THREAD_SHIFT.cast_signed()),
        W::I32ShrU,
        W::LocalSet(end),
        W::LocalTee(first),
        W::LocalGet(end),
        W::Call(SPILL_UNIFORM_FRAME),
        W::Drop,
        W::LocalGet(first),
        W::LocalGet(end),
        W::Call(SCALAR),
        W::LocalTee(result),
        W::I32Const(0),
        W::I32GeS,
        W::If(BlockType::Empty),
        W::LocalGet(result),
        W::Return,
        W::End,
        // Where they reconverge, they go on as a lane group; else the threads behind them do.
        W::I32Const(0),
        W::I32Const(0),
        W::I32Const(0),
        W::I32Load(scratch(abi::RECONVERGE_AT, 2)),
        W::I32Const(0),
        W::I32Ne,
        W::LocalTee(result),
        W::I32Sub,
        W::I32Store(scratch(abi::KEEP_GOING, 2)),
        W::LocalGet(first),
        W::LocalGet(end),
        W::LocalGet(result),
        W::Select,
        W::LocalSet(FIRST_THREAD),
        W::Br(0),
        W::End,
        W::Unreachable,
        W::End,
    ];
    for instruction in instructions {
        instruction.encode(&mut code);
    }
    Function {
        locals: vec![ValType::I32; 3],
        code,
        unlikely: Vec::new(),
        lines: Vec::new(),
    }
}

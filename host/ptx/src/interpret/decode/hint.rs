//! What the checks must know of an instruction, beyond what it does.

use crate::interpret::async_copies::Wait;
use crate::interpret::program::CheckHint;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::{Instruction, Operand};

pub(crate) fn hint(instruction: &Instruction) -> CheckHint {
    let modifiers = &instruction.modifiers;
    let ty = modifiers.ty();
    let word = ty.bits() == 64 && !ty.is_float();
    let wide = modifiers.has(Modifier::Wide) && ty.bits() == 32;
    match instruction.row.op {
        Op::Add if word => CheckHint::Sum,
        Op::Mad if wide || (word && modifiers.has(Modifier::Lo)) => CheckHint::Sum,
        Op::Sub if word => CheckHint::Difference,
        Op::And | Op::Or | Op::Xor if word => CheckHint::Bits,
        Op::Cvt if word && modifiers.second_ty().bits() == 64 => CheckHint::Copy,
        Op::Ld | Op::St => {
            let synchronizing = [Modifier::Relaxed, Modifier::Acquire, Modifier::Release];
            if synchronizing.iter().any(|word| modifiers.has(*word)) {
                CheckHint::Synchronizing
            } else {
                CheckHint::None
            }
        }
        Op::Barrier | Op::BarrierArrive | Op::BarrierReduce
            if instruction.row.name == "bar" || modifiers.has(Modifier::Aligned) =>
        {
            CheckHint::Aligned
        }
        // Who is to see a bulk copy waits for its barrier.
        Op::Fence if modifiers.has(Modifier::Bulk) || !modifiers.has(Modifier::Async) => {
            CheckHint::None
        }
        Op::Red if modifiers.has(Modifier::Init) => CheckHint::Synchronizing,
        Op::Red if modifiers.has(Modifier::Async) => CheckHint::WaitForCopies(Wait::All),
        Op::Fence if modifiers.has(Modifier::CommitGroup) => CheckHint::CommitCopies,
        Op::Fence if modifiers.has(Modifier::WaitAll) => CheckHint::WaitForCopies(Wait::All),
        Op::Fence if modifiers.has(Modifier::WaitGroup) => {
            let groups = match instruction.operands.first() {
                Some(Operand::Integer(groups)) => u32::try_from(*groups).unwrap_or(u32::MAX),
                _ => 0,
            };
            CheckHint::WaitForCopies(Wait::Groups(groups))
        }
        _ => CheckHint::None,
    }
}

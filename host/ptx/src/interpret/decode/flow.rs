//! What the checks are told of an instruction.

use crate::interpret::program::Flow;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::Instruction;

pub(crate) fn flow(instruction: &Instruction) -> Flow {
    let modifiers = &instruction.modifiers;
    let ty = modifiers.ty();
    let word = ty.bits() == 64 && !ty.is_float();
    let wide = modifiers.has(Modifier::Wide) && ty.bits() == 32;
    match instruction.row.op {
        Op::Add if word => Flow::Sum,
        Op::Mad if wide || (word && modifiers.has(Modifier::Lo)) => Flow::Sum,
        Op::Sub if word => Flow::Difference,
        Op::And | Op::Or | Op::Xor if word => Flow::Bits,
        Op::Cvt if word && modifiers.second_ty().bits() == 64 => Flow::Copy,
        Op::Ld | Op::St => {
            let ordered = [Modifier::Relaxed, Modifier::Acquire, Modifier::Release];
            if ordered.iter().any(|word| modifiers.has(*word)) {
                Flow::Ordered
            } else {
                Flow::Other
            }
        }
        Op::Barrier | Op::BarrierArrive | Op::BarrierReduce
            if instruction.row.name == "bar" || modifiers.has(Modifier::Aligned) =>
        {
            Flow::Aligned
        }
        _ => Flow::Other,
    }
}

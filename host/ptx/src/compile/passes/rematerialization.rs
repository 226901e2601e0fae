//! Rematerialization (Briggs, Cooper, Torczon, 1992): a value that costs nothing to have again is not
//! kept. What reads a register that holds a constant reads the constant, and what reads one that holds a
//! special value reads that again in its own block. So such registers are neither saved nor restored
//! where threads wait for each other.

use rustc_hash::FxHashMap as HashMap;

use crate::compile::Unsupported;
use crate::compile::analysis::fixed_values::{FixedValue, FixedValues};
use crate::compile::ir::{Arg, BlockId, Body, Op, Reg, SpecialValue};

/// Lets steps read constants and special values instead of registers that hold them.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn run(body: &mut Body) -> Result<(), Unsupported> {
    let values = FixedValues::of(body)?;
    let (blocks, regs) = (&mut body.blocks, &mut body.regs);
    for (number, block) in blocks.values_mut().enumerate() {
        let id = BlockId(u32::try_from(number).unwrap_or(u32::MAX));
        let ops = std::mem::take(&mut block.ops);
        let mut rewritten = Vec::with_capacity(ops.len());
        let mut read_again: HashMap<SpecialValue, Reg> = HashMap::default();
        for (number, mut op) in ops.into_iter().enumerate() {
            if !takes_any_operand(&op) {
                rewritten.push(op);
                continue;
            }
            let mut added: Vec<Op> = Vec::new();
            op.each_arg_mut(|arg| {
                let Arg::Reg(reg) = *arg else {
                    return;
                };
                match values.value(*arg, (id, number)) {
                    Some(FixedValue::Constant(constant)) => *arg = constant,
                    Some(FixedValue::Special(value)) if values.written_in(reg) != Some(id) => {
                        let Some(ty) = regs.get(reg).copied() else {
                            return;
                        };
                        let known = read_again.entry(value).or_insert_with(|| {
                            let target = regs.push(ty);
                            added.push(Op::Special(target, value));
                            target
                        });
                        *arg = Arg::Reg(*known);
                    }
                    _ => {}
                }
            });
            rewritten.append(&mut added);
            rewritten.push(op);
        }
        block.ops = rewritten;
    }
    Ok(())
}

/// Whether a step may have a constant for any of its operands. A divisor's zero is guarded where it is a
/// register, and not where it is a constant; a condition that is known is nothing to compile.
fn takes_any_operand(op: &Op) -> bool {
    match op {
        Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => !opcode.may_trap(),
        Op::Select(..) | Op::Collective { .. } => false,
        _ => true,
    }
}

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{Shape, changed_and_the_same, last_block};
    use crate::compile::ir::{Block, End, Ty};

    #[test]
    fn a_value_is_read_again_where_its_step_was_taken_for_sure() {
        let mut body = Body::default();
        let [constant, thread, copy, later, sum] = [(); 5].map(|()| body.reg(Ty::I32));
        let both = |a, b| Op::Binary(Opcode::I32Add, sum, Arg::Reg(a), Arg::Reg(b));
        // The second block may be passed by.
        let branch = End::Branch(Arg::Reg(sum), BlockId(1), BlockId(2));
        body.blocks.push(Block {
            line: 0,
            ops: vec![
                Op::Copy(constant, Arg::I32(5)),
                Op::Special(thread, SpecialValue::Thread),
                Op::Copy(copy, Arg::Reg(thread)),
                both(constant, copy),
            ],
            end: branch,
        });
        body.blocks.push(Block {
            line: 0,
            ops: vec![Op::Copy(later, Arg::I32(6)), both(later, copy)],
            end: End::Jump(BlockId(2)),
        });
        last_block(&mut body, vec![both(later, constant), both(copy, thread)]);
        run(&mut body).unwrap();
        let text: Vec<String> = body
            .blocks
            .values()
            .flat_map(|block| &block.ops)
            .filter(|op| matches!(op, Op::Binary(..) | Op::Special(..)))
            .map(|op| format!("{op:?}"))
            .collect();
        let add = |a: Arg, b: Arg| format!("{:?}", Op::Binary(Opcode::I32Add, sum, a, b));
        let again = |reg| format!("{:?}", Op::Special(reg, SpecialValue::Thread));
        let (first, second) = (Reg(5), Reg(6));
        let expected = [
            again(thread),
            add(Arg::I32(5), Arg::Reg(copy)),
            again(first),
            add(Arg::I32(6), Arg::Reg(first)),
            add(Arg::Reg(later), Arg::I32(5)),
            again(second),
            add(Arg::Reg(second), Arg::Reg(second)),
        ];
        assert_eq!(text, expected);
    }

    #[test]
    fn random_kernels_compute_the_same() {
        let shape = |rng: &mut fastrand::Rng| Shape {
            blocks: rng.u32(2..6),
            ops_per_block: 6,
            suspends: false,
        };
        let changed = changed_and_the_same(13, shape, |body| run(body).unwrap());
        assert!(changed > 20, "{changed}");
    }
}

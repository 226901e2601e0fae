//! Dead code elimination by marking (Cooper, Torczon, "Engineering a Compiler", 10.2.1): steps that only
//! compute are removed where nobody needs what they compute, and so is all of a block to which no edge
//! leads from the kernel's beginning.
//!
//! What a step writes is dead, too, where another one of its block writes the register again before
//! anything reads it. Else a register is needed if something reads it that has an effect, ends a block, or computes another
//! register that is needed. An engine removes such steps too, but not where their results would be
//! carried from block to block, or saved.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::analysis::liveness::for_each_end_use;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, Block, BlockId, Body, End, Op, Reg};

/// Removes what nobody needs.
pub(crate) fn run(body: &mut Body) {
    remove_unreached(body);
    for block in body.blocks.values_mut() {
        remove_overwritten(block);
    }
    let mut needed = EntityMap::for_each(&body.regs, false);
    let mut sources: EntityMap<Reg, Vec<Reg>> = EntityMap::for_each(&body.regs, Vec::new());
    let mut waiting: Vec<Reg> = Vec::new();
    for block in body.blocks.values() {
        for op in &block.ops {
            op.each_arg(|arg| {
                let Arg::Reg(reg) = arg else {
                    return;
                };
                if has_effect(op) {
                    waiting.push(reg);
                }
                for target in op.targets() {
                    if let Some(sources) = sources.get_mut(*target) {
                        sources.push(reg);
                    }
                }
            });
        }
        for_each_end_use(body, &block.end, |reg| waiting.push(reg));
    }
    while let Some(reg) = waiting.pop() {
        if needed.set(reg, true)
            && let Some(sources) = sources.get_mut(reg)
        {
            waiting.append(sources);
        }
    }
    let is_needed = |reg: &Reg| needed.get(*reg) == Some(&true);
    for block in body.blocks.values_mut() {
        block
            .ops
            .retain(|op| has_effect(op) || op.targets().iter().any(is_needed));
    }
}

/// Empties the blocks that are not reached. They keep their numbers.
fn remove_unreached(body: &mut Body) {
    let mut is_reached = EntityMap::for_each(&body.blocks, false);
    let mut waiting = vec![BlockId::ENTRY];
    while let Some(id) = waiting.pop() {
        if is_reached.set(id, true) {
            let next = body.block(id).map(|block| block.end.successors());
            waiting.extend(next.unwrap_or_default());
        }
    }
    for (block, is_reached) in body
        .blocks
        .values_mut()
        .zip(is_reached.iter().map(|(_, is)| *is))
    {
        if !is_reached {
            block.ops.clear();
            block.end = End::Nowhere;
        }
    }
}

/// Removes steps whose results are written again in their block before anything reads them.
fn remove_overwritten(block: &mut Block) {
    let mut overwritten: HashSet<Reg> = HashSet::default();
    let mut kept = Vec::with_capacity(block.ops.len());
    for op in std::mem::take(&mut block.ops).into_iter().rev() {
        let is_dead = |target: &Reg| overwritten.contains(target);
        if !has_effect(&op) && !op.targets().is_empty() && op.targets().iter().all(is_dead) {
            continue;
        }
        overwritten.extend(op.targets());
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg {
                overwritten.remove(&reg);
            }
        });
        kept.push(op);
    }
    kept.reverse();
    block.ops = kept;
}

/// Whether a step does more than compute its results.
fn has_effect(op: &Op) -> bool {
    match op {
        Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => opcode.may_trap(),
        Op::Copy(..)
        | Op::Select(..)
        | Op::Fma(..)
        | Op::CanonicalizeNan(..)
        | Op::FlushSubnormal(..)
        | Op::Special(..)
        | Op::Libcall { .. } => false,
        // A load may fault.
        Op::Line(_)
        | Op::Builtin { .. }
        | Op::Load { .. }
        | Op::Store { .. }
        | Op::Atomic { .. }
        | Op::CopyAsync(_)
        | Op::LoadMatrix(_)
        | Op::Collective { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{Shape, Thread, last_block, load, random, store};
    use crate::compile::ir::{Space, Ty};

    #[test]
    fn what_nobody_reads_is_removed_with_what_only_that_reads() {
        let mut body = Body::default();
        let [a, b, sum, kept, loaded] = [(); 5].map(|()| body.reg(Ty::I32));
        let address = body.reg(Ty::I64);
        let at = (Space::Global, Arg::Reg(address), 0);
        let ops = vec![
            Op::Copy(a, Arg::I32(1)),
            Op::Copy(b, Arg::Reg(a)),
            // Counts itself, and nobody else reads it.
            Op::Binary(Opcode::I32Add, sum, Arg::Reg(sum), Arg::Reg(b)),
            Op::Copy(kept, Arg::I32(2)),
            Op::Line(7),
            // It may fault.
            load(&mut body, &[loaded], at),
            store(&mut body, &[Arg::Reg(kept)], at),
        ];
        last_block(&mut body, ops);
        run(&mut body);
        let ops = &body.block(BlockId(0)).unwrap().ops;
        assert!(
            matches!(
                ops.as_slice(),
                [Op::Copy(reg, _), Op::Line(7), Op::Load { .. }, Op::Store { .. }] if *reg == kept
            ),
            "{ops:?}"
        );
    }

    #[test]
    fn random_kernels_take_the_same_way() {
        let mut rng = fastrand::Rng::with_seed(12);
        let mut removed = 0;
        for number in 0..500 {
            let shape = Shape {
                blocks: rng.u32(2..6),
                ops_per_block: 12,
                suspends: false,
            };
            let before = random(&mut rng, &shape);
            let mut after = before.clone();
            run(&mut after);
            removed += before.len() - after.len();
            let way = |body| Thread::of(number).way(body);
            assert_eq!(way(&before), way(&after), "{before:#?}");
        }
        assert!(removed > 500, "{removed}");
    }
}

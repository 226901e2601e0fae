//! Which steps can be masked: those of a few blocks between a branch and its join that some lanes of a
//! group take and the others do not. Masked, the group does not diverge for them (if-conversion, as in
//! Aho, Lam, Sethi, Ullman, "Compilers", 10.2).
//!
//! What masked steps take for granted of affine numbers is checked before the first of them, as for a
//! block: lanes that do not take part have numbers, too, and those may wrap around where those of the
//! lanes that take part do not.

use crate::compile::analysis::bounds_guards::{self, BlockGuards};
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Block, BlockId, Body, End, Op, SpecialValue};

/// The most steps that are masked, and the most of them that access memory.
const MOST_MASKED: usize = 24;
const MOST_ACCESSES: usize = 6;

/// The most blocks that these steps lie in.
const MOST_BLOCKS: usize = 8;

/// The steps that some lanes take and the others do not, between a branch and the block at which both
/// go on.
pub(crate) struct MaskedSteps<'b> {
    pub steps: Vec<&'b Op>,
    /// Whether the lanes take them for which the branch's condition holds.
    pub when: bool,
    /// The branch's other target, at which the steps end.
    pub join: BlockId,
    /// The guards of the steps. Where one fails, the group has to diverge.
    pub guards: BlockGuards,
}

/// How many edges lead to each block.
pub(crate) fn predecessors(body: &Body) -> EntityMap<BlockId, u32> {
    let mut counts = EntityMap::for_each(&body.blocks, 0);
    for next in body
        .blocks
        .values()
        .flat_map(|block| block.end.successors())
    {
        let count: u32 = counts.get(next).copied().unwrap_or(0);
        counts.set(next, count.saturating_add(1));
    }
    counts
}

impl<'b> MaskedSteps<'b> {
    /// Those of a block's branch; `None` where it has none that can be masked. `predecessors` says how
    /// many edges lead to each block: steps that several branches lead to are not masked, so that no
    /// step is written more than twice.
    pub(crate) fn of(
        body: &'b Body,
        uniformity: &UniformityInfo,
        predecessors: &EntityMap<BlockId, u32>,
        end: &End,
    ) -> Option<MaskedSteps<'b>> {
        let End::Branch(_, yes, no) = *end else {
            return None;
        };
        [(yes, no, true), (no, yes, false)]
            .into_iter()
            .find_map(|(first, join, when)| {
                let steps = steps_between(body, predecessors, first, join)?;
                let guards = bounds_guards::of_extensions(uniformity, &steps)?;
                Some(MaskedSteps {
                    steps,
                    when,
                    join,
                    guards,
                })
            })
    }
}

/// The block to which one leads on that does nothing.
fn behind_empty_blocks(body: &Body, mut at: BlockId) -> BlockId {
    for _ in 0..MOST_BLOCKS {
        let Some(Block { ops, end, .. }) = body.block(at) else {
            break;
        };
        let End::Jump(next) = end else {
            break;
        };
        if ops.iter().any(|op| !matches!(op, Op::Line(_))) {
            break;
        }
        at = *next;
    }
    at
}

/// The steps of the blocks from one up to another, if one leads to the next, and all can be masked.
fn steps_between<'b>(
    body: &'b Body,
    predecessors: &EntityMap<BlockId, u32>,
    first: BlockId,
    join: BlockId,
) -> Option<Vec<&'b Op>> {
    let mut steps: Vec<&Op> = Vec::new();
    let mut at = first;
    let join = behind_empty_blocks(body, join);
    for _ in 0..MOST_BLOCKS {
        if at == join {
            let accesses = steps.iter().filter(|op| accesses_memory(op)).count();
            return (accesses <= MOST_ACCESSES).then_some(steps);
        }
        let Block { ops, end, .. } = body.block(at)?;
        let End::Jump(next) = end else {
            return None;
        };
        if predecessors.get(at) != Some(&1) || body.is_cold(at) {
            return None;
        }
        for op in ops.iter().filter(|op| !matches!(op, Op::Line(_))) {
            // Nothing is looked at behind the first that is too many: a block may be very long.
            if steps.len() >= MOST_MASKED || !can_be_masked(op) {
                return None;
            }
            steps.push(op);
        }
        at = *next;
    }
    None
}

pub(crate) fn accesses_memory(op: &Op) -> bool {
    matches!(op, Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. })
}

/// Whether a step does no harm in lanes that do not take part, or can be left out there.
fn can_be_masked(op: &Op) -> bool {
    match op {
        Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => !opcode.may_trap(),
        Op::Special(_, value) => !matches!(value, SpecialValue::Clock),
        Op::Libcall { .. }
        | Op::Builtin { .. }
        | Op::Collective { .. }
        | Op::CopyAsync(_)
        | Op::LoadMatrix(_) => false,
        Op::Line(_)
        | Op::Copy(..)
        | Op::Select(..)
        | Op::Fma(..)
        | Op::CanonicalizeNan(..)
        | Op::FlushSubnormal(..)
        | Op::Load { .. }
        | Op::Store { .. }
        | Op::Atomic { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::{Arg, Reg, Ty};

    /// A block that branches around a second one, which does so many steps, to a third.
    fn kernel(opcode: Opcode, steps: usize) -> Body {
        let mut body = Body::default();
        let [condition, number]: [Reg; 2] = [(); 2].map(|()| body.reg(Ty::I32));
        let step = Op::Binary(opcode, number, Arg::Reg(number), Arg::I32(3));
        for (ops, end) in [
            (
                Vec::new(),
                End::Branch(Arg::Reg(condition), BlockId(1), BlockId(2)),
            ),
            (vec![step; steps], End::Jump(BlockId(2))),
            (Vec::new(), End::Exit),
        ] {
            body.blocks.push(Block { line: 0, ops, end });
        }
        body
    }

    fn masked(body: &Body) -> Option<(usize, bool, BlockId)> {
        let info = UniformityInfo::of_single_threads(body);
        let end = &body.block(BlockId::ENTRY)?.end;
        let masked = MaskedSteps::of(body, &info, &predecessors(body), end)?;
        Some((masked.steps.len(), masked.when, masked.join))
    }

    #[test]
    fn a_few_steps_of_one_side_of_a_branch_are_masked() {
        let mut body = kernel(Opcode::I32Add, MOST_MASKED);
        assert_eq!(masked(&body), Some((MOST_MASKED, true, BlockId(2))));
        if let Some(block) = body.blocks.get_mut(BlockId::ENTRY) {
            block.end = End::Branch(Arg::Reg(Reg(0)), BlockId(2), BlockId(1));
        }
        assert_eq!(masked(&body), Some((MOST_MASKED, false, BlockId(2))));
    }

    #[test]
    fn steps_that_are_too_many_or_may_trap_or_are_reached_elsewhere_are_not() {
        assert_eq!(masked(&kernel(Opcode::I32Add, MOST_MASKED + 1)), None);
        assert_eq!(masked(&kernel(Opcode::I32DivU, 1)), None);
        let mut body = kernel(Opcode::I32Add, 1);
        body.blocks.push(Block {
            line: 0,
            ops: Vec::new(),
            end: End::Jump(BlockId(1)),
        });
        assert_eq!(masked(&body), None);
    }
}

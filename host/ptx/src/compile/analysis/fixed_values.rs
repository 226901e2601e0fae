//! Registers that have one value wherever they are read, and one that costs nothing to have again: a
//! constant, or a special value of the launch or the thread. One step alone writes such a register, and
//! dominates what reads it.

use crate::compile::Unsupported;
use crate::compile::cfg::dominators::DominatorTree;
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::ir::entity::{EntityId, EntityMap};
use crate::compile::ir::{Arg, BlockId, Body, Op, Reg, SpecialValue};

/// The most blocks in which the step is looked for that writes a register.
const MOST_DOMINATORS: usize = 64;

/// How often copies of copies are followed.
const MOST_COPIES: usize = 4;

/// A value that costs nothing to have again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FixedValue {
    Constant(Arg),
    /// Never the clock.
    Special(SpecialValue),
}

/// A step, by its block and its number there.
pub(crate) type Step = (BlockId, usize);

/// What is known of a register.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Never,
    Once(Step, Option<FixedValue>),
    Often,
}

/// The registers of a kernel that have such a value.
pub(crate) struct FixedValues {
    written: EntityMap<Reg, Written>,
    dominators: DominatorTree,
}

impl FixedValues {
    /// Finds them.
    ///
    /// # Errors
    /// Where a block goes on at one that does not exist.
    pub(crate) fn of(body: &Body) -> Result<FixedValues, Unsupported> {
        let mut found = FixedValues {
            written: EntityMap::for_each(&body.regs, Written::Never),
            dominators: DominatorTree::new(&FlowGraph::of(body)?, 0),
        };
        let mut copies: Vec<(Reg, Reg, Step)> = Vec::new();
        for (block, this) in body.blocks.iter() {
            for (number, op) in this.ops.iter().enumerate() {
                let step = (block, number);
                let value = match op {
                    Op::Copy(_, Arg::Reg(_)) | Op::Special(_, SpecialValue::Clock) => None,
                    Op::Copy(_, constant) => Some(FixedValue::Constant(*constant)),
                    Op::Special(_, value) => Some(FixedValue::Special(*value)),
                    _ => None,
                };
                for target in op.targets() {
                    let is_first = found.written.get(*target) == Some(&Written::Never);
                    let now = match is_first {
                        true => Written::Once(step, value),
                        false => Written::Often,
                    };
                    found.written.set(*target, now);
                }
                if let Op::Copy(target, Arg::Reg(from)) = op {
                    copies.push((*target, *from, step));
                }
            }
        }
        for point in body.suspend_points.values() {
            for reg in point.results.iter().flatten() {
                found.written.set(*reg, Written::Often);
            }
        }
        for _ in 0..MOST_COPIES {
            let mut changed = false;
            for (target, from, step) in &copies {
                let Some(value) = found.value(Arg::Reg(*from), *step) else {
                    continue;
                };
                if let Some(Written::Once(_, known @ None)) = found.written.get_mut(*target) {
                    *known = Some(value);
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        Ok(found)
    }

    /// What an operand is where a step reads it, or a block's end, which comes behind all of its steps.
    pub(crate) fn value(&self, arg: Arg, at: Step) -> Option<FixedValue> {
        let Arg::Reg(reg) = arg else {
            return Some(FixedValue::Constant(arg));
        };
        match self.written.get(reg)? {
            Written::Once(written, Some(value)) if self.dominates(*written, at) => Some(*value),
            _ => None,
        }
    }

    /// The bits of a constant.
    pub(crate) fn constant(&self, arg: Arg, at: Step) -> Option<u64> {
        match self.value(arg, at)? {
            FixedValue::Constant(constant) => constant.bits(),
            FixedValue::Special(_) => None,
        }
    }

    /// The block of the step that writes a register, where one alone does.
    pub(crate) fn written_in(&self, reg: Reg) -> Option<BlockId> {
        match self.written.get(reg)? {
            Written::Once((block, _), _) => Some(*block),
            Written::Never | Written::Often => None,
        }
    }

    /// Whether a step was taken on every path to another one.
    fn dominates(&self, (block, number): Step, (at, before): Step) -> bool {
        if block == at {
            return number < before;
        }
        // Most such values are set where a kernel begins.
        if block == BlockId::ENTRY {
            return true;
        }
        let above = |at: &usize| self.dominators.immediate(*at);
        let mut around = std::iter::successors(Some(at.index()), above).take(MOST_DOMINATORS);
        around.any(|around| around == block.index())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::samples::{Shape, Thread, random};

    fn special(number: u32, value: SpecialValue) -> u64 {
        let mut thread = Thread {
            number,
            ..Thread::default()
        };
        thread.step(&Op::Special(Reg(0), value));
        thread.arg(Arg::Reg(Reg(0)))
    }

    #[test]
    fn a_register_has_its_fixed_value_wherever_it_is_read() {
        let mut rng = fastrand::Rng::with_seed(17);
        let mut seen = 0;
        for number in 0..2000 {
            let shape = Shape {
                blocks: rng.u32(2..5),
                ops_per_block: 4,
                suspends: false,
            };
            let body = random(&mut rng, &shape);
            let fixed = FixedValues::of(&body).unwrap();
            let mut thread = Thread {
                number,
                ..Thread::default()
            };
            let mut at = Some(BlockId::ENTRY);
            for _ in 0..20 {
                let Some((id, block)) = at.and_then(|id| Some((id, body.block(id)?))) else {
                    break;
                };
                for (place, op) in block.ops.iter().enumerate() {
                    op.each_arg(|arg| {
                        let expected = match fixed.value(arg, (id, place)) {
                            Some(FixedValue::Constant(constant)) => thread.arg(constant),
                            Some(FixedValue::Special(value)) => special(number, value),
                            None => return,
                        };
                        seen += usize::from(arg.reg().is_some());
                        assert_eq!(thread.arg(arg), expected, "{arg:?} in {body:#?}");
                    });
                    thread.step(op);
                }
                at = thread.next(&block.end);
            }
        }
        assert!(seen > 500, "{seen}");
    }
}

//! Masked execution (predication, as a GPU's own): where the lanes of a group disagree about a branch
//! around a few steps, the group does these steps for the lanes that take them, and does not diverge.
//!
//! What only computes is computed in all lanes, and the lanes that do not take part keep what they had
//! in the registers that are read behind. Memory is accessed for one lane after another that takes
//! part, with the checks of a single thread.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::scalar_fallback::Lanes;
use crate::compile::codegen::vector::{VectorEmitter, lanes_per_chunk};
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, Block, BlockId, Body, End, Op, Reg, SpecialValue, Ty};

/// The most steps that are masked, and the most of them that access memory.
const MOST_STEPS: usize = 24;
const MOST_ACCESSES: usize = 6;

/// The most blocks that these steps lie in.
const MOST_BLOCKS: usize = 8;

/// The steps that some lanes take and the others do not, between a branch and the block at which both
/// go on.
pub(super) struct MaskedSteps<'b> {
    steps: Vec<&'b Op>,
    /// Whether the lanes take them for which the branch's condition holds.
    when: bool,
    /// The block behind.
    join: BlockId,
}

/// How many edges lead to each block.
pub(super) fn predecessors(body: &Body) -> EntityMap<BlockId, u32> {
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
    pub(super) fn of(
        body: &'b Body,
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
                Some(MaskedSteps { steps, when, join })
            })
    }
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
    for _ in 0..MOST_BLOCKS {
        if at == join {
            let accesses = steps.iter().filter(|op| accesses_memory(op)).count();
            return (accesses <= MOST_ACCESSES).then_some(steps);
        }
        let Block { ops, end, .. } = body.block(at)?;
        let End::Jump(next) = end else {
            return None;
        };
        if predecessors.get(at) != Some(&1) {
            return None;
        }
        for op in ops.iter().filter(|op| !matches!(op, Op::Line(_))) {
            // Nothing is looked at behind the first that is too many: a block may be very long.
            if steps.len() >= MOST_STEPS || !can_be_masked(op) {
                return None;
            }
            steps.push(op);
        }
        at = *next;
    }
    None
}

fn accesses_memory(op: &Op) -> bool {
    matches!(op, Op::Load { .. } | Op::Store { .. } | Op::Atomic { .. })
}

/// Whether a step does no harm in lanes that do not take part, or can be left out there.
fn can_be_masked(op: &Op) -> bool {
    match op {
        Op::Unary(opcode, ..) | Op::Binary(opcode, ..) => !opcode.may_trap(),
        Op::Special(_, value) => !matches!(value, SpecialValue::Clock),
        Op::Libcall { .. } | Op::Builtin { .. } | Op::Collective { .. } => false,
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

impl VectorEmitter<'_> {
    /// Does the steps for the lanes that take them, and leaves the answer to the condition with which
    /// the branch goes on behind them.
    pub(super) fn masked(&mut self, condition: Arg, masked: &MaskedSteps<'_>) {
        let masks = self.masks(condition, masked.when);
        let liveness = &self.input.analyses.liveness;
        let live_in = liveness.live_in(masked.join);
        let is_live = |reg: Reg| {
            let place = liveness.bit(reg);
            place.is_some_and(|(word, bit)| live_in.get(word).is_some_and(|set| set & bit != 0))
        };
        for op in &masked.steps {
            let kept = op.targets().iter().copied();
            let kept: Vec<Reg> = kept
                .filter(|reg| is_live(*reg))
                .filter(|reg| self.input.is_divergent(*reg))
                .collect();
            // All lanes that take part load the same, or there is nothing to load for the others.
            let is_uniform_load = matches!(op, Op::Load { targets, .. }
                if !targets.iter().any(|target| self.input.is_divergent(*target)));
            if accesses_memory(op) && !is_uniform_load {
                self.lane_bits(&masks);
                self.scalarised_in(op, Lanes::Set(self.lane_bits));
                continue;
            }
            if kept.is_empty() {
                self.operation(op);
                continue;
            }
            for reg in &kept {
                self.keep_old(*reg);
            }
            self.operation(op);
            for reg in &kept {
                self.put_back_old(*reg, &masks);
            }
        }
        self.i32(u32::from(!masked.when));
    }

    /// Copies the masks of the lanes that take part: the steps may change the condition.
    fn masks(&mut self, condition: Arg, when: bool) -> Vec<u32> {
        let masks = self.masks.clone();
        for (chunk, mask) in (0..).zip(&masks) {
            self.mask(condition, chunk);
            if !when {
                self.op(W::V128Not);
            }
            self.set(*mask);
        }
        masks
    }

    /// Sets the bits of the lanes that take part.
    fn lane_bits(&mut self, masks: &[u32]) {
        for (chunk, mask) in (0..).zip(masks) {
            self.get(*mask);
            self.op(W::I32x4Bitmask);
            if chunk > 0 {
                self.i32(chunk * lanes_per_chunk(Ty::I32));
                self.op(W::I32Shl);
                self.op(W::I32Or);
            }
        }
        self.set(self.lane_bits);
    }

    /// Copies a register's lanes, before a step writes it.
    fn keep_old(&mut self, reg: Reg) {
        for chunk in 0..self.chunk_count(self.input.body.ty(reg)) {
            self.raw_chunk(reg, chunk);
            let old = self.old.get(chunk as usize).copied();
            let old = self.require(old, "a register of more lanes than a group has");
            self.set(old);
        }
    }

    /// Gives the lanes that do not take part back what they had.
    fn put_back_old(&mut self, reg: Reg, masks: &[u32]) {
        let ty = self.input.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.raw_chunk(reg, chunk);
            let old = self.old.get(chunk as usize).copied();
            let old = self.require(old, "a register of more lanes than a group has");
            self.get(old);
            let narrow = if ty.bytes() == 4 { chunk } else { chunk / 2 };
            let mask = masks.get(narrow as usize).copied();
            let mask = self.require(mask, "a chunk without a mask");
            self.get(mask);
            if ty.bytes() == 8 {
                self.op(if chunk.is_multiple_of(2) {
                    W::I64x2ExtendLowI32x4S
                } else {
                    W::I64x2ExtendHighI32x4S
                });
            }
            self.op(W::V128Bitselect);
            self.set_chunk(reg, chunk);
        }
    }
}

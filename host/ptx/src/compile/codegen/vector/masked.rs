//! Masked execution (predication, as a GPU's own): where the lanes of a group disagree about a branch
//! around a few steps, the group does these steps for the lanes that take them, and does not diverge.
//!
//! What only computes is computed in all lanes, and the lanes that do not take part keep what they had
//! in the registers that are read behind. What lies within bounds is loaded in all lanes, too, where the
//! load is coalesced. Any other access is made for one lane after another that takes part, with the
//! checks of a single thread. [Which steps those are](crate::compile::analysis::masked_steps)
//! is found out before.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::analysis::coalescing::coalesced;
use crate::compile::analysis::masked_steps::{MaskedSteps, accesses_memory};
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::scalar_fallback::Lanes;
use crate::compile::codegen::vector::{VectorEmitter, lanes_per_chunk};
use crate::compile::ir::{Arg, Op, Reg, Ty};

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
            let is_divergent = |target: &Reg| self.input.is_divergent(*target);
            if accesses_memory(op) {
                self.lane_bits(&masks);
                match op {
                    Op::Load { targets, .. } if !targets.iter().any(is_divergent) => {
                        self.in_first_lane(op);
                    }
                    _ => self.masked_access(op, &kept, &masks),
                }
                continue;
            }
            self.in_all_lanes(op, &kept, &masks);
        }
        self.i32(u32::from(!masked.when));
    }

    /// Loads what all lanes that take part load from one address, as the first of them.
    fn in_first_lane(&mut self, op: &Op) {
        let (thread, first) = (self.scalar.thread, self.first_of_group);
        self.get(thread);
        self.op(W::LocalTee(first));
        self.get(self.lane_bits);
        self.op(W::I32Ctz);
        self.op(W::I32Add);
        self.set(thread);
        self.scalar.operation(op);
        self.get(first);
        self.set(thread);
    }

    /// An access for the lanes that take part: of a coalesced load, all lanes may load where that lies
    /// within bounds.
    fn masked_access(&mut self, op: &Op, kept: &[Reg], masks: &[u32]) {
        let bits = self.lane_bits;
        let input = self.input;
        let access = match op {
            Op::Load { place, .. }
                if coalesced(input.body, &input.analyses.uniformity, op).is_some() =>
            {
                input.analyses.guards.access(place)
            }
            _ => None,
        };
        let Some(access) = access else {
            return self.scalarised_in(op, Lanes::Set(bits));
        };
        self.is_outside_bounds(&access);
        self.op(W::If(BlockType::Empty));
        self.scalarised_in(op, Lanes::Set(bits));
        self.op(W::Else);
        self.in_all_lanes(op, kept, masks);
        self.op(W::End);
    }

    /// Takes a step in all lanes; those that do not take part keep what they have in some registers.
    fn in_all_lanes(&mut self, op: &Op, kept: &[Reg], masks: &[u32]) {
        for (number, reg) in kept.iter().enumerate() {
            self.keep_old(*reg, number);
        }
        self.operation(op);
        for (number, reg) in kept.iter().enumerate() {
            self.put_back_old(*reg, number, masks);
        }
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

    /// Copies a register's lanes, before a step writes it: the first one of the step, or another.
    fn keep_old(&mut self, reg: Reg, number: usize) {
        for chunk in 0..self.chunk_count(self.input.body.ty(reg)) {
            self.raw_chunk(reg, chunk);
            let old = self.old_lanes(number, chunk);
            self.set(old);
        }
    }

    /// The local for a chunk of what a step's registers had before.
    fn old_lanes(&mut self, number: usize, chunk: u32) -> u32 {
        let at = number * self.chunk_count(Ty::I64) as usize + chunk as usize;
        while self.old.len() <= at {
            let local = self.local(ValType::V128);
            self.old.push(local);
        }
        let old = self.old.get(at).copied();
        self.require(old, "a register of more lanes than a group has")
    }

    /// Gives the lanes that do not take part back what they had.
    fn put_back_old(&mut self, reg: Reg, number: usize, masks: &[u32]) {
        let ty = self.input.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.raw_chunk(reg, chunk);
            let old = self.old_lanes(number, chunk);
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

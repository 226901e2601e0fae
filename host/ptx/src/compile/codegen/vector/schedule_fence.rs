//! Schedule fences: they keep arithmetic near the loads that it uses, so that fewer vectors are live.
//!
//! The engine sinks what has no effect to where it is used, but keeps loads in order: of a long run of
//! loads and sums, it would do all loads first, more than there are registers for. A store is an
//! effect that cannot be sunk. So from time to time, sums are stored where nothing reads them.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::{Arg, Op, Reg, Ty};

/// How many vectors are loaded before what uses them is computed.
const MOST_LOADED: u32 = 10;

/// The steps of a block since the last fence.
#[derive(Default)]
pub(super) struct Schedule {
    /// How many vectors were loaded.
    loaded: u32,
    /// What was computed, and is not used by another step.
    results: Vec<Reg>,
}

impl VectorEmitter<'_> {
    /// Puts a fence before the next step, where much was loaded since the last one.
    pub(super) fn fence_after(&mut self, schedule: &mut Schedule, op: &Op) {
        let input = self.input;
        if let Op::Load { targets, .. } = op {
            // Those before are about to be used up; these begin to be held.
            if schedule.loaded >= MOST_LOADED && !schedule.results.is_empty() {
                let results = std::mem::take(&mut schedule.results);
                schedule.loaded = 0;
                for reg in results {
                    let ty = input.body.ty(reg);
                    for chunk in 0..self.chunk_count(ty) {
                        self.fence(reg, ty, chunk);
                    }
                }
            }
            let bytes = targets
                .iter()
                .map(|target| match input.is_divergent(*target) {
                    true => self.lanes() * input.body.ty(*target).bytes(),
                    // In every lane of a vector.
                    false => 16,
                });
            schedule.loaded += bytes.sum::<u32>() / 16;
            return;
        }
        if let Op::Copy(target, Arg::Reg(from)) = op {
            // The same value, in another register.
            for reg in schedule.results.iter_mut().filter(|reg| *reg == from) {
                *reg = *target;
            }
        }
        if schedule.loaded == 0 || !matches!(op, Op::Fma(..) | Op::Binary(..)) {
            return;
        }
        op.each_arg(|arg| schedule.results.retain(|reg| arg != Arg::Reg(*reg)));
        for target in op.targets() {
            if input.is_divergent(*target) && input.body.ty(*target).is_float() {
                schedule.results.push(*target);
            }
        }
    }

    /// Has the engine compute a chunk of a register here, by a store where nothing reads it.
    pub(super) fn fence(&mut self, reg: Reg, ty: Ty, chunk: u32) {
        self.i32(0);
        self.chunk(Arg::Reg(reg), chunk);
        let size = if ty == Ty::F32 { 16 } else { 8 };
        let at = self.input.layout.lanes + (chunk * size) % 128;
        self.op(W::V128Store(scratch(at, 2)));
    }
}

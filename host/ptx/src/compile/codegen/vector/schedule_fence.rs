//! Keeps arithmetic near the loads that it uses.
//!
//! The engine puts off what has no effect until it is used, but keeps loads where they are: of a long
//! run of loads and sums, it would load all first, more than there are registers for. A store is an
//! effect. So from time to time, sums are stored where nobody looks.

use wasm_encoder::Instruction as W;

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::vector::VECTOR_LANES;
use crate::compile::codegen::{Emitter, scratch};
use crate::compile::ir::{Arg, Op, Reg, Ty};

/// How many vectors are loaded before what was made of them is computed.
const MOST_LOADED: u32 = 10;

/// How a block comes on.
#[derive(Default)]
pub(crate) struct Pace {
    loaded: u32,
    /// What was computed since, and is not part of something else.
    made: Vec<Reg>,
}

impl Emitter<'_> {
    /// Has the engine compute what it put off, where it has loaded much.
    pub(crate) fn keep_pace(&mut self, pace: &mut Pace, op: &Op) {
        let classes = self.shared.classes;
        let varies = |reg: &Reg| classes.of(*reg) == Uniformity::Divergent;
        if let Op::Load { targets, .. } = op {
            // Those before are about to be used up; these begin to be held.
            if pace.loaded >= MOST_LOADED && !pace.made.is_empty() {
                let made = std::mem::take(&mut pace.made);
                pace.loaded = 0;
                for reg in made {
                    self.compute(reg);
                }
            }
            let bytes = targets.iter().map(|target| match varies(target) {
                true => VECTOR_LANES * self.shared.body.ty(*target).bytes(),
                // In every lane of a vector.
                false => 16,
            });
            pace.loaded += bytes.sum::<u32>() / 16;
            return;
        }
        if let Op::Copy(target, Arg::Reg(from)) = op {
            // The same under another name.
            for reg in pace.made.iter_mut().filter(|reg| *reg == from) {
                *reg = *target;
            }
        }
        if pace.loaded == 0 || !matches!(op, Op::Fma(..) | Op::Binary(..)) {
            return;
        }
        op.each_arg(|arg| pace.made.retain(|reg| arg != Arg::Reg(*reg)));
        for target in op.targets() {
            if varies(target) && self.shared.body.ty(*target).is_float() {
                pace.made.push(*target);
            }
        }
    }

    fn compute(&mut self, reg: Reg) {
        let ty = self.shared.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.compute_chunk(reg, ty, chunk);
        }
    }

    /// Stores a chunk of a register where nobody looks.
    pub(crate) fn compute_chunk(&mut self, reg: Reg, ty: Ty, chunk: u32) {
        self.i32(0);
        self.chunk(Arg::Reg(reg), chunk);
        let size = if ty == Ty::F32 { 16 } else { 8 };
        let place = self.shared.layout.lanes + (chunk * size) % 128;
        self.op(W::V128Store(scratch(place, 2)));
    }
}

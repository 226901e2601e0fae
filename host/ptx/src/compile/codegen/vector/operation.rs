//! The steps of a block for a lane group: each as one for all lanes, in vectors, or scalarised.

use wasm_encoder::Instruction as W;

use crate::compile::analysis::coalescing::{coalesced, is_gather};
use crate::compile::analysis::lane_symmetry::{self, first_same_chunk};
use crate::compile::codegen::canonical_nan;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::{VectorEmitter, lanes_per_chunk, splat_i32};
use crate::compile::ir::{Arg, Op, Reg, Ty};

impl VectorEmitter<'_> {
    pub(super) fn operation(&mut self, op: &Op) {
        self.step(op);
        for target in op.targets() {
            self.fragments.write(*target);
        }
        self.copy_same_chunks(op);
    }

    /// Where lanes of a warp have the same in what a step wrote, lets chunks be copies of others, so that
    /// the engine computes each once.
    fn copy_same_chunks(&mut self, op: &Op) {
        let input = self.input;
        for target in op.targets() {
            let symmetry = input.analyses.uniformity.symmetry(*target);
            if symmetry == lane_symmetry::NONE || !input.is_divergent(*target) {
                continue;
            }
            let ty = input.body.ty(*target);
            for chunk in 0..self.chunk_count(ty) {
                let same = first_same_chunk(symmetry, chunk, lanes_per_chunk(ty));
                if same != chunk {
                    self.raw_chunk(*target, same);
                    self.set_chunk(*target, chunk);
                }
            }
        }
    }

    /// A step whose results are scalars. What it reads of vectors is the same in all lanes as far as
    /// the results are concerned: those of the first lane.
    fn scalar_step(&mut self, op: &Op) {
        let input = self.input;
        let mut sources: Vec<Reg> = Vec::new();
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg
                && input.is_divergent(reg)
                && !sources.contains(&reg)
            {
                sources.push(reg);
            }
        });
        let mut replaced: Vec<(Reg, Option<u32>)> = Vec::new();
        for (number, reg) in sources.into_iter().enumerate() {
            let ty = input.body.ty(reg);
            let stand_in = self.stand_in(ty, number);
            self.chunk(Arg::Reg(reg), 0);
            self.op(match ty {
                Ty::I32 => W::I32x4ExtractLane(0),
                Ty::I64 => W::I64x2ExtractLane(0),
                Ty::F32 => W::F32x4ExtractLane(0),
                Ty::F64 => W::F64x2ExtractLane(0),
            });
            self.set(stand_in);
            let own = self.scalar.replace_reg(reg, Some(stand_in));
            replaced.push((reg, own));
        }
        self.scalar.operation(op);
        for (reg, own) in replaced {
            self.scalar.replace_reg(reg, own);
        }
    }

    fn step(&mut self, op: &Op) {
        let input = self.input;
        let diverges = op
            .targets()
            .first()
            .map(|target| input.is_divergent(*target));
        if let Some(offsets) = coalesced(input.body, &input.analyses.uniformity, op) {
            match op {
                Op::Load {
                    place,
                    targets,
                    bytes,
                    ..
                } => return self.load(place, targets, *bytes, offsets),
                Op::Store {
                    place,
                    values,
                    bytes,
                    ..
                } => return self.store(place, values, *bytes, offsets),
                _ => {}
            }
        }
        match op {
            Op::Line(_) => self.scalar.operation(op),
            Op::Collective {
                op,
                targets,
                inputs,
            } => self.collective(*op, targets, inputs),
            Op::Load { .. } | Op::Store { .. } if is_gather(&input.analyses.uniformity, op) => {
                self.gather_or_scatter(op);
            }
            Op::CopyAsync(copy) => self.copy_async(copy),
            Op::LoadMatrix(load) => self.load_matrix(load),
            Op::Store { .. } => self.scalarised(op),
            _ if diverges == Some(false) => self.scalar_step(op),
            Op::Copy(target, a) => {
                for chunk in 0..self.chunk_count(input.body.ty(*target)) {
                    self.value_for(*target, *a, chunk);
                    self.set_chunk(*target, chunk);
                }
            }
            Op::Select(target, condition, yes, no) => self.select(*target, *condition, *yes, *no),
            Op::Unary(opcode, target, a) => {
                if !self.unary(*opcode, *target, *a) {
                    self.scalarised(op);
                }
            }
            Op::Binary(opcode, target, a, b) => {
                if !self.binary(*opcode, *target, *a, *b) {
                    self.scalarised(op);
                }
            }
            Op::Fma(target, a, b, c) => {
                for chunk in 0..self.chunk_count(input.body.ty(*target)) {
                    self.fma_chunk(*target, [*a, *b, *c], chunk);
                }
            }
            Op::CanonicalizeNan(target, a) => self.canonicalize_nan(*target, *a),
            Op::FlushSubnormal(target, a) => self.flush_subnormal(*target, *a),
            Op::Special(..)
            | Op::Libcall { .. }
            | Op::Builtin { .. }
            | Op::Load { .. }
            | Op::Atomic { .. } => {
                self.scalarised(op);
            }
        }
    }

    fn canonicalize_nan(&mut self, target: Reg, a: Arg) {
        let ty = self.input.body.ty(target);
        for chunk in 0..self.chunk_count(ty) {
            self.chunk(a, chunk);
            self.chunk(canonical_nan(ty), chunk);
            self.chunk(a, chunk);
            self.chunk(a, chunk);
            self.op(if ty == Ty::F32 {
                W::F32x4Eq
            } else {
                W::F64x2Eq
            });
            self.op(W::V128Bitselect);
            self.set_chunk(target, chunk);
        }
    }

    fn flush_subnormal(&mut self, target: Reg, a: Arg) {
        for chunk in 0..self.lanes() / 4 {
            self.chunk(a, chunk);
            self.op(W::V128Const(splat_i32(1 << 31)));
            self.op(W::V128And);
            self.chunk(a, chunk);
            self.chunk(a, chunk);
            self.op(W::F32x4Abs);
            self.op(W::V128Const(splat_i32(f32::MIN_POSITIVE.to_bits())));
            self.op(W::F32x4Lt);
            self.op(W::V128Bitselect);
            self.set_chunk(target, chunk);
        }
    }
}

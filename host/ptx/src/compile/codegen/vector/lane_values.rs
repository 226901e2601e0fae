//! The values of a lane group in registers and operands.
//!
//! A register that is uniform is one scalar. One that is affine is the scalar of the group's first
//! lane; the others are constant offsets away. A divergent one is in chunks: vectors of four lanes, or
//! of two where it has 64 bits. A divergent boolean has a mask in each lane, all ones or zeros.

use wasm_encoder::Instruction as W;

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::{
    VectorEmitter, lanes_per_chunk, splat, splat_i32, splat_i64,
};
use crate::compile::ir::{Arg, Reg, Ty};

impl VectorEmitter<'_> {
    /// The local with a chunk of a divergent register.
    fn chunk_local(&self, reg: Reg, chunk: u32) -> u32 {
        let chunks = self.chunks.get(reg);
        let local = chunks.and_then(|chunks| chunks.get(chunk as usize).copied());
        self.require(local, "a register without this chunk")
    }

    /// Sets a chunk of a register, to masks where it is a boolean.
    pub(super) fn set_chunk(&mut self, reg: Reg, chunk: u32) {
        self.set(self.chunk_local(reg, chunk));
    }

    /// Sets a chunk of a register to numbers, where it is a boolean to zeros and ones.
    pub(super) fn set_chunk_from_number(&mut self, reg: Reg, chunk: u32) {
        if self.input.analyses.uniformity.is_boolean(reg) {
            self.op(W::I32x4Neg);
        }
        self.set_chunk(reg, chunk);
    }

    /// Leaves a chunk of a divergent register as it is kept, of a boolean the masks.
    pub(super) fn raw_chunk(&mut self, reg: Reg, chunk: u32) {
        self.get(self.chunk_local(reg, chunk));
    }

    /// Leaves four or two lanes of an operand's value, as numbers.
    pub(super) fn chunk(&mut self, arg: Arg, chunk: u32) {
        let reg = match arg {
            Arg::I32(bits) | Arg::F32(bits) => return self.op(W::V128Const(splat_i32(bits))),
            Arg::I64(bits) | Arg::F64(bits) => return self.op(W::V128Const(splat_i64(bits))),
            Arg::Reg(reg) => reg,
        };
        let ty = self.input.body.ty(reg);
        match self.input.analyses.uniformity.of(reg) {
            Uniformity::Divergent => {
                self.raw_chunk(reg, chunk);
                if self.input.analyses.uniformity.is_boolean(reg) {
                    self.op(W::V128Const(splat_i32(1)));
                    self.op(W::V128And);
                }
            }
            Uniformity::Uniform => {
                self.scalar.arg(arg);
                self.op(splat(ty));
            }
            Uniformity::Affine(offsets) => {
                self.scalar.arg(arg);
                self.op(splat(ty));
                self.add_offsets(ty, offsets, chunk);
            }
        }
    }

    /// Adds to each lane of a chunk its offset from the group's first lane.
    pub(super) fn add_offsets(&mut self, ty: Ty, offsets: LaneOffsets, chunk: u32) {
        let lanes = lanes_per_chunk(ty);
        let bits = 8 * ty.bytes();
        let mut vector = 0u128;
        for lane in 0..lanes {
            let offset = u128::from(offsets.of(chunk * lanes + lane).cast_unsigned());
            vector |= (offset & ((1 << bits) - 1)) << (bits * lane);
        }
        self.op(W::V128Const(vector.cast_signed()));
        self.op(if ty == Ty::I32 {
            W::I32x4Add
        } else {
            W::I64x2Add
        });
    }

    /// Leaves four lanes of a condition, as masks.
    pub(super) fn mask(&mut self, condition: Arg, chunk: u32) {
        if let Arg::Reg(reg) = condition
            && self.input.is_divergent(reg)
            && self.input.analyses.uniformity.is_boolean(reg)
        {
            return self.raw_chunk(reg, chunk);
        }
        self.chunk(condition, chunk);
        self.op(W::V128Const(0));
        self.op(W::I32x4Ne);
    }

    /// Leaves the masks for a chunk of values of a type.
    pub(super) fn mask_for(&mut self, ty: Ty, condition: Arg, chunk: u32) {
        if ty.bytes() == 4 {
            return self.mask(condition, chunk);
        }
        self.mask(condition, chunk / 2);
        self.op(if chunk.is_multiple_of(2) {
            W::I64x2ExtendLowI32x4S
        } else {
            W::I64x2ExtendHighI32x4S
        });
    }

    /// Leaves a chunk of an operand as the target keeps it.
    pub(super) fn value_for(&mut self, target: Reg, value: Arg, chunk: u32) {
        if self.input.analyses.uniformity.is_boolean(target) {
            self.mask(value, chunk);
        } else {
            self.chunk(value, chunk);
        }
    }
}

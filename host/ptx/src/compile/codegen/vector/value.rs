//! Values of a group: a scalar where the threads have it in common or known to be apart, else vectors.

use wasm_encoder::Instruction as W;

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::Emitter;
use crate::compile::codegen::vector::splat_i32;
use crate::compile::ir::{Arg, Reg, Ty};

impl Emitter<'_> {
    /// Sets a chunk of a register from numbers, which are masks where the register is a truth.
    pub(crate) fn set_chunk_from_number(&mut self, reg: Reg, chunk: u32) {
        if self.shared.classes.is_truth(reg) {
            self.op(W::I32x4Neg);
        }
        self.set_chunk(reg, chunk);
    }

    /// The local with a chunk of a varying register.
    fn chunk_local(&self, reg: Reg, chunk: u32) -> Option<u32> {
        let chunks = self.group.chunks.get(reg.0 as usize)?;
        chunks.get(chunk as usize).copied()
    }

    pub(crate) fn set_chunk(&mut self, reg: Reg, chunk: u32) {
        match self.chunk_local(reg, chunk) {
            Some(local) => self.set(local),
            None => self.op(W::Drop),
        }
    }

    /// A chunk as it is kept: a mask for a varying truth.
    pub(crate) fn raw_chunk(&mut self, reg: Reg, chunk: u32) {
        match self.chunk_local(reg, chunk) {
            Some(local) => self.get(local),
            None => self.op(W::V128Const(0)),
        }
    }

    /// Four or two lanes of an operand's value, as numbers.
    pub(crate) fn chunk(&mut self, arg: Arg, chunk: u32) {
        let ty = self.shared.body.arg_ty(arg);
        match arg {
            Arg::I32(bits) | Arg::F32(bits) => self.op(W::V128Const(splat_i32(bits))),
            Arg::I64(bits) | Arg::F64(bits) => {
                let bits = u128::from(bits);
                self.op(W::V128Const((bits | bits << 64).cast_signed()));
            }
            Arg::Reg(reg) => match self.shared.classes.of(reg) {
                Uniformity::Divergent => {
                    self.raw_chunk(reg, chunk);
                    if self.shared.classes.is_truth(reg) {
                        self.op(W::V128Const(splat_i32(1)));
                        self.op(W::V128And);
                    }
                }
                class => {
                    self.get(self.reg(reg));
                    self.op(match ty {
                        Ty::I32 => W::I32x4Splat,
                        Ty::I64 => W::I64x2Splat,
                        Ty::F32 => W::F32x4Splat,
                        Ty::F64 => W::F64x2Splat,
                    });
                    if let Uniformity::Affine(apart) = class {
                        self.ramp(ty, apart, chunk);
                    }
                }
            },
        }
    }

    /// Adds to each lane what it is away from the group's first.
    pub(crate) fn ramp(&mut self, ty: Ty, apart: LaneOffsets, chunk: u32) {
        let mut ramp = 0u128;
        if ty == Ty::I32 {
            for lane in 0..4 {
                let away = apart.of(chunk * 4 + lane).cast_unsigned();
                ramp |= u128::from(away & 0xffff_ffff) << (32 * lane);
            }
        } else {
            for lane in 0..2 {
                let away = apart.of(chunk * 2 + lane).cast_unsigned();
                ramp |= u128::from(away) << (64 * lane);
            }
        }
        self.op(W::V128Const(ramp.cast_signed()));
        self.op(if ty == Ty::I32 {
            W::I32x4Add
        } else {
            W::I64x2Add
        });
    }

    /// Four lanes of a condition, as masks.
    pub(crate) fn mask(&mut self, condition: Arg, chunk: u32) {
        if let Arg::Reg(reg) = condition
            && self.shared.classes.of(reg) == Uniformity::Divergent
            && self.shared.classes.is_truth(reg)
        {
            return self.raw_chunk(reg, chunk);
        }
        self.chunk(condition, chunk);
        self.op(W::V128Const(0));
        self.op(W::I32x4Ne);
    }

    /// The masks of a chunk of values of a type.
    pub(crate) fn mask_for(&mut self, ty: Ty, condition: Arg, chunk: u32) {
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

    /// A chunk of an operand as the target keeps it.
    pub(crate) fn value_for(&mut self, target: Reg, value: Arg, chunk: u32) {
        if self.shared.classes.is_truth(target) {
            self.mask(value, chunk);
        } else {
            self.chunk(value, chunk);
        }
    }
}

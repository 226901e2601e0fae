//! Arithmetic in vectors: operations by their [vector form](VectorForm), chunk by chunk.

use wasm_encoder::{Instruction as W, ValType};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::{EVEN, LOWER, UPPER, VectorEmitter, splat_i32};
use crate::compile::ir::opcodes::{Opcode, VectorForm};
use crate::compile::ir::{Arg, Reg, Ty};

impl VectorEmitter<'_> {
    pub(super) fn select(&mut self, target: Reg, condition: Arg, yes: Arg, no: Arg) {
        let ty = self.input.body.ty(target);
        let uniform = self.input.uniformity(condition) == Uniformity::Uniform;
        for chunk in 0..self.chunk_count(ty) {
            self.value_for(target, yes, chunk);
            self.value_for(target, no, chunk);
            if uniform {
                self.scalar.arg(condition);
                self.op(W::TypedSelect(ValType::V128));
            } else {
                self.mask_for(ty, condition, chunk);
                self.op(W::V128Bitselect);
            }
            self.set_chunk(target, chunk);
        }
    }

    /// Multiplies and adds a chunk, with one rounding.
    pub(super) fn fma_chunk(&mut self, target: Reg, [a, b, c]: [Arg; 3], chunk: u32) {
        for arg in [a, b, c] {
            self.chunk(arg, chunk);
        }
        self.op(match self.input.body.ty(target) {
            Ty::F32 => W::F32x4RelaxedMadd,
            _ => W::F64x2RelaxedMadd,
        });
        self.set_chunk(target, chunk);
    }

    /// An operation on one operand, in vectors; false where it has no vector form.
    pub(super) fn unary(&mut self, opcode: Opcode, target: Reg, a: Arg) -> bool {
        for chunk in 0..self.chunk_count(opcode.result()) {
            match opcode.vector() {
                VectorForm::SameBits => self.chunk(a, chunk),
                VectorForm::Lanes(instruction) => {
                    self.chunk(a, chunk);
                    self.op(instruction.clone());
                }
                VectorForm::Widen(low, high) => {
                    self.chunk(a, chunk / 2);
                    self.op(if chunk.is_multiple_of(2) { low } else { high }.clone());
                }
                VectorForm::WidenLow(low) => {
                    self.chunk(a, chunk / 2);
                    if !chunk.is_multiple_of(2) {
                        self.chunk(a, chunk / 2);
                        self.op(W::I8x16Shuffle(UPPER));
                    }
                    self.op(low.clone());
                }
                VectorForm::Truncate => {
                    self.chunk(a, chunk * 2);
                    self.chunk(a, chunk * 2 + 1);
                    self.op(W::I8x16Shuffle(EVEN));
                }
                VectorForm::NarrowLow(instruction) => {
                    for half in 0..2 {
                        self.chunk(a, chunk * 2 + half);
                        self.op(instruction.clone());
                    }
                    self.op(W::I8x16Shuffle(LOWER));
                }
                VectorForm::SignExtend(bits) => {
                    let above = 32 - bits;
                    self.chunk(a, chunk);
                    self.i32(above);
                    self.op(W::I32x4Shl);
                    self.i32(above);
                    self.op(W::I32x4ShrS);
                }
                VectorForm::Compare(_)
                | VectorForm::Shift(_)
                | VectorForm::CopySign
                | VectorForm::Scalarised => return false,
            }
            self.set_chunk(target, chunk);
        }
        true
    }

    /// An operation on two operands, in vectors; false where it has no vector form.
    pub(super) fn binary(&mut self, opcode: Opcode, target: Reg, a: Arg, b: Arg) -> bool {
        let ty = opcode.operand();
        let is_boolean = self.input.analyses.uniformity.is_boolean(target);
        match opcode.vector() {
            VectorForm::Shift(instruction) => {
                if self.input.uniformity(b) != Uniformity::Uniform {
                    return false;
                }
                for chunk in 0..self.chunk_count(ty) {
                    self.chunk(a, chunk);
                    self.scalar.arg(b);
                    if ty == Ty::I64 {
                        self.op(W::I32WrapI64);
                    }
                    self.op(instruction.clone());
                    self.set_chunk(target, chunk);
                }
            }
            VectorForm::CopySign => {
                let sign = if ty == Ty::F32 {
                    Arg::F32(1 << 31)
                } else {
                    Arg::F64(1 << 63)
                };
                for chunk in 0..self.chunk_count(ty) {
                    self.chunk(b, chunk);
                    self.chunk(a, chunk);
                    self.chunk(sign, chunk);
                    self.op(W::V128Bitselect);
                    self.set_chunk(target, chunk);
                }
            }
            // Booleans are masks: they are combined as such.
            VectorForm::Lanes(instruction) if is_boolean && opcode.is_bool_combine() => {
                for chunk in 0..self.lanes() / 4 {
                    self.mask(a, chunk);
                    self.mask(b, chunk);
                    self.op(instruction.clone());
                    self.set_chunk(target, chunk);
                }
            }
            VectorForm::Lanes(instruction) => {
                for chunk in 0..self.chunk_count(ty) {
                    self.chunk(a, chunk);
                    self.chunk(b, chunk);
                    self.op(instruction.clone());
                    self.set_chunk(target, chunk);
                }
            }
            VectorForm::Compare(instruction) => {
                for chunk in 0..self.lanes() / 4 {
                    if ty.bytes() == 4 {
                        self.chunk(a, chunk);
                        self.chunk(b, chunk);
                        self.op(instruction.clone());
                    } else {
                        for half in 0..2 {
                            self.chunk(a, chunk * 2 + half);
                            self.chunk(b, chunk * 2 + half);
                            self.op(instruction.clone());
                        }
                        self.op(W::I8x16Shuffle(EVEN));
                    }
                    if !is_boolean {
                        self.op(W::V128Const(splat_i32(1)));
                        self.op(W::V128And);
                    }
                    self.set_chunk(target, chunk);
                }
            }
            VectorForm::SameBits
            | VectorForm::Widen(..)
            | VectorForm::WidenLow(_)
            | VectorForm::Truncate
            | VectorForm::NarrowLow(_)
            | VectorForm::SignExtend(_)
            | VectorForm::Scalarised => return false,
        }
        true
    }
}

//! Arithmetic of groups, in vectors.

use wasm_encoder::{Instruction as W, ValType};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::Emitter;
use crate::compile::codegen::vector::{EVEN, LOWER, UPPER, VECTOR_LANES, splat_i32};
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Reg, Ty};

impl Emitter<'_> {
    pub(crate) fn group_select(&mut self, target: Reg, condition: Arg, yes: Arg, no: Arg) {
        let ty = self.shared.body.ty(target);
        let uniform = self.class(condition) == Uniformity::Uniform;
        for chunk in 0..self.chunk_count(ty) {
            self.value_for(target, yes, chunk);
            self.value_for(target, no, chunk);
            if uniform {
                self.arg(condition);
                self.op(W::TypedSelect(ValType::V128));
            } else {
                self.mask_for(ty, condition, chunk);
                self.op(W::V128Bitselect);
            }
            self.set_chunk(target, chunk);
        }
    }

    /// Multiplies and adds a chunk, with one rounding.
    pub(crate) fn fma_chunk(&mut self, target: Reg, [a, b, c]: [Arg; 3], chunk: u32) {
        for arg in [a, b, c] {
            self.chunk(arg, chunk);
        }
        self.op(match self.shared.body.ty(target) {
            Ty::F32 => W::F32x4RelaxedMadd,
            _ => W::F64x2RelaxedMadd,
        });
        self.set_chunk(target, chunk);
    }

    pub(crate) fn group_one(&mut self, code: Opcode, target: Reg, a: Arg) -> bool {
        use Opcode::*;
        let chunks = self.chunk_count(code.result());
        let upper = W::I8x16Shuffle(UPPER);
        for chunk in 0..chunks {
            match code {
                I32ReinterpretF32 | F32ReinterpretI32 | I64ReinterpretF64 | F64ReinterpretI64 => {
                    self.chunk(a, chunk);
                }
                I64ExtendI32S | I64ExtendI32U | F64PromoteF32 | F64ConvertI32S | F64ConvertI32U => {
                    self.chunk(a, chunk / 2);
                    let low = chunk.is_multiple_of(2);
                    match (code, low) {
                        (I64ExtendI32S, true) => self.op(W::I64x2ExtendLowI32x4S),
                        (I64ExtendI32S, false) => self.op(W::I64x2ExtendHighI32x4S),
                        (I64ExtendI32U, true) => self.op(W::I64x2ExtendLowI32x4U),
                        (I64ExtendI32U, false) => self.op(W::I64x2ExtendHighI32x4U),
                        _ => {
                            if !low {
                                self.chunk(a, chunk / 2);
                                self.op(upper.clone());
                            }
                            self.op(match code {
                                F64PromoteF32 => W::F64x2PromoteLowF32x4,
                                F64ConvertI32S => W::F64x2ConvertLowI32x4S,
                                _ => W::F64x2ConvertLowI32x4U,
                            });
                        }
                    }
                }
                I32WrapI64 => {
                    self.chunk(a, chunk * 2);
                    self.chunk(a, chunk * 2 + 1);
                    self.op(W::I8x16Shuffle(EVEN));
                }
                F32DemoteF64 => {
                    for half in 0..2 {
                        self.chunk(a, chunk * 2 + half);
                        self.op(W::F32x4DemoteF64x2Zero);
                    }
                    self.op(W::I8x16Shuffle(LOWER));
                }
                I32Extend8S | I32Extend16S => {
                    let by = if code == I32Extend8S { 24 } else { 16 };
                    self.chunk(a, chunk);
                    self.i32(by);
                    self.op(W::I32x4Shl);
                    self.i32(by);
                    self.op(W::I32x4ShrS);
                }
                _ => match code.vector() {
                    Some(instruction) if code.operand().bytes() == code.result().bytes() => {
                        self.chunk(a, chunk);
                        self.op(instruction);
                    }
                    _ => return false,
                },
            }
            self.set_chunk(target, chunk);
        }
        true
    }

    pub(crate) fn group_two(&mut self, code: Opcode, target: Reg, a: Arg, b: Arg) -> bool {
        use Opcode::*;
        let ty = code.operand();
        let truth = self.shared.classes.is_truth(target);
        let shift = match code {
            I32Shl => Some(W::I32x4Shl),
            I32ShrS => Some(W::I32x4ShrS),
            I32ShrU => Some(W::I32x4ShrU),
            I64Shl => Some(W::I64x2Shl),
            I64ShrS => Some(W::I64x2ShrS),
            I64ShrU => Some(W::I64x2ShrU),
            _ => None,
        };
        if let Some(shift) = shift {
            if self.class(b) != Uniformity::Uniform {
                return false;
            }
            for chunk in 0..self.chunk_count(ty) {
                self.chunk(a, chunk);
                self.arg(b);
                if ty == Ty::I64 {
                    self.op(W::I32WrapI64);
                }
                self.op(shift.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        if matches!(code, F32Copysign | F64Copysign) {
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
            return true;
        }
        let Some(instruction) = code.vector() else {
            return false;
        };
        if matches!(code, I32And | I32Or | I32Xor) && truth {
            for chunk in 0..VECTOR_LANES / 4 {
                self.mask(a, chunk);
                self.mask(b, chunk);
                self.op(instruction.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        let compares = code.result() == Ty::I32 && !(ty == Ty::I32 && is_arithmetic(code));
        if !compares {
            for chunk in 0..self.chunk_count(ty) {
                self.chunk(a, chunk);
                self.chunk(b, chunk);
                self.op(instruction.clone());
                self.set_chunk(target, chunk);
            }
            return true;
        }
        for chunk in 0..VECTOR_LANES / 4 {
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
            if !truth {
                self.op(W::V128Const(splat_i32(1)));
                self.op(W::V128And);
            }
            self.set_chunk(target, chunk);
        }
        true
    }
}

fn is_arithmetic(code: Opcode) -> bool {
    use Opcode::*;
    matches!(code, I32Add | I32Sub | I32Mul | I32And | I32Or | I32Xor)
}

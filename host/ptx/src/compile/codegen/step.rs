//! Each step that touches nothing but registers.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::{Emitter, Imports};
use crate::compile::ir::{Arg, Op, Reg, SpecialValue, Ty};

/// The NaNs that operations give.
pub(crate) const NAN32: u32 = 0x7fff_ffff;
pub(crate) const NAN64: u64 = 0xfff8_0000_0000_0000;

/// The smallest normal single.
const NORMAL32: f32 = f32::MIN_POSITIVE;

impl Emitter<'_> {
    pub(crate) fn step(&mut self, op: &Op) {
        match op {
            Op::Line(line) => self.at_line(*line),
            Op::Copy(target, a) => {
                self.arg(*a);
                self.set_reg(*target);
            }
            Op::Unary(code, target, a) => {
                self.arg(*a);
                self.op(code.scalar());
                self.set_reg(*target);
            }
            Op::Binary(code, target, a, b) => {
                debug_assert!(
                    !code.may_trap() || b.bits() != Some(0),
                    "translation guards divisors"
                );
                self.arg(*a);
                self.arg(*b);
                self.op(code.scalar());
                self.set_reg(*target);
            }
            Op::Select(target, condition, yes, no) => {
                self.arg(*yes);
                self.arg(*no);
                self.arg(*condition);
                self.op(W::Select);
                self.set_reg(*target);
            }
            Op::Fma(target, a, b, c) => {
                let single = self.shared.body.ty(*target) == Ty::F32;
                for arg in [a, b, c] {
                    self.arg(*arg);
                    self.op(if single { W::F32x4Splat } else { W::F64x2Splat });
                }
                if single {
                    self.op(W::F32x4RelaxedMadd);
                    self.op(W::F32x4ExtractLane(0));
                } else {
                    self.op(W::F64x2RelaxedMadd);
                    self.op(W::F64x2ExtractLane(0));
                }
                self.set_reg(*target);
            }
            Op::CanonicalizeNan(target, a) => {
                let single = self.shared.body.ty(*target) == Ty::F32;
                self.arg(*a);
                self.arg(if single {
                    Arg::F32(NAN32)
                } else {
                    Arg::F64(NAN64)
                });
                self.arg(*a);
                self.arg(*a);
                self.op(if single { W::F32Eq } else { W::F64Eq });
                self.op(W::Select);
                self.set_reg(*target);
            }
            Op::FlushSubnormal(target, a) => {
                self.op(W::F32Const(0f32.into()));
                self.arg(*a);
                self.op(W::F32Copysign);
                self.arg(*a);
                self.arg(*a);
                self.op(W::F32Abs);
                self.op(W::F32Const(NORMAL32.into()));
                self.op(W::F32Lt);
                self.op(W::Select);
                self.set_reg(*target);
            }
            Op::Special(target, known) => {
                match known {
                    SpecialValue::Tid(dimension) => {
                        let local = self.tid.get(usize::from(*dimension)).copied();
                        self.get(local.unwrap_or(0));
                    }
                    SpecialValue::Thread => self.get(self.thread),
                    SpecialValue::Launch(..) | SpecialValue::LaunchPart(..) => {
                        self.get(self.known.get(known).copied().unwrap_or(0));
                    }
                    SpecialValue::Clock => self.op(W::Call(Imports::CLOCK)),
                }
                self.set_reg(*target);
            }
            Op::Libcall {
                target,
                libcall,
                args,
            } => {
                self.i32(libcall.0);
                for place in 0..4 {
                    self.arg(args.get(place).copied().unwrap_or(Arg::I64(0)));
                }
                self.op(W::Call(Imports::HELP));
                self.set_reg(*target);
            }
            Op::Load {
                targets,
                place,
                bytes,
                atomic,
                ..
            } => self.load(targets, place, *bytes, *atomic),
            Op::Store {
                place,
                bytes,
                values,
                atomic,
            } => self.store(place, *bytes, values, *atomic),
            Op::Atomic { .. } => self.atomic(op),
        }
    }

    pub(crate) fn set_reg(&mut self, reg: Reg) {
        self.set(self.reg(reg));
    }
}

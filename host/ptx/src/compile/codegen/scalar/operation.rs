//! The steps of a block for one thread: each leaves its result in the local of its target.

use wasm_encoder::Instruction as W;

use crate::compile::codegen::canonical_nan;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::scalar::ScalarEmitter;
use crate::compile::ir::{Arg, Op, SpecialValue, Ty};
use crate::simt::builtin_functions::MOST_ARGUMENTS;

/// How many operands the import `libcall` has.
const LIBCALL_OPERANDS: usize = 4;

impl ScalarEmitter<'_> {
    pub(crate) fn operation(&mut self, op: &Op) {
        match op {
            Op::Line(line) => self.at_line(*line),
            Op::Copy(target, a) => {
                self.arg(*a);
                self.set_reg(*target);
            }
            Op::Unary(opcode, target, a) => {
                self.arg(*a);
                self.op(opcode.scalar());
                self.set_reg(*target);
            }
            Op::Binary(opcode, target, a, b) => {
                if opcode.may_trap() && b.bits() == Some(0) {
                    self.inconsistent("a division by zero that is not guarded");
                }
                self.arg(*a);
                self.arg(*b);
                self.op(opcode.scalar());
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
                // Only vectors have it: of its lanes, the first is taken.
                let is_f32 = self.input.body.ty(*target) == Ty::F32;
                for arg in [a, b, c] {
                    self.arg(*arg);
                    self.op(if is_f32 { W::F32x4Splat } else { W::F64x2Splat });
                }
                if is_f32 {
                    self.op(W::F32x4RelaxedMadd);
                    self.op(W::F32x4ExtractLane(0));
                } else {
                    self.op(W::F64x2RelaxedMadd);
                    self.op(W::F64x2ExtractLane(0));
                }
                self.set_reg(*target);
            }
            Op::CanonicalizeNan(target, a) => {
                let ty = self.input.body.ty(*target);
                self.arg(*a);
                self.arg(canonical_nan(ty));
                self.arg(*a);
                self.arg(*a);
                self.op(if ty == Ty::F32 { W::F32Eq } else { W::F64Eq });
                self.op(W::Select);
                self.set_reg(*target);
            }
            Op::FlushSubnormal(target, a) => {
                self.flush_subnormal(|emitter| emitter.arg(*a));
                self.set_reg(*target);
            }
            Op::Special(target, value) => {
                match value {
                    SpecialValue::Tid(dimension) => {
                        let local = self.tid.get(usize::from(*dimension)).copied();
                        let local = self.require(local, "a coordinate of more than three");
                        self.get(local);
                    }
                    SpecialValue::Thread => self.get(self.thread),
                    SpecialValue::Launch(..) | SpecialValue::LaunchPart(..) => {
                        self.get(self.launch_value(*value));
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
                if args.len() > LIBCALL_OPERANDS {
                    self.inconsistent("a libcall of too many operands");
                }
                self.i32(libcall.0);
                // Those that it does not have are zeros.
                for number in 0..LIBCALL_OPERANDS {
                    self.arg(args.get(number).copied().unwrap_or(Arg::I64(0)));
                }
                self.op(W::Call(Imports::LIBCALL));
                self.set_reg(*target);
            }
            Op::Builtin { target, site, args } => {
                self.get(self.thread);
                self.i32(site.0);
                for number in 0..MOST_ARGUMENTS {
                    self.arg(args.get(number).copied().unwrap_or(Arg::I64(0)));
                }
                self.op(W::Call(Imports::BUILTIN));
                self.set_reg(*target);
            }
            Op::Load {
                targets,
                place,
                bytes,
                atomic,
            } => self.load(targets, place, *bytes, *atomic),
            Op::Store {
                place,
                bytes,
                values,
                atomic,
            } => self.store(place, *bytes, values, *atomic),
            Op::Atomic {
                target,
                place,
                bytes,
                change,
                b,
                c,
            } => self.atomic(*target, place, *bytes, *change, [*b, *c]),
            Op::CopyAsync(copy) => self.copy_async(copy),
            // A thread by itself is no whole warp.
            Op::Collective { .. } | Op::LoadMatrix(_) => {
                self.inconsistent("a collective of a single thread")
            }
        }
    }

    /// Leaves an f32, which `value` leaves again and again, with zero of its sign for a subnormal.
    pub(super) fn flush_subnormal(&mut self, mut value: impl FnMut(&mut Self)) {
        self.op(W::F32Const(0f32.into()));
        value(self);
        self.op(W::F32Copysign);
        value(self);
        value(self);
        self.op(W::F32Abs);
        self.op(W::F32Const(f32::MIN_POSITIVE.into()));
        self.op(W::F32Lt);
        self.op(W::Select);
    }
}

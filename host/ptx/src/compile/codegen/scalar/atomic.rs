//! Atomics: WebAssembly's read-modify-write instruction where it has one, else a loop around
//! compare-and-exchange.

use wasm_encoder::{BlockType, Instruction as W, MemArg};

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::module::Imports;
use crate::compile::codegen::scalar::ScalarEmitter;
use crate::compile::codegen::scalar::memory::{Memory, load, store};
use crate::compile::codegen::{canonical_nan, val_type};
use crate::compile::ir::{AccessAddress, Arg, AtomicOp, Reg, Ty};

impl ScalarEmitter<'_> {
    pub(super) fn atomic(
        &mut self,
        target: Option<Reg>,
        place: &AccessAddress,
        bytes: u8,
        op: AtomicOp,
        [b, c]: [Arg; 2],
    ) {
        let int = if bytes == 8 { Ty::I64 } else { Ty::I32 };
        let float = matches!(op, AtomicOp::FloatAdd { .. });
        let ty = self.input.body.arg_ty(b);
        let [old, new, seen] = [(); 3].map(|()| self.local(val_type(int)));
        self.checked(place, |emitter, memory| {
            let at = memory.at(0, u32::from(bytes).trailing_zeros());
            if memory == Memory::Device
                && let Some(instruction) = read_modify_write(op, bytes, at)
            {
                emitter.arg(b);
                if op == AtomicOp::Swap {
                    emitter.arg(c);
                }
                emitter.op(instruction);
                emitter.set(old);
                return;
            }
            emitter.set(emitter.offset);
            // Only this thread sees scratch memory, as long as it runs.
            if memory != Memory::Device {
                emitter.get(emitter.offset);
                emitter.op(load(int, bytes, at));
                emitter.set(old);
                emitter.get(emitter.offset);
                emitter.replacement(op, int, ty, old, [b, c]);
                emitter.op(store(int, bytes, at));
                return;
            }
            emitter.get(emitter.offset);
            emitter.atomic_load(int, bytes, at);
            emitter.set(seen);
            emitter.op(W::Loop(BlockType::Empty));
            emitter.get(seen);
            emitter.set(old);
            emitter.replacement(op, int, ty, old, [b, c]);
            emitter.set(new);
            emitter.get(emitter.offset);
            emitter.get(old);
            emitter.get(new);
            emitter.op(match bytes {
                2 => W::I32AtomicRmw16CmpxchgU(at),
                4 => W::I32AtomicRmwCmpxchg(at),
                _ => W::I64AtomicRmwCmpxchg(at),
            });
            emitter.op(W::LocalTee(seen));
            emitter.get(old);
            emitter.op(if int == Ty::I64 { W::I64Ne } else { W::I32Ne });
            emitter.op(W::BrIf(0));
            emitter.op(W::End);
        });
        if let Some(target) = target {
            self.get(old);
            if float {
                self.op(if int == Ty::I64 {
                    W::F64ReinterpretI64
                } else {
                    W::F32ReinterpretI32
                });
            }
            self.set_reg(target);
        }
    }

    /// Leaves what replaces the old value.
    fn replacement(&mut self, op: AtomicOp, int: Ty, ty: Ty, old: u32, [b, c]: [Arg; 2]) {
        let wide = int == Ty::I64;
        let pick = |narrow: W<'static>, other: W<'static>| if wide { other } else { narrow };
        match op {
            AtomicOp::Add | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor => {
                self.get(old);
                self.arg(b);
                self.op(match op {
                    AtomicOp::Add => pick(W::I32Add, W::I64Add),
                    AtomicOp::And => pick(W::I32And, W::I64And),
                    AtomicOp::Or => pick(W::I32Or, W::I64Or),
                    _ => pick(W::I32Xor, W::I64Xor),
                });
            }
            AtomicOp::Exchange => self.arg(b),
            AtomicOp::Swap => {
                self.arg(c);
                self.get(old);
                self.get(old);
                self.arg(b);
                self.op(pick(W::I32Eq, W::I64Eq));
                self.op(W::Select);
            }
            AtomicOp::Least { signed, most } => {
                self.get(old);
                self.arg(b);
                self.get(old);
                self.arg(b);
                self.op(match (signed, most) {
                    (true, false) => pick(W::I32LeS, W::I64LeS),
                    (true, true) => pick(W::I32GeS, W::I64GeS),
                    (false, false) => pick(W::I32LeU, W::I64LeU),
                    (false, true) => pick(W::I32GeU, W::I64GeU),
                });
                self.op(W::Select);
            }
            AtomicOp::Increment => {
                self.i32(0);
                self.get(old);
                self.i32(1);
                self.op(W::I32Add);
                self.get(old);
                self.arg(b);
                self.op(W::I32GeU);
                self.op(W::Select);
            }
            AtomicOp::Decrement => {
                self.arg(b);
                self.get(old);
                self.i32(1);
                self.op(W::I32Sub);
                self.get(old);
                self.op(W::I32Eqz);
                self.get(old);
                self.arg(b);
                self.op(W::I32GtU);
                self.op(W::I32Or);
                self.op(W::Select);
            }
            AtomicOp::FloatAdd { flush } => self.float_sum(ty, flush, old, b),
            AtomicOp::Libcall(libcall) => {
                self.i32(libcall.0);
                self.get(old);
                if !wide {
                    self.op(W::I64ExtendI32U);
                }
                self.arg(b);
                if !wide {
                    self.op(W::I64ExtendI32U);
                }
                self.i64(0);
                self.i64(0);
                self.op(W::Call(Imports::LIBCALL));
                if !wide {
                    self.op(W::I32WrapI64);
                }
            }
        }
    }

    /// Leaves the bits of a sum, rounded to nearest.
    fn float_sum(&mut self, ty: Ty, flush: bool, old: u32, b: Arg) {
        let is_f32 = ty == Ty::F32;
        let (sum, addend) = (self.local(val_type(ty)), self.local(val_type(ty)));
        let flushed = |emitter: &mut Self, local: u32| {
            if flush {
                emitter.flush_subnormal(|emitter| emitter.get(local));
                emitter.set(local);
            }
        };
        self.get(old);
        self.op(if is_f32 {
            W::F32ReinterpretI32
        } else {
            W::F64ReinterpretI64
        });
        self.set(sum);
        self.arg(b);
        self.set(addend);
        flushed(self, sum);
        flushed(self, addend);
        self.get(sum);
        self.get(addend);
        self.op(if is_f32 { W::F32Add } else { W::F64Add });
        self.set(sum);
        flushed(self, sum);
        self.get(sum);
        self.arg(canonical_nan(ty));
        self.get(sum);
        self.get(sum);
        self.op(if is_f32 { W::F32Eq } else { W::F64Eq });
        self.op(W::Select);
        self.op(if is_f32 {
            W::I32ReinterpretF32
        } else {
            W::I64ReinterpretF64
        });
    }
}

/// WebAssembly's instruction for an operation, where it has one.
fn read_modify_write(op: AtomicOp, bytes: u8, at: MemArg) -> Option<W<'static>> {
    Some(match (op, bytes) {
        (AtomicOp::Add, 4) => W::I32AtomicRmwAdd(at),
        (AtomicOp::Add, 8) => W::I64AtomicRmwAdd(at),
        (AtomicOp::And, 4) => W::I32AtomicRmwAnd(at),
        (AtomicOp::And, 8) => W::I64AtomicRmwAnd(at),
        (AtomicOp::Or, 4) => W::I32AtomicRmwOr(at),
        (AtomicOp::Or, 8) => W::I64AtomicRmwOr(at),
        (AtomicOp::Xor, 4) => W::I32AtomicRmwXor(at),
        (AtomicOp::Xor, 8) => W::I64AtomicRmwXor(at),
        (AtomicOp::Exchange, 4) => W::I32AtomicRmwXchg(at),
        (AtomicOp::Exchange, 8) => W::I64AtomicRmwXchg(at),
        (AtomicOp::Swap, 2) => W::I32AtomicRmw16CmpxchgU(at),
        (AtomicOp::Swap, 4) => W::I32AtomicRmwCmpxchg(at),
        (AtomicOp::Swap, 8) => W::I64AtomicRmwCmpxchg(at),
        _ => return None,
    })
}

//! Where the threads of a group may part.

use wasm_encoder::{BlockType, Instruction as W};

use super::WIDTH;
use crate::lower::code::Code;
use crate::lower::emit::Emitter;
use crate::lower::ir::{Arg, BlockId};

impl Emitter<'_> {
    /// Leaves whether the condition holds, where it does for all or for none; else the threads part.
    pub(super) fn together_or_alone(&mut self, id: BlockId, condition: Arg) {
        let [any, all, _] = self.v().temps;
        let told = self.v().told;
        for chunk in 0..WIDTH / 4 {
            self.mask(condition, chunk);
            if chunk == 0 {
                self.op(W::LocalTee(any));
                self.set(all);
                continue;
            }
            self.op(W::LocalTee(self.v().temps[2]));
            self.get(any);
            self.op(W::V128Or);
            self.set(any);
            self.get(self.v().temps[2]);
            self.get(all);
            self.op(W::V128And);
            self.set(all);
        }
        self.get(any);
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(told));
        self.get(all);
        self.op(W::I32x4AllTrue);
        self.op(W::I32Ne);
        self.op(W::If(BlockType::Empty));
        self.nest(1);
        self.part(id);
        self.nest(-1);
        self.op(W::End);
        // Parting uses the local, but does not come back here.
        self.get(told);
    }

    /// An address computed in 32 bits is only as far apart in 64 if it does not wrap around within
    /// the group.
    pub(super) fn extend_check(&mut self, id: BlockId, code: Code, a: Arg, stride: i64) {
        let reach = stride.wrapping_mul(i64::from(WIDTH - 1));
        let signed = code == Code::I64ExtendI32S;
        // The last thread's value, in 64 bits, must be one of 32.
        self.arg(a);
        self.op(if signed {
            W::I64ExtendI32S
        } else {
            W::I64ExtendI32U
        });
        self.i64(reach.cast_unsigned());
        self.op(W::I64Add);
        if signed {
            self.i64(1 << 31);
            self.op(W::I64Add);
        }
        self.i64(32);
        self.op(W::I64ShrU);
        self.i64(0);
        self.op(W::I64Ne);
        self.if_unlikely();
        self.nest(1);
        self.part(id);
        self.nest(-1);
        self.op(W::End);
    }
}

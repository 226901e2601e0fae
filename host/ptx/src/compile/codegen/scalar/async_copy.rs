//! Asynchronous copies of one thread, which copy at once: all bytes together, or where not all are copied
//! zeros first and then byte after byte.

use wasm_encoder::{BlockType, Instruction as W, ValType};

use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scalar::{ScalarEmitter, load, store};
use crate::compile::ir::{AccessAddress, AsyncCopy, Ty};

impl ScalarEmitter<'_> {
    pub(super) fn copy_async(&mut self, copy: &AsyncCopy) {
        let Some(copied) = copy.copied else {
            return self.copy_whole(copy);
        };
        let (place, byte) = (self.local(ValType::I32), self.local(ValType::I32));
        self.arg(copied);
        self.i32(copy.bytes.into());
        self.op(W::I32GeU);
        self.op(W::If(BlockType::Empty));
        self.copy_whole(copy);
        self.op(W::Else);
        self.store_zeros(&copy.to, copy.bytes);
        self.i32(0);
        self.set(place);
        self.op(W::Block(BlockType::Empty));
        self.op(W::Loop(BlockType::Empty));
        self.get(place);
        self.arg(copied);
        self.op(W::I32GeU);
        self.op(W::BrIf(1));
        self.moved_by = Some(place);
        let [from, to] = copy.byte_places();
        self.checked(&from, |emitter, memory| {
            emitter.op(load(Ty::I32, 1, memory.at(0, 0)));
            emitter.set(byte);
        });
        self.checked(&to, |emitter, memory| {
            emitter.get(byte);
            emitter.op(store(Ty::I32, 1, memory.at(0, 0)));
        });
        self.moved_by = None;
        self.get(place);
        self.i32(1);
        self.op(W::I32Add);
        self.set(place);
        self.op(W::Br(0));
        self.op(W::End);
        self.op(W::End);
        self.op(W::End);
    }

    fn copy_whole(&mut self, copy: &AsyncCopy) {
        let value = self.local(match copy.bytes {
            4 => ValType::I32,
            8 => ValType::I64,
            _ => ValType::V128,
        });
        let bytes = copy.bytes;
        self.checked(&copy.from, |emitter, memory| {
            let at = memory.at(0, 2);
            emitter.op(match bytes {
                4 => W::I32Load(at),
                8 => W::I64Load(at),
                _ => W::V128Load(at),
            });
            emitter.set(value);
        });
        self.checked(&copy.to, |emitter, memory| {
            let at = memory.at(0, 2);
            emitter.get(value);
            emitter.op(match bytes {
                4 => W::I32Store(at),
                8 => W::I64Store(at),
                _ => W::V128Store(at),
            });
        });
    }

    fn store_zeros(&mut self, to: &AccessAddress, bytes: u8) {
        self.checked(to, |emitter, memory| {
            let at = memory.at(0, 2);
            match bytes {
                4 => {
                    emitter.i32(0);
                    emitter.op(W::I32Store(at));
                }
                8 => {
                    emitter.i64(0);
                    emitter.op(W::I64Store(at));
                }
                _ => {
                    emitter.op(W::V128Const(0));
                    emitter.op(W::V128Store(at));
                }
            }
        });
    }
}

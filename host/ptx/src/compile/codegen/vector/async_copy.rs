//! Asynchronous copies of a lane group: where all lanes copy all of their bytes, and all addresses lie
//! within what there is, those of each lane are moved at once. Else lane after lane copies by itself.

use wasm_encoder::{Instruction as W, MemArg, MemArgTarget};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::{VectorEmitter, splat_i32};
use crate::compile::ir::{AccessAddress, Arg, AsyncCopy, Op, Space, Ty};

impl VectorEmitter<'_> {
    pub(super) fn copy_async(&mut self, copy: &AsyncCopy) {
        let scalarised = Op::CopyAsync(copy.clone());
        if [copy.from, copy.to]
            .iter()
            .any(|place| !is_known_memory(place.space))
        {
            return self.scalarised(&scalarised);
        }
        let all = self.lanes();
        self.is_outside(&copy.from, all);
        self.is_outside(&copy.to, all);
        self.op(W::I32Or);
        if let Some(copied) = copy.copied {
            self.is_less_in_some_lane(copied, copy.bytes);
            self.op(W::I32Or);
        }
        self.if_unlikely();
        self.scalarised(&scalarised);
        self.op(W::Else);
        for lane in 0..all {
            self.lane_address(&copy.to, lane);
            self.lane_address(&copy.from, lane);
            let (from, to) = (self.begin_of(&copy.from), self.begin_of(&copy.to));
            match copy.bytes {
                4 => {
                    self.op(W::I32Load(from));
                    self.op(W::I32Store(to));
                }
                8 => {
                    self.op(W::I64Load(from));
                    self.op(W::I64Store(to));
                }
                _ => {
                    self.op(W::V128Load(from));
                    self.op(W::V128Store(to));
                }
            }
        }
        self.op(W::End);
    }

    /// Leaves whether less than so many bytes are copied in some lane.
    fn is_less_in_some_lane(&mut self, copied: Arg, bytes: u8) {
        if self.input.uniformity(copied) == Uniformity::Uniform {
            self.scalar.arg(copied);
            self.i32(bytes.into());
            return self.op(W::I32LtU);
        }
        for chunk in 0..self.chunk_count(Ty::I32) {
            self.chunk(copied, chunk);
            if chunk > 0 {
                self.op(W::I32x4MinU);
            }
        }
        self.op(W::V128Const(splat_i32(bytes.into())));
        self.op(W::I32x4LtU);
        self.op(W::V128AnyTrue);
    }

    /// The immediate of an access of a lane at its address, which is on the stack.
    fn begin_of(&self, place: &AccessAddress) -> MemArg {
        let (memory, begin) = match place.space {
            Space::Shared => (0, self.input.layout.shared),
            _ => (1, 0),
        };
        MemArg {
            offset: begin.into(),
            align: 0,
            target: MemArgTarget::Memory(memory),
            ordering: None,
        }
    }
}

fn is_known_memory(space: Space) -> bool {
    matches!(space, Space::Global | Space::Generic | Space::Shared)
}

//! The loop over the lane groups of a block: which group runs next, and how all go on together that
//! wait at a barrier for all threads.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi::{self, SCALAR_FALLBACK, SUSPENDED};
use crate::compile::codegen::function_writer::{END_THREAD, Emit, FIRST_THREAD};
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::SuspendKind;

impl VectorEmitter<'_> {
    pub(super) fn prologue(&mut self) {
        // Where the block's shape does not let groups lie in rows, all threads run one by one.
        self.i32(0);
        self.op(W::I32Load(scratch(abi::LANE_GROUPS, 2)));
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.i32(u32::MAX);
        self.get(FIRST_THREAD);
        self.get(END_THREAD);
        self.op(W::I32GeS);
        self.op(W::BrIf(1));
        self.op(W::Drop);
        self.fall_back(FIRST_THREAD, END_THREAD, None);
        self.op(W::End);
        // A group that was begun by single threads is ended by them.
        let end = self.lane;
        self.get(FIRST_THREAD);
        self.i32(self.lanes() - 1);
        self.op(W::I32And);
        self.i32(0);
        self.op(W::I32Ne);
        self.get(FIRST_THREAD);
        self.get(END_THREAD);
        self.op(W::I32LtS);
        self.op(W::I32And);
        self.if_unlikely();
        self.get(FIRST_THREAD);
        self.i32(self.lanes() - 1);
        self.op(W::I32Or);
        self.i32(1);
        self.op(W::I32Add);
        self.set(end);
        self.get(end);
        self.get(END_THREAD);
        self.get(end);
        self.get(END_THREAD);
        self.op(W::I32LtU);
        self.op(W::Select);
        self.set(end);
        self.fall_back(FIRST_THREAD, end, None);
        self.op(W::End);
        self.scalar.prologue();
        // That places the thread before the first one; here it is to be the group before.
        let ([x, ..], thread) = (self.scalar.tid, self.scalar.thread);
        self.get(FIRST_THREAD);
        self.i32(self.lanes());
        self.op(W::I32Sub);
        self.set(thread);
        self.get(x);
        self.i32(self.lanes() - 1);
        self.op(W::I32Sub);
        self.set(x);
        self.load_guard_limits();
        let keep_going = self.keep_going;
        self.i32(0);
        self.op(W::I32Load(scratch(abi::KEEP_GOING, 2)));
        self.set(keep_going);
        self.i32(0);
        self.i32(0);
        self.op(W::I32Store(scratch(abi::KEEP_GOING, 2)));
        if let Some(common) = self.common_suspension {
            // From the call before, unless this is the block's first one.
            self.i32(0);
            self.op(W::I32Load(scratch(abi::COMMON_SUSPENSION, 2)));
            self.i32(0);
            self.get(FIRST_THREAD);
            self.get(keep_going);
            self.op(W::I32Or);
            self.op(W::Select);
            self.set(common);
        }
    }

    /// Notes where the group waits, or that it has ended, by its resume index.
    pub(super) fn note_suspension(&mut self, resume: i32) {
        let Some(common) = self.common_suspension else {
            return;
        };
        self.op(W::I32Const(resume));
        self.i32(1);
        self.get(common);
        self.op(W::I32Eqz);
        self.get(common);
        self.op(W::I32Const(resume));
        self.op(W::I32Eq);
        self.op(W::I32Or);
        self.op(W::Select);
        self.set(common);
    }

    /// Where all threads of the block wait at one barrier for all, they go on behind it. The root's
    /// loop is so many labels out.
    fn pass_common_barrier(&mut self, root: u32) {
        let Some(waits_at) = self.common_suspension else {
            return;
        };
        let (common, next) = (self.common_resume(), self.temp);
        self.i32(u32::MAX);
        self.set(next);
        for (number, point) in self.input.body.suspend_points.iter() {
            let resume = self.input.resume_after(number);
            let (SuspendKind::Plain(_), Some(resume)) = (point.kind, resume) else {
                continue;
            };
            self.get(waits_at);
            self.op(W::I32Const(SUSPENDED - number.0.cast_signed()));
            self.op(W::I32Eq);
            self.op(W::If(BlockType::Empty));
            self.i32(resume);
            self.set(next);
            self.op(W::End);
        }
        // Both have no sign.
        self.get(common);
        self.get(next);
        self.op(W::I32Or);
        self.i32(0);
        self.op(W::I32GeS);
        self.scalar.no_interrupt_requested();
        self.op(W::I32And);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.get(next);
        self.op(W::LocalTee(common));
        self.op(W::I32Store(scratch(abi::COMMON_RESUME, 2)));
        self.i32(0);
        self.set(waits_at);
        let lanes = self.lanes();
        self.scalar.restart(lanes);
        self.op(W::Br(root + 1));
        self.op(W::End);
    }

    /// Selects the next group whose threads all have one resume index, and leaves that; threads of
    /// groups that have not fall back.
    pub(super) fn next_group(&mut self) {
        let (thread, selector) = (self.scalar.thread, self.scalar.selector);
        let resume_indices = self.input.layout.resume_indices;
        self.op(W::Loop(BlockType::Empty));
        self.get(thread);
        self.i32(self.lanes());
        self.op(W::I32Add);
        self.op(W::LocalTee(thread));
        self.i32(self.lanes());
        self.op(W::I32Add);
        self.get(END_THREAD);
        self.op(W::I32GtS);
        self.if_unlikely();
        // What is left of the block is less than a group.
        self.get(thread);
        self.get(END_THREAD);
        self.op(W::I32LtS);
        self.op(W::If(BlockType::Empty));
        self.copy_common_resume();
        self.fall_back(thread, END_THREAD, None);
        self.op(W::End);
        self.pass_common_barrier(1);
        let lanes = self.lanes();
        self.scalar.end_of_threads(1, lanes);
        self.op(W::End);
        self.next_coordinates();
        // Have all one resume index?
        let (differs, keep_going) = (self.temp, self.keep_going);
        self.get(self.common_resume());
        self.get(keep_going);
        self.op(W::I32Or);
        self.i32(0);
        self.set(keep_going);
        self.op(W::LocalTee(selector));
        self.i32(0);
        self.op(W::I32LtS);
        self.if_unlikely();
        self.scalar.element(4);
        self.op(W::I32Load(scratch(resume_indices, 2)));
        self.set(selector);
        for chunk in 0..self.lanes() / 4 {
            self.scalar.element(4);
            self.op(W::V128Load(scratch(resume_indices + 16 * chunk, 2)));
            self.get(selector);
            self.op(W::I32x4Splat);
            self.op(W::V128Xor);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(differs));
        self.get(selector);
        self.i32(SCALAR_FALLBACK);
        self.op(W::I32GeU);
        self.op(W::I32Or);
        self.op(W::If(BlockType::Empty));
        // Groups that have all ended, or all wait, are passed over.
        self.get(differs);
        self.op(W::I32Eqz);
        self.get(selector);
        self.i32(0);
        self.op(W::I32LtS);
        self.op(W::I32And);
        self.op(W::If(BlockType::Empty));
        if let Some(common) = self.common_suspension {
            self.i32(1);
            self.set(common);
        }
        self.op(W::Br(3));
        self.op(W::End);
        self.group_falls_back(None);
        self.op(W::End);
        self.op(W::End);
        self.op(W::End);
        self.get(selector);
    }

    /// The coordinates of the next group's first thread: a row is a whole number of groups, or it is
    /// the block's only one.
    fn next_coordinates(&mut self) {
        let [x, y, z] = self.scalar.tid;
        self.get(x);
        self.i32(self.lanes());
        self.op(W::I32Add);
        self.op(W::LocalTee(x));
        self.i32(0);
        self.op(W::I32Load(scratch(abi::NTID, 2)));
        self.op(W::I32GeU);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.set(x);
        self.get(y);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(y));
        self.i32(0);
        self.op(W::I32Load(scratch(abi::NTID + 4, 2)));
        self.op(W::I32GeU);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.set(y);
        self.get(z);
        self.i32(1);
        self.op(W::I32Add);
        self.set(z);
        self.op(W::End);
        self.op(W::End);
    }

    /// Gives the group's threads resume indices of their own where all threads have one in common.
    pub(super) fn copy_common_resume(&mut self) {
        let common = self.common_resume();
        self.get(common);
        self.i32(0);
        self.op(W::I32GeS);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..self.lanes() / 4 {
            self.scalar.element(4);
            self.get(common);
            self.op(W::I32x4Splat);
            let at = self.input.layout.resume_indices + 16 * chunk;
            self.op(W::V128Store(scratch(at, 2)));
        }
        self.op(W::End);
    }
}

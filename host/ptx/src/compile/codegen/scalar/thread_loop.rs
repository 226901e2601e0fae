//! The loop over the threads of a block (pocl's work-item loop): which thread runs next, how the next
//! block of the grid begins, and where each thread resumes.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi::{self, SCALAR_FALLBACK};
use crate::compile::codegen::function_writer::{END_THREAD, Emit};
use crate::compile::codegen::scalar::ScalarEmitter;
use crate::compile::codegen::scratch;

impl ScalarEmitter<'_> {
    /// Selects the next thread that can run, and leaves its resume index; returns where there is none.
    pub(super) fn next_thread(&mut self) {
        let thread = self.thread;
        self.op(W::Loop(BlockType::Empty));
        self.get(thread);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(thread));
        self.get(END_THREAD);
        self.op(W::I32GeS);
        self.if_unlikely();
        self.end_of_threads(1, 1);
        self.op(W::End);
        let [x, y, z] = self.tid;
        // The next x, and where a row ends, the next y, and so on.
        self.get(x);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(x));
        self.carry(x, y, abi::NTID);
        self.get(y);
        self.carry(y, z, abi::NTID + 4);
        self.op(W::End);
        self.op(W::End);
        if let Some(common) = self.common_resume {
            self.get(common);
            self.op(W::LocalTee(self.selector));
            self.i32(0);
            self.op(W::I32LtS);
            self.if_unlikely();
        }
        self.element(4);
        self.op(W::I32Load(scratch(self.input.layout.resume_indices, 2)));
        self.op(W::LocalTee(self.selector));
        self.i32(0);
        self.op(W::I32LtS);
        // Those that have ended or wait are passed over.
        self.op(W::BrIf(u32::from(self.common_resume.is_some())));
        if self.common_resume.is_some() {
            self.op(W::End);
        }
        self.op(W::End);
        self.get(self.selector);
        self.i32(SCALAR_FALLBACK - 1);
        self.op(W::I32And);
        self.op(W::LocalTee(self.selector));
    }

    /// Where a coordinate, which is on the stack, has come to the extent at this address, begins it
    /// again and raises the next one; leaves that `if` open.
    fn carry(&mut self, this: u32, next: u32, extent: u32) {
        self.i32(0);
        self.op(W::I32Load(scratch(extent, 2)));
        self.op(W::I32Eq);
        self.if_unlikely();
        self.i32(0);
        self.set(this);
        self.get(next);
        self.i32(1);
        self.op(W::I32Add);
        self.set(next);
    }

    /// Behind the last thread: the next block of the grid, which begins at the root's loop, so many
    /// labels out; or back to the host. `turn` is how many threads run at a time.
    pub(crate) fn end_of_threads(&mut self, root: u32, turn: u32) {
        if let Some(common) = self.common_resume
            && self.runs_several_blocks()
        {
            self.get(common);
            self.i32(0);
            self.op(W::I32GeS);
            self.i32(0);
            self.op(W::I32Load(scratch(abi::MORE_BLOCKS, 2)));
            self.i32(0);
            self.op(W::I32Ne);
            self.op(W::I32And);
            self.no_interrupt_requested();
            self.op(W::I32And);
            self.op(W::If(BlockType::Empty));
            self.next_block(turn);
            self.op(W::Br(root + 1));
            self.op(W::End);
        }
        self.i32(u32::MAX);
        self.op(W::Return);
    }

    /// Leaves whether no interrupt is requested.
    pub(crate) fn no_interrupt_requested(&mut self) {
        self.interrupt_requested();
        self.op(W::I32Eqz);
    }

    /// Leaves whether an interrupt is requested.
    pub(crate) fn interrupt_requested(&mut self) {
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.input.layout.interrupt, 2)));
    }

    /// Whether one call may run several blocks: threads that never wait leave nothing behind.
    fn runs_several_blocks(&self) -> bool {
        self.input.body.suspend_points.is_empty()
    }

    fn next_block(&mut self, turn: u32) {
        let load = |emitter: &mut Self, at: u32| {
            emitter.i32(0);
            emitter.op(W::I32Load(scratch(at, 2)));
        };
        let add = |emitter: &mut Self, at: u32, by: i32| {
            emitter.i32(0);
            load(emitter, at);
            emitter.op(W::I32Const(by));
            emitter.op(W::I32Add);
            emitter.op(W::I32Store(scratch(at, 2)));
        };
        add(self, abi::MORE_BLOCKS, -1);
        add(self, abi::CTAID, 1);
        for dimension in 0..2 {
            let at = abi::CTAID + 4 * dimension;
            load(self, at);
            load(self, abi::NCTAID + 4 * dimension);
            self.op(W::I32Eq);
            self.if_unlikely();
            self.i32(0);
            self.i32(0);
            self.op(W::I32Store(scratch(at, 2)));
            add(self, at + 4, 1);
        }
        self.op(W::End);
        self.op(W::End);
        self.load_block_values();
        self.restart(turn);
    }

    /// Goes back to before the block's first threads: each turn of so many begins by moving on.
    pub(crate) fn restart(&mut self, turn: u32) {
        let [x, y, z] = self.tid;
        for (local, before) in [(self.thread, turn), (x, turn), (y, 0), (z, 0)] {
            self.i32(0u32.wrapping_sub(before));
            self.set(local);
        }
    }

    /// Begins what records that threads have ended: where all have one resume index and never wait,
    /// nothing needs it. Returns whether that opened an `if`.
    pub(crate) fn begin_record_of_end(&mut self) -> bool {
        let Some(common) = self.common_resume.filter(|_| self.runs_several_blocks()) else {
            return false;
        };
        self.get(common);
        self.i32(0);
        self.op(W::I32LtS);
        self.if_unlikely();
        true
    }

    /// Sets where the thread resumes.
    pub(super) fn set_resume_index(&mut self, resume: i32) {
        self.element(4);
        self.op(W::I32Const(resume));
        self.op(W::I32Store(scratch(self.input.layout.resume_indices, 2)));
    }

    pub(crate) fn clear_selector(&mut self) {
        self.i32(0);
        self.set(self.selector);
    }
}

//! Divergence and reconvergence of a lane group: its threads go on one by one in the function for
//! single threads, from the block in which they diverge to the reconvergence point, and as a group
//! from there.

use wasm_encoder::Instruction as W;

use crate::compile::abi::{self, SCALAR_FALLBACK};
use crate::compile::codegen::dispatch::END_THREAD_SHIFT;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::{VectorEmitter, splat_i32};
use crate::compile::ir::BlockId;

impl VectorEmitter<'_> {
    /// Returns to [`dispatch`](crate::compile::codegen::dispatch), so that the threads between two
    /// indices, which are in locals, run one by one. They run up to the resume index at which they
    /// reconverge, if there is one; then they go on as a group, else the groups behind them do.
    pub(super) fn fall_back(&mut self, first: u32, end: u32, reconverge_at: Option<u32>) {
        self.i32(0);
        // The first resume index is the kernel's beginning, where nothing reconverges.
        self.i32(reconverge_at.unwrap_or(0));
        self.op(W::I32Store(scratch(abi::RECONVERGE_AT, 2)));
        if let Some(common) = self.common_suspension {
            self.i32(0);
            match reconverge_at {
                // Single threads do not note where they wait.
                None => self.i32(1),
                Some(_) => self.get(common),
            }
            self.op(W::I32Store(scratch(abi::COMMON_SUSPENSION, 2)));
        }
        self.get(end);
        self.i32(END_THREAD_SHIFT);
        self.op(W::I32Shl);
        self.get(first);
        self.op(W::I32Or);
        self.i32(SCALAR_FALLBACK);
        self.op(W::I32Or);
        self.op(W::Return);
    }

    /// Returns, so that the threads of the present group run one by one.
    pub(super) fn group_falls_back(&mut self, reconverge_at: Option<u32>) {
        let (thread, end) = (self.scalar.thread, self.lane);
        self.get(thread);
        self.i32(self.lanes());
        self.op(W::I32Add);
        self.set(end);
        self.fall_back(thread, end, reconverge_at);
    }

    /// The group's threads go on one by one from the beginning of this block to where they reconverge.
    pub(super) fn diverge(&mut self, id: BlockId) {
        let input = self.input;
        let resume = input.resume_of(id);
        let resume = self.require(resume, "a block that diverges without a resume index");
        let reconverge_at = input.analyses.reconvergence.get(&id).map(|block| {
            let resume = input.resume_of(*block);
            self.require(resume, "a reconvergence point without a resume index")
        });
        self.save(&input.saved(id));
        self.set_resume_indices((resume | SCALAR_FALLBACK).cast_signed());
        self.group_falls_back(reconverge_at);
    }

    /// Sets where all threads of the group resume.
    pub(super) fn set_resume_indices(&mut self, resume: i32) {
        for chunk in 0..self.lanes() / 4 {
            self.scalar.element(4);
            self.op(W::V128Const(splat_i32(resume.cast_unsigned())));
            let at = self.input.layout.resume_indices + 16 * chunk;
            self.op(W::V128Store(scratch(at, 2)));
        }
    }
}

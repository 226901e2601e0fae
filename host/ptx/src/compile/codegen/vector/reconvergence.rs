//! Which group has its turn, where it meets others, and where its threads part.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi::{self, SCALAR_FALLBACK, SUSPENDED};
use crate::compile::codegen::vector::VECTOR_LANES;
use crate::compile::codegen::vector::dispatch::BEHIND_SHIFT;
use crate::compile::codegen::{BEHIND, Emitter, FIRST, scratch};
use crate::compile::ir::{BlockId, SuspendKind};

impl Emitter<'_> {
    /// Returns, so that these threads are run one by one, and then the groups behind them; both
    /// numbers are in locals. Where there is a meeting, they are run up to there, and go on together.
    pub(crate) fn alone(&mut self, first: u32, behind: u32, meeting: u32) {
        self.i32(0);
        self.i32(meeting);
        self.op(W::I32Store(scratch(abi::RECONVERGE_AT, 2)));
        if let Some(met) = self.group.met {
            self.i32(0);
            if meeting == 0 {
                self.i32(1);
            } else {
                self.get(met);
            }
            self.op(W::I32Store(scratch(abi::COMMON_SUSPENSION, 2)));
        }
        self.get(behind);
        self.i32(BEHIND_SHIFT);
        self.op(W::I32Shl);
        self.get(first);
        self.op(W::I32Or);
        self.i32(SCALAR_FALLBACK);
        self.op(W::I32Or);
        self.op(W::Return);
    }

    /// Returns, so that the threads of the group at hand are run one by one.
    fn group_alone(&mut self, meeting: u32) {
        let end = self.group.lane;
        self.get(self.thread);
        self.i32(VECTOR_LANES);
        self.op(W::I32Add);
        self.set(end);
        self.alone(self.thread, end, meeting);
    }

    pub(crate) fn group_prologue(&mut self) {
        // Where the block's shape does not let groups have a row in common, nobody runs together.
        self.i32(0);
        self.op(W::I32Load(scratch(abi::LANE_GROUPS, 2)));
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.i32(u32::MAX);
        self.get(FIRST);
        self.get(BEHIND);
        self.op(W::I32GeS);
        self.op(W::BrIf(1));
        self.op(W::Drop);
        self.alone(FIRST, BEHIND, 0);
        self.op(W::End);
        // A group that was begun by single threads is ended by them.
        let end = self.group.lane;
        self.get(FIRST);
        self.i32(VECTOR_LANES - 1);
        self.op(W::I32And);
        self.i32(0);
        self.op(W::I32Ne);
        self.get(FIRST);
        self.get(BEHIND);
        self.op(W::I32LtS);
        self.op(W::I32And);
        self.if_unlikely();
        self.get(FIRST);
        self.i32(VECTOR_LANES - 1);
        self.op(W::I32Or);
        self.i32(1);
        self.op(W::I32Add);
        self.set(end);
        self.get(end);
        self.get(BEHIND);
        self.get(end);
        self.get(BEHIND);
        self.op(W::I32LtU);
        self.op(W::Select);
        self.set(end);
        self.alone(FIRST, end, 0);
        self.op(W::End);
        self.prologue();
        // The prologue has the thread before the first one; here it is the group before.
        self.get(FIRST);
        self.i32(VECTOR_LANES);
        self.op(W::I32Sub);
        self.set(self.thread);
        self.get(self.tid[0]);
        self.i32(VECTOR_LANES - 1);
        self.op(W::I32Sub);
        self.set(self.tid[0]);
        self.limits_of_looks();
        let again = self.group.again;
        self.i32(0);
        self.op(W::I32Load(scratch(abi::KEEP_GOING, 2)));
        self.set(again);
        self.i32(0);
        self.i32(0);
        self.op(W::I32Store(scratch(abi::KEEP_GOING, 2)));
        if let Some(met) = self.group.met {
            // What was before, but for the first time.
            self.i32(0);
            self.op(W::I32Load(scratch(abi::COMMON_SUSPENSION, 2)));
            self.i32(0);
            self.get(FIRST);
            self.get(again);
            self.op(W::I32Or);
            self.op(W::Select);
            self.set(met);
        }
    }

    /// Notes where the group waits, or that it has ended: a place.
    pub(crate) fn group_meets(&mut self, place: i32) {
        let Some(met) = self.group.met else {
            return;
        };
        self.op(W::I32Const(place));
        self.i32(1);
        self.get(met);
        self.op(W::I32Eqz);
        self.get(met);
        self.op(W::I32Const(place));
        self.op(W::I32Eq);
        self.op(W::I32Or);
        self.op(W::Select);
        self.set(met);
    }

    /// Where all threads of the block wait at one barrier for all, they go on behind it. The root's
    /// loop is so many labels out.
    fn all_met(&mut self, root: u32) {
        let Some(met) = self.group.met else {
            return;
        };
        let (common, next) = (self.common.unwrap_or(0), self.group.told);
        self.i32(u32::MAX);
        self.set(next);
        for (number, stop) in self.shared.body.suspend_points.iter() {
            let resume = self.shared.graph.after_stop.get(&number.0).copied();
            let (SuspendKind::Plain(_), Some(resume)) = (stop.kind, resume) else {
                continue;
            };
            self.get(met);
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
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.shared.layout.interrupt, 2)));
        self.op(W::I32Eqz);
        self.op(W::I32And);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.get(next);
        self.op(W::LocalTee(common));
        self.op(W::I32Store(scratch(abi::COMMON_RESUME, 2)));
        self.i32(0);
        self.set(met);
        self.first_thread();
        self.op(W::Br(root + 1));
        self.op(W::End);
    }

    /// The next group whose threads are at one place; runs those alone that are not.
    pub(crate) fn group_root(&mut self) {
        let thread = self.thread;
        let places = self.shared.layout.resume_indices;
        let [x, y, z] = self.tid;
        self.op(W::Loop(BlockType::Empty));
        self.get(thread);
        self.i32(VECTOR_LANES);
        self.op(W::I32Add);
        self.op(W::LocalTee(thread));
        self.i32(VECTOR_LANES);
        self.op(W::I32Add);
        self.get(BEHIND);
        self.op(W::I32GtS);
        self.if_unlikely();
        // What is left of the block is less than a group.
        self.get(thread);
        self.get(BEHIND);
        self.op(W::I32LtS);
        self.op(W::If(BlockType::Empty));
        self.group_own_places();
        self.alone(thread, BEHIND, 0);
        self.op(W::End);
        self.all_met(1);
        self.block_done(1);
        self.op(W::End);
        // A row is a number of groups, or the block has one row alone.
        self.get(x);
        self.i32(VECTOR_LANES);
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
        // All at one place?
        let common = self.common.unwrap_or(0);
        let apart = self.group.told;
        let again = self.group.again;
        self.get(common);
        self.get(again);
        self.op(W::I32Or);
        self.i32(0);
        self.set(again);
        self.op(W::LocalTee(self.selector));
        self.i32(0);
        self.op(W::I32LtS);
        self.if_unlikely();
        self.element(4);
        self.op(W::I32Load(scratch(places, 2)));
        self.set(self.selector);
        for chunk in 0..VECTOR_LANES / 4 {
            self.element(4);
            self.op(W::V128Load(scratch(places + 16 * chunk, 2)));
            self.get(self.selector);
            self.op(W::I32x4Splat);
            self.op(W::V128Xor);
            if chunk > 0 {
                self.op(W::V128Or);
            }
        }
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(apart));
        self.get(self.selector);
        self.i32(SCALAR_FALLBACK);
        self.op(W::I32GeU);
        self.op(W::I32Or);
        self.op(W::If(BlockType::Empty));
        // Those that have all ended, or all wait, have no turn.
        self.get(apart);
        self.op(W::I32Eqz);
        self.get(self.selector);
        self.i32(0);
        self.op(W::I32LtS);
        self.op(W::I32And);
        self.op(W::If(BlockType::Empty));
        if let Some(met) = self.group.met {
            self.i32(1);
            self.set(met);
        }
        self.op(W::Br(3));
        self.op(W::End);
        self.group_alone(0);
        self.op(W::End);
        self.op(W::End);
        self.op(W::End);
        self.get(self.selector);
    }

    /// Gives threads places of their own where they have one in common.
    fn group_own_places(&mut self) {
        let common = self.common.unwrap_or(0);
        self.get(common);
        self.i32(0);
        self.op(W::I32GeS);
        self.op(W::If(BlockType::Empty));
        for chunk in 0..VECTOR_LANES / 4 {
            self.element(4);
            self.get(common);
            self.op(W::I32x4Splat);
            self.op(W::V128Store(scratch(
                self.shared.layout.resume_indices + 16 * chunk,
                2,
            )));
        }
        self.op(W::End);
    }

    /// Each thread of the group goes on alone, from the beginning of this block, to where they meet
    /// again; then the group, or the next one.
    pub(crate) fn part(&mut self, id: BlockId) {
        let shared = self.shared;
        let resume = shared.resume_of(id).unwrap_or(0);
        let meets = shared.meetings.get(&id).copied();
        let meeting = meets.and_then(|block| shared.resume_of(block)).unwrap_or(0);
        let regs = shared.saved(id);
        self.group_save(&regs);
        self.group_places((resume | SCALAR_FALLBACK).cast_signed());
        self.group_alone(meeting);
    }
}

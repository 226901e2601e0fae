//! Threads one after another: which has its turn, where it comes back, and how its blocks end.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi::{self, ENDED, SCALAR_FALLBACK, SUSPENDED};
use crate::compile::codegen::{BEHIND, Emitter, VECTOR_LANES, scratch};
use crate::compile::ir::{Arg, BlockId, End, Reg, SiteId, SpecialValue, SuspendId, Ty};

impl Emitter<'_> {
    /// The next thread that can run; returns where there is none. Leaves its resume point.
    pub(crate) fn root(&mut self) {
        let thread = self.thread;
        self.op(W::Loop(BlockType::Empty));
        self.get(thread);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(thread));
        self.get(BEHIND);
        self.op(W::I32GeS);
        self.if_unlikely();
        self.block_done(1);
        self.op(W::End);
        let [x, y, z] = self.tid;
        for (place, (this, next)) in [(x, y), (y, z)].into_iter().enumerate() {
            if place == 0 {
                self.get(this);
                self.i32(1);
                self.op(W::I32Add);
                self.op(W::LocalTee(this));
            } else {
                self.get(this);
            }
            self.i32(0);
            let at = abi::NTID + 4 * place as u32;
            self.op(W::I32Load(scratch(at, 2)));
            self.op(W::I32Eq);
            self.if_unlikely();
            self.i32(0);
            self.set(this);
            self.get(next);
            self.i32(1);
            self.op(W::I32Add);
            self.set(next);
        }
        self.op(W::End);
        self.op(W::End);
        if let Some(common) = self.common {
            self.get(common);
            self.op(W::LocalTee(self.selector));
            self.i32(0);
            self.op(W::I32LtS);
            self.if_unlikely();
        }
        self.get(thread);
        self.i32(2);
        self.op(W::I32Shl);
        self.op(W::I32Load(scratch(self.shared.layout.resume_indices, 2)));
        self.op(W::LocalTee(self.selector));
        self.i32(0);
        self.op(W::I32LtS);
        self.op(W::BrIf(u32::from(self.common.is_some())));
        if self.common.is_some() {
            self.op(W::End);
        }
        self.op(W::End);
        self.get(self.selector);
        self.i32(SCALAR_FALLBACK - 1);
        self.op(W::I32And);
        self.op(W::LocalTee(self.selector));
    }

    /// Behind the last thread: the next block of the grid, which begins at the root's loop, so many
    /// labels out; or back to the host.
    pub(crate) fn block_done(&mut self, root: u32) {
        if let Some(common) = self.common
            && self.sweeps()
        {
            self.get(common);
            self.i32(0);
            self.op(W::I32GeS);
            self.i32(0);
            self.op(W::I32Load(scratch(abi::MORE_BLOCKS, 2)));
            self.i32(0);
            self.op(W::I32Ne);
            self.op(W::I32And);
            self.i32(0);
            self.op(W::I32AtomicLoad(scratch(self.shared.layout.interrupt, 2)));
            self.op(W::I32Eqz);
            self.op(W::I32And);
            self.op(W::If(BlockType::Empty));
            self.next_block();
            self.op(W::Br(root + 1));
            self.op(W::End);
        }
        self.i32(u32::MAX);
        self.op(W::Return);
    }

    /// Whether one call may run several blocks: threads that never meet leave nothing behind.
    pub(crate) fn sweeps(&self) -> bool {
        self.shared.body.suspend_points.is_empty()
    }

    pub(crate) fn next_block(&mut self) {
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
        let mut known: Vec<SpecialValue> = self.known.keys().copied().collect();
        known.retain(|what| {
            matches!(what, SpecialValue::Launch(at, _) if (abi::CTAID..abi::CTAID + 12).contains(at))
        });
        known.sort_unstable_by_key(|what| match what {
            SpecialValue::Launch(at, _) => *at,
            _ => 0,
        });
        for what in known {
            self.learn(what);
        }
        self.first_thread();
    }

    /// The place of the thread, or group, before the first one: each begins by moving on.
    pub(crate) fn first_thread(&mut self) {
        let width = if self.is_group() { VECTOR_LANES } else { 1 };
        let [x, y, z] = self.tid;
        for (local, value) in [(self.thread, width), (x, width), (y, 0), (z, 0)] {
            self.i32(0u32.wrapping_sub(value));
            self.set(local);
        }
    }

    /// Threads have ended. Where all have one place and never meet, nobody wants to know.
    pub(crate) fn ended(&mut self, tell: impl FnOnce(&mut Self)) {
        match self.common {
            Some(common) if self.sweeps() => {
                self.get(common);
                self.i32(0);
                self.op(W::I32LtS);
                self.if_unlikely();
                tell(self);
                self.op(W::End);
            }
            _ => tell(self),
        }
    }

    /// Where the thread is to go on.
    pub(crate) fn set_place(&mut self, place: i32) {
        self.get(self.thread);
        self.i32(2);
        self.op(W::I32Shl);
        self.op(W::I32Const(place));
        self.op(W::I32Store(scratch(self.shared.layout.resume_indices, 2)));
    }

    pub(crate) fn save(&mut self, regs: &[Reg]) {
        for reg in regs {
            let Some(slot) = self.shared.slots.get(reg).copied() else {
                continue;
            };
            self.save_one(*reg, slot);
        }
    }

    /// Saves what the thread has in a register.
    pub(crate) fn save_one(&mut self, reg: Reg, slot: u32) {
        let ty = self.shared.body.ty(reg);
        self.element(ty.bytes());
        self.get(self.reg(reg));
        self.op(match ty {
            Ty::I32 => W::I32Store(scratch(slot, 2)),
            Ty::I64 => W::I64Store(scratch(slot, 3)),
            Ty::F32 => W::F32Store(scratch(slot, 2)),
            Ty::F64 => W::F64Store(scratch(slot, 3)),
        });
    }

    /// Gets what the thread has in an array of words of so many bytes.
    pub(crate) fn restore_one(&mut self, reg: Reg, array: u32, stride: u32) {
        self.element(stride);
        self.op(match self.shared.body.ty(reg) {
            Ty::I32 => W::I32Load(scratch(array, 2)),
            Ty::I64 => W::I64Load(scratch(array, 3)),
            Ty::F32 => W::F32Load(scratch(array, 2)),
            Ty::F64 => W::F64Load(scratch(array, 3)),
        });
        self.set(self.reg(reg));
    }

    pub(crate) fn check(&mut self, resume: u32) {
        let Some(block) = self.shared.graph.resumes.get(resume as usize).copied() else {
            return;
        };
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.shared.layout.interrupt, 2)));
        self.if_unlikely();
        let regs = self.shared.saved(block);
        self.save(&regs);
        self.set_place((resume | SCALAR_FALLBACK).cast_signed());
        self.get(self.thread);
        self.op(W::Return);
        self.op(W::End);
    }

    pub(crate) fn resume(&mut self, resume: u32) {
        let Some(block) = self.shared.graph.resumes.get(resume as usize).copied() else {
            return;
        };
        if resume == 0 {
            // Registers begin as zeros.
            for reg in self.shared.live.at(block) {
                self.arg(Arg::constant(self.shared.body.ty(reg), 0));
                self.set(self.reg(reg));
            }
        } else {
            self.get_back(resume, block, Self::restore_one);
        }
        self.clear_selector();
    }

    /// Gets back what is needed at a resume point but the first, each by a function that is told the
    /// array and the bytes of its words: from frames, and what others gave.
    pub(crate) fn get_back(
        &mut self,
        resume: u32,
        block: BlockId,
        mut restore: impl FnMut(&mut Self, Reg, u32, u32),
    ) {
        let takes = self.takes_of(resume);
        for reg in self.shared.restored(block) {
            let slot = self.shared.slots.get(&reg).copied();
            if let Some(slot) = slot.filter(|_| !takes.contains(&Some(reg))) {
                restore(self, reg, slot, self.shared.body.ty(reg).bytes());
            }
        }
        for (array, reg) in (0..).zip(takes) {
            if let Some(reg) = reg {
                restore(self, reg, self.shared.layout.exchanged(array), 8);
            }
        }
    }

    /// What a resume point takes from the exchange, where it is behind a stop.
    pub(crate) fn takes_of(&self, resume: u32) -> [Option<Reg>; 2] {
        let stops = &self.shared.graph.after_stop;
        let stop = stops.iter().find(|(_, other)| **other == resume);
        stop.and_then(|(stop, _)| self.shared.body.suspend_points.get(SuspendId(*stop)))
            .map_or([None, None], |stop| stop.results)
    }

    pub(crate) fn clear_selector(&mut self) {
        self.i32(0);
        self.set(self.selector);
    }

    pub(crate) fn block(&mut self, id: BlockId) {
        let body = self.shared.body;
        let Some(block) = body.block(id) else {
            return;
        };
        self.at_line(block.line);
        for op in &block.ops {
            self.step(op);
        }
        let ahead = self.shared.saved_ahead(id);
        self.save(&ahead);
        self.end_of_block(id, &block.end);
    }

    pub(crate) fn end_of_block(&mut self, id: BlockId, end: &End) {
        let body = self.shared.body;
        match end {
            End::Jump(_) => {}
            End::Branch(condition, ..) => self.arg(*condition),
            End::Table(place, targets, site) => {
                self.table_check(*place, targets.len(), *site);
                self.arg(*place);
            }
            End::Reconverge(next) => {
                let resume = self.shared.resume_of(*next).unwrap_or(0);
                self.i32(0);
                self.op(W::I32Load(scratch(abi::RECONVERGE_AT, 2)));
                self.i32(resume);
                self.op(W::I32Eq);
                self.op(W::LocalTee(self.offset));
                self.if_unlikely();
                let regs = self.shared.saved_behind(id, *next);
                self.save(&regs);
                self.set_place(resume.cast_signed());
                self.op(W::End);
                self.get(self.offset);
            }
            End::Exit => self.ended(|emitter| emitter.set_place(ENDED)),
            End::Fault(site, value) => {
                self.arg(*value);
                self.set(self.address);
                self.fault(*site);
            }
            End::Nowhere => self.op(W::Unreachable),
            End::Suspend(number, next) => {
                let Some(stop) = body.suspend_points.get(*number) else {
                    return;
                };
                for (array, value) in (0..).zip(&stop.inputs) {
                    self.element(8);
                    self.arg(*value);
                    let at = self.shared.layout.exchanged(array);
                    self.op(W::I64Store(scratch(at, 3)));
                }
                let mut live = self.shared.saved_behind(id, *next);
                live.retain(|reg| !stop.results.contains(&Some(*reg)));
                self.save(&live);
                self.set_place(SUSPENDED - number.0.cast_signed());
            }
        }
    }

    /// A fault where a place lies behind a list of labels.
    pub(crate) fn table_check(&mut self, place: Arg, labels: usize, site: SiteId) {
        self.arg(place);
        self.i32(u32::try_from(labels).unwrap_or(u32::MAX));
        self.op(W::I32GeU);
        self.if_unlikely();
        self.arg(place);
        self.op(W::I64ExtendI32U);
        self.set(self.address);
        self.fault(site);
        self.op(W::End);
    }
}

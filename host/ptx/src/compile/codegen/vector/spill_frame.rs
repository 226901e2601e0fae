//! What a group leaves behind where it goes, and finds again where it comes back.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::memory::{load_op, store_op};
use crate::compile::codegen::vector::{EVEN, VECTOR_LANES, splat_i32};
use crate::compile::codegen::{Emitter, scratch};
use crate::compile::ir::{Arg, BlockId, Reg};

impl Emitter<'_> {
    /// Gives all threads of the group a place.
    pub(crate) fn group_places(&mut self, place: i32) {
        for chunk in 0..VECTOR_LANES / 4 {
            self.element(4);
            self.op(W::V128Const(splat_i32(place.cast_unsigned())));
            self.op(W::V128Store(scratch(
                self.shared.layout.resume_indices + 16 * chunk,
                2,
            )));
        }
    }

    /// Saves registers: what threads have in common or known to be apart in the group's brief frame,
    /// until somebody asks for theirs.
    pub(crate) fn group_save(&mut self, regs: &[Reg]) {
        for reg in regs {
            let Some(slot) = self.shared.slots.get(reg).copied() else {
                continue;
            };
            match self.brief_place(*reg) {
                Some(place) => self.save_brief(*reg, place),
                None => self.save_chunks(*reg, slot),
            }
        }
        self.set_brief(1);
    }

    /// Where a register lies in the first brief frame, if it is in them.
    fn brief_place(&self, reg: Reg) -> Option<u32> {
        let place = self.shared.brief.get(&reg)?;
        Some(self.shared.layout.uniform_frames + place)
    }

    /// How far from the first brief frame the group's is.
    fn brief_frame(&mut self) {
        self.get(self.thread);
        self.i32(self.shared.layout.uniform_stride / VECTOR_LANES);
        self.op(W::I32Mul);
    }

    fn save_brief(&mut self, reg: Reg, place: u32) {
        self.brief_frame();
        self.get(self.reg(reg));
        let ty = self.shared.body.ty(reg);
        self.op(store_op(ty, ty.bytes() as u8, scratch(place, 2)));
    }

    fn restore_brief(&mut self, reg: Reg, place: u32) {
        self.brief_frame();
        let ty = self.shared.body.ty(reg);
        self.op(load_op(ty, ty.bytes() as u8, scratch(place, 2)));
        self.set(self.reg(reg));
    }

    fn set_brief(&mut self, brief: u32) {
        self.brief_element();
        self.i32(brief);
        self.op(W::I32Store(scratch(self.shared.layout.uniform_saved, 2)));
    }

    /// The registers of brief frames, with their places there and in the frames of single threads.
    fn in_brief(&self) -> Vec<(Reg, u32, u32)> {
        let slots = self.shared.slots.iter();
        let mut found: Vec<(Reg, u32, u32)> = slots
            .filter_map(|(reg, slot)| Some((*reg, self.brief_place(*reg)?, *slot)))
            .collect();
        found.sort_unstable();
        found
    }

    pub(crate) fn save_chunks(&mut self, reg: Reg, slot: u32) {
        let ty = self.shared.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.element(ty.bytes());
            self.chunk(Arg::Reg(reg), chunk);
            self.op(W::V128Store(scratch(slot + 16 * chunk, 2)));
        }
    }

    /// Where the group's word is that says how its registers are saved.
    pub(crate) fn brief_element(&mut self) {
        self.get(self.thread);
        self.i32(VECTOR_LANES.trailing_zeros() - 2);
        self.op(W::I32ShrU);
    }

    /// Writes out what was saved once for all threads of a group.
    pub(crate) fn write_out(&mut self) {
        self.brief_element();
        self.op(W::I32Load(scratch(self.shared.layout.uniform_saved, 2)));
        self.i32(0);
        self.op(W::I32Load(scratch(abi::LANE_GROUPS, 2)));
        self.op(W::I32And);
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.op(W::Return);
        self.op(W::End);
        self.set_brief(0);
        for (reg, place, slot) in self.in_brief() {
            self.restore_brief(reg, place);
            self.save_chunks(reg, slot);
        }
    }

    /// Brings what single threads have saved, and is wanted where a block begins, to the group's
    /// brief frame.
    fn read_in(&mut self, block: BlockId) {
        self.set_brief(1);
        for reg in self.shared.live.at(block) {
            let (Some(place), Some(slot)) = (self.brief_place(reg), self.shared.slots.get(&reg))
            else {
                continue;
            };
            let ty = self.shared.body.ty(reg);
            let bytes = ty.bytes() as u8;
            self.brief_frame();
            self.element(ty.bytes());
            self.op(load_op(ty, bytes, scratch(*slot, 2)));
            self.op(store_op(ty, bytes, scratch(place, 2)));
        }
    }

    pub(crate) fn group_restore(&mut self, reg: Reg, array: u32, stride: u32) {
        let ty = self.shared.body.ty(reg);
        if self.shared.classes.of(reg) != Uniformity::Divergent {
            let slot = self.shared.slots.get(&reg);
            return match self.brief_place(reg).filter(|_| slot == Some(&array)) {
                Some(place) => self.restore_brief(reg, place),
                // From the exchange.
                None => self.restore_one(reg, array, stride),
            };
        }
        for chunk in 0..self.chunk_count(ty) {
            if stride == ty.bytes() {
                self.element(stride);
                self.op(W::V128Load(scratch(array + 16 * chunk, 2)));
            } else {
                // The low halves of words of 64 bits.
                for half in 0..2 {
                    self.element(stride);
                    self.op(W::V128Load(scratch(array + 32 * chunk + 16 * half, 2)));
                }
                self.op(W::I8x16Shuffle(EVEN));
            }
            self.set_chunk_from_number(reg, chunk);
        }
    }

    pub(crate) fn group_check(&mut self, resume: u32, block: BlockId) {
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.shared.layout.interrupt, 2)));
        self.if_unlikely();
        let regs = self.shared.saved(block);
        self.group_save(&regs);
        self.group_places(resume.cast_signed());
        self.get(self.thread);
        self.i32(VECTOR_LANES - 1);
        self.op(W::I32Add);
        self.op(W::Return);
        self.op(W::End);
    }

    pub(crate) fn group_resume(&mut self, resume: u32, block: BlockId) {
        if resume > 0 {
            // Threads that were alone have frames of their own.
            self.brief_element();
            self.op(W::I32Load(scratch(self.shared.layout.uniform_saved, 2)));
            self.op(W::I32Eqz);
            self.if_unlikely();
            self.read_in(block);
            self.op(W::End);
            self.get_back(resume, block, Self::group_restore);
            return self.clear_selector();
        }
        for reg in self.shared.live.at(block) {
            let ty = self.shared.body.ty(reg);
            if self.shared.classes.of(reg) == Uniformity::Divergent {
                for chunk in 0..self.chunk_count(ty) {
                    self.op(W::V128Const(0));
                    self.set_chunk(reg, chunk);
                }
            } else {
                self.arg(Arg::constant(ty, 0));
                self.set(self.reg(reg));
            }
        }
        self.clear_selector();
    }
}

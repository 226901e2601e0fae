//! What a group leaves behind where it goes, and finds again where it comes back.

use wasm_encoder::{BlockType, Instruction as W};

use super::{EVEN, WIDTH, splat_i32};
use crate::lower::class::Class;
use crate::lower::emit::{Emitter, scratch};
use crate::lower::ir::{Arg, BlockId, Reg};
use crate::lower::layout;

impl Emitter<'_> {
    /// Gives all threads of the group a place.
    pub(super) fn group_places(&mut self, place: i32) {
        for chunk in 0..WIDTH / 4 {
            self.element(4);
            self.op(W::V128Const(splat_i32(place.cast_unsigned())));
            self.op(W::V128Store(scratch(
                self.shared.layout.places + 16 * chunk,
                2,
            )));
        }
    }

    /// Saves registers: what threads have in common or known to be apart for the first of them alone,
    /// until somebody asks for theirs.
    pub(super) fn group_save(&mut self, regs: &[Reg]) {
        for reg in regs {
            let Some(slot) = self.shared.slots.get(reg).copied() else {
                continue;
            };
            if self.shared.classes.of(*reg) == Class::Varying {
                self.save_chunks(*reg, slot);
            } else {
                self.save_one(*reg, slot);
            }
        }
        self.brief_element();
        self.i32(1);
        self.op(W::I32Store(scratch(self.shared.layout.brief, 2)));
    }

    pub(super) fn save_chunks(&mut self, reg: Reg, slot: u32) {
        let ty = self.shared.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.element(ty.bytes());
            self.chunk(Arg::Reg(reg), chunk);
            self.op(W::V128Store(scratch(slot + 16 * chunk, 2)));
        }
    }

    /// Where the group's word is that says how its registers are saved.
    pub(super) fn brief_element(&mut self) {
        self.get(self.thread);
        self.i32(WIDTH.trailing_zeros() - 2);
        self.op(W::I32ShrU);
    }

    /// Writes out what was saved for the first thread of a group alone.
    pub(super) fn write_out(&mut self) {
        self.brief_element();
        self.op(W::I32Load(scratch(self.shared.layout.brief, 2)));
        self.i32(0);
        self.op(W::I32Load(scratch(layout::GROUPS, 2)));
        self.op(W::I32And);
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.op(W::Return);
        self.op(W::End);
        self.brief_element();
        self.i32(0);
        self.op(W::I32Store(scratch(self.shared.layout.brief, 2)));
        let mut slots: Vec<(Reg, u32)> = self
            .shared
            .slots
            .iter()
            .map(|(reg, slot)| (*reg, *slot))
            .collect();
        slots.sort_unstable();
        for (reg, slot) in slots {
            if self.shared.classes.of(reg) != Class::Varying {
                self.group_restore(reg, slot, self.shared.body.ty(reg).bytes());
                self.save_chunks(reg, slot);
            }
        }
        self.i32(0);
        self.op(W::End);
    }

    pub(super) fn group_restore(&mut self, reg: Reg, array: u32, stride: u32) {
        let ty = self.shared.body.ty(reg);
        if self.shared.classes.of(reg) != Class::Varying {
            return self.restore_one(reg, array, stride);
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

    pub(super) fn group_check(&mut self, resume: u32, block: BlockId) {
        self.i32(0);
        self.op(W::I32AtomicLoad(scratch(self.shared.layout.stop, 2)));
        self.if_unlikely();
        let regs = self.shared.saved(block);
        self.group_save(&regs);
        self.group_places(resume.cast_signed());
        self.get(self.thread);
        self.i32(WIDTH - 1);
        self.op(W::I32Add);
        self.op(W::Return);
        self.op(W::End);
    }

    pub(super) fn group_resume(&mut self, resume: u32, block: BlockId) {
        if resume > 0 {
            self.get_back(resume, block, Self::group_restore);
            return self.clear_selector();
        }
        for reg in self.shared.live.at(block) {
            let ty = self.shared.body.ty(reg);
            if self.shared.classes.of(reg) == Class::Varying {
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

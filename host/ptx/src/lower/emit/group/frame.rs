//! What a group leaves behind where it goes, and finds again where it comes back.

use wasm_encoder::{BlockType, Instruction as W};

use super::{EVEN, WIDTH, splat_i32};
use crate::lower::class::Class;
use crate::lower::emit::{Emitter, scratch};
use crate::lower::ir::{Arg, BlockId, Reg, Ty};
use crate::lower::layout;

impl Emitter<'_> {
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
            let ty = self.shared.body.ty(*reg);
            if self.v().classes.of(*reg) == Class::Varying {
                self.save_chunks(*reg, slot);
                continue;
            }
            self.element(ty.bytes());
            self.get(self.reg(*reg));
            self.op(match ty {
                Ty::I32 => W::I32Store(scratch(slot, 2)),
                Ty::I64 => W::I64Store(scratch(slot, 3)),
                Ty::F32 => W::F32Store(scratch(slot, 2)),
                Ty::F64 => W::F64Store(scratch(slot, 3)),
            });
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
            if self.v().classes.of(reg) != Class::Varying {
                self.group_restore(reg, slot, self.shared.body.ty(reg).bytes());
                self.save_chunks(reg, slot);
            }
        }
        self.i32(0);
        self.op(W::End);
    }

    pub(super) fn group_restore(&mut self, reg: Reg, array: u32, stride: u32) {
        let ty = self.shared.body.ty(reg);
        if self.v().classes.of(reg) != Class::Varying {
            self.element(stride);
            self.op(match ty {
                Ty::I32 => W::I32Load(scratch(array, 2)),
                Ty::I64 => W::I64Load(scratch(array, 3)),
                Ty::F32 => W::F32Load(scratch(array, 2)),
                Ty::F64 => W::F64Load(scratch(array, 3)),
            });
            self.set(self.reg(reg));
            return;
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
        let live = if resume == 0 {
            self.shared.live.at(block)
        } else {
            self.shared.restored(block)
        };
        if resume == 0 {
            for reg in live {
                let ty = self.shared.body.ty(reg);
                if self.v().classes.of(reg) == Class::Varying {
                    for chunk in 0..self.chunk_count(ty) {
                        self.op(W::V128Const(0));
                        self.set_chunk(reg, chunk);
                    }
                } else {
                    self.arg(Arg::constant(ty, 0));
                    self.set(self.reg(reg));
                }
            }
            return self.clear_selector();
        }
        let takes = self.takes_of(resume);
        for reg in live {
            let Some(slot) = self.shared.slots.get(&reg).copied() else {
                continue;
            };
            if !takes.contains(&Some(reg)) {
                let bytes = self.shared.body.ty(reg).bytes();
                self.group_restore(reg, slot, bytes);
            }
        }
        for (array, reg) in (0..).zip(takes) {
            if let Some(reg) = reg {
                let at = self.shared.layout.exchanged(array);
                self.group_restore(reg, at, 8);
            }
        }
        self.clear_selector();
    }
}

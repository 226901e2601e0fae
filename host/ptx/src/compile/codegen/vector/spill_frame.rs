//! Spill frames of a lane group: what it saves where it leaves, and restores where it resumes.
//!
//! Divergent registers are saved to the frames of the group's threads. What is uniform or affine is
//! saved once, to the group's uniform spill frame, and copied to the threads' frames only when they
//! run one by one; a word for each group says which of the two holds.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::abi;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::input::Saved;
use crate::compile::codegen::scalar::{load, store};
use crate::compile::codegen::scratch;
use crate::compile::codegen::vector::{EVEN, VectorEmitter};
use crate::compile::ir::{Arg, BlockId, Reg, Ty};

impl VectorEmitter<'_> {
    pub(super) fn save(&mut self, regs: &[Reg]) {
        for reg in regs {
            match self.uniform_slot(*reg) {
                Some(at) => self.save_uniform(*reg, at),
                None => self.save_chunks(*reg),
            }
        }
        self.set_uniform_saved(true);
    }

    /// Where a register lies in the first uniform spill frame, if it is in them.
    fn uniform_slot(&self, reg: Reg) -> Option<u32> {
        let slot = self.input.analyses.spills.uniform_slots.get(&reg)?;
        Some(self.input.layout.uniform_frames + slot)
    }

    /// Where a register lies in the frame of the first thread.
    fn thread_slot(&self, reg: Reg) -> u32 {
        let slot = self.input.analyses.spills.slots.get(&reg).copied();
        self.require(slot, "a register that is saved has no slot")
    }

    /// Leaves how far the group's uniform spill frame is from the first one.
    fn uniform_frame(&mut self) {
        self.get(self.scalar.thread);
        self.i32(self.input.layout.uniform_stride / self.lanes());
        self.op(W::I32Mul);
    }

    fn save_uniform(&mut self, reg: Reg, at: u32) {
        self.uniform_frame();
        self.scalar.arg(Arg::Reg(reg));
        let ty = self.input.body.ty(reg);
        self.op(store(ty, ty.bytes() as u8, scratch(at, 2)));
    }

    fn restore_uniform(&mut self, reg: Reg, at: u32) {
        self.uniform_frame();
        let ty = self.input.body.ty(reg);
        self.op(load(ty, ty.bytes() as u8, scratch(at, 2)));
        self.scalar.set_reg(reg);
    }

    /// Saves a register to the frames of the group's threads.
    fn save_chunks(&mut self, reg: Reg) {
        let slot = self.thread_slot(reg);
        let ty = self.input.body.ty(reg);
        for chunk in 0..self.chunk_count(ty) {
            self.scalar.element(ty.bytes());
            self.chunk(Arg::Reg(reg), chunk);
            self.op(W::V128Store(scratch(slot + 16 * chunk, 2)));
        }
    }

    /// Leaves the offset of the group's word that says where its registers are saved.
    fn uniform_saved(&mut self) {
        self.get(self.scalar.thread);
        self.i32(self.lanes().trailing_zeros() - 2);
        self.op(W::I32ShrU);
    }

    fn set_uniform_saved(&mut self, saved: bool) {
        self.uniform_saved();
        self.i32(u32::from(saved));
        let at = self.input.layout.uniform_saved;
        self.op(W::I32Store(scratch(at, 2)));
    }

    /// Copies the group's uniform spill frame, if it holds, to the frames of its threads.
    pub(super) fn copy_uniform_frame(&mut self) {
        self.uniform_saved();
        let at = self.input.layout.uniform_saved;
        self.op(W::I32Load(scratch(at, 2)));
        self.i32(0);
        self.op(W::I32Load(scratch(abi::LANE_GROUPS, 2)));
        self.op(W::I32And);
        self.op(W::I32Eqz);
        self.op(W::If(BlockType::Empty));
        self.i32(0);
        self.op(W::Return);
        self.op(W::End);
        self.set_uniform_saved(false);
        let mut regs: Vec<Reg> = self
            .input
            .analyses
            .spills
            .uniform_slots
            .keys()
            .copied()
            .collect();
        regs.sort_unstable();
        for reg in regs {
            if let Some(at) = self.uniform_slot(reg) {
                self.restore_uniform(reg, at);
                self.save_chunks(reg);
            }
        }
    }

    /// Where the frames of the group's threads have other numbers than affine registers can have, the
    /// threads go on one by one. A number of 32 bits that wraps around in some lane is no longer affine
    /// where it is extended to 64: vector code has guards for that, and threads that run one by one
    /// have what is right for each.
    fn fall_back_where_not_affine(&mut self, block: BlockId) {
        let mut is_first = true;
        for reg in self.input.analyses.liveness.at(block) {
            let (Uniformity::Affine(offsets), Ty::I64) = (
                self.input.uniformity(Arg::Reg(reg)),
                self.input.body.ty(reg),
            ) else {
                continue;
            };
            let slot = self.thread_slot(reg);
            for chunk in 0..self.chunk_count(Ty::I64) {
                self.scalar.element(8);
                self.op(W::V128Load(scratch(slot + 16 * chunk, 2)));
                self.scalar.element(8);
                self.op(W::V128Load64Splat(scratch(slot, 2)));
                self.add_offsets(Ty::I64, offsets, chunk);
                self.op(W::V128Xor);
                if !std::mem::take(&mut is_first) {
                    self.op(W::V128Or);
                }
            }
        }
        if is_first {
            return;
        }
        self.op(W::V128AnyTrue);
        self.if_unlikely();
        self.copy_common_resume();
        self.group_falls_back(None);
        self.op(W::End);
    }

    /// Fills the group's uniform spill frame from the frame of its first thread, with what is live
    /// where a block begins.
    fn fill_uniform_frame(&mut self, block: BlockId) {
        self.set_uniform_saved(true);
        for reg in self.input.analyses.liveness.at(block) {
            let Some(at) = self.uniform_slot(reg) else {
                continue;
            };
            let slot = self.thread_slot(reg);
            let ty = self.input.body.ty(reg);
            let bytes = ty.bytes() as u8;
            self.uniform_frame();
            self.scalar.element(ty.bytes());
            self.op(load(ty, bytes, scratch(slot, 2)));
            self.op(store(ty, bytes, scratch(at, 2)));
        }
    }

    fn restore(&mut self, saved: &Saved) {
        let Saved { reg, array, stride } = *saved;
        let ty = self.input.body.ty(reg);
        if !self.input.is_divergent(reg) {
            let in_frame = self.input.analyses.spills.slots.get(&reg) == Some(&array);
            return match self.uniform_slot(reg).filter(|_| in_frame) {
                Some(at) => self.restore_uniform(reg, at),
                // From the exchange.
                None => self.scalar.restore(saved),
            };
        }
        for chunk in 0..self.chunk_count(ty) {
            if stride == ty.bytes() {
                self.scalar.element(stride);
                self.op(W::V128Load(scratch(array + 16 * chunk, 2)));
            } else {
                // The low halves of words of 64 bits.
                for half in 0..2 {
                    self.scalar.element(stride);
                    let at = array + 32 * chunk + 16 * half;
                    self.op(W::V128Load(scratch(at, 2)));
                }
                self.op(W::I8x16Shuffle(EVEN));
            }
            self.set_chunk_from_number(reg, chunk);
        }
    }

    /// The group leaves for a resume index if an interrupt is requested.
    pub(super) fn leave_if_interrupted(&mut self, resume: u32, block: BlockId) {
        self.scalar.interrupt_requested();
        self.if_unlikely();
        self.save(&self.input.saved(block));
        self.set_resume_indices(resume.cast_signed());
        self.get(self.scalar.thread);
        self.i32(self.lanes() - 1);
        self.op(W::I32Add);
        self.op(W::Return);
        self.op(W::End);
    }

    /// The group resumes at an index, at the beginning of a block.
    pub(super) fn resume_group(&mut self, resume: u32, block: BlockId) {
        if resume > 0 {
            // Threads that ran one by one have saved to frames of their own.
            self.uniform_saved();
            let at = self.input.layout.uniform_saved;
            self.op(W::I32Load(scratch(at, 2)));
            self.op(W::I32Eqz);
            self.if_unlikely();
            self.fall_back_where_not_affine(block);
            self.fill_uniform_frame(block);
            self.op(W::End);
            let restored = self.input.restored(resume, block);
            for saved in self.require(restored, "a register that is restored has no slot") {
                self.restore(&saved);
            }
            return self.scalar.clear_selector();
        }
        // Registers begin as zeros.
        for reg in self.input.analyses.liveness.at(block) {
            if !self.input.is_divergent(reg) {
                self.scalar.clear(reg);
                continue;
            }
            for chunk in 0..self.chunk_count(self.input.body.ty(reg)) {
                self.op(W::V128Const(0));
                self.set_chunk(reg, chunk);
            }
        }
        self.scalar.clear_selector();
    }
}

//! Basic blocks for one thread: their steps, their ends, and where the thread leaves and resumes.

use wasm_encoder::Instruction as W;

use crate::compile::abi::{self, ENDED, SCALAR_FALLBACK, SUSPENDED};
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::input::Saved;
use crate::compile::codegen::scalar::{ScalarEmitter, load, store};
use crate::compile::codegen::scratch;
use crate::compile::codegen::structured_control::EmitNodes;
use crate::compile::ir::{Arg, BlockId, End, Reg, SiteId, Ty};

impl EmitNodes for ScalarEmitter<'_> {
    fn selector(&self) -> u32 {
        self.selector
    }

    fn next_threads(&mut self) {
        self.next_thread();
    }

    fn resume(&mut self, resume: u32, block: BlockId) {
        if resume == 0 {
            // Registers begin as zeros.
            for reg in self.input.analyses.liveness.at(block) {
                self.clear(reg);
            }
        } else {
            let restored = self.input.restored(resume, block);
            for saved in self.require(restored, "a register that is restored has no slot") {
                self.restore(&saved);
            }
        }
        self.clear_selector();
    }

    fn interrupt_check(&mut self, resume: u32, block: BlockId) {
        self.interrupt_requested();
        self.if_unlikely();
        self.save(&self.input.saved(block));
        self.set_resume_index((resume | SCALAR_FALLBACK).cast_signed());
        self.get(self.thread);
        self.op(W::Return);
        self.op(W::End);
    }

    fn fall_back_to_scalar(&mut self) {
        self.inconsistent("single threads that fall back");
    }

    fn block(&mut self, id: BlockId) {
        let Some(block) = self.input.body.block(id) else {
            return self.inconsistent("a block that does not exist");
        };
        self.at_line(block.line);
        for op in &block.ops {
            self.operation(op);
        }
        self.save(&self.input.saved_ahead(id));
        self.end_of_block(id, &block.end);
    }
}

impl ScalarEmitter<'_> {
    /// Sets a register to zero.
    pub(crate) fn clear(&mut self, reg: Reg) {
        self.arg(Arg::constant(self.input.body.ty(reg), 0));
        self.set_reg(reg);
    }

    /// Saves what the thread has in registers to its frame.
    fn save(&mut self, regs: &[Reg]) {
        for reg in regs {
            let slot = self.input.analyses.spills.slots.get(reg).copied();
            let slot = self.require(slot, "a register that is saved has no slot");
            let ty = self.input.body.ty(*reg);
            self.element(ty.bytes());
            self.get(self.reg(*reg));
            let align = ty.bytes().trailing_zeros();
            self.op(store(ty, ty.bytes() as u8, scratch(slot, align)));
        }
    }

    /// Restores a register of the thread.
    pub(crate) fn restore(&mut self, saved: &Saved) {
        let ty = self.input.body.ty(saved.reg);
        self.element(saved.stride);
        let align = ty.bytes().trailing_zeros();
        self.op(load(ty, ty.bytes() as u8, scratch(saved.array, align)));
        self.set_reg(saved.reg);
    }

    fn end_of_block(&mut self, id: BlockId, end: &End) {
        let input = self.input;
        match end {
            End::Jump(_) | End::WholeWarp(..) => {}
            End::Branch(condition, ..) => self.arg(*condition),
            End::Table(index, targets, site) => self.table_index(*index, targets.len(), *site),
            End::Reconverge(next) => {
                let resume = input.resume_of(*next);
                let resume = self.require(resume, "a reconvergence point without a resume index");
                self.i32(0);
                self.op(W::I32Load(scratch(abi::RECONVERGE_AT, 2)));
                self.i32(resume);
                self.op(W::I32Eq);
                self.op(W::LocalTee(self.offset));
                self.if_unlikely();
                self.save(&input.saved_behind(id, *next));
                self.set_resume_index(resume.cast_signed());
                self.op(W::End);
                self.get(self.offset);
            }
            End::Exit => {
                let guarded = self.begin_record_of_end();
                self.set_resume_index(ENDED);
                if guarded {
                    self.op(W::End);
                }
            }
            End::Fault(site, value) => self.end_with_fault(*site, *value),
            End::Nowhere => self.op(W::Unreachable),
            End::Suspend(number, next) => {
                let Some(point) = input.body.suspend_points.get(*number) else {
                    return self.inconsistent("a suspend point that does not exist");
                };
                for (array, value) in (0..).zip(&point.inputs) {
                    self.element(8);
                    self.arg(*value);
                    let at = scratch(input.layout.exchanged(array), 3);
                    self.op(store(Ty::I64, 8, at));
                }
                let mut saved = input.saved_behind(id, *next);
                saved.retain(|reg| !point.results.contains(&Some(*reg)));
                self.save(&saved);
                self.set_resume_index(SUSPENDED - number.0.cast_signed());
            }
        }
    }

    /// Ends the launch with a fault, and a value for its message.
    pub(crate) fn end_with_fault(&mut self, site: SiteId, value: Arg) {
        self.arg(value);
        self.end_with_fault_of_operand(site);
    }

    /// Ends the launch with a fault; the value for its message is on the stack.
    pub(crate) fn end_with_fault_of_operand(&mut self, site: SiteId) {
        self.set(self.address);
        self.fault(site);
    }

    /// Leaves the index into a list of labels; a fault where it lies behind.
    pub(crate) fn table_index(&mut self, index: Arg, labels: usize, site: SiteId) {
        self.arg(index);
        let labels = u32::try_from(labels).ok();
        let labels = self.require(labels, "a list of more labels than there are numbers");
        self.i32(labels);
        self.op(W::I32GeU);
        self.if_unlikely();
        self.arg(index);
        self.op(W::I64ExtendI32U);
        self.set(self.address);
        self.fault(site);
        self.op(W::End);
        self.arg(index);
    }
}

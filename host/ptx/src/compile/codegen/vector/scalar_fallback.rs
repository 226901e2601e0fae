//! What has no vector form: the code for single threads, for one lane after another.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::vector::VECTOR_LANES;
use crate::compile::codegen::{Emitter, scratch, val};
use crate::compile::ir::{Arg, Op, Reg, Ty};

impl Emitter<'_> {
    /// Does a step for one lane after another: operands and results go through memory, and the code
    /// for single threads works on stand-ins for the registers.
    pub(crate) fn by_lane(&mut self, op: &Op) {
        let mut sources: Vec<Reg> = Vec::new();
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg
                && !sources.contains(&reg)
            {
                sources.push(reg);
            }
        });
        sources.retain(|reg| self.shared.classes.of(*reg) != Uniformity::Uniform);
        let targets = op.targets().to_vec();
        let lanes = self.shared.layout.lanes;
        let (lane, first) = (self.group.lane, self.group.first);
        let place_of =
            |number: usize| lanes + u32::try_from(number).unwrap_or(0) * VECTOR_LANES * 8;
        for (number, reg) in sources.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            for chunk in 0..self.chunk_count(ty) {
                self.i32(0);
                self.chunk(Arg::Reg(*reg), chunk);
                self.op(W::V128Store(scratch(place_of(number) + 16 * chunk, 2)));
            }
        }
        let mut kept: Vec<(Reg, u32)> = Vec::new();
        for (number, reg) in sources.iter().chain(&targets).enumerate() {
            let ty = self.shared.body.ty(*reg);
            let stand_in = self.stand_in(ty, number);
            if let Some(local) = self.regs.get_mut(reg.0 as usize) {
                // A register that is read and written has one stand-in: the last one made.
                kept.push((*reg, std::mem::replace(local, stand_in)));
            }
        }
        self.get(self.thread);
        self.set(first);
        self.i32(0);
        self.set(lane);
        self.op(W::Loop(BlockType::Empty));
        for (number, reg) in sources.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            self.get(lane);
            self.i32(ty.bytes().trailing_zeros());
            self.op(W::I32Shl);
            let at = scratch(place_of(number), 2);
            self.op(match ty {
                Ty::I32 => W::I32Load(at),
                Ty::I64 => W::I64Load(at),
                Ty::F32 => W::F32Load(at),
                Ty::F64 => W::F64Load(at),
            });
            self.set(self.reg(*reg));
        }
        // Nested labels are the code's own affair: it leaves by none of ours.
        self.step(op);
        for (number, reg) in targets.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            self.get(lane);
            self.i32(ty.bytes().trailing_zeros());
            self.op(W::I32Shl);
            self.get(self.reg(*reg));
            let at = scratch(place_of(number + sources.len()), 2);
            self.op(match ty {
                Ty::I32 => W::I32Store(at),
                Ty::I64 => W::I64Store(at),
                Ty::F32 => W::F32Store(at),
                Ty::F64 => W::F64Store(at),
            });
        }
        self.get(self.thread);
        self.i32(1);
        self.op(W::I32Add);
        self.set(self.thread);
        self.get(lane);
        self.i32(1);
        self.op(W::I32Add);
        self.op(W::LocalTee(lane));
        self.i32(VECTOR_LANES);
        self.op(W::I32LtU);
        self.op(W::BrIf(0));
        self.op(W::End);
        self.get(first);
        self.set(self.thread);
        for (reg, local) in kept.into_iter().rev() {
            if let Some(place) = self.regs.get_mut(reg.0 as usize) {
                *place = local;
            }
        }
        for (number, reg) in targets.iter().enumerate() {
            let ty = self.shared.body.ty(*reg);
            for chunk in 0..self.chunk_count(ty) {
                self.i32(0);
                let at = scratch(place_of(number + sources.len()) + 16 * chunk, 2);
                self.op(W::V128Load(at));
                self.set_chunk_from_number(*reg, chunk);
            }
        }
    }

    pub(crate) fn stand_in(&mut self, ty: Ty, number: usize) -> u32 {
        if let Some(local) = self.group.stand_ins.get(&(ty, number)).copied() {
            return local;
        }
        let local = self.local(val(ty));
        self.group.stand_ins.insert((ty, number), local);
        local
    }
}

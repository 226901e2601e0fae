//! Scalarisation: what has no vector form is done for one lane after another, by the code for single
//! threads; where execution is masked, for the lanes that take part.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::scalar::{load, store};
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::codegen::{scratch, val_type};
use crate::compile::ir::{Arg, Op, Reg, Ty};

/// The lanes for which a step is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lanes {
    All,
    /// Those whose bits are set in a local, which are some. The local has none afterwards.
    Set(u32),
}

impl VectorEmitter<'_> {
    /// Does a step in a loop over the lanes: operands and results go through memory, and the code for
    /// single threads works on scalar stand-ins for the registers.
    pub(super) fn scalarised(&mut self, op: &Op) {
        self.scalarised_in(op, Lanes::All);
    }

    /// Does a step in a loop over some lanes. What it writes stays in the others as it was.
    pub(super) fn scalarised_in(&mut self, op: &Op, lanes: Lanes) {
        let input = self.input;
        let mut sources: Vec<Reg> = Vec::new();
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg
                && !sources.contains(&reg)
            {
                sources.push(reg);
            }
        });
        sources.retain(|reg| input.analyses.uniformity.of(*reg) != Uniformity::Uniform);
        // Each has an array of one word for each lane.
        let mut arrays = (0u32..).map(|number| input.layout.lanes + number * self.lanes() * 8);
        let sources: Vec<(Reg, u32)> = sources.into_iter().zip(&mut arrays).collect();
        let targets: Vec<(Reg, u32)> = op.targets().iter().copied().zip(&mut arrays).collect();
        for (reg, array) in &sources {
            for chunk in 0..self.chunk_count(input.body.ty(*reg)) {
                self.i32(0);
                self.chunk(Arg::Reg(*reg), chunk);
                self.op(W::V128Store(scratch(array + 16 * chunk, 2)));
            }
        }
        if let Lanes::Set(_) = lanes {
            for (reg, array) in &targets {
                for chunk in 0..self.chunk_count(input.body.ty(*reg)) {
                    self.i32(0);
                    self.chunk(Arg::Reg(*reg), chunk);
                    self.op(W::V128Store(scratch(array + 16 * chunk, 2)));
                }
            }
        }
        // A register that is read and written has one stand-in: the last one made.
        let mut replaced: Vec<(Reg, Option<u32>)> = Vec::new();
        for (number, (reg, _)) in sources.iter().chain(&targets).enumerate() {
            let stand_in = self.stand_in(input.body.ty(*reg), number);
            let own = self.scalar.replace_reg(*reg, Some(stand_in));
            replaced.push((*reg, own));
        }
        let (thread, lane, first) = (self.scalar.thread, self.lane, self.first_of_group);
        self.get(thread);
        self.set(first);
        if lanes == Lanes::All {
            self.i32(0);
            self.set(lane);
        }
        self.op(W::Loop(BlockType::Empty));
        if let Lanes::Set(bits) = lanes {
            self.get(bits);
            self.op(W::I32Ctz);
            self.op(W::LocalTee(lane));
            self.get(first);
            self.op(W::I32Add);
            self.set(thread);
        }
        for (reg, array) in &sources {
            let ty = input.body.ty(*reg);
            self.lane_element(ty);
            self.op(load(ty, ty.bytes() as u8, scratch(*array, 2)));
            self.scalar.set_reg(*reg);
        }
        // The step has labels of its own, and leaves by none of those around it.
        self.scalar.operation(op);
        for (reg, array) in &targets {
            let ty = input.body.ty(*reg);
            self.lane_element(ty);
            self.scalar.arg(Arg::Reg(*reg));
            self.op(store(ty, ty.bytes() as u8, scratch(*array, 2)));
        }
        match lanes {
            Lanes::All => {
                self.get(thread);
                self.i32(1);
                self.op(W::I32Add);
                self.set(thread);
                self.get(lane);
                self.i32(1);
                self.op(W::I32Add);
                self.op(W::LocalTee(lane));
                self.i32(self.lanes());
                self.op(W::I32LtU);
            }
            Lanes::Set(bits) => {
                // Without the lowest bit, which was this lane's.
                self.get(bits);
                self.get(bits);
                self.i32(1);
                self.op(W::I32Sub);
                self.op(W::I32And);
                self.op(W::LocalTee(bits));
                self.i32(0);
                self.op(W::I32Ne);
            }
        }
        self.op(W::BrIf(0));
        self.op(W::End);
        self.get(first);
        self.set(thread);
        for (reg, own) in replaced.into_iter().rev() {
            self.scalar.replace_reg(reg, own);
        }
        for (reg, array) in &targets {
            for chunk in 0..self.chunk_count(input.body.ty(*reg)) {
                self.i32(0);
                self.op(W::V128Load(scratch(array + 16 * chunk, 2)));
                self.set_chunk_from_number(*reg, chunk);
            }
        }
    }

    /// Leaves the offset of the lane's element in an array of values of a type.
    fn lane_element(&mut self, ty: Ty) {
        self.get(self.lane);
        self.i32(ty.bytes().trailing_zeros());
        self.op(W::I32Shl);
    }

    pub(super) fn stand_in(&mut self, ty: Ty, number: usize) -> u32 {
        if let Some(local) = self.stand_ins.get(&(ty, number)).copied() {
            return local;
        }
        let local = self.local(val_type(ty));
        self.stand_ins.insert((ty, number), local);
        local
    }
}

//! Where the threads of a group may part.

use wasm_encoder::{BlockType, Instruction as W};

use super::WIDTH;
use crate::lower::class::Class;
use crate::lower::code::Code;
use crate::lower::emit::Emitter;
use crate::lower::ends::order;
use crate::lower::ir::{Arg, BlockId, Op, Reg, Ty};

impl Emitter<'_> {
    /// Leaves whether the condition holds that these steps make: for the first and the last thread,
    /// and where they do not settle it, for each.
    pub(super) fn ends_or_each(&mut self, id: BlockId, condition: Arg, steps: &[&Op]) {
        let (told, apart) = (self.v().told, self.v().lane);
        self.i32(0);
        self.set(apart);
        for op in steps {
            self.step(op);
            if let Op::Two(code, target, a, b) = op
                && let Some(order) = order(*code)
            {
                self.ends_differ(*code, *target, *a, *b, order);
                self.get(apart);
                self.op(W::I32Or);
                self.set(apart);
            }
        }
        self.arg(condition);
        self.set(told);
        self.get(apart);
        self.if_unlikely();
        for op in steps {
            self.group_step(op);
        }
        self.together_or_alone(id, condition);
        self.set(told);
        self.op(W::End);
        self.get(told);
    }

    /// Leaves whether the threads of a group may have different answers to a comparison of which the
    /// first one's answer is in the target.
    fn ends_differ(&mut self, code: Code, target: Reg, a: Arg, b: Arg, order: Option<bool>) {
        let wide = code.operand() == Ty::I64;
        let stride = |class| match class {
            Class::Affine(stride) => stride,
            _ => 0,
        };
        let (of_a, of_b) = (stride(self.class(a)), stride(self.class(b)));
        let (grows, by) = if of_a != 0 { (a, of_a) } else { (b, of_b) };
        let reach = by.wrapping_mul(i64::from(WIDTH - 1));
        let constant = |emitter: &mut Self, value: i64| {
            if wide {
                emitter.i64(value.cast_unsigned());
            } else {
                emitter.i32(value.cast_unsigned() as u32);
            }
        };
        let pick = |narrow: W<'static>, other: W<'static>| if wide { other } else { narrow };
        let Some(signed) = order else {
            // Whether the other one lies between the ends.
            let other = if of_a != 0 { b } else { a };
            let (from, to) = if by > 0 {
                (grows, other)
            } else {
                (other, grows)
            };
            self.arg(to);
            self.arg(from);
            self.op(pick(W::I32Sub, W::I64Sub));
            constant(self, reach.abs());
            self.op(pick(W::I32LeU, W::I64LeU));
            return;
        };
        for (arg, stride) in [(a, of_a), (b, of_b)] {
            self.arg(arg);
            if stride != 0 {
                constant(self, reach);
                self.op(pick(W::I32Add, W::I64Add));
            }
        }
        self.op(code.scalar());
        self.get(self.reg(target));
        self.op(W::I32Xor);
        // Between ends in the wrong order lies everything.
        self.arg(grows);
        constant(self, reach);
        self.op(pick(W::I32Add, W::I64Add));
        self.arg(grows);
        self.op(match (signed, by > 0) {
            (true, true) => pick(W::I32LtS, W::I64LtS),
            (true, false) => pick(W::I32GtS, W::I64GtS),
            (false, true) => pick(W::I32LtU, W::I64LtU),
            (false, false) => pick(W::I32GtU, W::I64GtU),
        });
        self.op(W::I32Or);
    }

    /// Leaves whether the condition holds, where it does for all or for none; else the threads part.
    pub(super) fn together_or_alone(&mut self, id: BlockId, condition: Arg) {
        let [any, all, _] = self.v().temps;
        let told = self.v().told;
        for chunk in 0..WIDTH / 4 {
            self.mask(condition, chunk);
            if chunk == 0 {
                self.op(W::LocalTee(any));
                self.set(all);
                continue;
            }
            self.op(W::LocalTee(self.v().temps[2]));
            self.get(any);
            self.op(W::V128Or);
            self.set(any);
            self.get(self.v().temps[2]);
            self.get(all);
            self.op(W::V128And);
            self.set(all);
        }
        self.get(any);
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(told));
        self.get(all);
        self.op(W::I32x4AllTrue);
        self.op(W::I32Ne);
        self.op(W::If(BlockType::Empty));
        self.part(id);
        self.op(W::End);
        // Parting uses the local, but does not come back here.
        self.get(told);
    }
}

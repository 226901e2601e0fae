//! Where the threads of a group may part.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::Emitter;
use crate::compile::codegen::vector::VECTOR_LANES;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, BlockId, Op, Reg, Ty};
use crate::compile::passes::endpoint_branches::IntegerOrder;

impl Emitter<'_> {
    /// Leaves whether the condition holds that these steps make: for the first and the last thread,
    /// and where they do not settle it, for each.
    pub(crate) fn ends_or_each(&mut self, id: BlockId, condition: Arg, steps: &[&Op]) {
        let (told, apart) = (self.group.told, self.group.lane);
        self.i32(0);
        self.set(apart);
        for op in steps {
            self.step(op);
            if let Op::Binary(code, target, a, b) = op
                && let Some(order) = IntegerOrder::of(*code)
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
    fn ends_differ(&mut self, code: Opcode, target: Reg, a: Arg, b: Arg, order: IntegerOrder) {
        let wide = code.operand() == Ty::I64;
        let apart = |class| match class {
            Uniformity::Affine(apart) => apart,
            _ => LaneOffsets::NONE,
        };
        let (of_a, of_b) = (apart(self.class(a)), apart(self.class(b)));
        let (grows, by, other) = if of_b.is_none() {
            (a, of_a, b)
        } else {
            (b, of_b, a)
        };
        let (least, most) = (by.least(), by.most());
        let add = |emitter: &mut Self, arg: Arg, value: i64| {
            emitter.arg(arg);
            if value == 0 {
                return;
            }
            if wide {
                emitter.i64(value.cast_unsigned());
                emitter.op(W::I64Add);
            } else {
                emitter.i32(value.cast_unsigned() as u32);
                emitter.op(W::I32Add);
            }
        };
        let pick = |narrow: W<'static>, other: W<'static>| if wide { other } else { narrow };
        if order == IntegerOrder::Equality {
            // Whether the other one lies between the ends.
            self.arg(other);
            add(self, grows, least);
            self.op(pick(W::I32Sub, W::I64Sub));
            if wide {
                self.i64((most - least).cast_unsigned());
            } else {
                self.i32((most - least).cast_unsigned() as u32);
            }
            self.op(pick(W::I32LeU, W::I64LeU));
            return;
        }
        for end in [least, most] {
            if end == 0 {
                self.get(self.reg(target));
                continue;
            }
            for arg in [a, b] {
                add(self, arg, if arg == grows { end } else { 0 });
            }
            self.op(code.scalar());
        }
        self.op(W::I32Xor);
        // Between ends in the wrong order lies everything.
        add(self, grows, most);
        add(self, grows, least);
        self.op(if order == IntegerOrder::Signed {
            pick(W::I32LtS, W::I64LtS)
        } else {
            pick(W::I32LtU, W::I64LtU)
        });
        self.op(W::I32Or);
    }

    /// Leaves whether the condition holds, where it does for all or for none; else the threads part.
    pub(crate) fn together_or_alone(&mut self, id: BlockId, condition: Arg) {
        let [any, all, _] = self.group.temps;
        let told = self.group.told;
        for chunk in 0..VECTOR_LANES / 4 {
            self.mask(condition, chunk);
            if chunk == 0 {
                self.op(W::LocalTee(any));
                self.set(all);
                continue;
            }
            self.op(W::LocalTee(self.group.temps[2]));
            self.get(any);
            self.op(W::V128Or);
            self.set(any);
            self.get(self.group.temps[2]);
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

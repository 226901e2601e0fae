//! Branches whose condition is not uniform: the lanes vote, and where they disagree, the group
//! diverges. A comparison of something uniform with something affine needs no vote as long as the
//! lanes with the least and the most of it agree.

use wasm_encoder::{BlockType, Instruction as W};

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::masked_steps::MaskedSteps;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, BlockId, Op, Reg, Ty};
use crate::compile::passes::endpoint_branches::IntegerOrder;

impl VectorEmitter<'_> {
    /// Leaves whether the condition holds that these steps make: for the endpoints, and where these do
    /// not settle it, by a vote of all lanes.
    pub(super) fn endpoint_branch(&mut self, id: BlockId, condition: Arg, steps: &[&Op]) {
        let (holds, differs) = (self.temp, self.lane);
        self.i32(0);
        self.set(differs);
        for op in steps {
            self.scalar.operation(op);
            if let Op::Binary(opcode, target, a, b) = op
                && let Some(order) = IntegerOrder::of(*opcode)
            {
                self.endpoints_differ(*opcode, *target, [*a, *b], order);
                self.get(differs);
                self.op(W::I32Or);
                self.set(differs);
            }
        }
        self.scalar.arg(condition);
        self.set(holds);
        self.get(differs);
        self.if_unlikely();
        for op in steps {
            self.operation(op);
        }
        self.divergent_branch(id, condition);
        self.set(holds);
        self.op(W::End);
        self.get(holds);
    }

    /// Leaves whether lanes may have different answers to a comparison, of which the first lane's is
    /// in the target.
    fn endpoints_differ(
        &mut self,
        opcode: Opcode,
        target: Reg,
        [a, b]: [Arg; 2],
        order: IntegerOrder,
    ) {
        let wide = opcode.operand() == Ty::I64;
        let offsets = |uniformity| match uniformity {
            Uniformity::Affine(offsets) => offsets,
            Uniformity::Uniform | Uniformity::Divergent => LaneOffsets::NONE,
        };
        let (of_a, of_b) = (
            offsets(self.input.uniformity(a)),
            offsets(self.input.uniformity(b)),
        );
        let (affine, by, uniform) = if of_b.is_none() {
            (a, of_a, b)
        } else {
            (b, of_b, a)
        };
        let (least, most) = (by.least(), by.most());
        let add = |emitter: &mut Self, arg: Arg, value: i64| {
            emitter.scalar.arg(arg);
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
        let in_wrong_order = match order {
            IntegerOrder::Equality => {
                // Whether the uniform one lies between the endpoints.
                self.scalar.arg(uniform);
                add(self, affine, least);
                self.op(pick(W::I32Sub, W::I64Sub));
                if wide {
                    self.i64((most - least).cast_unsigned());
                } else {
                    self.i32((most - least).cast_unsigned() as u32);
                }
                self.op(pick(W::I32LeU, W::I64LeU));
                return;
            }
            IntegerOrder::Signed => pick(W::I32LtS, W::I64LtS),
            IntegerOrder::Unsigned => pick(W::I32LtU, W::I64LtU),
        };
        for end in [least, most] {
            if end == 0 {
                self.scalar.arg(Arg::Reg(target));
                continue;
            }
            for arg in [a, b] {
                add(self, arg, if arg == affine { end } else { 0 });
            }
            self.op(opcode.scalar());
        }
        self.op(W::I32Xor);
        // Where numbers wrap around, the endpoints are in the wrong order.
        add(self, affine, most);
        add(self, affine, least);
        self.op(in_wrong_order);
        self.op(W::I32Or);
    }

    /// Leaves whether the condition holds, where it does for all lanes or for none. Else the group does
    /// the steps masked that only some lanes take, where it can, and leaves the answer of the others;
    /// or it diverges.
    pub(super) fn divergent_branch(&mut self, id: BlockId, condition: Arg) {
        let [any, all, mask] = self.temps;
        let holds = self.temp;
        for chunk in 0..self.lanes() / 4 {
            self.mask(condition, chunk);
            if chunk == 0 {
                self.op(W::LocalTee(any));
                self.set(all);
                continue;
            }
            self.op(W::LocalTee(mask));
            self.get(any);
            self.op(W::V128Or);
            self.set(any);
            self.get(mask);
            self.get(all);
            self.op(W::V128And);
            self.set(all);
        }
        self.get(any);
        self.op(W::V128AnyTrue);
        self.op(W::LocalTee(holds));
        self.get(all);
        self.op(W::I32x4AllTrue);
        self.op(W::I32Ne);
        self.op(W::If(BlockType::Empty));
        let (body, uniformity) = (self.input.body, &self.input.analyses.uniformity);
        let end = body.block(id).map(|block| &block.end);
        let masked = end.and_then(|end| MaskedSteps::of(body, uniformity, &self.predecessors, end));
        match masked {
            Some(masked) => {
                self.guards_before(id, masked.steps.iter().copied(), &masked.guards);
                self.masked(condition, &masked);
                self.set(holds);
            }
            // It uses the local, but does not come back here.
            None => self.diverge(id),
        }
        self.op(W::End);
        self.get(holds);
    }
}

//! Branches of which one side leads to a fault: assertions, and bounds checks of a language. The lanes
//! vote whether any of them takes it; then the group diverges, and its threads find out one by one.
//! Where the condition compares something uniform with something affine, a bound of all lanes' answers
//! comes first, which hardly ever leaves the vote to be taken.

use wasm_encoder::Instruction as W;

use crate::compile::analysis::lane_offsets::LaneOffsets;
use crate::compile::analysis::uniformity::Uniformity;
use crate::compile::codegen::function_writer::Emit;
use crate::compile::codegen::vector::VectorEmitter;
use crate::compile::ir::opcodes::{Meaning, Opcode};
use crate::compile::ir::{Arg, BlockId, Op, Reg, Ty};

impl VectorEmitter<'_> {
    /// Lets the group diverge where a lane's condition is what leads to the fault, and leaves the other
    /// answer. `steps` are those that make the condition, where endpoints can tell.
    pub(super) fn fault_branch(
        &mut self,
        id: BlockId,
        condition: Arg,
        faults: bool,
        steps: &[&Op],
    ) {
        if steps.is_empty() {
            self.diverge_where_any(id, condition, faults);
        } else {
            self.may_be(condition, faults, steps);
            self.if_unlikely();
            for op in steps {
                self.operation(op);
            }
            self.diverge_where_any(id, condition, faults);
            self.op(W::End);
        }
        self.i32(u32::from(!faults));
    }

    /// Lets the group diverge where a condition is so in any lane.
    fn diverge_where_any(&mut self, id: BlockId, condition: Arg, is: bool) {
        for chunk in 0..self.lanes() / 4 {
            self.mask(condition, chunk);
            if chunk > 0 {
                self.op(if is { W::V128Or } else { W::V128And });
            }
        }
        if is {
            self.op(W::V128AnyTrue);
        } else {
            self.op(W::I32x4AllTrue);
            self.op(W::I32Eqz);
        }
        self.if_unlikely();
        self.diverge(id);
        self.op(W::End);
    }

    /// Leaves zero only if a condition is so in no lane, as far as scalars tell.
    fn may_be(&mut self, condition: Arg, is: bool, steps: &[&Op]) {
        let step = condition.reg().and_then(|reg| step_of(reg, steps));
        let Some((opcode, [a, b])) = step else {
            // Uniform.
            self.scalar.arg(condition);
            if !is {
                self.op(W::I32Eqz);
            }
            return;
        };
        match opcode.meaning() {
            Meaning::CompareEqual | Meaning::CompareSigned | Meaning::CompareUnsigned => {
                self.comparison_may_be(opcode, [a, b], is);
            }
            Meaning::And | Meaning::Or => {
                self.may_be(a, is, steps);
                self.may_be(b, is, steps);
                // All are 0 or 1.
                let both = (opcode.meaning() == Meaning::And) == is;
                self.op(if both { W::I32And } else { W::I32Or });
            }
            Meaning::Xor if b == Arg::I32(1) => self.may_be(a, !is, steps),
            _ => self.i32(1),
        }
    }

    /// Leaves 0 only if a comparison has this result in no lane, else 1.
    fn comparison_may_be(&mut self, opcode: Opcode, [a, b]: [Arg; 2], is: bool) {
        let offsets = |arg| match self.input.uniformity(arg) {
            Uniformity::Affine(offsets) => offsets,
            Uniformity::Uniform | Uniformity::Divergent => LaneOffsets::NONE,
        };
        let (of_a, of_b) = (offsets(a), offsets(b));
        let is_left = of_b.is_none();
        let (affine, uniform, by) = if is_left { (a, b, of_a) } else { (b, a, of_b) };
        let wide = opcode.operand() == Ty::I64;
        let pick = |narrow: W<'static>, other: W<'static>| if wide { other } else { narrow };
        let (least, most) = (by.least(), by.most());
        if is_at_least(opcode, is_left, is) {
            // The greatest is not less where the least is not less than as much less, and no less than
            // zero: that holds also where numbers wrap around in between.
            let distance = most - least;
            self.scalar.arg(affine);
            self.add_constant(wide, least);
            self.scalar.arg(uniform);
            self.add_constant(wide, -distance);
            self.constant(wide, 0);
            self.scalar.arg(uniform);
            self.constant(wide, distance);
            self.op(pick(W::I32GeU, W::I64GeU));
            self.op(W::Select);
            self.op(pick(W::I32GeU, W::I64GeU));
            return;
        }
        if opcode.meaning() == Meaning::CompareEqual {
            let is_equal = matches!(opcode, Opcode::I32Eq | Opcode::I64Eq) == is;
            if !is_equal {
                return self.i32(1);
            }
            // Whether the uniform one lies between the endpoints.
            self.scalar.arg(uniform);
            self.scalar.arg(affine);
            self.add_constant(wide, least);
            self.op(pick(W::I32Sub, W::I64Sub));
            self.constant(wide, most - least);
            self.op(pick(W::I32LeU, W::I64LeU));
            return;
        }
        for (number, end) in [least, most].into_iter().enumerate() {
            for arg in [a, b] {
                self.scalar.arg(arg);
                self.add_constant(wide, if arg == affine { end } else { 0 });
            }
            self.op(opcode.scalar());
            if !is {
                self.op(W::I32Eqz);
            }
            if number > 0 {
                self.op(W::I32Or);
            }
        }
        // Where numbers wrap around, the endpoints are in the wrong order.
        self.scalar.arg(affine);
        self.add_constant(wide, most);
        self.scalar.arg(affine);
        self.add_constant(wide, least);
        self.op(if opcode.meaning() == Meaning::CompareSigned {
            pick(W::I32LtS, W::I64LtS)
        } else {
            pick(W::I32LtU, W::I64LtU)
        });
        self.op(W::I32Or);
    }

    fn constant(&mut self, wide: bool, value: i64) {
        if wide {
            self.i64(value.cast_unsigned());
        } else {
            self.i32(value.cast_unsigned() as u32);
        }
    }

    fn add_constant(&mut self, wide: bool, value: i64) {
        if value != 0 {
            self.constant(wide, value);
            self.op(if wide { W::I64Add } else { W::I32Add });
        }
    }
}

/// The step that makes a condition.
fn step_of(reg: Reg, steps: &[&Op]) -> Option<(Opcode, [Arg; 2])> {
    steps.iter().find_map(|op| match op {
        Op::Binary(opcode, target, a, b) if *target == reg => Some((*opcode, [*a, *b])),
        _ => None,
    })
}

/// Whether a comparison has this result where the affine operand, which is the left one or the right
/// one, is at least the uniform one, without a sign.
fn is_at_least(opcode: Opcode, is_left: bool, is: bool) -> bool {
    use Opcode::{I32GeU, I32GtU, I32LeU, I32LtU, I64GeU, I64GtU, I64LeU, I64LtU};
    match (is_left, is) {
        (true, true) => matches!(opcode, I32GeU | I64GeU),
        (true, false) => matches!(opcode, I32LtU | I64LtU),
        (false, true) => matches!(opcode, I32LeU | I64LeU),
        (false, false) => matches!(opcode, I32GtU | I64GtU),
    }
}

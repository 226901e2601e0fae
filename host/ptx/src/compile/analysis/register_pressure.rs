//! Register pressure: how many values are live at each step, which is what an engine's register
//! allocator has to deal with.

use crate::compile::analysis::liveness::{Liveness, for_each_end_use};
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, BlockId, Body, End, Op, Reg};

/// The registers that are live at one step of a block.
struct LiveNow<F> {
    is_live: EntityMap<Reg, bool>,
    block: BlockId,
    /// How many values a register is in a block.
    values: F,
    /// How many values are live.
    count: u64,
}

impl<F: Fn(BlockId, Reg) -> u64> LiveNow<F> {
    fn begin(&mut self, reg: Reg) {
        if self.is_live.set(reg, true) {
            self.count += (self.values)(self.block, reg);
        }
    }

    fn end(&mut self, reg: Reg) {
        if self.is_live.set(reg, false) {
            self.count = self.count.saturating_sub((self.values)(self.block, reg));
        }
    }
}

/// The live values, summed over all steps; marks of lines are none. `values` is how many values each
/// register is in a block.
pub(crate) fn total(body: &Body, liveness: &Liveness, values: impl Fn(BlockId, Reg) -> u64) -> u64 {
    let mut now = LiveNow {
        is_live: EntityMap::for_each(&body.regs, false),
        block: BlockId::ENTRY,
        values,
        count: 0,
    };
    let mut total = 0u64;
    for (id, block) in body.blocks.iter() {
        now.block = id;
        let mut begun = Vec::new();
        for next in block.end.successors() {
            begun.extend(liveness.at(next));
        }
        // What others give is not there yet.
        if let End::Suspend(point, _) = &block.end
            && let Some(point) = body.suspend_points.get(*point)
        {
            begun.retain(|reg| !point.results.contains(&Some(*reg)));
        }
        for_each_end_use(body, &block.end, |reg| begun.push(reg));
        begun.iter().for_each(|reg| now.begin(*reg));
        for op in block.ops.iter().rev() {
            op.targets().iter().for_each(|target| now.end(*target));
            op.each_arg(|arg| {
                if let Arg::Reg(reg) = arg {
                    now.begin(reg);
                    begun.push(reg);
                }
            });
            if !matches!(op, Op::Line(_)) {
                total = total.saturating_add(now.count);
            }
        }
        begun.into_iter().for_each(|reg| now.end(reg));
    }
    total
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::analysis::liveness;
    use crate::compile::ir::opcodes::Opcode;
    use crate::compile::ir::samples::{Shape, last_block, random, store};
    use crate::compile::ir::{Block, Space, SpecialValue, SuspendKind, SuspendPoint, Ty};

    fn pressure(body: &Body, values: impl Fn(Reg) -> u64) -> u64 {
        let live = liveness::analyze(body).unwrap();
        total(body, &live, |_, reg| values(reg))
    }

    #[test]
    fn a_value_is_live_from_behind_its_step_to_its_last_use() {
        let mut body = Body::default();
        let (a, b, c) = (body.reg(Ty::I32), body.reg(Ty::I64), body.reg(Ty::I32));
        let at = (Space::Global, Arg::Reg(b), 0);
        let ops = vec![
            // Live before each: nothing; a; a and b; b and c; c and b.
            Op::Copy(a, Arg::I32(1)),
            Op::Copy(b, Arg::I64(2)),
            Op::Binary(Opcode::I32Add, c, Arg::Reg(a), Arg::Reg(a)),
            store(&mut body, &[Arg::Reg(c)], at),
            store(&mut body, &[Arg::Reg(c)], at),
        ];
        last_block(&mut body, ops);
        assert_eq!(pressure(&body, |_| 1), 1 + 2 + 2 + 2);
        // A register that is several values counts as many.
        let several = |reg| if reg == b { 10 } else { 1 };
        assert_eq!(pressure(&body, several), 1 + 11 + 11 + 11);
        assert_eq!(pressure(&body, |_| 0), 0);
    }

    #[test]
    fn a_value_that_nothing_reads_is_never_live() {
        let mut body = Body::default();
        let a = body.reg(Ty::I32);
        last_block(&mut body, vec![Op::Copy(a, Arg::I32(1)); 3]);
        assert_eq!(pressure(&body, |_| 1), 0);
    }

    #[test]
    fn what_a_later_block_or_a_block_s_end_reads_is_live_up_to_there() {
        let mut body = Body::default();
        let regs: Vec<Reg> = (0..3).map(|_| body.reg(Ty::I32)).collect();
        let [kept, condition, copy] = *regs.as_slice() else {
            panic!("{regs:?}");
        };
        // Live before each: nothing; what is kept; that and the condition.
        let read = body.reg(Ty::I32);
        let ops = vec![
            Op::Copy(kept, Arg::I32(1)),
            Op::Copy(condition, Arg::I32(2)),
            Op::Copy(read, Arg::Reg(condition)),
        ];
        let end = End::Branch(Arg::Reg(condition), BlockId(1), BlockId(2));
        body.blocks.push(Block { line: 0, ops, end });
        last_block(&mut body, vec![Op::Copy(copy, Arg::Reg(kept))]);
        last_block(&mut body, Vec::new());
        assert_eq!(pressure(&body, |_| 1), (1 + 2) + 1);
    }

    #[test]
    fn marks_of_lines_are_no_steps_and_each_block_has_values_of_its_own() {
        let mut body = Body::default();
        let [kept, copy] = [(); 2].map(|()| body.reg(Ty::I32));
        // Live before each step: nothing; what is kept.
        body.blocks.push(Block {
            line: 0,
            ops: vec![
                Op::Copy(kept, Arg::I32(1)),
                Op::Line(7),
                Op::Copy(copy, Arg::Reg(kept)),
            ],
            end: End::Jump(BlockId(1)),
        });
        // What is kept, twice.
        let read = vec![Op::Copy(copy, Arg::Reg(kept)); 2];
        last_block(&mut body, read);
        let live = liveness::analyze(&body).unwrap();
        let values = |block, _| if block == BlockId(1) { 10 } else { 1 };
        assert_eq!(total(&body, &live, values), 1 + 2 * 10);
    }

    #[test]
    fn what_others_give_is_live_behind_the_suspend_point_alone() {
        let mut body = Body::default();
        let [kept, given, sum, copy] = [(); 4].map(|()| body.reg(Ty::I32));
        let point = body.suspend_points.push(SuspendPoint {
            line: 0,
            kind: SuspendKind::ActiveMask,
            in_whole_warps: false,
            inputs: Vec::new(),
            results: vec![Some(given)],
        });
        // Live before each: nothing; what is kept; that and what was given.
        body.blocks.push(Block {
            line: 0,
            ops: vec![
                Op::Special(kept, SpecialValue::Thread),
                Op::Copy(copy, Arg::Reg(kept)),
            ],
            end: End::Suspend(point, BlockId(1)),
        });
        let (a, b) = (Arg::Reg(kept), Arg::Reg(given));
        last_block(&mut body, vec![Op::Binary(Opcode::I32Add, sum, a, b)]);
        assert_eq!(pressure(&body, |_| 1), 1 + 2);
    }

    /// Whether a register's value is read behind some of a block's steps.
    fn is_live(body: &Body, live: &Liveness, block: BlockId, step: usize, reg: Reg) -> bool {
        let block = body.block(block).unwrap();
        for op in &block.ops[step..] {
            let mut is_read = false;
            op.each_arg(|arg| is_read |= arg == Arg::Reg(reg));
            if is_read || op.targets().contains(&reg) {
                return is_read;
            }
        }
        let mut is_read = false;
        for_each_end_use(body, &block.end, |used| is_read |= used == reg);
        let next = block.end.successors();
        is_read || next.into_iter().any(|next| live.at(next).contains(&reg))
    }

    #[test]
    fn the_total_is_that_of_the_values_live_before_each_step_and_grows_with_each_use() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut counted, mut grown) = (0, 0);
        for _ in 0..300 {
            let shape = Shape {
                blocks: rng.u32(2..7),
                ops_per_block: 6,
                suspends: false,
            };
            let mut body = random(&mut rng, &shape);
            let live = liveness::analyze(&body).unwrap();
            let mut expected = 0;
            for (id, block) in body.blocks.iter() {
                for step in 0..block.ops.len() {
                    let regs = body.regs.keys();
                    let regs = regs.filter(|reg| is_live(&body, &live, id, step, *reg));
                    expected += regs.map(|reg| u64::from(reg.0) + 1).sum::<u64>();
                }
            }
            let found = pressure(&body, |reg| u64::from(reg.0) + 1);
            assert_eq!(found, expected, "{body:#?}");
            counted += found;
            // One more step reads a register.
            let target = body.reg(Ty::I32);
            let block = BlockId(rng.u32(..shape.blocks));
            let read = Op::Copy(target, Arg::Reg(Reg(rng.u32(..5))));
            body.blocks.get_mut(block).unwrap().ops.push(read);
            let more = pressure(&body, |reg| u64::from(reg.0) + 1);
            assert!(more > found, "{found}, then {more}: {body:#?}");
            grown += more - found;
        }
        assert!(counted > 10_000 && grown > 1000, "{counted}, {grown}");
    }
}

//! Barriers and warp collectives as instructions write them: which operands they take, and where their
//! results go.

use crate::simt::barrier::BarrierReduction;
use crate::simt::matrix::Mma;
use crate::simt::quad_pairs::QuadPairs;
use crate::simt::warp::{Reduction, ShuffleMode, VoteMode, WarpOp};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::table::Op;
use crate::syntax::tree::{Instruction, Operand, RegisterId};

/// `bar.sync`, `bar.arrive` and `bar.red`, and the same as `barrier`. Operands are given by their
/// index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BarrierInstruction {
    /// Which barrier.
    pub id: usize,
    /// For how many threads it waits, where that is said.
    pub count: Option<usize>,
    /// Whether the thread itself waits.
    pub waits: bool,
    /// How predicates are combined into the first operand, and the predicate.
    pub reduction: Option<(BarrierReduction, usize)>,
}

impl BarrierInstruction {
    /// `None` where the instruction is another one.
    pub(crate) fn of(instruction: &Instruction) -> Option<BarrierInstruction> {
        let count = instruction.operands.len();
        match instruction.row.op {
            op @ (Op::Barrier | Op::BarrierArrive) => Some(BarrierInstruction {
                id: 0,
                count: (count > 1).then_some(1),
                waits: op == Op::Barrier,
                reduction: None,
            }),
            Op::BarrierReduce => {
                let how = choose(
                    &instruction.modifiers,
                    &[
                        (Modifier::Popc, BarrierReduction::Count),
                        (Modifier::And, BarrierReduction::All),
                        (Modifier::Or, BarrierReduction::Any),
                    ],
                )?;
                Some(BarrierInstruction {
                    id: 1,
                    count: (count > 3).then_some(2),
                    waits: true,
                    reduction: Some((how, count.checked_sub(1)?)),
                })
            }
            _ => None,
        }
    }
}

/// Which lanes take part in a collective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    /// Those of the mask that is the operand of this index.
    Mask(usize),
    /// Those that are active, as instructions without `.sync` have it.
    Active,
    /// All lanes.
    All,
}

/// A collective of a warp with its operands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WarpInstruction<'i> {
    pub op: WarpOp,
    /// What each lane brings: for each word the index of its operand, whose type the table says, and
    /// the operand or the element of it. As many as [`WarpOp::inputs`].
    pub inputs: Vec<(usize, &'i Operand)>,
    pub members: Members,
    /// The registers that are written, but for words that are not wanted. As many as
    /// [`WarpOp::results`].
    pub results: Vec<Option<RegisterId>>,
}

impl WarpInstruction<'_> {
    /// `None` where the instruction is another one.
    pub(crate) fn of(instruction: &Instruction) -> Option<WarpInstruction<'_>> {
        let op = operation(instruction)?;
        let count = instruction.operands.len();
        let members = match op {
            WarpOp::Multiply(_) | WarpOp::MultiplyQuadPairs(_) => Members::All,
            _ if instruction.modifiers.has(Modifier::Sync) => Members::Mask(count.checked_sub(1)?),
            _ => Members::Active,
        };
        let taken = match members {
            Members::Mask(mask) => mask,
            Members::Active | Members::All => count,
        };
        let mut results = Vec::with_capacity(op.results());
        // Those with results have them in their first operand.
        let first = usize::from(op.results() > 0);
        if let Some(written) = instruction.operands.first().filter(|_| first == 1) {
            write_to(written, &mut results);
            // A second result may be left out.
            results.resize(op.results(), None);
        }
        let mut inputs = Vec::with_capacity(op.inputs());
        let operands = instruction.operands.iter().enumerate();
        for (index, operand) in operands.take(taken).skip(first) {
            match operand {
                Operand::Vector(elements) => {
                    inputs.extend(elements.iter().map(|element| (index, element)));
                }
                single => inputs.push((index, single)),
            }
        }
        let fits = inputs.len() == op.inputs();
        debug_assert!(fits, "{op:?} with {} words", inputs.len());
        fits.then_some(WarpInstruction {
            op,
            inputs,
            members,
            results,
        })
    }
}

/// How many arrivals at a barrier in memory an instruction stands for that says no number of them.
pub(crate) fn own_arrivals(instruction: &Instruction) -> Option<u64> {
    let modifiers = &instruction.modifiers;
    if modifiers.has(Modifier::Async) {
        // Without `.noinc` the arrival is one that the phase expects beyond its others.
        return Some(u64::from(modifiers.has(Modifier::NoInc)));
    }
    (modifiers.has(Modifier::ExpectTx) || instruction.operands.len() == 2).then_some(1)
}

fn write_to(operand: &Operand, results: &mut Vec<Option<RegisterId>>) {
    match operand {
        Operand::Register(register) => results.push(Some(*register)),
        Operand::Pair(first, second) => results.extend([*first, *second]),
        Operand::Vector(elements) => {
            elements
                .iter()
                .for_each(|element| write_to(element, results));
        }
        _ => results.push(None),
    }
}

fn operation(instruction: &Instruction) -> Option<WarpOp> {
    use Modifier::{Add, All, And, Any, Ballot, Bfly, Down, Idx, Max, Min, Or, Uni, Up, Xor};
    let modifiers = &instruction.modifiers;
    let op = match instruction.row.op {
        Op::Shfl => {
            let modes = [
                (Up, ShuffleMode::Up),
                (Down, ShuffleMode::Down),
                (Bfly, ShuffleMode::Butterfly),
                (Idx, ShuffleMode::Index),
            ];
            WarpOp::Shuffle(choose(modifiers, &modes)?)
        }
        Op::Vote => {
            let modes = [
                (All, VoteMode::All),
                (Any, VoteMode::Any),
                (Uni, VoteMode::Uniform),
                (Ballot, VoteMode::Ballot),
            ];
            WarpOp::Vote(choose(modifiers, &modes)?)
        }
        Op::Match => choose(
            modifiers,
            &[(Any, WarpOp::MatchAny), (All, WarpOp::MatchAll)],
        )?,
        Op::Redux => {
            let words = [Add, Min, Max, And, Or, Xor];
            let word = words.into_iter().find(|word| modifiers.has(*word))?;
            WarpOp::Reduce(Reduction::new(word, modifiers.ty())?)
        }
        Op::Elect => WarpOp::Elect,
        Op::Mma => match QuadPairs::of(modifiers) {
            Some(products) => WarpOp::MultiplyQuadPairs(products),
            None => WarpOp::Multiply(Mma::of(instruction)?),
        },
        Op::WarpBarrier => WarpOp::Barrier,
        _ => return None,
    };
    Some(op)
}

/// What the modifier that an instruction has stands for.
fn choose<T: Copy>(modifiers: &Modifiers, choices: &[(Modifier, T)]) -> Option<T> {
    let chosen = choices.iter().find(|(word, _)| modifiers.has(*word))?;
    Some(chosen.1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{Limits, parse};

    /// The instructions of a kernel with this body.
    fn instructions(body: &str) -> Vec<Instruction> {
        let text = format!(
            ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k()\n{{\n\
             .reg .pred %p<4>;\n.reg .b32 %r<9>;\n{body}\nret;\n}}\n"
        );
        let module = parse(text.as_bytes(), &Limits::default()).unwrap();
        let mut body = module.functions[0].body.clone();
        body.pop();
        body
    }

    #[test]
    fn every_barrier_says_its_operands() {
        let found = instructions(
            "bar.sync 3;\nbarrier.cta.sync %r1, 64;\nbar.arrive 1, 32;\n\
             bar.red.popc.u32 %r2, 1, %p1;\nbarrier.red.and.pred %p2, 1, 32, !%p1;\n\
             bar.red.or.pred %p2, %r1, %r2, %p1;",
        );
        let found: Vec<_> = found
            .iter()
            .map(|each| BarrierInstruction::of(each).unwrap())
            .collect();
        let barrier = |id, count, waits, reduction| BarrierInstruction {
            id,
            count,
            waits,
            reduction,
        };
        assert_eq!(
            found,
            [
                barrier(0, None, true, None),
                barrier(0, Some(1), true, None),
                barrier(0, Some(1), false, None),
                barrier(1, None, true, Some((BarrierReduction::Count, 2))),
                barrier(1, Some(2), true, Some((BarrierReduction::All, 3))),
                barrier(1, Some(2), true, Some((BarrierReduction::Any, 3))),
            ]
        );
    }

    #[test]
    fn every_collective_says_its_operands_and_results() {
        let found = instructions(
            "shfl.sync.up.b32 %r1|%p1, %r2, %r3, 0, -1;\nshfl.sync.idx.b32 %r1, %r2, 5, 31, %r4;\n\
             vote.sync.all.pred %p1, !%p2, %r1;\nvote.sync.ballot.b32 %r1, %p2, %r1;\n\
             match.any.sync.b32 %r1, %r2, %r3;\nmatch.all.sync.b32 %r1|%p1, %r2, %r3;\n\
             redux.sync.min.s32 %r1, %r2, %r3;\nelect.sync %r1|%p1, %r3;\nbar.warp.sync %r1;",
        );
        let found: Vec<_> = found
            .iter()
            .map(|each| WarpInstruction::of(each).unwrap())
            .collect();
        let shapes: Vec<_> = found
            .iter()
            .map(|each| {
                let wanted: Vec<bool> = each.results.iter().map(Option::is_some).collect();
                let inputs: Vec<usize> = each.inputs.iter().map(|(index, _)| *index).collect();
                (each.op, inputs, each.members, wanted)
            })
            .collect();
        let min = Reduction::new(Modifier::Min, crate::syntax::types::Type::S32).unwrap();
        assert_eq!(
            shapes,
            [
                (
                    WarpOp::Shuffle(ShuffleMode::Up),
                    vec![1, 2, 3],
                    Members::Mask(4),
                    vec![true, true]
                ),
                (
                    WarpOp::Shuffle(ShuffleMode::Index),
                    vec![1, 2, 3],
                    Members::Mask(4),
                    vec![true, false]
                ),
                (
                    WarpOp::Vote(VoteMode::All),
                    vec![1],
                    Members::Mask(2),
                    vec![true]
                ),
                (
                    WarpOp::Vote(VoteMode::Ballot),
                    vec![1],
                    Members::Mask(2),
                    vec![true]
                ),
                (WarpOp::MatchAny, vec![1], Members::Mask(2), vec![true]),
                (
                    WarpOp::MatchAll,
                    vec![1],
                    Members::Mask(2),
                    vec![true, true]
                ),
                (WarpOp::Reduce(min), vec![1], Members::Mask(2), vec![true]),
                (WarpOp::Elect, vec![], Members::Mask(1), vec![true, true]),
                (WarpOp::Barrier, vec![], Members::Mask(0), vec![]),
            ]
        );
        assert!(matches!(found[2].inputs[0].1, Operand::Not(_)));
        for each in &found {
            assert_eq!(each.inputs.len(), each.op.inputs());
            assert_eq!(each.results.len(), each.op.results());
        }
    }

    #[test]
    fn an_instruction_without_a_mask_is_for_the_threads_that_are_active() {
        let body = "shfl.down.b32 %r1|%p1, %r2, 1, 31;\nvote.ballot.b32 %r1, !%p2;";
        let text = format!(
            ".version 6.0\n.target sm_60\n.address_size 64\n.visible .entry k()\n{{\n\
             .reg .pred %p<4>;\n.reg .b32 %r<9>;\n{body}\n}}\n"
        );
        let module = parse(text.as_bytes(), &Limits::default()).unwrap();
        for each in &module.functions[0].body {
            let found = WarpInstruction::of(each).unwrap();
            assert_eq!(found.members, Members::Active);
            assert_eq!(found.inputs.len(), found.op.inputs());
        }
    }

    #[test]
    fn other_instructions_are_neither() {
        for each in instructions("mov.b32 %r1, %r2;\nactivemask.b32 %r1;") {
            assert_eq!(BarrierInstruction::of(&each), None);
            assert_eq!(WarpInstruction::of(&each), None);
        }
    }
}

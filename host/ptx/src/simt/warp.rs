//! Warps, and what their threads do together: shuffles, votes, matches and reductions, as the PTX
//! manual defines them lane by lane ("Parallel Synchronization and Communication Instructions").
//!
//! A collective takes some words of each lane and gives some words to each. How many is a matter of
//! the operation, so what evaluates, stores and transports them works on rows of lanes, one for each
//! operand. Who takes part, and when all of them have come, is said in
//! [`BlockSync`](crate::simt::block_sync::BlockSync).

use std::fmt;

use crate::numeric::{Flags, alu};
pub(crate) use crate::simt::lanes::{LaneWords, WARP_LANES};
use crate::simt::matrix::{Mma, Permutation};
use crate::simt::quad_pairs::QuadPairs;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::types::Type;

/// The mask of members that has all lanes of a warp.
pub(crate) const ALL_LANES: u32 = u32::MAX;

/// The most words that a lane brings to a collective, its member mask aside: those of
/// `wmma.mma.m16n16k16` are eight for each of three matrices.
pub(crate) const MAX_INPUTS: usize = 24;

/// The most words that a lane gets: those of one matrix.
pub(crate) const MAX_RESULTS: usize = 8;

/// Where a lane of a shuffle reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShuffleMode {
    Up,
    Down,
    /// `bfly`.
    Butterfly,
    /// `idx`.
    Index,
}

/// What a vote says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VoteMode {
    All,
    Any,
    /// Whether the predicate is the same for all.
    Uniform,
    /// Whose predicate is true.
    Ballot,
}

/// How `redux` combines two values: one of the operations that [`alu::combination`] knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reduction {
    word: Modifier,
    ty: Type,
}

impl Reduction {
    /// `None` where there is no such operation on this type.
    pub(crate) fn new(word: Modifier, ty: Type) -> Option<Reduction> {
        alu::combination(word, ty).map(|_| Reduction { word, ty })
    }

    /// Folds values in the order of their lanes; `None` where there are none.
    fn fold(self, values: impl Iterator<Item = u64>) -> Option<u64> {
        let combine = alu::combination(self.word, self.ty)?;
        let flags = Flags::of(&Modifiers::new());
        values.reduce(|a, b| combine(a, b, flags))
    }
}

/// What the threads of a warp do together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WarpOp {
    /// Takes a value, where to read, and a clamp with a segment mask; gives the value of the lane read
    /// and whether that lay in the segment.
    Shuffle(ShuffleMode),
    /// Takes a predicate.
    Vote(VoteMode),
    /// Takes a value; gives the lanes that brought the same.
    MatchAny,
    /// Takes a value; gives all lanes if all brought the same, and whether they did.
    MatchAll,
    /// Takes a value.
    Reduce(Reduction),
    /// Gives the lane of the leader, and whether it is this one.
    Elect,
    /// `bar.warp.sync`: nothing but that all have come, and that memory is in order.
    Barrier,
    /// Takes what each lane holds of three matrices, and gives what it holds of the result.
    Multiply(Mma),
    /// The same of four small products at once.
    MultiplyQuadPairs(QuadPairs),
    /// Takes a word, and gives those of other lanes.
    Permute(Permutation),
}

impl WarpOp {
    /// How many words each lane brings, its member mask aside: at most [`MAX_INPUTS`].
    pub(crate) fn inputs(self) -> usize {
        match self {
            WarpOp::Shuffle(_) => 3,
            WarpOp::Vote(_) | WarpOp::MatchAny | WarpOp::MatchAll | WarpOp::Reduce(_) => 1,
            WarpOp::Elect | WarpOp::Barrier => 0,
            WarpOp::Multiply(mma) => mma.a_registers() + mma.b_registers() + mma.sum_registers(),
            WarpOp::MultiplyQuadPairs(products) => products.inputs(),
            WarpOp::Permute(_) => 1,
        }
    }

    /// How many words each lane gets: at most [`MAX_RESULTS`].
    pub(crate) fn results(self) -> usize {
        match self {
            WarpOp::Shuffle(_) | WarpOp::MatchAll | WarpOp::Elect => 2,
            WarpOp::Vote(_) | WarpOp::MatchAny | WarpOp::Reduce(_) => 1,
            WarpOp::Barrier => 0,
            WarpOp::Multiply(mma) => mma.sum_registers(),
            WarpOp::MultiplyQuadPairs(products) => products.results(),
            WarpOp::Permute(permutation) => permutation.results(),
        }
    }

    /// Evaluates the collective for `members`, a bit for each lane that takes part. `inputs` and
    /// `results` have a row for each of the operation's words; of lanes that take no part nothing is
    /// read or written.
    fn evaluate(self, members: u32, inputs: &[LaneWords], results: &mut [LaneWords]) {
        let present = || lanes(members);
        let mask_of = |row: &LaneWords, wanted: &dyn Fn(u64) -> bool| {
            present()
                .filter(|lane| wanted(row[*lane]))
                .fold(0u64, |mask, lane| mask | 1 << lane)
        };
        match (self, inputs, results) {
            (WarpOp::Shuffle(mode), [a, b, c], [values, inside]) => {
                for lane in present() {
                    let source = source_lane(mode, lane as u32, b[lane], c[lane]);
                    let from = source.unwrap_or(lane as u32);
                    // A lane that takes no part has nothing to read: its reader keeps its own.
                    let found = (members >> from) & 1 == 1;
                    values[lane] = a[if found { from as usize } else { lane }];
                    inside[lane] = u64::from(source.is_some());
                }
            }
            (WarpOp::Vote(mode), [a], [votes]) => {
                let (trues, everyone) = (mask_of(a, &|a| a != 0), u64::from(members));
                let value = match mode {
                    VoteMode::All => u64::from(trues == everyone),
                    VoteMode::Any => u64::from(trues != 0),
                    VoteMode::Uniform => u64::from(trues == 0 || trues == everyone),
                    VoteMode::Ballot => trues,
                };
                give(members, votes, value);
            }
            (WarpOp::MatchAny, [a], [same]) => {
                for lane in present() {
                    same[lane] = mask_of(a, &|other| other == a[lane]);
                }
            }
            (WarpOp::MatchAll, [a], [same, holds]) => {
                let first = present().next().map(|lane| a[lane]);
                let all = present().all(|lane| Some(a[lane]) == first);
                give(members, same, if all { u64::from(members) } else { 0 });
                give(members, holds, u64::from(all));
            }
            (WarpOp::Reduce(reduction), [a], [values]) => {
                if let Some(value) = reduction.fold(present().map(|lane| a[lane])) {
                    give(members, values, value);
                }
            }
            (WarpOp::Elect, [], [leaders, leads]) => {
                let leader = members.trailing_zeros() as usize;
                give(members, leaders, leader as u64);
                for lane in present() {
                    leads[lane] = u64::from(lane == leader);
                }
            }
            (WarpOp::Barrier, [], []) => {}
            (WarpOp::Multiply(mma), inputs, results) => mma.evaluate(members, inputs, results),
            (WarpOp::MultiplyQuadPairs(products), inputs, results) => {
                products.evaluate(members, inputs, results);
            }
            (WarpOp::Permute(permutation), [a], results) => {
                for (result, values) in results.iter_mut().enumerate() {
                    for lane in present() {
                        let from = permutation.source(result, lane);
                        values[lane] = if (members >> from) & 1 == 1 {
                            a[from]
                        } else {
                            0
                        };
                    }
                }
            }
            (op, inputs, results) => debug_assert!(
                false,
                "{op:?} of {} words for {}",
                inputs.len(),
                results.len()
            ),
        }
    }
}

/// As PTX writes it, for texts of the IR.
impl fmt::Display for WarpOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WarpOp::Shuffle(ShuffleMode::Up) => f.write_str("shfl.up"),
            WarpOp::Shuffle(ShuffleMode::Down) => f.write_str("shfl.down"),
            WarpOp::Shuffle(ShuffleMode::Butterfly) => f.write_str("shfl.bfly"),
            WarpOp::Shuffle(ShuffleMode::Index) => f.write_str("shfl.idx"),
            WarpOp::Vote(VoteMode::All) => f.write_str("vote.all"),
            WarpOp::Vote(VoteMode::Any) => f.write_str("vote.any"),
            WarpOp::Vote(VoteMode::Uniform) => f.write_str("vote.uni"),
            WarpOp::Vote(VoteMode::Ballot) => f.write_str("vote.ballot"),
            WarpOp::MatchAny => f.write_str("match.any"),
            WarpOp::MatchAll => f.write_str("match.all"),
            WarpOp::Reduce(Reduction { word, ty }) => write!(f, "redux.{}{ty}", word.text()),
            WarpOp::Elect => f.write_str("elect"),
            WarpOp::Barrier => f.write_str("barrier"),
            WarpOp::Multiply(mma) => mma.fmt(f),
            WarpOp::MultiplyQuadPairs(products) => products.fmt(f),
            WarpOp::Permute(permutation) => write!(f, "permute.{permutation}"),
        }
    }
}

/// The lanes of a mask, from the lowest on.
pub(crate) fn lanes(members: u32) -> impl Iterator<Item = usize> {
    (0..WARP_LANES as usize).filter(move |lane| (members >> lane) & 1 == 1)
}

/// Gives the same to each lane.
fn give(members: u32, row: &mut LaneWords, value: u64) {
    for lane in lanes(members) {
        row[lane] = value;
    }
}

/// The lane that a shuffle reads, as the manual computes it; `None` where that lies outside of the
/// lane's segment, which then reads its own value.
pub(crate) fn source_lane(mode: ShuffleMode, lane: u32, b: u64, c: u64) -> Option<u32> {
    let (b, clamp, segment) = ((b & 31) as u32, (c & 31) as u32, ((c >> 8) & 31) as u32);
    let last = (lane & segment) | (clamp & !segment);
    match mode {
        ShuffleMode::Up => lane.checked_sub(b).filter(|from| *from >= last),
        ShuffleMode::Down => Some(lane + b).filter(|from| *from <= last),
        ShuffleMode::Butterfly => Some(lane ^ b).filter(|from| *from <= last),
        ShuffleMode::Index => Some((lane & segment) | (b & !segment)).filter(|from| *from <= last),
    }
}

/// What the lanes of one warp bring and get: rows that are used again from one collective to the
/// next, so that none allocates.
#[derive(Debug, Default)]
pub(crate) struct WarpExchange {
    inputs: Vec<LaneWords>,
    results: Vec<LaneWords>,
}

impl WarpExchange {
    /// The rows to fill for an operation, one for each word that a lane brings. What stands in them
    /// is of an earlier one.
    pub(crate) fn inputs(&mut self, op: WarpOp) -> &mut [LaneWords] {
        rows(&mut self.inputs, op.inputs())
    }

    /// Evaluates an operation on what stands in its [`inputs`](WarpExchange::inputs): a row for each
    /// word that a lane gets, of which those of lanes that took no part mean nothing.
    pub(crate) fn evaluate(&mut self, op: WarpOp, members: u32) -> &[LaneWords] {
        let inputs = rows(&mut self.inputs, op.inputs());
        let results = rows(&mut self.results, op.results());
        op.evaluate(members, inputs, results);
        results
    }
}

fn rows(rows: &mut Vec<LaneWords>, count: usize) -> &mut [LaneWords] {
    if rows.len() < count {
        rows.resize(count, [0; WARP_LANES as usize]);
    }
    rows.get_mut(..count).unwrap_or_default()
}

#[cfg(test)]
mod tests;

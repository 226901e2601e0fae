//! The blocks of a launch as its threads take them: those that have begun first, then a batch of those
//! that have not, as long as it takes about as much time as a thread may have at once.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use tensor_wasm_ptx::exec::CompiledBlock;
use tensor_wasm_ptx::interpret::InterpretedBlock;

/// The most blocks of a compiled kernel that a thread takes at a time (a *batch*), so that short
/// blocks do not spend their time waiting for the lock.
pub(super) const MOST_BLOCKS: u64 = 256;

/// How long the blocks of a batch are to take together, about; and how long at least, whatever is
/// left for other threads: what takes less would be done before another thread has come.
pub(super) const BATCH_TIME: Duration = Duration::from_micros(100);

pub(super) const SHORTEST_BATCH_TIME: Duration = Duration::from_micros(5);

/// Which blocks of a launch have begun, and which are still to be dealt to threads.
#[derive(Default)]
pub(super) struct DealtBlocks {
    /// The first block that has not begun.
    pub(super) next: u64,
    /// Blocks whose thread went to another tenant. They go on before new ones
    /// begin: so no more blocks have begun than there are threads, their state
    /// takes bounded memory, and a block may wait for one of a lower number.
    pub(super) parked: VecDeque<Begun>,
    /// Blocks that a thread had taken and did not come to.
    pub(super) returned: VecDeque<Range<u64>>,
}

/// What one thread takes at a time.
pub(super) enum Piece {
    Fresh(FreshBlocks),
    Parked(Begun),
}

/// Blocks that have not begun: one at least.
pub(super) struct FreshBlocks {
    pub(super) first: u64,
    pub(super) rest: Range<u64>,
}

impl FreshBlocks {
    /// `None` where there are none.
    fn of(mut blocks: Range<u64>) -> Option<FreshBlocks> {
        let first = blocks.next()?;
        Some(FreshBlocks {
            first,
            rest: blocks,
        })
    }
}

/// A block that has begun.
pub(super) enum Begun {
    Interpreted(Box<InterpretedBlock>),
    Compiled(Box<CompiledBlock>),
}

impl DealtBlocks {
    /// Whether another thread would find work here, of so many blocks.
    pub(super) fn is_open(&self, blocks: u64) -> bool {
        !self.parked.is_empty() || !self.returned.is_empty() || self.next < blocks
    }

    /// A block that has begun, or up to `most` of those that have not, but no more than leaves
    /// something to the other threads, or `least`.
    pub(super) fn take(&mut self, blocks: u64, least: u64, most: u64) -> Option<Piece> {
        if let Some(block) = self.parked.pop_front() {
            return Some(Piece::Parked(block));
        }
        if let Some(blocks) = self.returned.pop_front().and_then(FreshBlocks::of) {
            return Some(Piece::Fresh(blocks));
        }
        let left = blocks.checked_sub(self.next).filter(|left| *left > 0)?;
        let first = self.next;
        self.next += left.div_ceil(16).max(least).min(most).min(left);
        FreshBlocks::of(first..self.next).map(Piece::Fresh)
    }
}

/// How many blocks take so long, but one at least, where so many took what they took.
pub(super) fn in_time(time: Duration, blocks: u64, took: Duration) -> u64 {
    let fit = time.as_nanos() * u128::from(blocks) / took.as_nanos().max(1);
    u64::try_from(fit).map_or(MOST_BLOCKS, |fit| fit.clamp(1, MOST_BLOCKS))
}

/// How many there are: no more than [`MOST_BLOCKS`] are taken at one time.
pub(super) fn blocks_in(range: &Range<u64>) -> u32 {
    let count = range.end - range.start;
    debug_assert!(count <= MOST_BLOCKS, "{count} blocks at one time");
    count as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever threads ask for, and give back, each block is one thread's, once.
        #[test]
        fn each_block_is_dealt_once(
            blocks in 0u64..3000,
            asked in prop::collection::vec((1u64..300, 1u64..300, 0u64..40), 1..40),
        ) {
            let mut state = DealtBlocks::default();
            let mut dealt = Vec::new();
            for (least, most, unused) in asked.into_iter().cycle() {
                let Some(Piece::Fresh(FreshBlocks { first, rest: range })) =
                    state.take(blocks, least, most)
                else {
                    break;
                };
                let end = range.end - unused.min(range.end - range.start);
                dealt.extend(first..end);
                if end < range.end {
                    state.returned.push_back(end..range.end);
                }
            }
            dealt.sort_unstable();
            prop_assert_eq!(dealt, (0..blocks).collect::<Vec<_>>());
        }
    }

    #[test]
    fn threads_take_more_of_short_blocks_and_leave_long_ones_to_others() {
        let (micro, milli) = (Duration::from_micros(1), Duration::from_millis(1));
        assert_eq!(in_time(SHORTEST_BATCH_TIME, 4, micro), 20);
        assert_eq!(in_time(SHORTEST_BATCH_TIME, 1, milli), 1);
        assert_eq!(in_time(BATCH_TIME, 1, Duration::ZERO), MOST_BLOCKS);
        let mut state = DealtBlocks::default();
        let mut take = |least, most| match state.take(1600, least, most).unwrap() {
            Piece::Fresh(blocks) => blocks.rest.end - blocks.first,
            Piece::Parked(_) => 0,
        };
        // A share where a block takes long, what is worth the way where it does not.
        assert_eq!(take(1, 256), 100);
        assert_eq!(take(200, 256), 200);
        assert_eq!(take(1, 4), 4);
    }
}

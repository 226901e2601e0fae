//! The named barriers of a block, PTX's `barrier`: who has arrived, for how many a phase waits, and
//! what a reduction over its threads gives.
//!
//! A barrier without a count waits for all threads that have not ended, as the hardware does since
//! `sm_70`; one with a count waits for that many to arrive, whether they wait themselves (`sync`,
//! `red`) or not (`arrive`). When enough have arrived the phase is complete, and the barrier is as
//! new. Which threads wait at a barrier is not known here but in
//! [`BlockSync`](crate::simt::block_sync::BlockSync).

use std::fmt;

/// How many barriers a block has.
pub(crate) const BARRIERS: usize = 16;

/// The barrier of the block's cluster, for [`Barriers::arrive`]: no barrier that a kernel can name. The
/// block is the only one of its cluster, so threads that wait there wait for each other.
pub(crate) const CLUSTER_BARRIER: u64 = u64::MAX;

/// How `barrier.red` combines the predicates of all threads that arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BarrierReduction {
    /// `.popc`: how many are true.
    Count,
    /// `.and`: whether all are true.
    All,
    /// `.or`: whether any is true.
    Any,
}

impl fmt::Display for BarrierReduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BarrierReduction::Count => "popc",
            BarrierReduction::All => "and",
            BarrierReduction::Any => "or",
        })
    }
}

/// What a thread brings to a barrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// For how many threads the phase waits, where the instruction says.
    pub count: Option<u64>,
    /// The predicate that takes part in a reduction.
    pub predicate: Option<bool>,
}

/// Why a thread may not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BarrierError {
    #[error("there is no barrier {id}: a block has {BARRIERS}")]
    Unknown { id: u64 },
    #[error("barrier {id} is to wait for {count} threads, the block has {threads}")]
    CountTooLarge { id: u64, count: u64, threads: u32 },
    #[error("threads come to barrier {id} with different counts")]
    CountsDiffer { id: u64 },
}

/// A complete phase of a barrier: what its reductions are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// How many threads brought a predicate, and for how many it was true.
    predicates: u32,
    trues: u32,
}

impl Phase {
    /// What a thread gets that takes part by `barrier.red`.
    pub(crate) fn reduced(self, how: BarrierReduction) -> u64 {
        match how {
            BarrierReduction::Count => u64::from(self.trues),
            BarrierReduction::All => u64::from(self.trues == self.predicates),
            BarrierReduction::Any => u64::from(self.trues > 0),
        }
    }
}

/// The phase of one barrier that threads arrive at.
#[derive(Clone, Copy, Debug, Default)]
struct Barrier {
    arrived: u32,
    /// For how many it waits, where the first that arrived said so.
    count: Option<u32>,
    predicates: u32,
    trues: u32,
}

/// All barriers of a block, and behind them that of its cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barriers([Barrier; BARRIERS + 1]);

impl Barriers {
    /// Counts a thread of a block of so many. Returns the barrier's number.
    ///
    /// # Errors
    /// Where there is no such barrier, or its count cannot be. Nothing is counted then.
    pub(crate) fn arrive(
        &mut self,
        id: u64,
        arrival: Arrival,
        threads: u32,
    ) -> Result<u8, BarrierError> {
        let unknown = BarrierError::Unknown { id };
        let name = match id {
            CLUSTER_BARRIER => BARRIERS as u8,
            id => u8::try_from(id).map_err(|_| unknown)?,
        };
        if usize::from(name) >= BARRIERS && id != CLUSTER_BARRIER {
            return Err(unknown);
        }
        let barrier = self.0.get_mut(usize::from(name)).ok_or(unknown)?;
        // Counts are in whole warps. One of all threads means those that are left, too.
        let count = match arrival.count {
            Some(count) if count > u64::from(threads).next_multiple_of(32) => {
                return Err(BarrierError::CountTooLarge { id, count, threads });
            }
            Some(count) => u32::try_from(count).ok().filter(|count| *count < threads),
            None => None,
        };
        if barrier.arrived > 0 && barrier.count != count {
            return Err(BarrierError::CountsDiffer { id });
        }
        barrier.count = count;
        barrier.arrived += 1;
        if let Some(predicate) = arrival.predicate {
            barrier.predicates += 1;
            barrier.trues += u32::from(predicate);
        }
        Ok(name)
    }

    /// A barrier at which enough of the block's live threads have arrived, the one of the lowest
    /// number first. Its next phase begins.
    pub(crate) fn take_complete(&mut self, live: u32) -> Option<(u8, Phase)> {
        (0u8..).zip(&mut self.0).find_map(|(name, barrier)| {
            let enough = barrier.count.unwrap_or(live);
            if barrier.arrived == 0 || barrier.arrived < enough {
                return None;
            }
            let done = std::mem::take(barrier);
            let phase = Phase {
                predicates: done.predicates,
                trues: done.trues,
            };
            Some((name, phase))
        })
    }

    /// Whether nobody has arrived anywhere.
    pub(crate) fn are_idle(&self) -> bool {
        self.0.iter().all(|barrier| barrier.arrived == 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    const PLAIN: Arrival = Arrival {
        count: None,
        predicate: None,
    };

    fn counted(count: u64) -> Arrival {
        Arrival {
            count: Some(count),
            ..PLAIN
        }
    }

    #[test]
    fn a_barrier_without_a_count_waits_for_all_that_live() {
        let mut barriers = Barriers::default();
        for _ in 0..3 {
            assert_eq!(barriers.arrive(2, PLAIN, 4), Ok(2));
            assert_eq!(barriers.take_complete(4), None);
        }
        // The fourth ends instead of arriving.
        assert_eq!(barriers.take_complete(3).map(|(name, _)| name), Some(2));
        assert!(barriers.are_idle());
        assert_eq!(barriers.take_complete(3), None);
    }

    #[test]
    fn a_barrier_with_a_count_waits_for_that_many_whoever_lives() {
        let mut barriers = Barriers::default();
        for _ in 0..31 {
            barriers.arrive(0, counted(32), 64).unwrap();
        }
        assert_eq!(barriers.take_complete(31), None);
        barriers.arrive(0, counted(32), 64).unwrap();
        assert!(barriers.take_complete(64).is_some());
    }

    #[test]
    fn a_count_of_the_whole_block_means_all_that_live() {
        let mut barriers = Barriers::default();
        // Counts are in whole warps, so one of 64 is right in a block of 40 threads.
        barriers.arrive(1, counted(64), 40).unwrap();
        barriers.arrive(1, PLAIN, 40).unwrap();
        assert!(barriers.take_complete(2).is_some());
        let refused = barriers.arrive(1, counted(65), 40);
        let expected = BarrierError::CountTooLarge {
            id: 1,
            count: 65,
            threads: 40,
        };
        assert_eq!(refused, Err(expected));
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let mut barriers = Barriers::default();
        barriers.arrive(3, counted(32), 64).unwrap();
        let differs = barriers.arrive(3, counted(16), 64);
        assert_eq!(differs, Err(BarrierError::CountsDiffer { id: 3 }));
        for id in [16, 17, 255, 256, u64::from(u32::MAX)] {
            let unknown = barriers.arrive(id, PLAIN, 64);
            assert_eq!(unknown, Err(BarrierError::Unknown { id }));
        }
        // That of the cluster has no number that a register holds.
        assert_eq!(barriers.arrive(CLUSTER_BARRIER, PLAIN, 64), Ok(16));
        assert_eq!(barriers.take_complete(2), None);
    }

    proptest! {
        /// Held against a list of who has arrived: a phase is complete with the arrival that makes it
        /// long enough, and its reductions are those of the whole list.
        #[test]
        fn phases_are_complete_exactly_when_enough_have_arrived(
            threads in 1u32..200,
            share in 1u32..200,
            arrivals in prop::collection::vec((0u64..16, any::<Option<bool>>()), 1..600),
        ) {
            let count = u64::from(share).min(u64::from(threads).next_multiple_of(32));
            let needed = u32::try_from(count).unwrap().min(threads) as usize;
            let mut barriers = Barriers::default();
            let mut lists: [Vec<Option<bool>>; BARRIERS] = Default::default();
            for (id, predicate) in arrivals {
                let arrival = Arrival { count: Some(count), predicate };
                let name = barriers.arrive(id, arrival, threads).unwrap();
                prop_assert_eq!(u64::from(name), id);
                let list = &mut lists[id as usize];
                list.push(predicate);
                let complete = barriers.take_complete(threads);
                if list.len() < needed {
                    prop_assert_eq!(complete, None);
                    continue;
                }
                let (done, phase) = complete.unwrap();
                let brought: Vec<bool> = std::mem::take(list).into_iter().flatten().collect();
                let trues = brought.iter().filter(|value| **value).count() as u64;
                prop_assert_eq!(done, name);
                prop_assert_eq!(phase.reduced(BarrierReduction::Count), trues);
                let all = brought.iter().all(|value| *value);
                prop_assert_eq!(phase.reduced(BarrierReduction::All), u64::from(all));
                prop_assert_eq!(phase.reduced(BarrierReduction::Any), u64::from(trues > 0));
            }
        }
    }
}

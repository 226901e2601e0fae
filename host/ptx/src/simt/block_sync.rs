//! The threads of one block as far as they wait for each other: at barriers, in warp collectives, for
//! the threads that are active with them; and when nobody can ever go on.
//!
//! A state machine that computes nothing and touches no memory. Whoever runs threads tells it where
//! they arrive, and asks who may go on; operands and results stay where the runner keeps them. The
//! interpreter tells it of each thread as it stops; what runs compiled kernels, of all threads once
//! each has stopped. Both come to the same, since a collective is complete only when all its members
//! have come or ended.

use crate::simt::barrier::{Arrival, BARRIERS, BarrierError, Barriers, Phase};
use crate::simt::geometry::{lane_of, warp_of};
use crate::simt::warp::{WARP_LANES, WarpOp, lanes};

/// What one thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadState {
    Running,
    /// Waits at a barrier of the block.
    Barrier(u8),
    /// Waits for the members of a collective of its warp.
    Collective {
        op: WarpOp,
        mask: u32,
    },
    /// Wants to know which threads of its warp are with it, at this place of the kernel.
    ActiveMask {
        site: u32,
    },
    /// Has done something wrong, and goes on no more, though the others do.
    Faulted,
    Ended,
}

/// A collective whose members have all come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Collective {
    pub op: WarpOp,
    /// A bit for each lane that takes part. Lanes that have ended do not, whatever the mask says.
    pub members: u32,
}

/// Why a thread may not take part in a collective.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the mask {mask:#010x} leaves out the thread that gives it")]
pub(crate) struct NotAMember {
    mask: u32,
}

/// The threads of a block that will wait for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deadlock {
    pub message: String,
    /// The first thread that waits.
    pub thread: Option<u32>,
}

/// Where the threads of one block wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockSync {
    states: Vec<ThreadState>,
    barriers: Barriers,
    /// How many threads have not ended.
    live: u32,
    /// Whether any thread's state was set since it began.
    is_used: bool,
}

impl BlockSync {
    /// Begins again with so many threads, all of them running.
    pub(crate) fn restart(&mut self, threads: u32) {
        if self.is_used || self.threads() != threads {
            self.states.clear();
            self.states.resize(threads as usize, ThreadState::Running);
            self.is_used = false;
        }
        self.barriers = Barriers::default();
        self.live = threads;
    }

    /// How many threads the block has.
    pub(crate) fn threads(&self) -> u32 {
        self.states.len() as u32
    }

    /// How many threads have not ended.
    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// What a thread does; `None` where the block has no such thread.
    #[inline(always)]
    pub(crate) fn state(&self, thread: u32) -> Option<ThreadState> {
        self.states.get(thread as usize).copied()
    }

    #[inline(always)]
    pub(crate) fn is_running(&self, thread: u32) -> bool {
        self.state(thread) == Some(ThreadState::Running)
    }

    fn set(&mut self, thread: u32, state: ThreadState) {
        if let Some(slot) = self.states.get_mut(thread as usize) {
            *slot = state;
            self.is_used = true;
        }
    }

    /// A thread that waited goes on.
    pub(crate) fn resume(&mut self, thread: u32) {
        self.set(thread, ThreadState::Running);
    }

    /// A thread has ended. Barriers and collectives of its warp that waited for it may be complete.
    pub(crate) fn end(&mut self, thread: u32) {
        if self.state(thread) != Some(ThreadState::Ended) {
            self.live = self.live.saturating_sub(1);
        }
        self.set(thread, ThreadState::Ended);
    }

    /// A thread has done something wrong and stays where it is: nobody who waits for it goes on.
    pub(crate) fn stop_at_fault(&mut self, thread: u32) {
        self.set(thread, ThreadState::Faulted);
    }

    /// Whether all threads run, and nobody has arrived at a barrier: as in a block that begins.
    pub(crate) fn is_fresh(&self) -> bool {
        self.live == self.threads() && self.barriers.are_idle()
    }

    /// Whether any thread runs.
    pub(crate) fn has_running(&self) -> bool {
        self.states.contains(&ThreadState::Running)
    }

    /// A thread arrives at a barrier, and waits there where `waits` says so. Returns the barrier's
    /// number.
    ///
    /// # Errors
    /// Where there is no such barrier, or its count cannot be.
    pub(crate) fn arrive(
        &mut self,
        thread: u32,
        id: u64,
        arrival: Arrival,
        waits: bool,
    ) -> Result<u8, BarrierError> {
        let name = self.barriers.arrive(id, arrival, self.threads())?;
        if waits {
            self.set(thread, ThreadState::Barrier(name));
        }
        Ok(name)
    }

    /// A barrier whose phase is complete: the threads that [wait there](BlockSync::waits_at) are to be
    /// resumed before any thread arrives again.
    pub(crate) fn take_complete_barrier(&mut self) -> Option<(u8, Phase)> {
        self.barriers.take_complete(self.live)
    }

    /// Whether a thread waits at this barrier.
    pub(crate) fn waits_at(&self, thread: u32, barrier: u8) -> bool {
        self.state(thread) == Some(ThreadState::Barrier(barrier))
    }

    /// A thread comes to a collective of the lanes of a mask.
    ///
    /// # Errors
    /// Where the mask is without the thread's own lane.
    pub(crate) fn join(&mut self, thread: u32, op: WarpOp, mask: u32) -> Result<(), NotAMember> {
        if (mask >> lane_of(thread)) & 1 == 0 {
            return Err(NotAMember { mask });
        }
        self.set(thread, ThreadState::Collective { op, mask });
        Ok(())
    }

    /// A collective in the warp that begins at this thread to which all its members have come: they
    /// wait by the same operation and the same mask, or have ended. Its members are to be resumed
    /// before the next one is asked for.
    pub(crate) fn complete_collective(&self, first: u32) -> Option<Collective> {
        (first..first + WARP_LANES).find_map(|thread| match self.state(thread) {
            Some(ThreadState::Collective { op, mask }) => {
                let members = self.members(first, op, mask)?;
                Some(Collective { op, members })
            }
            _ => None,
        })
    }

    fn members(&self, first: u32, op: WarpOp, mask: u32) -> Option<u32> {
        let mut members = 0;
        for lane in lanes(mask) {
            match self.state(first + lane as u32) {
                None | Some(ThreadState::Ended) => {}
                Some(state) if state == (ThreadState::Collective { op, mask }) => {
                    members |= 1 << lane;
                }
                Some(_) => return None,
            }
        }
        Some(members)
    }

    /// A thread asks which threads of its warp are with it, at a place of the kernel.
    pub(crate) fn ask_active_mask(&mut self, thread: u32, site: u32) {
        self.set(thread, ThreadState::ActiveMask { site });
    }

    /// The lanes of the warp that begins at this thread which ask where the lowest of those asks that
    /// do; they are to be resumed. Meant to be called when nobody can run, so that as many as possible
    /// are together.
    pub(crate) fn active_mask(&self, first: u32) -> Option<u32> {
        let site_of = |thread| match self.state(thread) {
            Some(ThreadState::ActiveMask { site }) => Some(site),
            _ => None,
        };
        let warp = first..first + WARP_LANES;
        let site = warp.clone().find_map(site_of)?;
        let with = warp.filter(|thread| site_of(*thread) == Some(site));
        Some(with.fold(0, |mask, thread| mask | 1 << lane_of(thread)))
    }

    /// The first threads of all warps.
    pub(crate) fn warps(&self) -> impl Iterator<Item = u32> + use<> {
        (0..self.threads()).step_by(WARP_LANES as usize)
    }

    /// What is wrong where no thread can ever run again.
    pub(crate) fn deadlock(&self) -> Deadlock {
        let count = |wanted: &dyn Fn(ThreadState) -> bool| {
            self.states.iter().filter(|state| wanted(**state)).count()
        };
        let ended = count(&|state| state == ThreadState::Ended);
        let in_warps = count(&|state| matches!(state, ThreadState::Collective { .. }));
        let mut parts = Vec::new();
        for name in (0u8..).take(BARRIERS + 1) {
            let waiting = count(&|state| state == ThreadState::Barrier(name));
            if waiting > 0 && usize::from(name) == BARRIERS {
                parts.push(format!(
                    "the cluster's barrier is waited for by {waiting} threads"
                ));
            } else if waiting > 0 {
                parts.push(format!("barrier {name} is waited for by {waiting} threads"));
            }
        }
        if in_warps > 0 {
            parts.push(format!("{in_warps} threads wait for others of their warp"));
        }
        parts.push(format!("{ended} have ended"));
        let waits = |state: &ThreadState| {
            !matches!(
                state,
                ThreadState::Ended | ThreadState::Faulted | ThreadState::Running
            )
        };
        Deadlock {
            message: format!("the block waits for ever: {}", parts.join(", ")),
            thread: (0..)
                .zip(&self.states)
                .find(|(_, state)| waits(state))
                .map(|(thread, _)| thread),
        }
    }
}

/// The threads that are lanes of a mask in the warp that begins at `first`.
pub(crate) fn threads_of(first: u32, members: u32) -> impl Iterator<Item = u32> {
    debug_assert_eq!(first, warp_of(first) * WARP_LANES);
    lanes(members).map(move |lane| first + lane as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::simt::warp::VoteMode;

    const PLAIN: Arrival = Arrival {
        count: None,
        predicate: None,
    };

    fn block(threads: u32) -> BlockSync {
        let mut sync = BlockSync::default();
        sync.restart(threads);
        sync
    }

    const VOTE: WarpOp = WarpOp::Vote(VoteMode::Any);

    #[test]
    fn a_collective_is_complete_when_its_last_member_has_come() {
        let mut sync = block(64);
        for thread in 32..40 {
            assert_eq!(sync.complete_collective(32), None);
            sync.join(thread, VOTE, 0xff).unwrap();
        }
        let found = sync.complete_collective(32).unwrap();
        assert_eq!(
            found,
            Collective {
                op: VOTE,
                members: 0xff
            }
        );
        assert_eq!(sync.complete_collective(0), None);
        for thread in threads_of(32, found.members) {
            sync.resume(thread);
        }
        assert_eq!(sync.complete_collective(32), None);
        assert!(sync.is_fresh());
    }

    #[test]
    fn members_that_have_ended_are_not_waited_for() {
        let mut sync = block(20);
        sync.join(0, VOTE, u32::MAX).unwrap();
        for thread in 1..19 {
            sync.end(thread);
        }
        assert_eq!(sync.complete_collective(0), None);
        sync.join(19, VOTE, u32::MAX).unwrap();
        assert_eq!(sync.complete_collective(0).unwrap().members, 1 | 1 << 19);
    }

    #[test]
    fn members_must_come_by_the_same_operation_and_mask() {
        let mut sync = block(2);
        sync.join(0, VOTE, 3).unwrap();
        sync.join(1, WarpOp::MatchAny, 3).unwrap();
        assert_eq!(sync.complete_collective(0), None);
        sync.join(1, VOTE, 2).unwrap();
        // The second one's own collective is complete, the first one's is not.
        assert_eq!(sync.complete_collective(0).unwrap().members, 2);
        assert!(sync.join(0, VOTE, 2).is_err());
    }

    #[test]
    fn an_active_mask_has_the_lanes_that_ask_at_one_place() {
        let mut sync = block(40);
        for (thread, site) in [(1, 7), (3, 8), (4, 7), (33, 7)] {
            sync.ask_active_mask(thread, site);
        }
        assert_eq!(sync.active_mask(0), Some(1 << 1 | 1 << 4));
        assert_eq!(sync.active_mask(32), Some(2));
        sync.resume(1);
        sync.resume(4);
        assert_eq!(sync.active_mask(0), Some(1 << 3));
    }

    #[test]
    fn a_deadlock_says_who_waits_where() {
        let mut sync = block(5);
        sync.arrive(1, 3, PLAIN, true).unwrap();
        sync.arrive(2, 3, PLAIN, true).unwrap();
        sync.join(3, VOTE, 0x18).unwrap();
        sync.ask_active_mask(4, 0);
        sync.end(0);
        let expected = "the block waits for ever: barrier 3 is waited for by 2 threads, \
                        1 threads wait for others of their warp, 1 have ended";
        assert_eq!(sync.deadlock().message, expected);
        assert_eq!(sync.deadlock().thread, Some(1));
    }

    /// What a thread of the model below does.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Now {
        Runs,
        At(u64),
        Ended,
    }

    proptest! {
        /// Held against a model that counts threads anew each time: whoever waits at a barrier goes on
        /// exactly when every live thread has arrived there since the last time it was complete.
        #[test]
        fn threads_pass_barriers_as_a_naive_count_says(
            threads in 1u32..40,
            events in prop::collection::vec((0u32..40, 0u64..3, 0u32..8), 1..400),
        ) {
            let mut sync = block(threads);
            let mut now = vec![Now::Runs; threads as usize];
            let mut arrived = [0usize; 3];
            for (thread, id, what) in events {
                let thread = thread % threads;
                if now[thread as usize] != Now::Runs {
                    continue;
                }
                match what {
                    0 => {
                        now[thread as usize] = Now::Ended;
                        sync.end(thread);
                    }
                    1 => {
                        arrived[id as usize] += 1;
                        sync.arrive(thread, id, PLAIN, false).unwrap();
                    }
                    _ => {
                        arrived[id as usize] += 1;
                        now[thread as usize] = Now::At(id);
                        sync.arrive(thread, id, PLAIN, true).unwrap();
                    }
                }
                let live = now.iter().filter(|now| **now != Now::Ended).count();
                for (id, arrived) in arrived.iter_mut().enumerate() {
                    if *arrived > 0 && *arrived >= live {
                        *arrived = 0;
                        now.iter_mut().filter(|now| **now == Now::At(id as u64)).for_each(|now| *now = Now::Runs);
                    }
                }
                while let Some((name, _)) = sync.take_complete_barrier() {
                    for thread in 0..threads {
                        if sync.waits_at(thread, name) {
                            sync.resume(thread);
                        }
                    }
                }
                for (thread, now) in (0..).zip(&now) {
                    let expected = match now {
                        Now::Runs => ThreadState::Running,
                        Now::At(id) => ThreadState::Barrier(*id as u8),
                        Now::Ended => ThreadState::Ended,
                    };
                    prop_assert_eq!(sync.state(thread), Some(expected));
                }
                prop_assert_eq!(sync.live() as usize, live);
            }
        }

        /// Whatever the order in which threads come and end, each collective is complete once, with
        /// the members that have come.
        #[test]
        fn the_order_of_arrival_does_not_matter(
            order in Just((0u32..32).collect::<Vec<u32>>()).prop_shuffle(),
            mask in 1u32..=u32::MAX,
            ended in any::<u32>(),
        ) {
            let mut sync = block(32);
            let mut complete = Vec::new();
            for thread in order {
                if (ended >> thread) & 1 == 1 {
                    sync.end(thread);
                } else {
                    // Two collectives, of the mask and of all others.
                    let own = if (mask >> thread) & 1 == 1 { mask } else { !mask };
                    sync.join(thread, VOTE, own).unwrap();
                }
                while let Some(found) = sync.complete_collective(0) {
                    complete.push(found.members);
                    threads_of(0, found.members).for_each(|thread| sync.resume(thread));
                }
            }
            let mut expected = vec![mask & !ended, !mask & !ended];
            expected.retain(|members| *members != 0);
            complete.sort_unstable();
            expected.sort_unstable();
            prop_assert_eq!(complete, expected);
        }
    }
}

//! Barrier divergence: barriers that threads do not come to as one.
//!
//! `bar.sync`, and `barrier.sync.aligned`, are for whole warps: all threads of a warp come to the same
//! instruction. Without a count they are for the whole block, as `__syncthreads()` is, and then all
//! its threads come to the same instruction, and none has ended before. A device does not hold a
//! kernel to it, and waits for those that are left, or mixes up the barriers of two places.

use crate::interpret::block::InterpretedBlock;
use crate::interpret::checks::finding::{Finding, Mistake, Straggler, Waiting};
use crate::interpret::checks::{line_at, thread_at};
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::program::{Action, CheckHint};
use crate::simt::block_sync::ThreadState;
use crate::simt::fault::Fault;
use crate::simt::geometry::warp_begin;
use crate::simt::warp::WARP_LANES;

impl InterpretedBlock {
    /// Notes that threads were let through a barrier.
    ///
    /// # Errors
    /// Where they did not come to it as one.
    pub(crate) fn check_barrier(
        &mut self,
        launch: &InterpretedLaunch,
        name: u8,
    ) -> Result<(), Fault> {
        if self.checks.is_none() {
            return Ok(());
        }
        let all = 0..self.sync.threads();
        let waiting: Vec<u32> = all
            .filter(|thread| self.sync.waits_at(*thread, name))
            .collect();
        let whole = waiting
            .iter()
            .all(|thread| self.is_for_all(launch, *thread));
        if let Some((thread, other)) = self.straggler(launch, &waiting, whole) {
            return Err(self.divergent(launch, thread, other));
        }
        if let Some(checks) = &mut self.checks {
            if waiting.len() == self.sync.live() as usize {
                if let Some(found) = checks.settle() {
                    return Err(found);
                }
                checks.clocks.synchronize_block();
            } else {
                checks.clocks.synchronize_part(&waiting, name);
            }
        }
        Ok(())
    }

    /// Notes that a thread has come to a barrier, and goes on.
    pub(crate) fn check_arrival(&mut self, thread: u32, name: u8) {
        if let Some(checks) = &mut self.checks {
            checks.clocks.arrive(thread, name);
        }
    }

    /// Notes that threads of a warp have come together to be in order.
    pub(crate) fn check_warp(&mut self, threads: impl Iterator<Item = u32>) {
        if let Some(checks) = &mut self.checks {
            checks
                .clocks
                .synchronize_warp(&threads.collect::<Vec<u32>>());
        }
    }

    /// A thread that waits and one that should be with it.
    fn straggler(
        &self,
        launch: &InterpretedLaunch,
        waiting: &[u32],
        whole: bool,
    ) -> Option<(u32, u32)> {
        let aligned = |thread: u32| {
            let step = launch.program.code.get(self.pc(thread) as usize);
            step.is_some_and(|step| step.hint == CheckHint::Aligned)
        };
        let first = waiting.iter().find(|number| aligned(**number))?;
        if whole {
            let others = 0..self.sync.threads();
            return others
                .filter(|other| self.strays(*first, *other))
                .map(|other| (*first, other))
                .next();
        }
        waiting
            .iter()
            .filter(|number| aligned(**number))
            .find_map(|number| {
                let mut lanes = self.warp_of(*number);
                let other = lanes.find(|other| self.strays(*number, *other))?;
                Some((*number, other))
            })
    }

    /// Whether a thread has ended or waits elsewhere. One that runs has come and gone on.
    fn strays(&self, waiting: u32, other: u32) -> bool {
        match self.sync.state(other) {
            Some(ThreadState::Ended) => true,
            Some(ThreadState::Running | ThreadState::ActiveMask { .. } | ThreadState::Faulted)
            | None => false,
            Some(ThreadState::Barrier(_) | ThreadState::Collective { .. }) => {
                self.pc(other) != self.pc(waiting)
            }
        }
    }

    /// The threads of a thread's warp.
    fn warp_of(&self, thread: u32) -> std::ops::Range<u32> {
        let first = warp_begin(thread);
        first..(first + WARP_LANES).min(self.sync.threads())
    }

    /// The finding of threads that wait for each other for ever; `None` in a block that is not
    /// checked.
    pub(crate) fn check_deadlock(&mut self, launch: &InterpretedLaunch) -> Option<Fault> {
        self.checks.as_ref()?;
        let stuck = |thread: &u32| {
            let state = self.sync.state(*thread);
            matches!(
                state,
                Some(ThreadState::Barrier(_) | ThreadState::Collective { .. })
            )
        };
        let all = 0..self.sync.threads();
        let thread = all.clone().find(stuck)?;
        let elsewhere = |other: &u32| {
            *other != thread
                && (self.pc(*other) != self.pc(thread) || !self.waits_alike(*other, thread))
        };
        // Those of its warp first: they are who a thread of a warp waits for.
        let other = self.warp_of(thread).chain(all).find(elsewhere)?;
        Some(self.divergent(launch, thread, other))
    }

    /// Whether two threads wait at the same barrier, or both for threads of their warps.
    fn waits_alike(&self, one: u32, other: u32) -> bool {
        match (self.sync.state(one), self.sync.state(other)) {
            (Some(ThreadState::Collective { .. }), Some(ThreadState::Collective { .. })) => true,
            (one, other) => one == other,
        }
    }

    fn divergent(&mut self, launch: &InterpretedLaunch, thread: u32, other: u32) -> Fault {
        let waiting = |thread: u32| match self.sync.state(thread) {
            Some(ThreadState::Barrier(name)) => Some(Waiting::Barrier(name)),
            Some(ThreadState::Collective { .. } | ThreadState::ActiveMask { .. }) => {
                Some(Waiting::Warp)
            }
            _ => None,
        };
        let finding = Finding {
            kernel: launch.launch.kernel.clone(),
            block: self.index,
            thread: thread_at(launch, thread),
            line: line_at(launch, self.pc(thread)),
            mistake: Mistake::DivergentBarrier {
                waits: waiting(thread).unwrap_or(Waiting::Warp),
                other: Straggler {
                    thread: thread_at(launch, other),
                    line: line_at(launch, self.pc(other)),
                    waits: waiting(other),
                },
            },
        };
        let fault = finding.fault();
        if let Some(checks) = &mut self.checks {
            checks.finding = Some(finding);
        }
        fault
    }

    /// Whether a thread waits for all others of the block.
    fn is_for_all(&self, launch: &InterpretedLaunch, thread: u32) -> bool {
        matches!(
            self.step_of(launch, thread),
            Some(Action::Barrier { count: None, .. })
        )
    }
}

//! Barriers that threads do not come to as one.
//!
//! `bar.sync`, and `barrier.sync.aligned`, are for whole warps: all threads of a warp come to the same
//! instruction. Without a count they are for the whole block, as `__syncthreads()` is, and then all
//! its threads come to the same instruction, and none has ended before. A device does not hold a
//! kernel to it, and waits for those that are left, or mixes up the barriers of two places.

use crate::interpret::block::Block;
use crate::interpret::checks::finding::{Finding, Mistake, Straggler, Waiting};
use crate::interpret::checks::{line_at, thread_at};
use crate::interpret::launch::Launch;
use crate::interpret::program::{Action, Flow};
use crate::interpret::thread::State;
use crate::simt::fault::Fault;

/// Threads of a warp.
const LANES: usize = 32;

impl Block {
    /// Notes that threads were let through a barrier.
    ///
    /// # Errors
    /// Where they did not come to it as one.
    pub(crate) fn check_barrier(&mut self, launch: &Launch, name: u8) -> Result<(), Fault> {
        if self.checks.is_none() {
            return Ok(());
        }
        let waiting: Vec<usize> = (0..self.threads.len())
            .filter(|number| self.state(*number) == Some(State::Barrier(name)))
            .collect();
        let whole = waiting
            .iter()
            .all(|number| self.is_for_all(launch, *number));
        if let Some((thread, other)) = self.straggler(launch, &waiting, whole) {
            return Err(self.divergent(launch, thread, other));
        }
        if let Some(checks) = &mut self.checks {
            if waiting.len() == self.live as usize {
                if let Some(found) = checks.settle() {
                    return Err(found);
                }
                checks.order.whole_block();
            } else {
                checks.order.part_of_block(&waiting, usize::from(name));
            }
        }
        Ok(())
    }

    /// Notes that a thread has come to a barrier, and goes on.
    pub(crate) fn check_arrival(&mut self, number: usize, name: u8) {
        if let Some(checks) = &mut self.checks {
            checks.order.arrives(number, usize::from(name));
        }
    }

    /// Notes that threads of a warp have come together to be in order.
    pub(crate) fn check_warp(&mut self, threads: impl Iterator<Item = usize>) {
        if let Some(checks) = &mut self.checks {
            checks.order.warp(&threads.collect::<Vec<usize>>());
        }
    }

    fn state(&self, number: usize) -> Option<State> {
        self.threads.get(number).map(|thread| thread.state)
    }

    /// The place of the last step of a thread.
    fn place(&self, number: usize) -> u32 {
        let thread = self.threads.get(number);
        thread.map_or(0, |thread| thread.place.saturating_sub(1))
    }

    /// A thread that waits and one that should be with it.
    fn straggler(&self, launch: &Launch, waiting: &[usize], whole: bool) -> Option<(usize, usize)> {
        let aligned = |number: usize| {
            let step = launch.program.code.get(self.place(number) as usize);
            step.is_some_and(|step| step.flow == Flow::Aligned)
        };
        let first = waiting.iter().find(|number| aligned(**number))?;
        if whole {
            let others = 0..self.threads.len();
            return others
                .filter(|other| self.strays(*first, *other))
                .map(|other| (*first, other))
                .next();
        }
        waiting
            .iter()
            .filter(|number| aligned(**number))
            .find_map(|number| {
                let warp = number - number % LANES;
                let mut lanes = warp..(warp + LANES).min(self.threads.len());
                let other = lanes.find(|other| self.strays(*number, *other))?;
                Some((*number, other))
            })
    }

    /// Whether a thread has ended or waits elsewhere. One that runs has come and gone on.
    fn strays(&self, waiting: usize, other: usize) -> bool {
        match self.state(other) {
            Some(State::Ended) => true,
            Some(State::Running | State::ActiveMask) | None => false,
            Some(_) => self.place(other) != self.place(waiting),
        }
    }

    /// The finding of threads that wait for each other for ever; `None` in a block that is not
    /// checked.
    pub(crate) fn check_deadlock(&mut self, launch: &Launch) -> Option<Fault> {
        self.checks.as_ref()?;
        let stuck = |number: &usize| {
            let state = self.state(*number);
            matches!(state, Some(State::Barrier(_) | State::Warp))
        };
        let thread = (0..self.threads.len()).find(stuck)?;
        let warp = thread - thread % LANES;
        let near = warp..(warp + LANES).min(self.threads.len());
        let elsewhere = |other: &usize| {
            *other != thread
                && (self.place(*other) != self.place(thread)
                    || self.state(*other) != self.state(thread))
        };
        // Those of its warp first: they are who a thread of a warp waits for.
        let other = near.chain(0..self.threads.len()).find(elsewhere)?;
        Some(self.divergent(launch, thread, other))
    }

    fn divergent(&mut self, launch: &Launch, thread: usize, other: usize) -> Fault {
        let waiting = |number: usize| match self.state(number) {
            Some(State::Barrier(name)) => Some(Waiting::Barrier(name)),
            Some(State::Warp | State::ActiveMask) => Some(Waiting::Warp),
            _ => None,
        };
        let finding = Finding {
            kernel: launch.kernel.clone(),
            block: self.index,
            thread: thread_at(launch, thread),
            line: line_at(launch, self.place(thread)),
            mistake: Mistake::DivergentBarrier {
                waits: waiting(thread).unwrap_or(Waiting::Warp),
                other: Straggler {
                    thread: thread_at(launch, other),
                    line: line_at(launch, self.place(other)),
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
    fn is_for_all(&self, launch: &Launch, number: usize) -> bool {
        matches!(
            self.step_of(launch, number),
            Some(Action::Barrier { count: None, .. })
        )
    }
}

//! The thread that watches one worker: it takes the worker's answers, keeps the
//! time of its kernels, and ends it where it does wrong.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::lane::{After, Lane, Outcome, Released};
use super::process::Process;
use super::{Kept, Started, State, Worker, WorkerLimits};
use crate::channel::wire::{self, Answer, Request};
use crate::channel::{Broken, Consumer};
use crate::cpu::PoisonId;
use crate::sync::lock;
use crate::{Buffer, Error};

/// How many answers are taken under one lock.
const BATCH: usize = 64;

/// How often who is ahead of its share looks whether the others have caught up.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How often times are looked at while there is no kernel.
const AT_WORK: Duration = Duration::from_millis(100);
const AT_REST: Duration = Duration::from_secs(1);

/// Requests that may wait for room in the ring. More than all limits of a tenant allow
/// together: a worker that reads none of them is of no use.
const MOST_UNREAD: usize = 1 << 19;

/// How often it is looked how much memory a worker takes.
const WEIGHED: Duration = Duration::from_millis(500);

pub(super) struct Watch {
    pub(super) worker: Arc<Worker>,
    pub(super) answers: Consumer,
    pub(super) process: Process,
    pub(super) began: Instant,
}

impl Watch {
    /// Watches until the worker is of no use any more, then ends its process.
    pub(super) fn run(mut self) {
        let worker = Arc::clone(&self.worker);
        let mut message = Vec::new();
        let mut clock = Clock::default();
        let mut weighed = Instant::now();
        let mut looked = Instant::now();
        loop {
            let more = match self.take(&mut message) {
                Ok(more) => more,
                Err(Broken(what)) => {
                    tracing::error!(
                        tenant = worker.tenant,
                        worker = worker.id,
                        "a device worker was ended: {what}"
                    );
                    self.lose("the device's worker broke down, and was ended".to_owned());
                    false
                }
            };
            // However much it has to say, times are kept.
            if more && looked.elapsed() < HELD_BACK {
                continue;
            }
            looked = Instant::now();
            if let Some(how) = self.process.ended() {
                // What it said last counts.
                while matches!(self.take(&mut message), Ok(true)) {}
                if !worker.is_lost() {
                    tracing::warn!(
                        tenant = worker.tenant,
                        worker = worker.id,
                        "a device worker {how}"
                    );
                }
                self.lose(format!("the device's worker {how}"));
            }
            if worker.is_lost() {
                break;
            }
            if weighed.elapsed() >= WEIGHED {
                weighed = Instant::now();
                self.weigh();
            }
            worker.attention.store(false, Ordering::Release);
            let limit = self.keep_time(&mut clock);
            let over = || {
                worker.is_lost()
                    || worker.attention.load(Ordering::Acquire)
                    || self.process.has_ended()
            };
            if !more {
                self.answers.wait(Some(limit), over);
            }
        }
        self.process.kill();
    }

    /// Ends a worker that takes more of the host's memory than its tenant may.
    fn weigh(&self) {
        let most = self.worker.limits.memory_bytes;
        let takes = self.process.memory_bytes().unwrap_or(0);
        if takes > most {
            let worker = &self.worker;
            tracing::warn!(
                tenant = worker.tenant,
                worker = worker.id,
                takes,
                most,
                "a device worker takes too much memory, and is ended"
            );
            self.lose(format!(
                "the device's worker took {takes} bytes of memory, more than the {most} that it may, and was ended"
            ));
        }
    }

    fn lose(&self, message: String) {
        let message =
            format!("{message}; what was on the device is gone: open it again, and fill it anew");
        let mut state = lock(&self.worker.state);
        let after = self
            .worker
            .lose(&mut state, Error::DeviceLost(message), &[]);
        drop(state);
        after.carry_out();
    }

    /// What an author has to do, where anything was on the device.
    fn with_cure(&self, message: String) -> String {
        match *self.worker.started.borrow() {
            Started::Ready => format!(
                "{message}; what was on the device is gone: open it again, and fill it anew"
            ),
            Started::NotYet | Started::Lost(_) => message,
        }
    }

    /// Takes some answers. True where there may be more.
    fn take(&mut self, message: &mut Vec<u8>) -> Result<bool, Broken> {
        let worker = Arc::clone(&self.worker);
        let mut after = After::default();
        let mut taken = 0;
        let mut state = lock(&worker.state);
        let outcome = (|| {
            while taken < BATCH && self.answers.receive(message)? {
                taken += 1;
                let answer = wire::decode(message).map_err(|_| Broken("no answer at all"))?;
                self.apply(&mut state, answer, &mut after)?;
            }
            worker.flush(&mut state)
        })();
        if taken > 0 {
            worker.rest_if_idle(&state);
        }
        drop(state);
        after.carry_out();
        outcome?;
        Ok(taken == BATCH)
    }

    fn apply(&self, state: &mut State, answer: Answer, after: &mut After) -> Result<(), Broken> {
        let worker = &self.worker;
        if state.lost.is_some() {
            // Of no interest any more.
            return Ok(());
        }
        match answer {
            Answer::Ready => {
                let first = worker.started.send_if_modified(|started| {
                    let first = matches!(started, Started::NotYet);
                    if first {
                        *started = Started::Ready;
                    }
                    first
                });
                // Said without end, it would keep this thread from all else.
                if !first {
                    return Err(Broken("it is ready a second time"));
                }
            }
            Answer::Allocated { id, outcome } => {
                let asked = state
                    .allocating
                    .remove(&id)
                    .ok_or(Broken("memory that was not asked for"))?;
                let outcome = outcome.map_err(Error::from);
                let made = outcome.is_ok();
                let holding = asked.holding;
                match (made, asked.reply.send(outcome)) {
                    (true, Ok(())) => {
                        state
                            .allocations
                            .extend(holding.map(|holding| (id, holding)));
                    }
                    // Whoever asked has stopped waiting.
                    (true, Err(_)) => {
                        after.released.extend(holding.map(Released::Allocation));
                        worker.send(state, &Request::Free { id });
                    }
                    (false, _) => after.released.extend(holding.map(Released::Allocation)),
                }
            }
            Answer::Loaded { id, outcome } => {
                let asked = state
                    .loading
                    .remove(&id)
                    .ok_or(Broken("a module that was not asked for"))?;
                let outcome = outcome.map_err(Error::from);
                let made = outcome.is_ok();
                if asked.reply.send(outcome).is_err() && made {
                    worker.send(state, &Request::Unload { id });
                }
                drop(asked._area);
            }
            Answer::Done { queue, number, at } => {
                let at = at.map(|at| self.began + Duration::from_nanos(at.min(MOST_NANOSECONDS)));
                self.settle(state, queue, number, Outcome::Done(at), after)?;
            }
            Answer::Failed {
                queue,
                number,
                failure,
            } => {
                let error = Error::from(failure);
                tracing::debug!(tenant = worker.tenant, worker = worker.id, %error, "work of a queue failed");
                self.settle(state, queue, number, Outcome::Failed(error), after)?;
            }
            Answer::Skipped { queue, number } => {
                self.settle(state, queue, number, Outcome::Skipped, after)?;
            }
            Answer::Lost { message, blamed } => {
                let blamed: Vec<(u64, Error)> = blamed
                    .into_iter()
                    .map(|(queue, failure)| (queue, failure.into()))
                    .collect();
                let message = self.with_cure(wire::short(message));
                tracing::warn!(
                    tenant = worker.tenant,
                    worker = worker.id,
                    "a device worker: {message}"
                );
                let lost = worker.lose(state, Error::DeviceLost(message), &blamed);
                after.append(lost);
            }
        }
        Ok(())
    }

    fn settle(
        &self,
        state: &mut State,
        queue: u64,
        number: u64,
        outcome: Outcome,
        after: &mut After,
    ) -> Result<(), Broken> {
        state.ids += 1;
        let poison = PoisonId::of(state.ids);
        let lane = state
            .lanes
            .get_mut(&queue)
            .ok_or(Broken("an answer for a queue that is not open"))?;
        let resume = lane.answer(number, outcome, poison, after)?;
        if resume {
            self.worker.send(state, &Request::Resume { queue });
        }
        self.worker.pump(state, queue);
        self.worker.remove_if_over(state, queue, after);
        Ok(())
    }

    /// Ends the worker where something takes too long; how long to wait for the
    /// next look.
    fn keep_time(&self, clock: &mut Clock) -> Duration {
        let worker = &self.worker;
        let limits = worker.limits;
        let mut state = lock(&worker.state);
        let now = Instant::now();
        let passed = clock.tick(now);
        let busy = worker.turns.busy().max(1) as u32;
        let launched = state.lanes.values().filter(|lane| lane.launched()).count();
        let among = u32::try_from(launched.max(1)).unwrap_or(u32::MAX);
        let mut overrun = None;
        let mut at_work = false;
        for (queue, lane) in &mut state.lanes {
            if !lane.is_at_work() {
                continue;
            }
            at_work = true;
            let limit = match lane.launched() {
                true => {
                    lane.used += passed / busy / among;
                    limits.kernel.saturating_add(limits.slack)
                }
                false => {
                    lane.used += passed / busy;
                    limits.patience
                }
            };
            if lane.used > limit {
                overrun = Some((*queue, overrun_error(lane, &limits)));
            }
        }
        clock.runs = at_work;
        if at_work {
            worker.turns.charge(worker.id, passed);
        }
        let orphaned = state.orphaned();
        // Others may have the device, and a kernel of its own hold up all else.
        let mut patience = limits.patience.saturating_mul(busy);
        if launched > 0 {
            patience = patience.saturating_add(limits.kernel.saturating_mul(busy));
        }
        let unread = state.backlog.len() > MOST_UNREAD;
        let slow = unread
            || state
                .allocating
                .values()
                .map(|asked| asked.since)
                .chain(state.loading.values().map(|asked| asked.since))
                .chain(matches!(*worker.started.borrow(), Started::NotYet).then_some(self.began))
                .chain(state.unread_since)
                .min()
                .is_some_and(|since| now.saturating_duration_since(since) > patience);
        if let Some((queue, error)) = overrun {
            let lost = Error::DeviceLost(format!(
                "{error}; the device's worker was ended, and what was on the device is gone: open it again, and fill it anew"
            ));
            tracing::warn!(tenant = worker.tenant, worker = worker.id, %error, "a device worker was ended");
            let after = worker.lose(&mut state, lost, &[(queue, error)]);
            drop(state);
            after.carry_out();
            return Duration::ZERO;
        }
        if orphaned {
            drop(state);
            worker.stop("the work of an instance that has ended was stopped");
            return Duration::ZERO;
        }
        if slow {
            drop(state);
            tracing::warn!(
                worker = worker.id,
                "a device worker does not answer, and is ended"
            );
            self.lose(format!(
                "the device's worker did not answer within {:?}, and was ended",
                limits.patience
            ));
            return Duration::ZERO;
        }
        let state_has_orphans = state.users == 0;
        let mut after = After::default();
        let waiting = worker.pump_all(&mut state, &mut after);
        drop(state);
        after.carry_out();
        if !at_work && worker.stop_if_idle(limits.idle, Kept::Stays) {
            return Duration::ZERO;
        }
        if waiting {
            HELD_BACK
        } else if launched > 0 && state_has_orphans {
            ORPHANED / 4
        } else if launched > 0 {
            (limits.kernel / 16).clamp(HELD_BACK, AT_WORK)
        } else if at_work {
            AT_WORK
        } else {
            AT_REST.min(limits.idle.max(HELD_BACK))
        }
    }
}

/// How long a kernel may go on whose instance has ended, where nobody else uses its
/// worker: no driver can stop a kernel alone.
const ORPHANED: Duration = Duration::from_millis(50);

impl State {
    /// Whether kernels run on for nobody, and nothing would be lost with them.
    fn orphaned(&self) -> bool {
        if self.users > 0 || !self.allocating.is_empty() {
            return false;
        }
        let runs = |lane: &&Lane| lane.is_at_work();
        let over = self
            .lanes
            .values()
            .filter(runs)
            .all(|lane| lane.closed && lane.used > ORPHANED);
        let any = self.lanes.values().any(|lane| lane.launched());
        let theirs: HashSet<u64> = self
            .lanes
            .values()
            .flat_map(Lane::buffers)
            .filter_map(Buffer::number)
            .collect();
        any && over && self.allocations.keys().all(|id| theirs.contains(id))
    }
}

/// What a mark may say: some three hundred years.
const MOST_NANOSECONDS: u64 = 1 << 60;

fn overrun_error(lane: &Lane, limits: &WorkerLimits) -> Error {
    let (limit, patience) = (limits.kernel, limits.patience);
    match lane.kernel() {
        Some(kernel) => Error::DeadlineExceeded(format!(
            "kernel `{kernel}` ran longer than the {limit:?} that this tenant's kernels may take; split its work over several launches, or ask the operator for a longer limit"
        )),
        None => Error::DeviceLost(format!("a transfer did not end within {patience:?}")),
    }
}

/// Times what runs, and leaves out the time in which nothing did.
#[derive(Default)]
struct Clock {
    last: Option<Instant>,
    runs: bool,
}

impl Clock {
    fn tick(&mut self, now: Instant) -> Duration {
        let last = self.last.replace(now).filter(|_| self.runs);
        last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last))
    }
}

impl Worker {
    /// Says that the device has no work of this worker any more, where that is so.
    fn rest_if_idle(&self, state: &State) {
        if !state.lanes.values().any(Lane::is_at_work) {
            self.turns.set_busy(self.id, false);
        }
    }

    /// Sends what was held back; whether some is still.
    fn pump_all(&self, state: &mut State, after: &mut After) -> bool {
        let queues: Vec<u64> = state
            .lanes
            .iter()
            .filter(|(_, lane)| lane.next(super::WINDOW).is_some())
            .map(|(queue, _)| *queue)
            .collect();
        for queue in &queues {
            self.pump(state, *queue);
            self.remove_if_over(state, *queue, after);
        }
        let at_work = state.lanes.values().any(Lane::is_at_work);
        if !queues.is_empty() && at_work {
            self.turns.set_busy(self.id, true);
        }
        queues.iter().any(|queue| {
            state
                .lanes
                .get(queue)
                .is_some_and(|lane| lane.next(super::WINDOW).is_some())
        })
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;

//! The thread that supervises one worker: it takes the worker's answers, accounts for
//! the time of its kernels, and ends a worker that exceeds a limit or breaks a rule.

mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::process::{CONTEXT_BYTES, Process};
use super::queue_state::{Outcome, RemoteQueue};
use super::worker::{Started, Worker, WorkerState};
use crate::Error;
use crate::channel::wire::{self, Answer, Request, WINDOW};
use crate::channel::{Broken, Consumer};
use crate::effects::DeferredEffects;
use crate::identity::{QueueId, SequenceNumber};
use crate::sync::lock;
use times::{AT_REST, WorkClock};

/// How many answers are taken under one lock.
const BATCH: usize = 64;

/// How often it is checked whether the others have caught up with a worker that is ahead
/// of its share.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How long a process that was killed may take to be gone until the log says so: a driver's end of a
/// process waits for the device.
const SLOW_END: Duration = Duration::from_secs(10);

/// How often it is checked how much memory a worker takes.
const MEMORY_CHECK: Duration = Duration::from_millis(500);

/// Whether the log says already that memory can't be pinned: all workers of a server say the same.
static UNPINNED: AtomicBool = AtomicBool::new(false);

pub(super) struct Supervisor {
    pub(super) worker: Arc<Worker>,
    pub(super) answers: Consumer,
    pub(super) process: Process,
    pub(super) began: Instant,
}

impl Supervisor {
    /// Supervises the worker until it is lost, then ends its process, and waits until that is gone.
    pub(super) fn run(mut self) {
        let worker = Arc::clone(&self.worker);
        let mut message = Vec::new();
        let mut clock = WorkClock::default();
        let mut memory_checked = Instant::now();
        let mut times_checked = Instant::now();
        loop {
            let more = match self.take(&mut message) {
                Ok(more) => more,
                Err(Broken(what)) => {
                    tracing::error!(
                        tenant = worker.tenant,
                        worker = worker.id.number(),
                        "a device worker was ended: {what}"
                    );
                    self.lose("the device's worker broke down, and was ended".to_owned());
                    false
                }
            };
            // However many answers there are, times are checked.
            if more && times_checked.elapsed() < HELD_BACK {
                continue;
            }
            times_checked = Instant::now();
            if let Some(how) = self.process.ended() {
                // Its last answers count.
                while matches!(self.take(&mut message), Ok(true)) {}
                if !worker.is_lost() {
                    tracing::warn!(
                        tenant = worker.tenant,
                        worker = worker.id.number(),
                        "a device worker {how}"
                    );
                }
                self.lose(format!("the device's worker {how}"));
            }
            if worker.is_lost() {
                break;
            }
            if memory_checked.elapsed() >= MEMORY_CHECK {
                memory_checked = Instant::now();
                self.check_memory();
            }
            worker.attention.store(false, Ordering::Release);
            let limit = self.check_times(&mut clock);
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
        self.wait_for_end();
        worker.has_gone();
    }

    /// Waits until the process is reaped, however long that takes: what it had on the device is
    /// nobody else's before.
    fn wait_for_end(&self) {
        let killed = Instant::now();
        if self.process.wait(SLOW_END) {
            return;
        }
        let worker = &self.worker;
        tracing::warn!(
            tenant = worker.tenant,
            worker = worker.id.number(),
            "a device worker was killed and has not ended since; its place and its memory stay taken"
        );
        while !self.process.wait(AT_REST) {}
        tracing::info!(
            tenant = worker.tenant,
            worker = worker.id.number(),
            took = ?killed.elapsed(),
            "a device worker that was killed has ended"
        );
    }

    /// Ends a worker that takes more of the host's memory than its tenant may.
    fn check_memory(&self) {
        let most = self.worker.limits.memory_bytes;
        let takes = self.process.memory_bytes().unwrap_or(0);
        if takes > most {
            let worker = &self.worker;
            tracing::warn!(
                tenant = worker.tenant,
                worker = worker.id.number(),
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
        self.note_failed_start();
        let effects = self
            .worker
            .lose(&mut state, Error::DeviceLost(message), &[]);
        drop(state);
        effects.carry_out();
    }

    /// The worker is about to be lost by itself. Where it never had the device, none can be started.
    fn note_failed_start(&self) {
        if matches!(*self.worker.started.borrow(), Started::NotYet) {
            self.worker.starts.failed(Instant::now());
        }
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
        let mut effects = DeferredEffects::default();
        let mut taken = 0;
        let releasing = lock(&worker.releasing);
        let mut state = lock(&worker.state);
        let outcome = (|| {
            while taken < BATCH && self.answers.receive(message)? {
                taken += 1;
                let answer = wire::decode(message).map_err(|_| Broken("no answer at all"))?;
                self.apply(&mut state, answer, &mut effects)?;
            }
            worker.flush(&mut state)
        })();
        if taken > 0 {
            worker.rest_if_idle(&state);
        }
        drop(state);
        effects.release_all();
        drop(releasing);
        effects.carry_out();
        outcome?;
        Ok(taken == BATCH)
    }

    fn apply(
        &self,
        state: &mut WorkerState,
        answer: Answer,
        effects: &mut DeferredEffects,
    ) -> Result<(), Broken> {
        let worker = &self.worker;
        if state.lost.is_some() {
            // No caller waits for it any more.
            return Ok(());
        }
        match answer {
            Answer::Ready { unpinned } => {
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
                worker.starts.succeeded();
                if let Some(why) = unpinned
                    && !UNPINNED.swap(true, Ordering::Relaxed)
                {
                    let why = wire::short(why);
                    tracing::warn!(
                        "copies to and from the device are slow, for memory that is shared with its workers can't be pinned: {why}"
                    );
                }
            }
            Answer::NoRoom { message } => {
                if !matches!(*worker.started.borrow(), Started::NotYet) {
                    return Err(Broken("it has no room for what it has"));
                }
                let message = wire::short(message);
                tracing::warn!(
                    tenant = worker.tenant,
                    worker = worker.id.number(),
                    "the device has no room for another worker: {message}"
                );
                // Not the tenant's doing.
                worker.ended_well.store(true, Ordering::Release);
                let full = Error::OutOfMemory {
                    bytes: CONTEXT_BYTES,
                };
                let lost = worker.lose(state, full, &[]);
                effects.append(lost);
            }
            Answer::Allocated { id, outcome } => {
                let pending = state
                    .allocating
                    .remove(&id)
                    .ok_or(Broken("memory that was not asked for"))?;
                let outcome = outcome.map_err(Error::from);
                let made = outcome.is_ok();
                let holding = pending.holding;
                match (made, pending.reply.send(outcome)) {
                    (true, Ok(())) => {
                        state
                            .allocations
                            .extend(holding.map(|holding| (id, holding)));
                    }
                    // The caller has stopped waiting.
                    (true, Err(_)) => {
                        effects.release(holding);
                        worker.send(state, &Request::Free { id });
                    }
                    (false, _) => effects.release(holding),
                }
            }
            Answer::Loaded { id, outcome } => {
                let pending = state
                    .loading
                    .remove(&id)
                    .ok_or(Broken("a module that was not asked for"))?;
                let outcome = outcome.map_err(Error::from);
                let made = outcome.is_ok();
                if pending.reply.send(outcome).is_err() && made {
                    worker.send(state, &Request::Unload { id });
                }
            }
            Answer::Done {
                queue,
                number,
                at,
                ran,
            } => {
                let at = at.map(|at| self.began + Duration::from_nanos(at.min(MOST_NANOSECONDS)));
                let answer = Settled::new(queue, number, Outcome::Done(at), ran);
                self.settle(state, answer, effects)?;
            }
            Answer::Failed {
                queue,
                number,
                error,
                ran,
            } => {
                let error = Error::from(error);
                tracing::debug!(tenant = worker.tenant, worker = worker.id.number(), %error, "work of a queue failed");
                let answer = Settled::new(queue, number, Outcome::Failed(error), ran);
                self.settle(state, answer, effects)?;
            }
            Answer::Skipped { queue, number, ran } => {
                let answer = Settled::new(queue, number, Outcome::Skipped, ran);
                self.settle(state, answer, effects)?;
            }
            Answer::Lost { message, blamed } => {
                let blamed: Vec<(QueueId, Error)> = blamed
                    .into_iter()
                    .map(|(queue, error)| (queue, error.into()))
                    .collect();
                let message = self.with_cure(wire::short(message));
                tracing::warn!(
                    tenant = worker.tenant,
                    worker = worker.id.number(),
                    "a device worker: {message}"
                );
                self.note_failed_start();
                let lost = worker.lose(state, Error::DeviceLost(message), &blamed);
                effects.append(lost);
            }
        }
        Ok(())
    }

    fn settle(
        &self,
        state: &mut WorkerState,
        answer: Settled,
        effects: &mut DeferredEffects,
    ) -> Result<(), Broken> {
        let id = answer.queue;
        let failure = state.identifiers.next();
        let queue = state
            .queues
            .get_mut(&id)
            .ok_or(Broken("an answer for a queue that is not open"))?;
        queue.charge(answer.ran);
        let resume = queue.answer(answer.number, answer.outcome, failure, effects)?;
        if resume {
            self.worker.send(state, &Request::Resume { queue: id });
        }
        self.worker.send_work(state, id);
        self.worker.remove_if_ended(state, id, effects);
        Ok(())
    }
}

/// The greatest time that an event may have: some thirty-six years.
const MOST_NANOSECONDS: u64 = 1 << 60;

/// What a worker said of a command.
struct Settled {
    queue: QueueId,
    number: SequenceNumber,
    outcome: Outcome,
    /// How long the command's kernel ran.
    ran: Duration,
}

impl Settled {
    fn new(queue: QueueId, number: SequenceNumber, outcome: Outcome, ran: u64) -> Settled {
        Settled {
            queue,
            number,
            outcome,
            ran: Duration::from_nanos(ran.min(MOST_NANOSECONDS)),
        }
    }
}

impl Worker {
    /// Notes that the device has no work of this worker any more, where that is so.
    fn rest_if_idle(&self, state: &WorkerState) {
        if !state.queues.values().any(RemoteQueue::is_at_work) {
            self.fair_share.set_busy(self.id, false);
        }
    }

    /// Sends work that was held back; true where some still is.
    fn send_all_work(&self, state: &mut WorkerState, effects: &mut DeferredEffects) -> bool {
        let queues: Vec<QueueId> = state
            .queues
            .iter()
            .filter(|(_, queue)| queue.next(WINDOW).is_some())
            .map(|(queue, _)| *queue)
            .collect();
        for queue in &queues {
            self.send_work(state, *queue);
            self.remove_if_ended(state, *queue, effects);
        }
        let at_work = state.queues.values().any(RemoteQueue::is_at_work);
        if !queues.is_empty() && at_work {
            self.fair_share.set_busy(self.id, true);
        }
        queues.iter().any(|queue| {
            state
                .queues
                .get(queue)
                .is_some_and(|queue| queue.next(WINDOW).is_some())
        })
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;

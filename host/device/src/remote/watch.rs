//! The thread that supervises one worker: it takes the worker's answers, accounts for
//! the time of its kernels, and ends a worker that exceeds a limit or breaks a rule.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::process::{CONTEXT_BYTES, Process};
use super::queue_state::{Outcome, RemoteQueue};
use super::worker::{ResidentBuffers, Started, Worker, WorkerLimits, WorkerState};
use crate::channel::wire::{self, Answer, Request, WINDOW};
use crate::channel::{Broken, Consumer};
use crate::effects::DeferredEffects;
use crate::identity::{BufferId, QueueId, SequenceNumber};
use crate::sync::lock;
use crate::{Buffer, Error, Kernel};

/// How many answers are taken under one lock.
const BATCH: usize = 64;

/// How often it is checked whether the others have caught up with a worker that is ahead
/// of its share.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How often times are checked while there is no kernel.
const AT_WORK: Duration = Duration::from_millis(100);
const AT_REST: Duration = Duration::from_secs(1);

/// Requests that may wait for room in the ring. More than all limits of a tenant allow
/// together: a worker that reads none of them is of no use.
const MOST_UNREAD: usize = 1 << 19;

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
        let effects = self
            .worker
            .lose(&mut state, Error::DeviceLost(message), &[]);
        drop(state);
        effects.carry_out();
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

    /// Ends the worker where something takes too long. Returns how long to wait until the
    /// next check.
    fn check_times(&self, clock: &mut WorkClock) -> Duration {
        let worker = &self.worker;
        let limits = worker.limits;
        let mut state = lock(&worker.state);
        let now = Instant::now();
        let passed = clock.tick(now);
        let busy = worker.fair_share.busy().max(1) as u32;
        let launched = state.queues.values();
        let launched = launched.filter(|queue| queue.running_kernel().is_some());
        let launched = launched.count();
        let among = u32::try_from(launched.max(1)).unwrap_or(u32::MAX);
        let mut overrun = None;
        let mut at_work = false;
        for (id, queue) in &mut state.queues {
            if !queue.is_at_work() {
                continue;
            }
            at_work = true;
            let limit = match queue.running_kernel().is_some() {
                true => {
                    queue.used += passed / busy / among;
                    limits.kernel.saturating_add(limits.slack)
                }
                false => {
                    queue.used += passed / busy;
                    limits.timeout
                }
            };
            if queue.used > limit {
                overrun = Some((*id, overrun_error(queue, &limits)));
            }
        }
        clock.runs = at_work;
        if at_work {
            worker.fair_share.charge(worker.id, passed);
        }
        let orphaned = state.orphaned();
        // Others may have the device, and a kernel of its own hold up all else.
        let mut timeout = limits.timeout.saturating_mul(busy);
        if launched > 0 {
            timeout = timeout.saturating_add(limits.kernel.saturating_mul(busy));
        }
        let unread = state.backlog.len() > MOST_UNREAD;
        let slow = unread
            || state
                .allocating
                .values()
                .map(|pending| pending.since)
                .chain(state.loading.values().map(|pending| pending.since))
                .chain(matches!(*worker.started.borrow(), Started::NotYet).then_some(self.began))
                .chain(state.unread_since)
                .min()
                .is_some_and(|since| now.saturating_duration_since(since) > timeout);
        if let Some((queue, error)) = overrun {
            let lost = Error::DeviceLost(format!(
                "{error}; the device's worker was ended, and what was on the device is gone: open it again, and fill it anew"
            ));
            tracing::warn!(tenant = worker.tenant, worker = worker.id.number(), %error, "a device worker was ended");
            let effects = worker.lose(&mut state, lost, &[(queue, error)]);
            drop(state);
            effects.carry_out();
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
                worker = worker.id.number(),
                "a device worker does not answer, and is ended"
            );
            self.lose(format!(
                "the device's worker did not answer within {:?}, and was ended",
                limits.timeout
            ));
            return Duration::ZERO;
        }
        let state_has_orphans = state.users == 0;
        let mut effects = DeferredEffects::default();
        let waiting = worker.send_all_work(&mut state, &mut effects);
        drop(state);
        effects.carry_out();
        if !at_work && worker.stop_if_idle(limits.idle, ResidentBuffers::AreUse) {
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

/// How long a kernel may run on whose instance has ended, where no other instance uses its
/// worker: no driver can stop a kernel alone.
const ORPHANED: Duration = Duration::from_millis(50);

impl WorkerState {
    /// Whether kernels of ended instances still run, and nothing would be lost with them.
    fn orphaned(&self) -> bool {
        if self.users > 0 || !self.allocating.is_empty() {
            return false;
        }
        let runs = |queue: &&RemoteQueue| queue.is_at_work();
        let over = self
            .queues
            .values()
            .filter(runs)
            .all(|queue| queue.closed && queue.used > ORPHANED);
        let any = self
            .queues
            .values()
            .any(|queue| queue.running_kernel().is_some());
        let theirs: HashSet<BufferId> = self
            .queues
            .values()
            .flat_map(RemoteQueue::buffers)
            .filter_map(Buffer::number)
            .collect();
        any && over && self.allocations.keys().all(|id| theirs.contains(id))
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

fn overrun_error(queue: &RemoteQueue, limits: &WorkerLimits) -> Error {
    let (limit, timeout) = (limits.kernel, limits.timeout);
    match queue.running_kernel().map(Kernel::name) {
        Some(kernel) => Error::DeadlineExceeded(format!(
            "kernel `{kernel}` ran longer than the {limit:?} that this tenant's kernels may take; split its work over several launches, or ask the operator for a longer limit"
        )),
        None => Error::DeviceLost(format!("a transfer did not end within {timeout:?}")),
    }
}

/// Measures the time in which the worker has work.
#[derive(Default)]
struct WorkClock {
    last: Option<Instant>,
    runs: bool,
}

impl WorkClock {
    fn tick(&mut self, now: Instant) -> Duration {
        let last = self.last.replace(now).filter(|_| self.runs);
        last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last))
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

//! A worker's answers: what they do to what the host knows of the worker. Whoever waits for one takes
//! them, or else the thread that supervises the worker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::TryLockError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::answer_ring::AnswerRing;
use super::process::CONTEXT_BYTES;
use super::queue_state::{Outcome, RemoteQueue};
use super::worker::{Started, Worker, WorkerState};
use crate::Error;
use crate::channel::Broken;
use crate::channel::wire::{self, Answer, Request, WINDOW};
use crate::effects::DeferredEffects;
use crate::identity::{QueueId, SequenceNumber};
use crate::spin_wait::spin_until_or;
use crate::sync::lock;

/// How long a caller looks for an answer before it sleeps: a worker that sleeps takes about half of it to
/// wake up, and whoever sleeps then is woken by way of another thread, which takes longer than the rest.
const ANSWER_TIME: Duration = Duration::from_micros(60);

/// How many answers are taken under one lock.
const BATCH: usize = 64;

/// Whether the log says already that memory can't be pinned: all workers of a server say the same.
static UNPINNED: AtomicBool = AtomicBool::new(false);

impl Worker {
    /// Takes some answers. True where there may be more.
    ///
    /// # Errors
    /// Where the worker broke the rules of the channel.
    pub(super) fn take_answers(&self) -> Result<bool, Broken> {
        self.take_from(&mut lock(&self.answers))
    }

    /// A caller looks for an answer, until it is `ready` or looking is not worth its time any more: it
    /// takes the answers that there are itself, and the supervising thread sleeps on meanwhile.
    pub(super) fn look_for_answers(&self, ready: &mut dyn FnMut() -> bool) {
        if ready() {
            return;
        }
        let _undisturbed = self.listener.undisturbed();
        spin_until_or(ANSWER_TIME, || {
            ready() || {
                if self.listener.is_there() {
                    self.take_as_caller();
                }
                ready()
            }
        });
    }

    fn take_as_caller(&self) {
        let mut answers = match self.answers.try_lock() {
            Ok(answers) => answers,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another thread is at it.
            Err(TryLockError::WouldBlock) => return,
        };
        // A bug of ours costs one tenant its worker, and nobody else anything.
        let taken = catch_unwind(AssertUnwindSafe(|| self.take_from(&mut answers)));
        match taken {
            // The process is to be ended, or work can be sent that was held back.
            Ok(Ok(_)) if self.is_lost() || self.holds_work_back() => self.attend(),
            Ok(Ok(_)) => {}
            Ok(Err(broken)) => {
                answers.broken = Some(broken);
                self.attend();
            }
            Err(_) => {
                drop(answers);
                self.stop("the host failed while it took an answer of the device's worker");
            }
        }
    }

    fn take_from(&self, answers: &mut AnswerRing) -> Result<bool, Broken> {
        if let Some(broken) = answers.broken.take() {
            return Err(broken);
        }
        let mut effects = DeferredEffects::default();
        let mut taken = 0;
        let mut state = lock(&self.state);
        let outcome = (|| {
            while taken < BATCH && answers.consumer.receive(&mut answers.message)? {
                if taken == 0 {
                    self.account(&mut state, Instant::now());
                }
                taken += 1;
                let answer =
                    wire::decode(&answers.message).map_err(|_| Broken("no answer at all"))?;
                self.apply(&mut state, answer, &mut effects)?;
            }
            self.flush(&mut state)
        })();
        if taken > 0 {
            self.rest_if_idle(&mut state);
        }
        drop(state);
        effects.release_all();
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
        let worker = self;
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
                // Said without end, it would keep whoever takes answers from all else.
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
        let Settled {
            number,
            outcome,
            ran,
            ..
        } = answer;
        let resume = queue.answer(number, outcome, ran, failure, effects)?;
        if resume {
            self.send(state, &Request::Resume { queue: id });
        }
        self.send_work(state, id);
        self.remove_if_ended(state, id, effects);
        Ok(())
    }

    /// The worker is about to be lost by itself. Where it never had the device, none can be started.
    pub(super) fn note_failed_start(&self) {
        if matches!(*self.started.borrow(), Started::NotYet) {
            self.starts.failed(Instant::now());
        }
    }

    /// What an author has to do, where anything was on the device.
    fn with_cure(&self, message: String) -> String {
        match *self.started.borrow() {
            Started::Ready => format!(
                "{message}; what was on the device is gone: open it again, and fill it anew"
            ),
            Started::NotYet | Started::Lost(_) => message,
        }
    }

    /// Notes that the device has no work of this worker any more, where that is so.
    fn rest_if_idle(&self, state: &mut WorkerState) {
        if !state.queues.values().any(RemoteQueue::is_at_work) {
            state.clock.set_running(false);
            self.fair_share.set_busy(self.id, false);
        }
    }

    /// Whether there is work that the worker may not have yet, for other workers' sake.
    fn holds_work_back(&self) -> bool {
        let state = lock(&self.state);
        state
            .queues
            .values()
            .any(|queue| queue.next(WINDOW).is_some())
    }

    /// Sends work that was held back; true where some still is.
    pub(super) fn send_all_work(
        &self,
        state: &mut WorkerState,
        effects: &mut DeferredEffects,
    ) -> bool {
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
            state.clock.start(Instant::now());
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

//! The scheduler of the processor: tenants share the pool's time by weighted fair
//! queueing ([`FairQueue`]), in slices of about a millisecond; within a session its
//! queues take turns. So neither any number of endless kernels nor a thousand queued
//! ones keep a neighbour waiting for longer than the slices that have begun.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::parallel::Parallel;
use super::queue_state::{Entry, Head, ScheduledQueue, SerialWork, Work};
use super::slice::SLICE;
use super::transfer::Transfer;
use crate::Error;
use crate::backend::QueueGuard;
use crate::effects::DeferredEffects;
use crate::fair_queue::{FairQueue, Flow};
use crate::identity::{FailureId, Identifiers, LeaseId, QueueId, SessionId};
use crate::spin_wait::spin_until;
use crate::submission::Failure;
use crate::sync::{lock, wait};

/// What the begun blocks of one session may take together, in bytes, however many queues it has. A
/// block that is larger begins alone.
const MOST_BEGUN_BYTES: u64 = 256 << 20;

/// What became of work that a thread had.
pub(crate) enum Done {
    /// A slice of a launch, or of a product.
    Parallel(Parallel),
    /// A slice of serial work of which more is left.
    Unfinished(SerialWork),
    /// The last of serial work.
    Serial(SerialWork),
    /// A transfer that failed, and of which nobody knows how much was moved.
    Failed(Transfer, Error),
    Task,
}

/// Shares the time of one pool of threads.
pub(crate) struct Scheduler {
    state: Mutex<SchedulerState>,
    wake: Condvar,
    /// Tells the one thread that polls for work that there is some.
    has_work: AtomicBool,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct SchedulerState {
    queues: HashMap<QueueId, ScheduledQueue>,
    leases: HashMap<LeaseId, Vec<QueueId>>,
    sessions: HashMap<SessionId, ScheduledSession>,
    /// The sessions with work that no thread has.
    fair_queue: FairQueue<SessionId>,
    identifiers: Identifiers,
    /// A thread polls for work before it sleeps: none has to be woken.
    is_polling: bool,
    stopped: bool,
}

/// A session, and those of its queues that have work.
struct ScheduledSession {
    flow: Flow,
    /// Queues with work that no thread has.
    ready: VecDeque<QueueId>,
    /// The queue that has this session's one piece of exclusive work, and those that
    /// wait until they may have it.
    exclusive: Option<QueueId>,
    held_back: VecDeque<QueueId>,
    /// What the begun blocks of its launches take, in bytes. A queue that would begin another
    /// one, past the limit, is held back too.
    begun_bytes: u64,
}

impl ScheduledSession {
    /// Whether a block of so many bytes may begin. What has begun already goes on in any case, so
    /// that there is room again at some time.
    fn may_begin(&self, bytes: u64) -> bool {
        bytes == 0
            || self.begun_bytes == 0
            || self.begun_bytes.saturating_add(bytes) <= MOST_BEGUN_BYTES
    }
}

impl Scheduler {
    pub(crate) fn new() -> Scheduler {
        Scheduler {
            state: Mutex::default(),
            wake: Condvar::new(),
            has_work: AtomicBool::new(false),
        }
    }

    pub(crate) fn add_session(&self, share: NonZeroU32) -> SessionId {
        let mut state = lock(&self.state);
        let id = state.identifiers.next();
        let session = ScheduledSession {
            flow: Flow::new(share),
            ready: VecDeque::new(),
            exclusive: None,
            held_back: VecDeque::new(),
            begun_bytes: 0,
        };
        state.sessions.insert(id, session);
        id
    }

    /// Forgets a session that has no queues any more.
    pub(crate) fn remove_session(&self, id: SessionId) {
        let mut state = lock(&self.state);
        if let Some(mut session) = state.sessions.remove(&id) {
            state.fair_queue.dequeue(id, &mut session.flow);
        }
    }

    pub(crate) fn add_lease(&self) -> LeaseId {
        lock(&self.state).identifiers.next()
    }

    /// Opens a queue. `guard` is dropped with it.
    pub(crate) fn add_queue(
        &self,
        session: SessionId,
        lease: LeaseId,
        guard: QueueGuard,
    ) -> QueueId {
        let mut state = lock(&self.state);
        let id = state.identifiers.next();
        let queue = ScheduledQueue::new(session, lease, guard);
        state.queues.insert(id, queue);
        state.leases.entry(lease).or_default().push(id);
        id
    }

    /// Queues work that is no command. It holds itself what it takes of its tenant's
    /// limits.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the queue's lease has ended.
    pub(crate) fn push_task(
        &self,
        queue: QueueId,
        task: Box<dyn FnOnce() + Send>,
    ) -> Result<(), Error> {
        self.push(queue, Entry::task(task))
    }

    /// Appends an entry to a queue.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the queue's lease has ended.
    pub(crate) fn push(&self, id: QueueId, entry: Entry) -> Result<(), Error> {
        self.update(|state, effects| {
            let queue = state.queues.get_mut(&id);
            let Some(queue) = queue.filter(|queue| !queue.closed) else {
                effects.release(entry);
                return Err(Error::lease_ended());
            };
            queue.push(entry, effects);
            state.advance(id, effects);
            Ok(())
        })
    }

    /// The last handle of a queue is gone: its work goes on, and then the queue ends.
    pub(crate) fn retire(&self, id: QueueId) {
        self.update(|state, effects| {
            if let Some(queue) = state.queues.get_mut(&id) {
                queue.retired = true;
                state.remove_if_ended(id, effects);
            }
        });
    }

    /// An instance has ended: what it queued is dropped, what runs for it stops.
    pub(crate) fn close(&self, lease: LeaseId) {
        self.update(|state, effects| {
            for id in state.leases.get(&lease).cloned().unwrap_or_default() {
                let Some(queue) = state.queues.get_mut(&id) else {
                    continue;
                };
                queue.close(effects);
                if queue.is_idle() {
                    let session = queue.session;
                    state.end_exclusive(id, session);
                }
                state.count_begun(id);
                state.remove_if_ended(id, effects);
            }
        });
    }

    /// The launch at the head of a queue may have become one that can run.
    pub(crate) fn reconsider(&self, id: QueueId) {
        self.update(|state, effects| state.advance(id, effects));
    }

    /// Charges a session for time that another pool's thread worked for it.
    pub(crate) fn charge(&self, session: SessionId, took: Duration) {
        let state = &mut *lock(&self.state);
        if let Some(scheduled) = state.sessions.get_mut(&session) {
            state.fair_queue.charge(session, &mut scheduled.flow, took);
        }
    }

    /// Somebody has learnt of a queue's failure: its commands run again.
    pub(crate) fn acknowledge(&self, id: QueueId, failure: FailureId) {
        if let Some(queue) = lock(&self.state).queues.get_mut(&id) {
            queue.acknowledge(failure);
        }
    }

    /// Lets the threads end once their slices are over.
    pub(crate) fn shut_down(&self) {
        lock(&self.state).stopped = true;
        self.wake.notify_all();
    }

    /// The next work for the calling thread, waiting for it if need be; `None`
    /// once the device is shut down. Before it sleeps, it calls `before_sleep`, once.
    pub(crate) fn next(&self, before_sleep: impl FnOnce()) -> Option<(QueueId, Work)> {
        let mut state = lock(&self.state);
        let mut before_sleep = Some(before_sleep);
        let mut may_poll = true;
        loop {
            if state.stopped {
                return None;
            }
            if let Some(found) = state.take_next() {
                self.wake_thread_for_work(state);
                return Some(found);
            }
            if may_poll && !state.is_polling {
                // The thread that polls is told of work, or finds it once it has the lock again.
                may_poll = false;
                state.is_polling = true;
                self.has_work.store(false, Ordering::Relaxed);
                drop(state);
                spin_until(|| self.has_work.load(Ordering::Relaxed));
                state = lock(&self.state);
                state.is_polling = false;
                continue;
            }
            if let Some(before_sleep) = before_sleep.take() {
                drop(state);
                before_sleep();
                state = lock(&self.state);
                continue;
            }
            state = wait(&self.wake, state);
        }
    }

    /// The next work, if there is any now.
    #[cfg(test)]
    pub(crate) fn try_next(&self) -> Option<(QueueId, Work)> {
        lock(&self.state).take_next()
    }

    /// A thread has ended its slice, and comes for its next work at once: it wakes
    /// another then if there is more than that.
    pub(crate) fn settle(&self, id: QueueId, done: Done, took: Duration) {
        let mut effects = DeferredEffects::default();
        match done {
            Done::Parallel(work) => self.settle_parallel(id, work, took, &mut effects),
            other => self.settle_serial(id, other, took, &mut effects),
        }
        effects.carry_out();
    }

    fn settle_serial(
        &self,
        id: QueueId,
        done: Done,
        took: Duration,
        effects: &mut DeferredEffects,
    ) {
        let state = &mut *lock(&self.state);
        let Some(queue) = state.queues.get_mut(&id) else {
            return;
        };
        queue.threads = 0;
        let session = queue.session;
        let permit = queue.permit.take();
        queue.head = Head::Nothing;
        match done {
            Done::Unfinished(work) if !queue.closed => queue.head = Head::Serial { work, permit },
            Done::Unfinished(work) => effects.release((work, permit)),
            Done::Serial(work) if queue.closed => effects.release((work, permit)),
            Done::Serial(SerialWork::Transfer(transfer)) => {
                effects.complete(transfer.into_command(), permit, None);
            }
            Done::Serial(SerialWork::Task(task)) => effects.release((task, permit)),
            Done::Failed(transfer, _) if queue.closed => effects.release((transfer, permit)),
            Done::Failed(transfer, error) => {
                let (id, command) = (state.identifiers.next(), transfer.into_command());
                let waits = command.waits();
                let failure = Failure { id, error };
                effects.refuse(command, permit, &failure);
                // Else its caller has learnt of it, and what is queued behind it runs.
                if !waits {
                    queue.fail(failure, effects);
                }
            }
            Done::Task | Done::Parallel(_) => effects.release_permit(permit),
        }
        if matches!(queue.head, Head::Nothing) {
            state.end_exclusive(id, session);
        }
        state.correct_charge(session, took);
        state.advance(id, effects);
    }

    fn settle_parallel(
        &self,
        id: QueueId,
        worked_on: Parallel,
        took: Duration,
        effects: &mut DeferredEffects,
    ) {
        let mut state = lock(&self.state);
        worked_on.charge(took);
        // The queue keeps the work until its last thread is here: whatever
        // the work holds is given back by then, and not a moment later.
        drop(worked_on);
        let state = &mut *state;
        let Some(queue) = state.queues.get_mut(&id) else {
            return;
        };
        queue.threads = queue.threads.saturating_sub(1);
        let session = queue.session;
        if let Head::Parallel { work, .. } = &queue.head
            && queue.threads == 0
            && !work.is_open()
        {
            let failure = work.take_failure();
            // It is dropped without the lock, when another thread may have told of its end.
            work.settle_charge();
            effects.release(std::mem::replace(&mut queue.head, Head::Nothing));
            if let Some(error) = failure {
                tracing::debug!(%error, "a launch failed");
                let id = state.identifiers.next();
                queue.fail(Failure { id, error }, effects);
            }
            state.end_exclusive(id, session);
        }
        state.count_begun(id);
        state.correct_charge(session, took);
        state.advance(id, effects);
    }

    /// Updates the state, wakes a thread if there is work, and carries out the effects
    /// once the lock is released.
    fn update<T>(&self, how: impl FnOnce(&mut SchedulerState, &mut DeferredEffects) -> T) -> T {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        let result = how(&mut state, &mut effects);
        self.wake_thread_for_work(state);
        effects.carry_out();
        result
    }

    /// Wakes a thread if there is work that none has.
    fn wake_thread_for_work(&self, state: MutexGuard<'_, SchedulerState>) {
        let (work, is_polling) = (!state.fair_queue.is_empty(), state.is_polling);
        drop(state);
        match work {
            true if is_polling => self.has_work.store(true, Ordering::Relaxed),
            true => self.wake.notify_one(),
            false => {}
        }
    }
}

impl SchedulerState {
    /// Brings a queue's next work to its head, notes that the queue is ready if a thread
    /// is wanted, and removes the queue if it has ended.
    fn advance(&mut self, id: QueueId, effects: &mut DeferredEffects) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        queue.advance(effects);
        let wanted = match &queue.head {
            Head::Serial { .. } => true,
            Head::Parallel { work, .. } => work.is_open(),
            Head::Taken | Head::Nothing => false,
        };
        if wanted && !queue.is_ready {
            queue.is_ready = true;
            let session = queue.session;
            if let Some(scheduled) = self.sessions.get_mut(&session) {
                scheduled.ready.push_back(id);
                self.fair_queue.enqueue(session, &mut scheduled.flow);
            }
        }
        self.remove_if_ended(id, effects);
    }

    /// A queue's work is over: if it was exclusive, the session's other queues may have such
    /// work now.
    fn end_exclusive(&mut self, id: QueueId, session: SessionId) {
        let Some(scheduled) = self.sessions.get_mut(&session) else {
            return;
        };
        if scheduled.exclusive == Some(id) {
            scheduled.exclusive = None;
            self.try_held_back(session);
        }
    }

    /// The queues of a session that were held back may find that they may begin now.
    fn try_held_back(&mut self, session: SessionId) {
        if let Some(scheduled) = self.sessions.get_mut(&session) {
            scheduled.ready.append(&mut scheduled.held_back);
            if !scheduled.ready.is_empty() {
                self.fair_queue.enqueue(session, &mut scheduled.flow);
            }
        }
    }

    /// Counts anew what the begun blocks of a queue take.
    fn count_begun(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        let (session, now) = (queue.session, queue.count_begun_bytes());
        let before = std::mem::replace(&mut queue.begun_bytes, now);
        if let Some(scheduled) = self.sessions.get_mut(&session) {
            let others = scheduled.begun_bytes.saturating_sub(before);
            scheduled.begun_bytes = others.saturating_add(now);
        }
        if now < before {
            self.try_held_back(session);
        }
    }

    fn remove_if_ended(&mut self, id: QueueId, effects: &mut DeferredEffects) {
        let ended = self
            .queues
            .get(&id)
            .is_some_and(|queue| queue.retired && queue.threads == 0 && queue.is_idle());
        if !ended {
            return;
        }
        let Some(queue) = self.queues.remove(&id) else {
            return;
        };
        if let Some(queues) = self.leases.get_mut(&queue.lease) {
            queues.retain(|other| *other != id);
            if queues.is_empty() {
                self.leases.remove(&queue.lease);
            }
        }
        effects.release(queue.guard);
    }

    /// The next work of the session in front of the fair queue.
    fn take_next(&mut self) -> Option<(QueueId, Work)> {
        while let Some(session) = self.fair_queue.first() {
            let Some(scheduled) = self.sessions.get_mut(&session) else {
                self.fair_queue.remove_first();
                continue;
            };
            let Some(id) = scheduled.ready.pop_front() else {
                self.fair_queue.dequeue(session, &mut scheduled.flow);
                continue;
            };
            let queue = self.queues.get_mut(&id);
            let exclusive = queue
                .as_ref()
                .is_some_and(|queue| queue.head.is_exclusive());
            let begins = queue
                .as_ref()
                .map_or(0, |queue| queue.head.bytes_to_begin());
            if exclusive && *scheduled.exclusive.get_or_insert(id) != id
                || !scheduled.may_begin(begins)
            {
                scheduled.held_back.push_back(id);
                continue;
            }
            let found = queue.and_then(|queue| {
                queue.is_ready = false;
                queue.take_work()
            });
            // Charged ahead, so that the next thread takes another tenant's work
            // first; corrected when the slice is over.
            if found.is_some() {
                self.fair_queue.charge(session, &mut scheduled.flow, SLICE);
            }
            if let Some(Work::Parallel(work, _)) = &found
                && work.is_open()
                && let Some(queue) = self.queues.get_mut(&id)
            {
                queue.is_ready = true;
                scheduled.ready.push_back(id);
            }
            if scheduled.ready.is_empty() {
                self.fair_queue.dequeue(session, &mut scheduled.flow);
            }
            if let Some(work) = found {
                self.count_begun(id);
                return Some((id, work));
            }
        }
        None
    }

    /// Corrects what [`take_next`](SchedulerState::take_next) charged ahead.
    fn correct_charge(&mut self, session: SessionId, took: Duration) {
        if let Some(scheduled) = self.sessions.get_mut(&session) {
            self.fair_queue
                .correct(session, &mut scheduled.flow, SLICE, took);
        }
    }
}

#[cfg(test)]
mod tests;

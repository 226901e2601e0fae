//! The queues of a worker: what is submitted to them, sent to the process, and removed.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::queue_state::{Entry, RemoteQueue};
use super::worker::{Worker, WorkerState};
use crate::Error;
use crate::backend::QueueGuard;
use crate::channel::wire::{self, Request, WINDOW};
use crate::effects::DeferredEffects;
use crate::identity::{FailureId, QueueId};
use crate::sync::lock;

impl Worker {
    /// Opens a queue. `guard` is dropped with it.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(super) fn open_queue(&self, guard: QueueGuard) -> Result<QueueId, Error> {
        let mut state = match self.open() {
            Ok(state) => state,
            Err(error) => {
                drop(guard);
                return Err(error);
            }
        };
        let id = state.identifiers.next();
        state.queues.insert(id, RemoteQueue::new(Some(guard)));
        self.send(&mut state, &Request::OpenQueue { queue: id });
        Ok(id)
    }

    /// Appends an entry to a queue.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], unless the queue has a failure of which no caller has
    /// learnt: that one comes first.
    pub(super) fn push(&self, id: QueueId, entry: Entry) -> Result<(), Error> {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        let lost = state.lost.clone();
        let Some(queue) = state.queues.get_mut(&id).filter(|queue| !queue.closed) else {
            drop(state);
            drop(entry);
            return Err(lost.unwrap_or_else(Error::lease_ended));
        };
        if let Some(lost) = lost {
            if !queue.is_failed() {
                drop(state);
                drop(entry);
                return Err(lost);
            }
            queue.push(entry, &mut effects);
            drop(state);
            effects.carry_out();
            return Ok(());
        }
        queue.push(entry, &mut effects);
        let was_at_work = queue.is_at_work();
        let now = Instant::now();
        if !was_at_work {
            // What has passed is not this queue's.
            self.account(&mut state, now);
        }
        self.send_work(&mut state, id);
        let queue = state.queues.get(&id);
        let begins = !was_at_work && queue.is_some_and(RemoteQueue::is_at_work);
        // For other workers' sake.
        let held_back = queue.is_some_and(|queue| queue.next(WINDOW).is_some());
        if begins {
            state.clock.start(now);
            // Under the lock: an answer may come at once, and says that there is no work any more.
            self.fair_share.set_busy(self.id, true);
        }
        let is_watched = self.is_watched_closely.load(Ordering::Acquire);
        drop(state);
        if effects.answers_callers() {
            // The queue was empty; what its last commands held may be about to be given back.
            drop(lock(&self.answers));
        }
        effects.carry_out();
        // What is held back is sent by the supervising thread.
        if held_back || begins && !is_watched {
            self.attend();
        }
        Ok(())
    }

    /// The last handle of a queue is gone: its work goes on, and then the queue ends.
    pub(super) fn retire(&self, id: QueueId) {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        if let Some(queue) = state.queues.get_mut(&id) {
            queue.retired = true;
            self.remove_if_ended(&mut state, id, &mut effects);
        }
        drop(state);
        effects.carry_out();
    }

    /// An instance has ended: what its queue still has to do is dropped.
    pub(super) fn close(&self, id: QueueId) {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        if let Some(queue) = state.queues.get_mut(&id)
            && !queue.closed
        {
            queue.close(&mut effects);
            self.send(&mut state, &Request::CloseQueue { queue: id });
            self.remove_if_ended(&mut state, id, &mut effects);
        }
        drop(state);
        effects.carry_out();
    }

    /// Somebody has learnt of a queue's failure: its commands run again.
    pub(super) fn acknowledge(&self, id: QueueId, failure: FailureId) {
        if let Some(queue) = lock(&self.state).queues.get_mut(&id) {
            queue.acknowledge(failure);
        }
    }

    pub(super) fn remove_if_ended(
        &self,
        state: &mut WorkerState,
        id: QueueId,
        effects: &mut DeferredEffects,
    ) {
        let ended = state
            .queues
            .get(&id)
            .is_some_and(|queue| queue.retired && (queue.is_idle() || state.lost.is_some()));
        if !ended {
            return;
        }
        if let Some(queue) = state.queues.remove(&id) {
            if !queue.closed {
                self.send(state, &Request::CloseQueue { queue: id });
            }
            effects.release(queue.guard);
        }
        state.idle_since = Instant::now();
    }

    /// Sends what the worker may have now of a queue's work.
    pub(super) fn send_work(&self, state: &mut WorkerState, id: QueueId) {
        if state.lost.is_some() || !self.fair_share.may_send(self.id) {
            return;
        }
        let mut message = std::mem::take(&mut state.scratch);
        while let Some(queue) = state.queues.get_mut(&id) {
            let Some((number, entry)) = queue.next(WINDOW) else {
                break;
            };
            if wire::encode_execute(id, number, &entry.encoded, &mut message).is_err() {
                break;
            }
            queue.sent();
            self.send_bytes(state, &message);
        }
        state.scratch = message;
    }
}

//! One queue of a worker, as the host sees it: what was sent, what waits to be sent,
//! and whether a failure is unacknowledged.
//!
//! The worker answers each command, in the order of sending. Behind a failure it
//! skips what it has until it is asked to resume; what is to run nevertheless, since
//! it came behind the command that acknowledged the failure, is sent again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::account::{InFlightPermit, Reservation};
use crate::backend::QueueGuard;
use crate::channel::Broken;
use crate::command::Command;
use crate::effects::DeferredEffects;
use crate::failure_state::FailureState;
use crate::identity::{FailureId, Identifiers, SequenceNumber};
use crate::submission::{Failure, Handles};
use crate::{Buffer, Error};

/// An entry of a queue. It holds what the command needs until the worker has executed it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) command: Command<Handles>,
    /// The command as the worker reads it.
    pub(crate) encoded: Vec<u8>,
    pub(crate) permit: Option<InFlightPermit>,
    /// Memory of the device that the worker needs for the command.
    pub(crate) _bounce: Option<Arc<Reservation>>,
}

/// A command for which the worker owes an answer.
#[derive(Clone, Copy, Debug)]
struct Expected {
    number: SequenceNumber,
    /// It came behind a failure: its entry is not the queue's first any more.
    is_skipped: bool,
}

/// How a command ended, as the worker says.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With the device's time, for an event.
    Done(Option<std::time::Instant>),
    Failed(Error),
    Skipped,
}

/// One queue.
#[derive(Debug)]
pub(crate) struct RemoteQueue {
    entries: VecDeque<Entry>,
    /// How many of them, from the front, the worker has.
    sent: usize,
    expected: VecDeque<Expected>,
    next_number: SequenceNumber,
    numbers: Identifiers,
    failure: FailureState<Failure>,
    /// The device time that the command at the front has taken.
    pub(crate) used: Duration,
    pub(crate) retired: bool,
    pub(crate) closed: bool,
    pub(crate) guard: Option<QueueGuard>,
}

impl RemoteQueue {
    /// `guard` is dropped with the queue.
    pub(crate) fn new(guard: Option<QueueGuard>) -> RemoteQueue {
        let mut numbers = Identifiers::default();
        RemoteQueue {
            entries: VecDeque::new(),
            sent: 0,
            expected: VecDeque::new(),
            next_number: numbers.next(),
            numbers,
            failure: FailureState::Working,
            used: Duration::ZERO,
            retired: false,
            closed: false,
            guard,
        }
    }

    /// Nothing is left to do, and no answer is owed.
    pub(crate) fn is_idle(&self) -> bool {
        self.entries.is_empty() && self.expected.is_empty()
    }

    /// Whether the worker has any of its work.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.expected.is_empty()
    }

    /// The name of the kernel at the front, where the worker has it.
    pub(crate) fn running_kernel(&self) -> Option<&str> {
        let front = self.entries.front().filter(|_| self.sent > 0)?;
        front.command.kernel_name()
    }

    /// The kernel at the front has ended, and ran for so long.
    fn charge(&self, time: Duration) {
        let front = self.entries.front().filter(|_| self.sent > 0);
        if let Some(charge) = front.and_then(|entry| entry.command.charge()) {
            charge.add(time);
            // The command is dropped without the lock, when another thread may have told of its end.
            charge.settle();
        }
    }

    /// Appends an entry, or refuses it for a failure.
    pub(crate) fn push(&mut self, entry: Entry, effects: &mut DeferredEffects) {
        match self.failure.admit(entry.command.waits()) {
            None => self.entries.push_back(entry),
            Some(failure) => effects.refuse(entry.command, entry.permit, &failure),
        }
        self.pass_fences(effects);
    }

    /// The buffers that its commands use.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.entries
            .iter()
            .flat_map(|entry| entry.command.buffers())
    }

    /// The next entry to be sent, with its number, if the worker is to have no more
    /// than `window` at a time.
    pub(crate) fn next(&self, window: usize) -> Option<(SequenceNumber, &Entry)> {
        if self.expected.len() >= window {
            return None;
        }
        let mut unsent = self.entries.iter().skip(self.sent);
        let entry = unsent.find(|entry| !entry.is_fence())?;
        Some((self.next_number, entry))
    }

    /// The entry that [`next`](RemoteQueue::next) gave is sent.
    pub(crate) fn sent(&mut self) {
        let unsent = self.entries.iter().skip(self.sent);
        let fences = unsent.take_while(|entry| entry.is_fence());
        self.sent += fences.count() + 1;
        self.expected.push_back(Expected {
            number: self.next_number,
            is_skipped: false,
        });
        self.next_number = self.numbers.next();
    }

    /// Takes an answer, by which the command's kernel ran for so long; `id` is that of its failure, if it
    /// says that the command failed. True where the worker is to be asked to resume.
    ///
    /// # Errors
    /// Where the answer is none that the worker owes.
    pub(crate) fn answer(
        &mut self,
        number: SequenceNumber,
        outcome: Outcome,
        ran: Duration,
        id: FailureId,
        effects: &mut DeferredEffects,
    ) -> Result<bool, Broken> {
        let expected = self.expected.pop_front();
        let expected = expected
            .filter(|expected| expected.number == number)
            .ok_or(Broken("an answer to a command that was not sent"))?;
        if expected.is_skipped {
            return match outcome {
                Outcome::Skipped => Ok(false),
                Outcome::Done(_) | Outcome::Failed(_) => {
                    Err(Broken("a command behind a failure was executed"))
                }
            };
        }
        self.charge(ran);
        let entry = self
            .entries
            .pop_front()
            .filter(|entry| !entry.is_fence())
            .ok_or(Broken("an answer to a command that was not sent"))?;
        self.sent = self.sent.saturating_sub(1);
        self.used = Duration::ZERO;
        let mut resume = false;
        match outcome {
            Outcome::Done(at) => effects.complete(entry.command, entry.permit, at),
            _ if self.closed => effects.discard(entry.command, entry.permit),
            Outcome::Failed(error) => {
                self.expect_all_to_be_skipped();
                let failure = Failure { id, error };
                let waits = entry.command.waits();
                effects.refuse(entry.command, entry.permit, &failure);
                if !waits {
                    self.fail(&failure, effects);
                }
                resume = true;
            }
            Outcome::Skipped => return Err(Broken("a command was skipped without a failure")),
        }
        self.pass_fences(effects);
        Ok(resume)
    }

    /// Refuses entries for a failure, up to the first whose caller waits. What comes
    /// behind that is sent again.
    fn fail(&mut self, failure: &Failure, effects: &mut DeferredEffects) {
        let entries = &mut self.entries;
        let waits = |entry: &Entry| entry.command.waits();
        for entry in self.failure.fail_pending(failure.clone(), entries, waits) {
            effects.refuse(entry.command, entry.permit, failure);
        }
    }

    fn expect_all_to_be_skipped(&mut self) {
        self.sent = 0;
        for expected in &mut self.expected {
            expected.is_skipped = true;
        }
    }

    /// Somebody has learnt of this failure.
    pub(crate) fn acknowledge(&mut self, id: FailureId) {
        self.failure.acknowledge(|failure| failure.id == id);
    }

    /// The instance has ended: what was not sent is dropped, and what was is held
    /// until the worker has executed or skipped it.
    pub(crate) fn close(&mut self, effects: &mut DeferredEffects) {
        self.closed = true;
        self.retired = true;
        for entry in self.entries.drain(self.sent..) {
            effects.discard(entry.command, entry.permit);
        }
        self.entries.retain(|entry| !entry.is_fence());
        self.sent = self.entries.len();
        for entry in &mut self.entries {
            entry.command.abandon();
        }
    }

    /// The worker is lost: all entries are refused, the first with the error that the
    /// queue's own work had, if that was the cause.
    pub(crate) fn lose(
        &mut self,
        id: FailureId,
        own: Option<Error>,
        lost: &Error,
        effects: &mut DeferredEffects,
    ) {
        self.expected.clear();
        // Nobody says how long the kernel ran that was running: this is what was seen of it.
        self.charge(self.used);
        if let Some(error) = own
            && !self.closed
        {
            self.fail(&Failure { id, error }, effects);
        }
        self.sent = 0;
        let error = lost.clone();
        let failure = Failure { id, error };
        for entry in self.entries.drain(..) {
            effects.refuse(entry.command, entry.permit, &failure);
        }
    }

    /// Whether there is a failure of which no caller has learnt.
    pub(crate) fn is_failed(&self) -> bool {
        self.failure.is_failed()
    }

    fn pass_fences(&mut self, effects: &mut DeferredEffects) {
        while self.entries.front().is_some_and(Entry::is_fence) {
            if let Some(entry) = self.entries.pop_front() {
                self.sent = self.sent.saturating_sub(1);
                effects.complete(entry.command, entry.permit, None);
            }
        }
    }
}

impl Entry {
    fn is_fence(&self) -> bool {
        matches!(self.command, Command::Fence(_))
    }
}

#[cfg(test)]
#[path = "queue_state_tests.rs"]
mod tests;

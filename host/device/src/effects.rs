//! Effects that are deferred until a lock is released: dropping what commands held, which may free
//! memory or end a session, and answering callers that wait. All is dropped before any is answered,
//! so a caller that waited finds the quota that its work held given back.

use std::any::Any;
use std::time::Instant;

use crate::account::InFlightPermit;
use crate::command::Command;
use crate::submission::{Failure, Handles, Outcome};

/// What is to be done once the lock is released.
#[derive(Debug, Default)]
pub(crate) struct DeferredEffects {
    released: Vec<Released>,
    ended: Vec<(Command<Handles>, Outcome)>,
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is only dropped")]
enum Released {
    Command(Command<Handles>),
    Permit(InFlightPermit),
    Other(Box<dyn Any + Send>),
}

impl DeferredEffects {
    /// A command is done: at this time, or now.
    pub(crate) fn complete(
        &mut self,
        command: Command<Handles>,
        permit: Option<InFlightPermit>,
        at: Option<Instant>,
    ) {
        if command.notifies() {
            self.release_permit(permit);
            let at = at.unwrap_or_else(Instant::now);
            self.ended.push((command, Ok(at)));
        } else {
            self.discard(command, permit);
        }
    }

    /// A command is not done, for this failure.
    pub(crate) fn refuse(
        &mut self,
        command: Command<Handles>,
        permit: Option<InFlightPermit>,
        failure: &Failure,
    ) {
        if command.notifies() {
            self.release_permit(permit);
            self.ended.push((command, Err(failure.clone())));
        } else {
            self.discard(command, permit);
        }
    }

    /// Drops a command without saying how it ended.
    pub(crate) fn discard(&mut self, command: Command<Handles>, permit: Option<InFlightPermit>) {
        self.release_permit(permit);
        self.released.push(Released::Command(command));
    }

    pub(crate) fn release_permit(&mut self, permit: Option<InFlightPermit>) {
        self.released.extend(permit.map(Released::Permit));
    }

    /// Drops something else.
    pub(crate) fn release(&mut self, what: impl Any + Send) {
        self.released.push(Released::Other(Box::new(what)));
    }

    pub(crate) fn append(&mut self, mut other: DeferredEffects) {
        self.released.append(&mut other.released);
        self.ended.append(&mut other.ended);
    }

    /// Whether a caller waits for one of these effects.
    pub(crate) fn answers_callers(&self) -> bool {
        !self.ended.is_empty()
    }

    /// Drops what is to be dropped, ahead of [`carry_out`](DeferredEffects::carry_out). To be called
    /// without the lock.
    pub(crate) fn release_all(&mut self) {
        self.released.clear();
    }

    /// To be called without the lock.
    pub(crate) fn carry_out(mut self) {
        self.release_all();
        for (command, outcome) in self.ended {
            command.notify(outcome);
        }
    }
}

//! Commands in the process that owns their resources: what they hold, and which caller is answered
//! when they end.

use std::time::Instant;

use tokio::sync::{oneshot, watch};

use crate::account::InFlightPermit;
use crate::command::{Command, Resources};
use crate::identity::FailureId;
use crate::launch::PackedArguments;
use crate::linear::GEMM;
use crate::meter::LaunchCharge;
use crate::staging::StagedBytes;
use crate::{Buffer, Error, Kernel};

/// Resources by their handles, which keep them for as long as the command exists.
#[derive(Debug)]
pub(crate) struct Handles;

impl Resources for Handles {
    type Buffer = Buffer;
    type Kernel = Kernel;
    type Arguments = PackedArguments;
    type Charge = Option<LaunchCharge>;
    type Source = StagedBytes;
    type Destination = ReadDestination;
    type Event = EventSignal;
    type Fence = Reply<()>;
}

/// Where a read goes, and where its caller is answered.
#[derive(Debug)]
pub(crate) struct ReadDestination {
    pub(crate) bytes: StagedBytes,
    pub(crate) reply: Reply<StagedBytes>,
}

/// A command, as it is submitted to a backend.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) command: Command<Handles>,
    /// None for all but one piece of a transfer that goes in several.
    pub(crate) permit: Option<InFlightPermit>,
}

/// Where the result of a call that waits goes. Dropped, or closed, it says that the caller's instance
/// has ended.
#[derive(Debug)]
pub(crate) struct Reply<T>(Option<oneshot::Sender<Result<T, Error>>>);

/// The other end of a [`Reply`].
pub(crate) type Answer<T> = oneshot::Receiver<Result<T, Error>>;

impl<T> Reply<T> {
    pub(crate) fn channel() -> (Reply<T>, Answer<T>) {
        let (reply, answer) = oneshot::channel();
        (Reply(Some(reply)), answer)
    }

    /// Whether no caller waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    fn send(self, result: Result<T, Error>) {
        if let Some(reply) = self.0 {
            // It fails where the caller has stopped waiting: nothing is to be done then.
            drop(reply.send(result));
        }
    }
}

/// What became of an event.
#[derive(Clone, Debug)]
pub(crate) enum EventState {
    Pending,
    Reached(Instant),
    /// Work before it failed, so the queue dropped it.
    Failed(Failure),
}

/// Where an event's state is changed. Dropped, or closed, while the event is pending, it says that the
/// event's instance has ended.
#[derive(Debug)]
pub(crate) struct EventSignal(Option<watch::Sender<EventState>>);

impl EventSignal {
    pub(crate) fn channel() -> (EventSignal, watch::Receiver<EventState>) {
        let (signal, state) = watch::channel(EventState::Pending);
        (EventSignal(Some(signal)), state)
    }

    fn send(self, state: EventState) {
        if let Some(signal) = self.0 {
            drop(signal.send_replace(state));
        }
    }
}

/// A failure of a queue's work.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) id: FailureId,
    pub(crate) error: Error,
}

/// How a command ended: done, at this time, or refused for a failure.
pub(crate) type Outcome = Result<Instant, Failure>;

impl Command<Handles> {
    /// Whether its caller waits for its result, and so acknowledges a failure for which it is refused.
    pub(crate) fn waits(&self) -> bool {
        matches!(self, Command::Read { .. } | Command::Fence(_))
    }

    /// Whether a caller may wait for its end.
    pub(crate) fn notifies(&self) -> bool {
        self.waits() || matches!(self, Command::Event(_))
    }

    /// The bytes of a write, or the room for those of a read.
    pub(crate) fn staged_bytes(&mut self) -> Option<&mut StagedBytes> {
        match self {
            Command::Write { data, .. } => Some(data),
            Command::Read { into, .. } => Some(&mut into.bytes),
            Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }
            | Command::Launch { .. }
            | Command::Gemm { .. }
            | Command::Event(_)
            | Command::Fence(_) => None,
        }
    }

    /// Whether its caller has stopped waiting for what it reads.
    pub(crate) fn is_abandoned(&self) -> bool {
        matches!(self, Command::Read { into, .. } if into.reply.is_closed())
    }

    /// Answers callers that wait: the instance has ended. What the command holds stays.
    pub(crate) fn abandon(&mut self) {
        match self {
            Command::Read { into, .. } => drop(into.reply.0.take()),
            Command::Event(signal) => drop(signal.0.take()),
            Command::Fence(reply) => drop(reply.0.take()),
            Command::Write { .. }
            | Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }
            | Command::Launch { .. }
            | Command::Gemm { .. } => {}
        }
    }

    /// Answers callers that wait for the command's end. What it holds is released before that.
    pub(crate) fn notify(self, outcome: Outcome) {
        match self {
            Command::Read { source, into, .. } => {
                drop(source);
                let result = outcome.map(|_| into.bytes).map_err(|failure| failure.error);
                into.reply.send(result);
            }
            Command::Event(signal) => signal.send(match outcome {
                Ok(at) => EventState::Reached(at),
                Err(failure) => EventState::Failed(failure),
            }),
            Command::Fence(reply) => {
                reply.send(outcome.map(|_| ()).map_err(|failure| failure.error));
            }
            Command::Write { .. }
            | Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }
            | Command::Launch { .. }
            | Command::Gemm { .. } => {}
        }
    }

    /// The buffers that it holds.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        let (named, pointed_to) = match self {
            Command::Write { target, .. } | Command::Fill { target, .. } => {
                ([Some(target), None, None, None], [].as_slice())
            }
            Command::Read { source, .. } => ([Some(source), None, None, None], [].as_slice()),
            Command::Copy { source, target, .. }
            | Command::Refresh {
                source,
                copy: target,
                ..
            } => ([Some(source), Some(target), None, None], [].as_slice()),
            Command::Launch { arguments, .. } => ([None; 4], arguments.buffers.as_slice()),
            Command::Gemm { a, b, c, bias, .. } => {
                ([Some(a), Some(b), Some(c), bias.as_ref()], [].as_slice())
            }
            Command::Event(_) | Command::Fence(_) => ([None; 4], [].as_slice()),
        };
        named.into_iter().flatten().chain(pointed_to)
    }

    /// To whom the command's time on the device is charged, where it is one that takes some.
    pub(crate) fn charge(&self) -> Option<&LaunchCharge> {
        match self {
            Command::Launch { arguments, .. } => arguments.charge.as_ref(),
            Command::Gemm { charge, .. } => charge.as_ref(),
            Command::Write { .. }
            | Command::Read { .. }
            | Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }
            | Command::Event(_)
            | Command::Fence(_) => None,
        }
    }

    /// The name of the kernel that it runs, or what stands for it in messages, where its time is
    /// limited.
    pub(crate) fn kernel_name(&self) -> Option<&str> {
        match self {
            Command::Launch { kernel, .. } => Some(kernel.name()),
            Command::Gemm { .. } => Some(GEMM),
            Command::Write { .. }
            | Command::Read { .. }
            | Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }
            | Command::Event(_)
            | Command::Fence(_) => None,
        }
    }
}

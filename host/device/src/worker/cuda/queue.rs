//! One queue: a stream, and a thread that waits for what was submitted to it.

use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use super::clock::Clock;
use super::driver::{Context, Event, Outcome, Refusal, Stream};
use super::failure::{Failed, Faults, Severity, severity};
use super::memory::Bounce;
use crate::channel::wire::{Answer, WireError};
use crate::failure_state::FailureState;
use crate::identity::{QueueId, SequenceNumber};
use crate::sync::lock;
use crate::worker::lost::Lost;
use crate::worker::outbox::Outbox;

/// Events that a queue keeps for later.
const SPARE_EVENTS: usize = 64;

/// A command that was submitted: what is to be done when it has ended.
pub(super) enum Pending {
    Transfer,
    Launch,
    Event,
}

enum Item {
    Wait(SequenceNumber, Event, Pending),
    Failed(SequenceNumber, WireError),
    Skip(SequenceNumber),
    /// An error that ends the process.
    Broken(Refusal),
}

pub(super) struct Queue {
    id: QueueId,
    stream: Stream,
    items: mpsc::Sender<Item>,
    spare: Arc<Mutex<Vec<Event>>>,
    bounce: Mutex<Bounce>,
    /// A failure is acknowledged by the host's request to resume.
    state: FailureState<()>,
}

impl Queue {
    pub(super) fn open(
        id: QueueId,
        context: Context,
        outbox: Outbox,
        clock: Arc<Mutex<Clock>>,
        faults: Arc<Faults>,
    ) -> Result<Queue, Lost> {
        let stream = Stream::create()
            .map_err(|error| Lost(format!("the device gives no stream: {error}")))?;
        let (items, received) = mpsc::channel();
        let spare = Arc::default();
        let waiter = Waiter {
            id,
            stream,
            outbox,
            clock,
            faults,
            spare: Arc::clone(&spare),
        };
        std::thread::Builder::new()
            .name(format!("queue-{id}"))
            .spawn(move || waiter.run(context, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(Queue {
            id,
            stream,
            items,
            spare,
            bounce: Mutex::default(),
            state: FailureState::Working,
        })
    }

    pub(super) fn stream(&self) -> Stream {
        self.stream
    }

    /// What its overlapping copies go by way of.
    pub(super) fn bounce(&self) -> MutexGuard<'_, Bounce> {
        lock(&self.bounce)
    }

    pub(super) fn is_failed(&self) -> bool {
        self.state.is_failed()
    }

    pub(super) fn resume(&mut self) {
        self.state.take();
    }

    /// The command was submitted: the host is to be answered when it has ended.
    pub(super) fn wait_for(&self, number: SequenceNumber, pending: Pending) -> Result<(), Lost> {
        let item = match self.record(matches!(pending, Pending::Event)) {
            Ok(event) => Item::Wait(number, event, pending),
            Err(refusal) => Item::Broken(refusal),
        };
        self.give(item)
    }

    fn record(&self, timed: bool) -> Outcome<Event> {
        let spare = (!timed).then(|| lock(&self.spare).pop()).flatten();
        let event = match spare {
            Some(event) => event,
            None => Event::create(timed)?,
        };
        event.record(self.stream)?;
        Ok(event)
    }

    /// It was not, and what follows it is to be skipped.
    pub(super) fn fail(&mut self, number: SequenceNumber, failed: Failed) -> Result<(), Lost> {
        let error = match failed {
            Failed::Host(what) => WireError::InvalidLaunch(what.to_owned()),
            Failed::Call(error) => error,
            Failed::Driver(refusal) if severity(refusal) == Severity::Call => {
                WireError::InvalidLaunch(refusal.to_string())
            }
            Failed::Driver(refusal) => return self.give(Item::Broken(refusal)),
        };
        self.state.fail(());
        self.give(Item::Failed(number, error))
    }

    pub(super) fn skip(&self, number: SequenceNumber) -> Result<(), Lost> {
        self.give(Item::Skip(number))
    }

    fn give(&self, item: Item) -> Result<(), Lost> {
        self.items
            .send(item)
            .map_err(|_| Lost(format!("the thread of queue {} is gone", self.id)))
    }
}

/// What the thread has.
struct Waiter {
    id: QueueId,
    stream: Stream,
    outbox: Outbox,
    clock: Arc<Mutex<Clock>>,
    faults: Arc<Faults>,
    spare: Arc<Mutex<Vec<Event>>>,
}

impl Waiter {
    fn run(self, context: Context, items: &mpsc::Receiver<Item>) {
        let outcome = context.enter().and_then(|()| {
            while let Ok(item) = items.recv() {
                self.settle(item)?;
            }
            // The queue was closed.
            self.stream.destroy()
        });
        if let Err(refusal) = outcome {
            self.faults.report(refusal);
        }
        // The host ends the process; until then what is sent here is kept.
        while items.recv().is_ok() {}
    }

    fn settle(&self, item: Item) -> Outcome<()> {
        let queue = self.id;
        let answer = match item {
            Item::Broken(refusal) => return Err(refusal),
            Item::Skip(number) => Answer::Skipped { queue, number },
            Item::Failed(number, error) => Answer::Failed {
                queue,
                number,
                error,
            },
            Item::Wait(number, event, pending) => {
                event.synchronize()?;
                if matches!(pending, Pending::Launch) {
                    self.faults.done(queue);
                }
                let at = match pending {
                    Pending::Event => Some(lock(&self.clock).time_of(event)?),
                    Pending::Transfer | Pending::Launch => {
                        let mut spare = lock(&self.spare);
                        if spare.len() < SPARE_EVENTS {
                            spare.push(event);
                        }
                        None
                    }
                };
                Answer::Done { queue, number, at }
            }
        };
        if !self.faults.is_reported() {
            self.outbox.send(&answer);
        }
        Ok(())
    }
}

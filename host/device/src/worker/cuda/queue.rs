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
    /// With the event in front of it.
    Launch(Event),
    Event,
}

enum Item {
    Wait(SequenceNumber, Event, Pending),
    Failed(SequenceNumber, WireError),
    Skip(SequenceNumber),
    /// An error that ends the process.
    Broken(Refusal),
}

/// Events that are used again.
#[derive(Default)]
struct Spare {
    timed: Mutex<Vec<Event>>,
    untimed: Mutex<Vec<Event>>,
}

impl Spare {
    fn take(&self, timed: bool) -> Outcome<Event> {
        let kept = lock(self.of(timed)).pop();
        kept.map_or_else(|| Event::create(timed), Ok)
    }

    fn give_back(&self, event: Event, timed: bool) {
        let mut kept = lock(self.of(timed));
        if kept.len() < SPARE_EVENTS {
            kept.push(event);
        }
    }

    fn of(&self, timed: bool) -> &Mutex<Vec<Event>> {
        match timed {
            true => &self.timed,
            false => &self.untimed,
        }
    }
}

pub(super) struct Queue {
    id: QueueId,
    stream: Stream,
    items: mpsc::Sender<Item>,
    spare: Arc<Spare>,
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
        let spare = Arc::<Spare>::default();
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
        let timed = !matches!(pending, Pending::Transfer);
        let item = match self.record(timed) {
            Ok(event) => Item::Wait(number, event, pending),
            Err(refusal) => Item::Broken(refusal),
        };
        self.give(item)
    }

    /// The point in front of a launch, from which its time is measured.
    pub(super) fn before_launch(&self) -> Outcome<Event> {
        self.record(true)
    }

    fn record(&self, timed: bool) -> Outcome<Event> {
        let event = self.spare.take(timed)?;
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
    spare: Arc<Spare>,
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
            Item::Skip(number) => Answer::Skipped {
                queue,
                number,
                ran: 0,
            },
            Item::Failed(number, error) => Answer::Failed {
                queue,
                number,
                error,
                ran: 0,
            },
            Item::Wait(number, event, pending) => {
                event.synchronize()?;
                let (mut at, mut ran) = (None, 0);
                match pending {
                    Pending::Event => at = Some(lock(&self.clock).time_of(event)?),
                    Pending::Transfer => self.spare.give_back(event, false),
                    Pending::Launch(begin) => {
                        self.faults.done(queue);
                        let milliseconds = f64::from(event.milliseconds_since(&begin)?);
                        // Of a negative or invalid number this makes 0.
                        ran = (milliseconds * 1e6) as u64;
                        self.spare.give_back(begin, true);
                        self.spare.give_back(event, true);
                    }
                }
                Answer::Done {
                    queue,
                    number,
                    at,
                    ran,
                }
            }
        };
        if !self.faults.is_reported() {
            self.outbox.send(&answer);
        }
        Ok(())
    }
}

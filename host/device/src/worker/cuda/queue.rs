//! One queue: a stream, and a thread that waits for what was submitted to it.

use std::hint::spin_loop;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::driver::{self, Context, Event, Outcome, Refusal, Stream};
use super::failure::{Failed, Faults};
use crate::channel::wire::{Answer, WINDOW, WireError};
use crate::failure_state::FailureState;
use crate::identity::{QueueId, SequenceNumber};
use crate::sync::lock;
use crate::worker::lost::Lost;
use crate::worker::outbox::Outbox;

/// Events that a queue keeps for later: as many as it has commands at a time.
const SPARE_EVENTS: usize = WINDOW;

/// A command that was submitted: what is to be done when it has ended.
pub(super) enum Pending {
    Transfer,
    /// A copy by way of memory, which is to be freed where its address is here.
    Bounced(Option<u64>),
    Launch,
    Event,
}

enum Item {
    /// The queue has a stream now.
    Begin(Stream),
    Wait(SequenceNumber, Event, Pending),
    Failed(SequenceNumber, WireError),
    Skip(SequenceNumber),
    /// An error that ends the process.
    Broken(Refusal),
}

pub(super) struct Queue {
    id: QueueId,
    /// `None` until the device has room for one.
    stream: Option<Stream>,
    items: mpsc::Sender<Item>,
    spare: Arc<Mutex<Vec<Event>>>,
    /// A failure is acknowledged by the host's request to resume.
    state: FailureState<()>,
}

/// Where a command is submitted, and what marks its end.
pub(super) struct Place {
    pub(super) stream: Stream,
    event: Event,
}

impl Queue {
    /// A queue. The driver is not asked for anything yet, so that where the device is full, the first
    /// command fails and not the process.
    pub(super) fn open(
        id: QueueId,
        context: Context,
        outbox: Outbox,
        clock: Arc<Mutex<Clock>>,
        faults: Arc<Faults>,
        poll: Duration,
    ) -> Result<Queue, Lost> {
        let (items, received) = mpsc::channel();
        let spare = Arc::default();
        let waiter = Waiter {
            id,
            outbox,
            clock,
            faults,
            poll,
            spare: Arc::clone(&spare),
        };
        std::thread::Builder::new()
            .name(format!("queue-{id}"))
            .spawn(move || waiter.run(context, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(Queue {
            id,
            stream: None,
            items,
            spare,
            state: FailureState::Working,
        })
    }

    pub(super) fn is_failed(&self) -> bool {
        self.state.is_failed()
    }

    pub(super) fn resume(&mut self) {
        self.state.take();
    }

    /// What a command needs of the driver, before any of it is submitted: the command alone fails
    /// where the device has no room. `timed` where it is to tell the device's time.
    pub(super) fn place(&mut self, timed: bool) -> Result<Place, Failed> {
        let stream = match self.stream {
            Some(stream) => stream,
            None => {
                let stream = Stream::create()?;
                // Where the thread is gone, the next item says so.
                let _ = self.items.send(Item::Begin(stream));
                *self.stream.insert(stream)
            }
        };
        let spare = (!timed).then(|| lock(&self.spare).pop()).flatten();
        let event = match spare {
            Some(event) => event,
            None => Event::create(timed)?,
        };
        Ok(Place { stream, event })
    }

    /// The command was submitted: the host is to be answered when it has ended.
    pub(super) fn wait_for(
        &self,
        number: SequenceNumber,
        place: Place,
        pending: Pending,
    ) -> Result<(), Lost> {
        self.give(match place.event.record(place.stream) {
            Ok(()) => Item::Wait(number, place.event, pending),
            Err(refusal) => Item::Broken(refusal),
        })
    }

    /// It was not, and what follows it is to be skipped.
    pub(super) fn fail(&mut self, number: SequenceNumber, failed: Failed) -> Result<(), Lost> {
        let error = match failed {
            Failed::Host(what) => WireError::InvalidLaunch(what.to_owned()),
            Failed::Call(error) => error,
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
    outbox: Outbox,
    clock: Arc<Mutex<Clock>>,
    faults: Arc<Faults>,
    /// How long to ask whether a command has ended before the thread sleeps.
    poll: Duration,
    spare: Arc<Mutex<Vec<Event>>>,
}

impl Waiter {
    fn run(self, context: Context, items: &mpsc::Receiver<Item>) {
        let outcome = context.enter().and_then(|()| {
            let mut stream = None;
            while let Ok(item) = items.recv() {
                match item {
                    Item::Begin(begun) => stream = Some(begun),
                    item => self.settle(item)?,
                }
            }
            // The queue was closed.
            stream.map_or(Ok(()), Stream::destroy)
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
            Item::Begin(_) => return Ok(()),
            Item::Skip(number) => Answer::Skipped { queue, number },
            Item::Failed(number, error) => Answer::Failed {
                queue,
                number,
                error,
            },
            Item::Wait(number, event, pending) => {
                self.wait(&event)?;
                let at = match pending {
                    Pending::Event => Some(lock(&self.clock).time_of(event)?),
                    pending => {
                        self.clean_up(&event, &pending)?;
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

    /// Waits for an event: awake for a while, for most commands are short and a thread takes long to
    /// wake up, and then asleep, so that a long one costs the machine nothing.
    fn wait(&self, event: &Event) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < self.poll {
            if event.is_reached()? {
                return Ok(());
            }
            for _ in 0..64 {
                spin_loop();
            }
        }
        event.synchronize()
    }

    /// After a command that has ended.
    fn clean_up(&self, event: &Event, pending: &Pending) -> Outcome<()> {
        match pending {
            Pending::Launch => self.faults.done(self.id),
            // A pool gives memory back to the device where something is waited for.
            Pending::Bounced(None) => event.synchronize()?,
            Pending::Bounced(Some(address)) => driver::free(*address)?,
            Pending::Transfer | Pending::Event => {}
        }
        Ok(())
    }
}

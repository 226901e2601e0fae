//! One queue: a stream, and a thread that waits for what was handed to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};

use super::clock::Clock;
use super::driver::{Context, Event, Outcome, Refusal, Stream};
use super::failure::{Failed, Faults, Kind, kind};
use super::memory::Bounce;
use crate::channel::wire::{Answer, Failure};
use crate::sync::lock;
use crate::worker::{Lost, Outbox};

/// Events that a queue keeps for later.
const SPARE_EVENTS: usize = 64;

/// What is to be known of a task when it is done.
pub(super) enum Pending {
    Plain,
    Launch,
    Mark,
}

enum Item {
    Wait(u64, Event, Pending),
    Failed(u64, Failure),
    Skip(u64),
    /// An error that ends the process.
    Broken(Refusal),
}

pub(super) struct Queue {
    number: u64,
    stream: Stream,
    items: mpsc::Sender<Item>,
    spare: Arc<Mutex<Vec<Event>>>,
    bounce: Mutex<Bounce>,
    /// Set by a failure until the host knows of it.
    failed: AtomicBool,
}

impl Queue {
    pub(super) fn open(
        number: u64,
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
            number,
            stream,
            outbox,
            clock,
            faults,
            spare: Arc::clone(&spare),
        };
        std::thread::Builder::new()
            .name(format!("queue-{number}"))
            .spawn(move || waiter.run(context, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(Queue {
            number,
            stream,
            items,
            spare,
            bounce: Mutex::default(),
            failed: AtomicBool::new(false),
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
        self.failed.load(Ordering::Acquire)
    }

    pub(super) fn resume(&self) {
        self.failed.store(false, Ordering::Release);
    }

    /// The task was handed over: its end is to be told.
    pub(super) fn wait_for(&self, number: u64, pending: Pending) -> Result<(), Lost> {
        let item = match self.mark(matches!(pending, Pending::Mark)) {
            Ok(event) => Item::Wait(number, event, pending),
            Err(refusal) => Item::Broken(refusal),
        };
        self.give(item)
    }

    fn mark(&self, timed: bool) -> Outcome<Event> {
        let spare = (!timed).then(|| lock(&self.spare).pop()).flatten();
        let event = match spare {
            Some(event) => event,
            None => Event::create(timed)?,
        };
        event.record(self.stream)?;
        Ok(event)
    }

    /// It was not, and what follows it is to be skipped.
    pub(super) fn failed(&self, number: u64, failed: Failed) -> Result<(), Lost> {
        let failure = match failed {
            Failed::Host(what) => Failure::InvalidLaunch(what.to_owned()),
            Failed::Call(failure) => failure,
            Failed::Driver(refusal) if kind(refusal) == Kind::Call => {
                Failure::InvalidLaunch(refusal.to_string())
            }
            Failed::Driver(refusal) => return self.give(Item::Broken(refusal)),
        };
        self.failed.store(true, Ordering::Release);
        self.give(Item::Failed(number, failure))
    }

    pub(super) fn skip(&self, number: u64) -> Result<(), Lost> {
        self.give(Item::Skip(number))
    }

    fn give(&self, item: Item) -> Result<(), Lost> {
        self.items
            .send(item)
            .map_err(|_| Lost(format!("the thread of queue {} is gone", self.number)))
    }
}

/// What the thread has.
struct Waiter {
    number: u64,
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
            self.faults.tell(refusal);
        }
        // The host ends the process; until then what is sent here is kept.
        while items.recv().is_ok() {}
    }

    fn settle(&self, item: Item) -> Outcome<()> {
        let queue = self.number;
        let answer = match item {
            Item::Broken(refusal) => return Err(refusal),
            Item::Skip(number) => Answer::Skipped { queue, number },
            Item::Failed(number, failure) => Answer::Failed {
                queue,
                number,
                failure,
            },
            Item::Wait(number, event, pending) => {
                event.synchronize()?;
                if matches!(pending, Pending::Launch) {
                    self.faults.done(queue);
                }
                let at = match pending {
                    Pending::Mark => Some(lock(&self.clock).tell(event)?),
                    Pending::Plain | Pending::Launch => {
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
        if !self.faults.is_told() {
            self.outbox.send(&answer);
        }
        Ok(())
    }
}

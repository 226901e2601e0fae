//! One queue: a stream, and what was submitted to it and not answered yet.
//!
//! The thread that takes requests asks whether commands have ended while it looks for the next request
//! anyway, and then answers the host itself. Before it sleeps, it hands what is left to a thread of the
//! queue's own, which waits for it: the queues of a tenant wait for no other's commands.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::driver::{self, Context, Event, Outcome, Refusal, Stream};
use super::failure::{Failed, Faults};
use crate::channel::wire::{Answer, WINDOW, WireError};
use crate::channel::{pause, spin_time};
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
    /// With the event in front of it.
    Launch(Event),
    Event,
}

/// What a command's time is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timing {
    None,
    /// The device's time at its end.
    End,
    /// The time from its beginning to its end.
    Whole,
}

enum Item {
    Wait(SequenceNumber, Event, Pending),
    Failed(SequenceNumber, WireError),
    Skip(SequenceNumber),
    /// An error that ends the process.
    Broken(Refusal),
}

/// What the thread of a queue is told.
enum WaiterMessage {
    /// The queue has a stream now.
    Begin(Stream),
    Item(Item),
}

pub(super) struct Queue {
    /// `None` until the device has room for one.
    stream: Option<Stream>,
    /// What is not handed to the thread, in order. It comes behind all that is.
    items: VecDeque<Item>,
    waiter: mpsc::Sender<WaiterMessage>,
    settling: Arc<Settling>,
    /// A failure is acknowledged by the host's request to resume.
    state: FailureState<()>,
}

/// Where a command is submitted, and what marks its end.
pub(super) struct CommandPlace {
    pub(super) stream: Stream,
    /// What marks its beginning, where its time is measured.
    begin: Option<Event>,
    event: Event,
}

impl CommandPlace {
    /// The command is a launch, and about to be submitted: its time is measured from here.
    pub(super) fn begin(&mut self) -> Result<Event, Failed> {
        let begin = self.begin.take();
        let begin = begin.ok_or(Failed::Host("a launch whose time is not measured"))?;
        begin.record(self.stream)?;
        Ok(begin)
    }
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

impl Queue {
    /// A queue. The driver is not asked for anything yet, so that where the device is full, the first
    /// command fails and not the process.
    pub(super) fn open(
        id: QueueId,
        context: Context,
        outbox: Outbox,
        clock: Arc<Mutex<Clock>>,
        faults: Arc<Faults>,
    ) -> Result<Queue, Lost> {
        let settling = Arc::new(Settling {
            id,
            outbox,
            clock,
            faults,
            spare: Spare::default(),
            handed_over: AtomicUsize::new(0),
        });
        let (waiter, told) = mpsc::channel();
        let thread = Waiter {
            settling: Arc::clone(&settling),
            spin: spin_time(),
        };
        std::thread::Builder::new()
            .name(format!("queue-{id}"))
            .spawn(move || thread.run(context, &told))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(Queue {
            stream: None,
            items: VecDeque::new(),
            waiter,
            settling,
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
    /// where the device has no room.
    pub(super) fn place(&mut self, timing: Timing) -> Result<CommandPlace, Failed> {
        let stream = match self.stream {
            Some(stream) => stream,
            None => {
                let stream = Stream::create()?;
                // Where the thread is gone, the next item says so.
                let _ = self.waiter.send(WaiterMessage::Begin(stream));
                *self.stream.insert(stream)
            }
        };
        let spare = &self.settling.spare;
        let event = spare.take(timing != Timing::None)?;
        let begin = match timing {
            Timing::Whole => Some(spare.take(true)?),
            Timing::None | Timing::End => None,
        };
        Ok(CommandPlace {
            stream,
            begin,
            event,
        })
    }

    /// The command was submitted: the host is to be answered when it has ended.
    ///
    /// Each has an event of its own. One for all that were submitted at once would be cheaper, but with
    /// the host's answer it would also be late for the first of them: the host measures the time of a
    /// kernel from the answer before it, so short kernels would run into the limit together; and a fault
    /// would be blamed on the first kernel since the last event, which may be another one.
    pub(super) fn wait_for(
        &mut self,
        number: SequenceNumber,
        place: CommandPlace,
        pending: Pending,
    ) {
        self.items
            .push_back(match place.event.record(place.stream) {
                Ok(()) => Item::Wait(number, place.event, pending),
                Err(refusal) => Item::Broken(refusal),
            });
    }

    /// It was not, and what follows it is to be skipped.
    pub(super) fn fail(&mut self, number: SequenceNumber, failed: Failed) {
        let error = match failed {
            Failed::Host(what) => WireError::InvalidLaunch(what.to_owned()),
            Failed::Call(error) => error,
            Failed::Driver(refusal) => return self.items.push_back(Item::Broken(refusal)),
        };
        self.state.fail(());
        self.items.push_back(Item::Failed(number, error));
    }

    pub(super) fn skip(&mut self, number: SequenceNumber) {
        self.items.push_back(Item::Skip(number));
    }

    /// Answers the host for what has ended by now, without waiting for anything.
    pub(super) fn settle_what_has_ended(&mut self) {
        if self.items.is_empty() || self.settling.handed_over.load(Ordering::Acquire) > 0 {
            return;
        }
        while let Some(item) = self.items.pop_front() {
            let settled = match &item {
                // Its memory is freed by a call that waits.
                Item::Wait(_, _, Pending::Bounced(Some(_))) => return self.items.push_front(item),
                Item::Wait(_, event, _) => match event.is_reached() {
                    Ok(true) => self.settling.settle(item),
                    Ok(false) => return self.items.push_front(item),
                    Err(refusal) => Err(refusal),
                },
                _ => self.settling.settle(item),
            };
            if let Err(refusal) = settled {
                // The host ends the process.
                self.settling.faults.report(refusal);
            }
        }
    }

    /// Hands what is left to the queue's own thread, which waits for it.
    pub(super) fn hand_over(&mut self) -> Result<(), Lost> {
        for item in self.items.drain(..) {
            self.settling.handed_over.fetch_add(1, Ordering::AcqRel);
            let sent = self.waiter.send(WaiterMessage::Item(item));
            sent.map_err(|_| Lost(format!("the thread of queue {} is gone", self.settling.id)))?;
        }
        Ok(())
    }
}

/// What is needed to answer the host for commands.
struct Settling {
    id: QueueId,
    outbox: Outbox,
    clock: Arc<Mutex<Clock>>,
    faults: Arc<Faults>,
    spare: Spare,
    /// How many items the queue's thread has: until there are none, what comes behind them waits.
    handed_over: AtomicUsize,
}

impl Settling {
    /// Answers for an item: for a command that is waited for, once its event is reached.
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
                let (at, ran) = self.clean_up(event, pending)?;
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

    /// After a command that has ended. Returns the device's time where that was asked for, and how long
    /// a kernel ran, both in nanoseconds.
    fn clean_up(&self, event: Event, pending: Pending) -> Outcome<(Option<u64>, u64)> {
        match pending {
            Pending::Event => return Ok((Some(lock(&self.clock).time_of(event)?), 0)),
            Pending::Launch(begin) => {
                self.faults.done(self.id);
                let milliseconds = f64::from(event.milliseconds_since(&begin)?);
                self.spare.give_back(begin, true);
                self.spare.give_back(event, true);
                // Of a negative or invalid number this makes 0.
                return Ok((None, (milliseconds * 1e6) as u64));
            }
            // A pool gives memory back to the device where something is waited for.
            Pending::Bounced(None) => event.synchronize()?,
            Pending::Bounced(Some(address)) => driver::free(address)?,
            Pending::Transfer => {}
        }
        self.spare.give_back(event, false);
        Ok((None, 0))
    }
}

/// What the thread has.
struct Waiter {
    settling: Arc<Settling>,
    /// How long to ask whether a command has ended before the thread sleeps.
    spin: Duration,
}

impl Waiter {
    fn run(self, context: Context, told: &mpsc::Receiver<WaiterMessage>) {
        let outcome = context.enter().and_then(|()| {
            let mut stream = None;
            while let Ok(told) = told.recv() {
                match told {
                    WaiterMessage::Begin(begun) => stream = Some(begun),
                    WaiterMessage::Item(item) => {
                        if let Item::Wait(_, event, _) = &item {
                            self.wait(event)?;
                        }
                        self.settling.settle(item)?;
                        self.settling.handed_over.fetch_sub(1, Ordering::AcqRel);
                    }
                }
            }
            // The queue was closed.
            stream.map_or(Ok(()), Stream::destroy)
        });
        if let Err(refusal) = outcome {
            self.settling.faults.report(refusal);
        }
        // The host ends the process; until then what is sent here is kept.
        while told.recv().is_ok() {}
    }

    /// Waits for an event: awake for a while, for most commands are short and a thread takes long to
    /// wake up, and then asleep, so that a long one costs the machine nothing.
    fn wait(&self, event: &Event) -> Outcome<()> {
        let began = Instant::now();
        while began.elapsed() < self.spin {
            if event.is_reached()? {
                return Ok(());
            }
            pause();
        }
        event.synchronize()
    }
}

//! One queue on the processor: what waits, what runs, and the error that nobody
//! has been told of yet. Commands run one after another; blocks of the launch at
//! the head run beside one another.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::grid::Grid;
use super::scheduler::{LeaseId, PoisonId, SessionId, Work};
use super::transfer::Transfer;
use crate::Error;
use crate::account::Ticket;
use crate::command::{Command, EventSignal, EventState, Queued, Reply};

/// An entry of a lane.
pub(crate) struct Entry {
    job: Job,
    ticket: Option<Ticket>,
}

enum Job {
    Serial(Serial),
    Launch(Arc<Grid>),
    Event(EventSignal),
    Fence(Reply<()>),
}

/// Work that one thread at a time does.
pub(crate) enum Serial {
    Transfer(Transfer),
    /// Work that is not a queue's: compiling a module.
    Task(Box<dyn FnOnce() + Send>),
}

impl Entry {
    /// # Errors
    /// [`Error::InvalidLaunch`] where the interpreter refuses the launch.
    pub(crate) fn new(queued: Queued) -> Result<Entry, Error> {
        let job = match queued.command {
            Command::Launch(launch) => Job::Launch(Arc::new(Grid::new(launch)?)),
            Command::Event(signal) => Job::Event(signal),
            Command::Fence(reply) => Job::Fence(reply),
            Command::Write {
                target,
                offset,
                data,
            } => Job::Serial(Serial::Transfer(Transfer::write(target, offset, data))),
            Command::Read {
                source,
                offset,
                into,
                reply,
            } => Job::Serial(Serial::Transfer(Transfer::read(
                source, offset, into, reply,
            ))),
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            } => Job::Serial(Serial::Transfer(Transfer::copy(
                (source, source_offset),
                (target, target_offset),
                bytes,
            ))),
            Command::Fill {
                target,
                offset,
                bytes,
                value,
            } => Job::Serial(Serial::Transfer(Transfer::fill(
                target, offset, bytes, value,
            ))),
        };
        Ok(Entry {
            job,
            ticket: Some(queued.ticket),
        })
    }

    pub(crate) fn task(task: Box<dyn FnOnce() + Send>) -> Entry {
        Entry {
            job: Job::Serial(Serial::Task(task)),
            ticket: None,
        }
    }
}

/// What is at the head of a lane.
pub(crate) enum Head {
    Nothing,
    Serial {
        serial: Serial,
        ticket: Option<Ticket>,
    },
    /// A thread has the serial work.
    Taken,
    Launch {
        grid: Arc<Grid>,
        ticket: Option<Ticket>,
    },
}

impl Head {
    /// Whether a session does this one at a time, whatever its queues: launches
    /// whose blocks take much memory, and tasks, which have no slices, so that one
    /// tenant's take no more than one thread from the others.
    pub(crate) fn runs_alone(&self) -> bool {
        match self {
            Head::Serial { serial, .. } => matches!(serial, Serial::Task(_)),
            Head::Launch { grid, .. } => grid.is_large(),
            Head::Nothing | Head::Taken => false,
        }
    }
}

/// What there is to do once the scheduler's lock is released. Releasing comes
/// before telling: who waited finds the quota that its work held given back.
#[derive(Default)]
pub(crate) struct Aftermath {
    pub(crate) released: Vec<Box<dyn Any + Send>>,
    told: Vec<Told>,
}

enum Told {
    Fence(Reply<()>, Result<(), Error>),
    Read(Reply<Vec<u8>>, Result<Vec<u8>, Error>),
    Event(EventSignal, EventState),
}

impl Aftermath {
    pub(crate) fn carry_out(self) {
        drop(self.released);
        for told in self.told {
            // Nobody listens where the caller stopped waiting: nothing to do then.
            match told {
                Told::Fence(reply, result) => drop(reply.send(result)),
                Told::Read(reply, result) => drop(reply.send(result)),
                Told::Event(signal, state) => drop(signal.send_replace(state)),
            }
        }
    }

    pub(crate) fn release(&mut self, what: impl Any + Send) {
        self.released.push(Box::new(what));
    }

    /// Drops a serial job that will not run, or that has run.
    pub(crate) fn finish(&mut self, serial: Serial) {
        if let Serial::Transfer(transfer) = serial {
            let (answer, rest) = transfer.finish();
            self.release(rest);
            if let Some((reply, bytes)) = answer {
                self.told.push(Told::Read(reply, Ok(bytes)));
            }
        }
    }
}

/// One queue.
pub(crate) struct Lane {
    pub(crate) session: SessionId,
    pub(crate) lease: LeaseId,
    pub(crate) head: Head,
    /// Threads at work on the head.
    pub(crate) workers: usize,
    /// Whether the lane stands in its session's line.
    pub(crate) ready: bool,
    /// No handle is left: the lane goes when its work is done.
    pub(crate) retired: bool,
    /// The instance has ended: the lane goes at once.
    pub(crate) closed: bool,
    /// What lives as long as the lane.
    pub(crate) hold: Option<Box<dyn Any + Send>>,
    /// The ticket of serial work that a thread has.
    pub(crate) ticket: Option<Ticket>,
    waiting: VecDeque<Entry>,
    poison: Option<(PoisonId, Error)>,
}

impl Lane {
    pub(crate) fn new(session: SessionId, lease: LeaseId, hold: Box<dyn Any + Send>) -> Lane {
        Lane {
            session,
            lease,
            head: Head::Nothing,
            workers: 0,
            ready: false,
            retired: false,
            closed: false,
            hold: Some(hold),
            ticket: None,
            waiting: VecDeque::new(),
            poison: None,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.head, Head::Nothing) && self.waiting.is_empty()
    }

    /// Appends an entry. Behind an error that nobody knows of yet only a call
    /// that waits is heard, and it is told.
    pub(crate) fn push(&mut self, entry: Entry, after: &mut Aftermath) {
        match self.poison.take() {
            None => self.waiting.push_back(entry),
            Some((id, error)) => {
                if !refuse(entry, id, &error, after) {
                    self.poison = Some((id, error));
                }
            }
        }
    }

    /// Brings the next work to the head, passing marks on the way. True where
    /// there is now work at the head that was not there before.
    pub(crate) fn advance(&mut self, after: &mut Aftermath) -> bool {
        if !matches!(self.head, Head::Nothing) {
            return false;
        }
        while let Some(Entry { job, ticket }) = self.waiting.pop_front() {
            match job {
                Job::Event(signal) => {
                    after.release(ticket);
                    after
                        .told
                        .push(Told::Event(signal, EventState::Reached(Instant::now())));
                }
                Job::Fence(reply) => {
                    after.release(ticket);
                    after.told.push(Told::Fence(reply, Ok(())));
                }
                Job::Serial(serial) => {
                    self.head = Head::Serial { serial, ticket };
                    return true;
                }
                Job::Launch(grid) => {
                    self.head = Head::Launch { grid, ticket };
                    return true;
                }
            }
        }
        false
    }

    /// Takes work from the head for one thread.
    pub(crate) fn take_work(&mut self) -> Option<Work> {
        match std::mem::replace(&mut self.head, Head::Taken) {
            Head::Serial { serial, ticket } => {
                self.ticket = ticket;
                self.workers = 1;
                Some(Work::Serial(serial))
            }
            Head::Launch { grid, ticket } => {
                let claim = grid.claim();
                let work = claim.map(|claim| Work::Grid(Arc::clone(&grid), claim));
                self.workers += usize::from(work.is_some());
                self.head = Head::Launch { grid, ticket };
                work
            }
            other => {
                self.head = other;
                None
            }
        }
    }

    /// Drops what waits behind a failure, up to the first call that waits,
    /// which is told of it.
    pub(crate) fn fail(&mut self, id: PoisonId, error: Error, after: &mut Aftermath) {
        while let Some(entry) = self.waiting.pop_front() {
            if refuse(entry, id, &error, after) {
                return;
            }
        }
        self.poison = Some((id, error));
    }

    /// Someone was told of this failure.
    pub(crate) fn acknowledge(&mut self, id: PoisonId) {
        self.poison.take_if(|(poison, _)| *poison == id);
    }

    /// Drops all work; what threads have at hand stops at the end of their slice.
    pub(crate) fn close(&mut self, after: &mut Aftermath) {
        self.closed = true;
        self.retired = true;
        after.release(
            std::mem::take(&mut self.waiting)
                .into_iter()
                .collect::<Vec<Entry>>(),
        );
        match std::mem::replace(&mut self.head, Head::Nothing) {
            Head::Launch { grid, ticket } => {
                grid.stop();
                if self.workers > 0 {
                    self.head = Head::Launch { grid, ticket };
                } else {
                    after.release((grid, ticket));
                }
            }
            Head::Serial { serial, ticket } => after.release((serial, ticket)),
            Head::Taken => self.head = Head::Taken,
            Head::Nothing => {}
        }
    }
}

/// Answers an entry behind a failure: true where this told somebody.
fn refuse(entry: Entry, id: PoisonId, error: &Error, after: &mut Aftermath) -> bool {
    after.release(entry.ticket);
    match entry.job {
        Job::Fence(reply) => {
            after.told.push(Told::Fence(reply, Err(error.clone())));
            true
        }
        Job::Event(signal) => {
            let state = EventState::Failed {
                error: error.clone(),
                poison: id,
            };
            after.told.push(Told::Event(signal, state));
            false
        }
        Job::Serial(Serial::Transfer(transfer)) => {
            let (answer, rest) = transfer.finish();
            after.release(rest);
            match answer {
                Some((reply, _)) => {
                    after.told.push(Told::Read(reply, Err(error.clone())));
                    true
                }
                None => false,
            }
        }
        Job::Serial(Serial::Task(task)) => {
            after.release(task);
            false
        }
        Job::Launch(grid) => {
            after.release(grid);
            false
        }
    }
}

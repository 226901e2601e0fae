//! One queue on the processor: what is pending, what runs, and whether a failure is
//! unacknowledged. Commands run one after another; blocks of the launch at the head
//! run beside one another.

use std::collections::VecDeque;
use std::sync::Arc;

use super::grid::{Grid, GridContext};
use super::parallel::{Parallel, ParallelClaim};
use super::product::{ProductOperands, ProductRun};
use super::transfer::Transfer;
use crate::Error;
use crate::account::InFlightPermit;
use crate::backend::QueueGuard;
use crate::command::Command;
use crate::effects::DeferredEffects;
use crate::failure_state::FailureState;
use crate::identity::{FailureId, LeaseId, SessionId};
use crate::submission::{Failure, Handles, Submission};

/// An entry of a queue.
pub(crate) struct Entry {
    work: EntryWork,
    permit: Option<InFlightPermit>,
}

enum EntryWork {
    Serial(SerialWork),
    Parallel(Parallel),
    /// An event or a fence: nothing is to be executed, only its callers are answered.
    Point(Command<Handles>),
}

/// Work that one thread at a time does.
pub(crate) enum SerialWork {
    Transfer(Transfer),
    /// Work that is not a queue's: checking a module, compiling a kernel.
    Task(Box<dyn FnOnce() + Send>),
}

/// Work for one thread, which owes the scheduler a `settle` for it.
pub(crate) enum Work {
    Serial(SerialWork),
    Parallel(Parallel, ParallelClaim),
}

impl Entry {
    /// # Errors
    /// [`Error::InvalidLaunch`] where the interpreter refuses the launch.
    pub(crate) fn new(submission: Submission, context: &GridContext) -> Result<Entry, Error> {
        let Submission { command, permit } = submission;
        let work = match command {
            Command::Launch {
                kernel,
                config,
                arguments,
            } => {
                let grid = Grid::new(kernel, config, arguments, context.clone())?;
                EntryWork::Parallel(Parallel::Launch(Arc::new(grid)))
            }
            Command::Gemm {
                shape,
                a,
                b,
                c,
                bias,
                charge,
            } => {
                let operands = ProductOperands {
                    a,
                    b,
                    c,
                    bias,
                    charge,
                };
                let (limit, threads) = (context.time_limit, context.threads);
                let product = ProductRun::new(shape, operands, limit, threads);
                EntryWork::Parallel(Parallel::Product(Arc::new(product)))
            }
            point @ (Command::Event(_) | Command::Fence(_)) => EntryWork::Point(point),
            transfer @ (Command::Write { .. }
            | Command::Read { .. }
            | Command::Copy { .. }
            | Command::Refresh { .. }
            | Command::Fill { .. }) => {
                EntryWork::Serial(SerialWork::Transfer(Transfer::new(transfer)))
            }
        };
        Ok(Entry { work, permit })
    }

    /// The launch that it is, if it is one.
    pub(crate) fn launch(&self) -> Option<&Arc<Grid>> {
        match &self.work {
            EntryWork::Parallel(Parallel::Launch(grid)) => Some(grid),
            EntryWork::Parallel(Parallel::Product(_))
            | EntryWork::Serial(_)
            | EntryWork::Point(_) => None,
        }
    }

    pub(crate) fn task(task: Box<dyn FnOnce() + Send>) -> Entry {
        Entry {
            work: EntryWork::Serial(SerialWork::Task(task)),
            permit: None,
        }
    }

    /// Whether its caller waits for its result.
    fn waits(&self) -> bool {
        match &self.work {
            EntryWork::Serial(SerialWork::Transfer(transfer)) => transfer.command().waits(),
            EntryWork::Point(point) => point.waits(),
            EntryWork::Serial(SerialWork::Task(_)) | EntryWork::Parallel(_) => false,
        }
    }

    fn refuse(self, failure: &Failure, effects: &mut DeferredEffects) {
        match self.work {
            EntryWork::Serial(SerialWork::Transfer(transfer)) => {
                effects.refuse(transfer.into_command(), self.permit, failure);
            }
            EntryWork::Point(point) => effects.refuse(point, self.permit, failure),
            EntryWork::Serial(SerialWork::Task(task)) => effects.release((task, self.permit)),
            EntryWork::Parallel(work) => effects.release((work, self.permit)),
        }
    }
}

/// What is at the head of a queue.
pub(crate) enum Head {
    Nothing,
    Serial {
        work: SerialWork,
        permit: Option<InFlightPermit>,
    },
    /// A thread has the serial work.
    Taken,
    Parallel {
        work: Parallel,
        permit: Option<InFlightPermit>,
    },
}

impl Head {
    /// Whether a session runs no other such work meanwhile, whatever its queues: launches
    /// whose blocks take much memory, and tasks, which have no slices, so that one
    /// tenant's take no more than one thread from the others.
    pub(crate) fn is_exclusive(&self) -> bool {
        match self {
            Head::Serial { work, .. } => matches!(work, SerialWork::Task(_)),
            Head::Parallel { work, .. } => work.is_exclusive(),
            Head::Nothing | Head::Taken => false,
        }
    }

    /// How many bytes more begun blocks take once another thread works on it, about: none where
    /// it goes on with a block that has begun.
    pub(crate) fn bytes_to_begin(&self) -> u64 {
        match self {
            Head::Parallel { work, .. } if work.parked() == 0 => work.part_bytes(),
            Head::Parallel { .. } | Head::Serial { .. } | Head::Nothing | Head::Taken => 0,
        }
    }
}

/// One queue.
pub(crate) struct ScheduledQueue {
    pub(crate) session: SessionId,
    pub(crate) lease: LeaseId,
    pub(crate) head: Head,
    /// Threads that work on the head.
    pub(crate) threads: usize,
    /// What its begun blocks took when they were counted last, in bytes.
    pub(crate) begun_bytes: u64,
    /// Whether the queue is among those of its session that have work for a thread.
    pub(crate) is_ready: bool,
    /// No handle is left: the queue ends when its work is done.
    pub(crate) retired: bool,
    /// The instance has ended: the queue ends at once.
    pub(crate) closed: bool,
    pub(crate) guard: Option<QueueGuard>,
    /// That of serial work that a thread has.
    pub(crate) permit: Option<InFlightPermit>,
    pending: VecDeque<Entry>,
    failure: FailureState<Failure>,
}

impl ScheduledQueue {
    pub(crate) fn new(session: SessionId, lease: LeaseId, guard: QueueGuard) -> ScheduledQueue {
        ScheduledQueue {
            session,
            lease,
            head: Head::Nothing,
            threads: 0,
            begun_bytes: 0,
            is_ready: false,
            retired: false,
            closed: false,
            guard: Some(guard),
            permit: None,
            pending: VecDeque::new(),
            failure: FailureState::Working,
        }
    }

    /// What the blocks of its launch take that have begun: those that threads run, and those
    /// that wait for one.
    pub(crate) fn count_begun_bytes(&self) -> u64 {
        match &self.head {
            Head::Parallel { work, .. } => {
                let parts = self.threads + work.parked();
                work.part_bytes().saturating_mul(parts as u64)
            }
            Head::Nothing | Head::Serial { .. } | Head::Taken => 0,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.head, Head::Nothing) && self.pending.is_empty()
    }

    /// Appends an entry, or refuses it for a failure.
    pub(crate) fn push(&mut self, entry: Entry, effects: &mut DeferredEffects) {
        match self.failure.admit(entry.waits()) {
            None => self.pending.push_back(entry),
            Some(failure) => entry.refuse(&failure, effects),
        }
    }

    /// Brings the next work to the head, past events and fences.
    pub(crate) fn advance(&mut self, effects: &mut DeferredEffects) {
        if !matches!(self.head, Head::Nothing) {
            return;
        }
        while let Some(Entry { work, permit }) = self.pending.pop_front() {
            match work {
                EntryWork::Point(point) => effects.complete(point, permit, None),
                EntryWork::Serial(work) => {
                    self.head = Head::Serial { work, permit };
                    return;
                }
                EntryWork::Parallel(work) => {
                    self.head = Head::Parallel { work, permit };
                    return;
                }
            }
        }
    }

    /// Takes work from the head for one thread.
    pub(crate) fn take_work(&mut self) -> Option<Work> {
        match std::mem::replace(&mut self.head, Head::Taken) {
            Head::Serial { work, permit } => {
                self.permit = permit;
                self.threads = 1;
                Some(Work::Serial(work))
            }
            Head::Parallel { work, permit } => {
                let claim = work.claim();
                let claimed = claim.map(|claim| Work::Parallel(work.clone(), claim));
                self.threads += usize::from(claimed.is_some());
                self.head = Head::Parallel { work, permit };
                claimed
            }
            other => {
                self.head = other;
                None
            }
        }
    }

    /// The work at the head has failed: pending entries are refused, up to the first
    /// whose caller waits.
    pub(crate) fn fail(&mut self, failure: Failure, effects: &mut DeferredEffects) {
        let pending = &mut self.pending;
        let refused = self
            .failure
            .fail_pending(failure.clone(), pending, Entry::waits);
        for entry in refused {
            entry.refuse(&failure, effects);
        }
    }

    /// Somebody has learnt of this failure.
    pub(crate) fn acknowledge(&mut self, id: FailureId) {
        self.failure.acknowledge(|failure| failure.id == id);
    }

    /// Drops all work; what threads run stops at the end of their slice.
    pub(crate) fn close(&mut self, effects: &mut DeferredEffects) {
        self.closed = true;
        self.retired = true;
        let pending = std::mem::take(&mut self.pending);
        effects.release(pending.into_iter().collect::<Vec<Entry>>());
        match std::mem::replace(&mut self.head, Head::Nothing) {
            Head::Parallel { work, permit } => {
                work.stop();
                if self.threads > 0 {
                    self.head = Head::Parallel { work, permit };
                } else {
                    effects.release((work, permit));
                }
            }
            Head::Serial { work, permit } => effects.release((work, permit)),
            Head::Taken => self.head = Head::Taken,
            Head::Nothing => {}
        }
    }
}

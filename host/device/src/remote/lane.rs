//! One queue of a worker, as the host sees it: what was sent, what waits to be
//! sent, and the error that nobody was told of yet.
//!
//! The worker answers each piece of work, in the order of sending. Behind a failure
//! it skips what it has until it is told to resume; what counts nevertheless, since
//! it came behind the call that was told, is sent again.

use std::collections::VecDeque;
use std::time::Duration;

use crate::account::Ticket;
use crate::channel::{Area, Broken};
use crate::command::{EventSignal, EventState, Reply};
use crate::cpu::PoisonId;
use crate::queue::Hold;
use crate::{Buffer, Error, Kernel};

/// A piece of a queue's work.
#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) job: Job,
    pub(crate) held: Held,
    /// The request, encoded but for its number.
    pub(crate) task: Vec<u8>,
    pub(crate) ticket: Option<Ticket>,
}

/// Whom a piece of work concerns.
#[derive(Debug)]
pub(crate) enum Job {
    /// Nobody waits for it.
    Plain,
    /// The area goes to whoever asked, with what was read.
    Read(Reply<Area>),
    Event(EventSignal),
    /// Only the host knows of it.
    Fence(Reply<()>),
    /// Its instance has ended: it is held until the worker is done with it.
    Orphan,
}

/// What must stay until the worker is done with the work.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) buffers: Vec<Buffer>,
    pub(crate) area: Option<Area>,
    pub(crate) kernel: Option<Kernel>,
}

/// What there is to do once the lock is released. Releasing comes before telling:
/// who waited finds the quota that its work held given back.
#[derive(Default)]
pub(crate) struct After {
    pub(crate) released: Vec<Released>,
    told: Vec<Told>,
}

#[expect(dead_code, reason = "it is only dropped")]
pub(crate) enum Released {
    Held(Held, Option<Ticket>),
    Hold(Option<Hold>),
    Allocation(super::Holding),
    Module(std::sync::Arc<super::Loaded>),
}

enum Told {
    Fence(Reply<()>, Result<(), Error>),
    Read(Reply<Area>, Result<Area, Error>),
    Event(EventSignal, EventState),
}

impl After {
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

    pub(crate) fn append(&mut self, mut other: After) {
        self.released.append(&mut other.released);
        self.told.append(&mut other.told);
    }

    fn release(&mut self, held: Held, ticket: Option<Ticket>) {
        self.released.push(Released::Held(held, ticket));
    }
}

/// What the worker owes an answer for.
#[derive(Clone, Copy, Debug)]
struct Expected {
    number: u64,
    /// It came behind a failure: it is not the front's.
    skipped: bool,
}

/// How a piece of work ended, as the worker says.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// With the device's time, where it was asked for.
    Done(Option<std::time::Instant>),
    Failed(Error),
    Skipped,
}

/// One queue.
#[derive(Debug)]
pub(crate) struct Lane {
    ops: VecDeque<Op>,
    /// How many of them, from the front, the worker has.
    sent: usize,
    expected: VecDeque<Expected>,
    numbers: u64,
    poison: Option<(PoisonId, Error)>,
    /// The device time that the kernel at the front had.
    pub(crate) used: Duration,
    pub(crate) retired: bool,
    pub(crate) closed: bool,
    hold: Option<Hold>,
}

impl Lane {
    pub(crate) fn new(hold: Hold) -> Lane {
        Lane {
            ops: VecDeque::new(),
            sent: 0,
            expected: VecDeque::new(),
            numbers: 0,
            poison: None,
            used: Duration::ZERO,
            retired: false,
            closed: false,
            hold: Some(hold),
        }
    }

    /// Nothing is left to do, and no answer is owed.
    pub(crate) fn is_idle(&self) -> bool {
        self.ops.is_empty() && self.expected.is_empty()
    }

    /// Whether the worker has any of its work.
    pub(crate) fn is_at_work(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Whether a kernel is at the front, with the worker.
    pub(crate) fn launched(&self) -> bool {
        self.sent > 0 && self.ops.front().is_some_and(|op| op.held.kernel.is_some())
    }

    /// The kernel at the front, with the worker.
    pub(crate) fn kernel(&self) -> Option<&str> {
        let front = self.ops.front().filter(|_| self.sent > 0)?;
        front.held.kernel.as_ref().map(Kernel::name)
    }

    /// Appends work. Behind an error that nobody knows of yet only a call that waits
    /// is heard, and it is told.
    pub(crate) fn push(&mut self, op: Op, after: &mut After) {
        match self.poison.take() {
            None => self.ops.push_back(op),
            Some((id, error)) => {
                if !refuse(op, id, &error, after) {
                    self.poison = Some((id, error));
                }
            }
        }
        self.pass_fences(after);
    }

    /// The buffers that its work uses.
    pub(crate) fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.ops.iter().flat_map(|op| &op.held.buffers)
    }

    /// The next work to be sent, with its number, if the worker is to have no more
    /// than `window` at a time.
    pub(crate) fn next(&self, window: usize) -> Option<(u64, &Op)> {
        if self.expected.len() >= window {
            return None;
        }
        let op = self.ops.iter().skip(self.sent).find(|op| !op.is_fence())?;
        Some((self.numbers, op))
    }

    /// The work that [`next`](Lane::next) gave is sent.
    pub(crate) fn sent(&mut self) {
        let fences = self
            .ops
            .iter()
            .skip(self.sent)
            .take_while(|op| op.is_fence());
        self.sent += fences.count() + 1;
        self.expected.push_back(Expected {
            number: self.numbers,
            skipped: false,
        });
        self.numbers += 1;
    }

    /// Takes an answer. True where the worker is to be told to resume.
    ///
    /// # Errors
    /// Where the answer is none that the worker owes.
    pub(crate) fn answer(
        &mut self,
        number: u64,
        outcome: Outcome,
        poison: PoisonId,
        after: &mut After,
    ) -> Result<bool, Broken> {
        let expected = self.expected.pop_front();
        let expected = expected
            .filter(|expected| expected.number == number)
            .ok_or(Broken("an answer to work that was not sent"))?;
        if expected.skipped {
            return match outcome {
                Outcome::Skipped => Ok(false),
                Outcome::Done(_) | Outcome::Failed(_) => {
                    Err(Broken("work behind a failure was done"))
                }
            };
        }
        let op = self
            .ops
            .pop_front()
            .filter(|op| !op.is_fence())
            .ok_or(Broken("an answer to work that was not sent"))?;
        self.sent = self.sent.saturating_sub(1);
        self.used = Duration::ZERO;
        let mut resume = false;
        match outcome {
            Outcome::Done(at) => finish(op, at, after),
            _ if self.closed => after.release(op.held, op.ticket),
            Outcome::Failed(error) => {
                self.again();
                if !refuse(op, poison, &error, after) {
                    self.fail(poison, &error, after);
                }
                resume = true;
            }
            Outcome::Skipped => return Err(Broken("work was skipped without a failure")),
        }
        self.pass_fences(after);
        Ok(resume)
    }

    /// Drops what waits behind a failure, up to the first call that waits, which is
    /// told of it. What comes after that is sent again.
    fn fail(&mut self, id: PoisonId, error: &Error, after: &mut After) {
        while let Some(op) = self.ops.pop_front() {
            if refuse(op, id, error, after) {
                return;
            }
        }
        self.poison = Some((id, error.clone()));
    }

    fn again(&mut self) {
        self.sent = 0;
        for expected in &mut self.expected {
            expected.skipped = true;
        }
    }

    /// Someone was told of this failure.
    pub(crate) fn acknowledge(&mut self, id: PoisonId) {
        self.poison.take_if(|(poison, _)| *poison == id);
    }

    /// The instance has ended: what was not sent is dropped, and what was is held
    /// until the worker is done with it.
    pub(crate) fn close(&mut self, after: &mut After) {
        self.closed = true;
        self.retired = true;
        for op in self.ops.drain(self.sent..) {
            after.release(op.held, op.ticket);
        }
        self.ops.retain(|op| !op.is_fence());
        self.sent = self.ops.len();
        for op in &mut self.ops {
            // Whoever waits is told that its instance has ended.
            op.job = Job::Orphan;
        }
    }

    /// The worker is gone: everyone is told, the first with the error that the
    /// queue's own work had, if that was it.
    pub(crate) fn lose(
        &mut self,
        id: PoisonId,
        own: Option<Error>,
        lost: &Error,
        after: &mut After,
    ) {
        self.expected.clear();
        if let Some(error) = own
            && !self.closed
        {
            self.fail(id, &error, after);
        }
        self.sent = 0;
        while let Some(op) = self.ops.pop_front() {
            refuse(op, id, lost, after);
        }
    }

    /// The failure that nobody was told of, for someone who is told now.
    pub(crate) fn take_poison(&mut self) -> Option<Error> {
        self.poison.take().map(|(_, error)| error)
    }

    /// Whether there is a failure that nobody was told of.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.poison.is_some()
    }

    /// What lives as long as the lane.
    pub(crate) fn take_hold(&mut self) -> Released {
        Released::Hold(self.hold.take())
    }

    fn pass_fences(&mut self, after: &mut After) {
        while self.ops.front().is_some_and(Op::is_fence) {
            if let Some(op) = self.ops.pop_front() {
                self.sent = self.sent.saturating_sub(1);
                finish(op, None, after);
            }
        }
    }
}

impl Op {
    fn is_fence(&self) -> bool {
        matches!(self.job, Job::Fence(_))
    }
}

fn finish(op: Op, at: Option<std::time::Instant>, after: &mut After) {
    let Op {
        job,
        mut held,
        ticket,
        ..
    } = op;
    match job {
        Job::Plain | Job::Orphan => {}
        Job::Fence(reply) => after.told.push(Told::Fence(reply, Ok(()))),
        Job::Read(reply) => {
            if let Some(area) = held.area.take() {
                after.told.push(Told::Read(reply, Ok(area)));
            }
        }
        Job::Event(signal) => {
            let at = at.unwrap_or_else(std::time::Instant::now);
            after
                .told
                .push(Told::Event(signal, EventState::Reached(at)));
        }
    }
    after.release(held, ticket);
}

/// Answers an entry behind a failure: true where this told somebody.
fn refuse(op: Op, id: PoisonId, error: &Error, after: &mut After) -> bool {
    let Op {
        job, held, ticket, ..
    } = op;
    after.release(held, ticket);
    match job {
        Job::Plain | Job::Orphan => false,
        Job::Fence(reply) => {
            after.told.push(Told::Fence(reply, Err(error.clone())));
            true
        }
        Job::Read(reply) => {
            after.told.push(Told::Read(reply, Err(error.clone())));
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
    }
}

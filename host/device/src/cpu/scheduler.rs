//! Who is next. Tenants share the pool's time by their weights: the session that
//! has had the least of its share among those with work goes first, for about a
//! millisecond; within a session its queues take turns. So neither any number
//! of endless kernels nor a thousand queued ones keep a neighbour waiting for
//! longer than the slices that have begun.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::SLICE;
use super::grid::{Claim, Grid};
use super::lane::{Aftermath, Entry, Head, Lane, Serial};
use super::line::{Line, Place};
use crate::Error;
use crate::command::Queued;
use crate::patience;
use crate::sync::lock;

/// A session, as the scheduler knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SessionId(u64);

/// An instance's hold on a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LeaseId(u64);

/// A queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LaneId(u64);

/// A failure in a queue that nobody was told of when it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoisonId(u64);

impl PoisonId {
    /// For failures that something else than this scheduler counts.
    pub(crate) fn of(number: u64) -> PoisonId {
        PoisonId(number)
    }
}

/// Work that [`Scheduler::next`] hands to a thread, which owes a `settle` for it.
pub(crate) enum Work {
    Serial(Serial),
    Grid(Arc<Grid>, Claim),
}

/// What became of it.
pub(crate) enum Done {
    /// A slice of a launch.
    Grid(Arc<Grid>),
    /// A slice of serial work of which more is left.
    Part(Serial),
    /// The last of serial work.
    Serial(Serial),
    Task,
}

/// Shares the time of one pool of threads.
pub(crate) struct Scheduler {
    state: Mutex<State>,
    wake: Condvar,
    /// Tells the one thread that looks for work that there is some.
    there: AtomicBool,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    lanes: HashMap<LaneId, Lane>,
    leases: HashMap<LeaseId, Vec<LaneId>>,
    sessions: HashMap<SessionId, Share>,
    /// The sessions with work that no thread has.
    line: Line,
    ids: u64,
    /// A thread looks for work before it sleeps: none has to be woken.
    looked_for: bool,
    stopped: bool,
}

/// A session's share of the pool.
struct Share {
    place: Place,
    /// Queues with work that no thread has.
    ready: VecDeque<LaneId>,
    /// The queue that has this session's one piece of work that runs alone, and
    /// those that wait for their turn to have it.
    alone: Option<LaneId>,
    held_back: VecDeque<LaneId>,
}

impl Scheduler {
    pub(crate) fn new() -> Scheduler {
        Scheduler {
            state: Mutex::default(),
            wake: Condvar::new(),
            there: AtomicBool::new(false),
        }
    }

    pub(crate) fn add_session(&self, share: NonZeroU32) -> SessionId {
        let mut state = lock(&self.state);
        let id = SessionId(state.new_id());
        let share = Share {
            place: Place::new(share),
            ready: VecDeque::new(),
            alone: None,
            held_back: VecDeque::new(),
        };
        state.sessions.insert(id, share);
        id
    }

    /// Forgets a session that has no lanes any more.
    pub(crate) fn remove_session(&self, id: SessionId) {
        let mut state = lock(&self.state);
        if let Some(mut share) = state.sessions.remove(&id) {
            state.line.leave(id, &mut share.place);
        }
    }

    pub(crate) fn add_lease(&self) -> LeaseId {
        LeaseId(lock(&self.state).new_id())
    }

    /// Opens a queue. `hold` is dropped with it.
    pub(crate) fn add_lane(
        &self,
        session: SessionId,
        lease: LeaseId,
        hold: impl Any + Send,
    ) -> LaneId {
        let mut state = lock(&self.state);
        let id = LaneId(state.new_id());
        state
            .lanes
            .insert(id, Lane::new(session, lease, Box::new(hold)));
        state.leases.entry(lease).or_default().push(id);
        id
    }

    /// Queues a command.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the lane's lease has ended, and what the
    /// interpreter says against a launch.
    pub(crate) fn push(&self, lane: LaneId, queued: Queued) -> Result<(), Error> {
        self.push_entry(lane, Entry::new(queued)?)
    }

    /// Queues work that is no queue's. What it takes of its tenant's limits it
    /// holds itself.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the lane's lease has ended.
    pub(crate) fn push_task(
        &self,
        lane: LaneId,
        task: Box<dyn FnOnce() + Send>,
    ) -> Result<(), Error> {
        self.push_entry(lane, Entry::task(task))
    }

    fn push_entry(&self, id: LaneId, entry: Entry) -> Result<(), Error> {
        self.change(|state, after| {
            let Some(lane) = state.lanes.get_mut(&id).filter(|lane| !lane.closed) else {
                after.release(entry);
                return Err(Error::lease_ended());
            };
            lane.push(entry, after);
            state.go_on(id, after);
            Ok(())
        })
    }

    /// The last handle of a queue is gone: its work goes on, and then it goes.
    pub(crate) fn retire(&self, id: LaneId) {
        self.change(|state, after| {
            if let Some(lane) = state.lanes.get_mut(&id) {
                lane.retired = true;
                state.remove_if_over(id, after);
            }
        });
    }

    /// An instance has ended: what it queued is dropped, what runs for it stops.
    pub(crate) fn close(&self, lease: LeaseId) {
        self.change(|state, after| {
            for id in state.leases.get(&lease).cloned().unwrap_or_default() {
                let Some(lane) = state.lanes.get_mut(&id) else {
                    continue;
                };
                lane.close(after);
                if lane.is_idle() {
                    let session = lane.session;
                    state.pass_on(id, session);
                }
                state.remove_if_over(id, after);
            }
        });
    }

    /// Someone was told of a queue's failure: the queue is usable again.
    pub(crate) fn acknowledge(&self, id: LaneId, poison: PoisonId) {
        if let Some(lane) = lock(&self.state).lanes.get_mut(&id) {
            lane.acknowledge(poison);
        }
    }

    /// Lets the threads end once they have nothing at hand.
    pub(crate) fn shut_down(&self) {
        lock(&self.state).stopped = true;
        self.wake.notify_all();
    }

    /// The next work for the calling thread, waiting for it if need be; `None`
    /// once the device is shut down.
    pub(crate) fn next(&self) -> Option<(LaneId, Work)> {
        let mut state = lock(&self.state);
        let mut patient = true;
        loop {
            if state.stopped {
                return None;
            }
            if let Some(found) = state.choose() {
                self.call_for(state);
                return Some(found);
            }
            if patient && !state.looked_for {
                // Whoever looks is told of work, or finds it once it has the lock again.
                patient = false;
                state.looked_for = true;
                self.there.store(false, Ordering::Relaxed);
                drop(state);
                patience::look(|| self.there.load(Ordering::Relaxed));
                state = lock(&self.state);
                state.looked_for = false;
                continue;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next work, if there is any now.
    #[cfg(test)]
    pub(crate) fn try_next(&self) -> Option<(LaneId, Work)> {
        lock(&self.state).choose()
    }

    /// A thread has ended its slice, and comes for its next work at once: it wakes
    /// another then if there is more than that.
    pub(crate) fn settle(&self, id: LaneId, done: Done, took: Duration) {
        let mut after = Aftermath::default();
        match done {
            Done::Grid(grid) => self.settle_grid(id, grid, took, &mut after),
            other => self.settle_serial(id, other, took, &mut after),
        }
        after.carry_out();
    }

    fn settle_serial(&self, id: LaneId, done: Done, took: Duration, after: &mut Aftermath) {
        let mut state = lock(&self.state);
        let Some(lane) = state.lanes.get_mut(&id) else {
            return;
        };
        lane.workers = 0;
        let session = lane.session;
        let ticket = lane.ticket.take();
        lane.head = Head::Nothing;
        match done {
            Done::Part(serial) if !lane.closed => lane.head = Head::Serial { serial, ticket },
            Done::Part(serial) => after.release((serial, ticket)),
            Done::Serial(serial) if lane.closed => after.release((serial, ticket)),
            Done::Serial(serial) => {
                after.release(ticket);
                after.finish(serial);
            }
            Done::Task | Done::Grid(_) => after.release(ticket),
        }
        if matches!(lane.head, Head::Nothing) {
            state.pass_on(id, session);
        }
        state.charge(session, took);
        state.go_on(id, after);
    }

    fn settle_grid(&self, id: LaneId, worked_on: Arc<Grid>, took: Duration, after: &mut Aftermath) {
        let mut state = lock(&self.state);
        // The lane keeps the launch until its last thread is here: whatever
        // the launch holds is given back by then, and not a moment later.
        drop(worked_on);
        let state = &mut *state;
        let Some(lane) = state.lanes.get_mut(&id) else {
            return;
        };
        lane.workers = lane.workers.saturating_sub(1);
        let session = lane.session;
        if let Head::Launch { grid, .. } = &lane.head
            && lane.workers == 0
            && !grid.is_open()
        {
            let failure = grid.take_failure();
            after.release(std::mem::replace(&mut lane.head, Head::Nothing));
            if let Some(error) = failure {
                tracing::debug!(%error, "a launch failed");
                state.ids += 1;
                lane.fail(PoisonId(state.ids), error, after);
            }
            state.pass_on(id, session);
        }
        state.charge(session, took);
        state.go_on(id, after);
    }

    /// Changes the state, calls a thread if there is work, and does what is to be
    /// done outside of the lock.
    fn change<T>(&self, how: impl FnOnce(&mut State, &mut Aftermath) -> T) -> T {
        let mut after = Aftermath::default();
        let mut state = lock(&self.state);
        let result = how(&mut state, &mut after);
        self.call_for(state);
        after.carry_out();
        result
    }

    /// Calls a thread if there is work that none has.
    fn call_for(&self, state: MutexGuard<'_, State>) {
        let (work, looked_for) = (!state.line.is_empty(), state.looked_for);
        drop(state);
        match work {
            true if looked_for => self.there.store(true, Ordering::Relaxed),
            true => self.wake.notify_one(),
            false => {}
        }
    }
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// Brings a lane's next work to its head, puts the lane in line if a thread
    /// is wanted, and removes it if it is over.
    fn go_on(&mut self, id: LaneId, after: &mut Aftermath) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        lane.advance(after);
        let wanted = match &lane.head {
            Head::Serial { .. } => true,
            Head::Launch { grid, .. } => grid.is_open(),
            Head::Taken | Head::Nothing => false,
        };
        if wanted && !lane.ready {
            lane.ready = true;
            let session = lane.session;
            if let Some(share) = self.sessions.get_mut(&session) {
                share.ready.push_back(id);
                self.line.join(session, &mut share.place);
            }
        }
        self.remove_if_over(id, after);
    }

    /// A lane's work is over: if it was what the session ran alone, another's may be.
    fn pass_on(&mut self, id: LaneId, session: SessionId) {
        let Some(share) = self.sessions.get_mut(&session) else {
            return;
        };
        if share.alone == Some(id) {
            share.alone = None;
            share.ready.append(&mut share.held_back);
            if !share.ready.is_empty() {
                self.line.join(session, &mut share.place);
            }
        }
    }

    fn remove_if_over(&mut self, id: LaneId, after: &mut Aftermath) {
        let over = self
            .lanes
            .get(&id)
            .is_some_and(|lane| lane.retired && lane.workers == 0 && lane.is_idle());
        if !over {
            return;
        }
        let Some(lane) = self.lanes.remove(&id) else {
            return;
        };
        if let Some(lanes) = self.leases.get_mut(&lane.lease) {
            lanes.retain(|other| *other != id);
            if lanes.is_empty() {
                self.leases.remove(&lane.lease);
            }
        }
        after.release(lane.hold);
    }

    /// The next work of the session that has had the least of its share.
    fn choose(&mut self) -> Option<(LaneId, Work)> {
        while let Some(session) = self.line.first() {
            let Some(share) = self.sessions.get_mut(&session) else {
                self.line.skip();
                continue;
            };
            let Some(id) = share.ready.pop_front() else {
                self.line.leave(session, &mut share.place);
                continue;
            };
            let lane = self.lanes.get_mut(&id);
            let alone = lane.as_ref().is_some_and(|lane| lane.head.runs_alone());
            if alone && *share.alone.get_or_insert(id) != id {
                share.held_back.push_back(id);
                continue;
            }
            let found = lane.and_then(|lane| {
                lane.ready = false;
                lane.take_work()
            });
            // Charged ahead, so that the next thread looks at another tenant
            // first; corrected when the slice is over.
            if found.is_some() {
                self.line.charge(session, &mut share.place, SLICE);
            }
            if let Some(Work::Grid(grid, _)) = &found
                && grid.is_open()
                && let Some(lane) = self.lanes.get_mut(&id)
            {
                lane.ready = true;
                share.ready.push_back(id);
            }
            if share.ready.is_empty() {
                self.line.leave(session, &mut share.place);
            }
            if let Some(work) = found {
                return Some((id, work));
            }
        }
        None
    }

    /// Corrects what [`choose`](State::choose) charged ahead.
    fn charge(&mut self, session: SessionId, took: Duration) {
        if let Some(share) = self.sessions.get_mut(&session) {
            self.line.correct(session, &mut share.place, SLICE, took);
        }
    }
}

#[cfg(test)]
mod tests;

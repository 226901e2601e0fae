//! One tenant's worker, as the host has it: its state, its life from the start of the process to its
//! loss, and the requests to the process. What the tenant has on the device is in
//! [`resources`](super::resources), its queues in [`queues`](super::queues).

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch as channel};

use super::answer_ring::AnswerRing;
use super::fair_share::FairShare;
use super::queue_state::RemoteQueue;
use super::starts::WorkerStarts;
use super::work_clock::WorkClock;
use crate::Error;
use crate::account::Reservation;
use crate::channel::wire::{self, Request};
use crate::channel::{AreaSlice, Broken, Listener, Producer, StagingArea};
use crate::effects::DeferredEffects;
use crate::identity::{BufferId, Identifiers, ModuleId, QueueId, WorkerId};
use crate::sync::lock;
use crate::tenant::BufferCharge;

/// One tenant's worker.
pub(crate) struct Worker {
    pub(super) id: WorkerId,
    /// When it was made. Its process begins a moment later.
    pub(super) began: Instant,
    pub(super) staging: Arc<StagingArea>,
    pub(super) fair_share: Arc<FairShare>,
    pub(super) starts: Arc<WorkerStarts>,
    pub(super) state: Mutex<WorkerState>,
    /// Locked by the thread that takes answers, until what the answered commands held is given back:
    /// whoever finds a queue empty meanwhile waits for this. It is locked before `state`, never while
    /// `state` is held.
    pub(super) answers: Mutex<AnswerRing>,
    /// Where the supervising thread sleeps until there is an answer, or something else for it to do.
    pub(super) listener: Listener,
    /// Set with `WorkerState::lost`, to be read without the lock.
    pub(super) is_lost: AtomicBool,
    /// That it was ended for no fault of its tenant's.
    pub(super) ended_well: AtomicBool,
    /// The tenant's name, for the log.
    pub(super) tenant: String,
    /// That the supervising thread checks soon enough by itself that work which begins keeps its limits.
    pub(super) is_watched_closely: AtomicBool,
    pub(super) started: channel::Sender<Started>,
    /// Whether its process is reaped, and what it had on the device is free: some time after it is
    /// lost.
    pub(super) gone: channel::Sender<bool>,
    pub(super) limits: WorkerLimits,
}

/// How long a worker may take, and how much.
#[derive(Clone, Copy, Debug)]
pub(super) struct WorkerLimits {
    /// For one kernel, as messages to its tenant say.
    pub(super) kernel: Duration,
    /// What is added to that: a worker that keeps the time itself is ended only where it
    /// does not.
    pub(super) slack: Duration,
    /// For anything else.
    pub(super) timeout: Duration,
    /// Until one without use is stopped.
    pub(super) idle: Duration,
    /// What its process may take of the host's memory.
    pub(super) memory_bytes: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Started {
    NotYet,
    Ready,
    Lost(Error),
}

/// Whether buffers that functions keep on the device count as a use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResidentBuffers {
    AreUse,
    AreNoUse,
}

/// What a tenant is charged for allocations, and what is reserved for them on the device.
#[derive(Debug)]
pub(super) struct Holding {
    _charges: Vec<BufferCharge>,
    _reservation: Reservation,
}

impl Holding {
    pub(super) fn new(charges: Vec<BufferCharge>, reservation: Reservation) -> Holding {
        Holding {
            _charges: charges,
            _reservation: reservation,
        }
    }
}

pub(super) struct WorkerState {
    pub(super) requests: Producer,
    /// Requests for which the ring had no room, in order.
    pub(super) backlog: VecDeque<Vec<u8>>,
    /// Since when the ring has had no room for the first of them.
    pub(super) unread_since: Option<Instant>,
    pub(super) queues: HashMap<QueueId, RemoteQueue>,
    /// Measures the time in which any of them is at work.
    pub(super) clock: WorkClock,
    /// What the tenant has on the device. It is lost with the worker, even where handles
    /// are left.
    pub(super) allocations: HashMap<BufferId, Holding>,
    /// What is on the device of a worker that is lost, until its process is gone.
    pub(super) dying: Vec<Holding>,
    /// That it is: nothing is kept for it any more.
    pub(super) reaped: bool,
    pub(super) allocating: HashMap<BufferId, PendingRequest<u64>>,
    pub(super) loading: HashMap<ModuleId, PendingRequest<Vec<u32>>>,
    /// Loaded modules for the next load of the same text, by its hash.
    pub(super) kept: VecDeque<(blake3::Hash, Arc<RemoteModule>)>,
    pub(super) lost: Option<Error>,
    /// Instances that use it.
    pub(super) users: u64,
    pub(super) idle_since: Instant,
    pub(super) identifiers: Identifiers,
    /// Where the next message is encoded.
    pub(super) scratch: Vec<u8>,
}

impl WorkerState {
    /// Of a worker that its first caller uses.
    pub(super) fn new(requests: Producer) -> WorkerState {
        WorkerState {
            requests,
            backlog: VecDeque::new(),
            unread_since: None,
            queues: HashMap::new(),
            clock: WorkClock::default(),
            allocations: HashMap::new(),
            dying: Vec::new(),
            reaped: false,
            allocating: HashMap::new(),
            loading: HashMap::new(),
            kept: VecDeque::new(),
            lost: None,
            users: 1,
            idle_since: Instant::now(),
            identifiers: Identifiers::default(),
            scratch: Vec::new(),
        }
    }
}

/// A module that a worker has loaded.
#[derive(Debug)]
pub(super) struct RemoteModule {
    pub(super) worker: Arc<Worker>,
    pub(super) id: ModuleId,
    /// How many threads a block of each entry may have.
    pub(super) max_threads: Vec<u32>,
}

impl RemoteModule {
    /// Gives back what its variables held.
    pub(super) fn release(&self, variables: Holding) {
        self.worker.release(variables);
    }
}

impl Drop for RemoteModule {
    fn drop(&mut self) {
        self.worker.request(&Request::Unload { id: self.id });
    }
}

/// A request for whose answer a caller waits.
pub(super) struct PendingRequest<T> {
    pub(super) reply: oneshot::Sender<Result<T, Error>>,
    pub(super) since: Instant,
    /// Dropped where it fails, and kept until the process is gone where the worker is lost.
    pub(super) holding: Option<Holding>,
    /// What the worker reads meanwhile.
    pub(super) _area: Option<AreaSlice>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Worker {
    pub(super) fn id(&self) -> WorkerId {
        self.id
    }

    /// Waits until it has the device.
    ///
    /// # Errors
    /// Why it has not.
    pub(super) async fn ready(&self) -> Result<(), Error> {
        let mut started = self.started.subscribe();
        let state = started
            .wait_for(|state| !matches!(state, Started::NotYet))
            .await;
        match state.as_deref() {
            Ok(Started::Ready) => Ok(()),
            Ok(Started::Lost(error)) => Err(error.clone()),
            Ok(Started::NotYet) | Err(_) => Err(Error::DeviceLost(
                "the device's worker ended before it began".to_owned(),
            )),
        }
    }

    /// Whether what was on it is gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Acquire)
    }

    /// One more instance uses it; false where it is lost.
    pub(super) fn enter(&self) -> bool {
        let mut state = lock(&self.state);
        if state.lost.is_some() {
            return false;
        }
        state.users += 1;
        true
    }

    /// An instance that used it has ended.
    pub(crate) fn leave(&self) {
        let mut state = lock(&self.state);
        state.users = state.users.saturating_sub(1);
        state.idle_since = Instant::now();
    }

    /// Ends it, if it has been without use for so long; true where it is ended.
    pub(super) fn stop_if_idle(&self, since: Duration, resident: ResidentBuffers) -> bool {
        let mut state = lock(&self.state);
        if state.lost.is_some() {
            return true;
        }
        let idle = state.users == 0
            && (resident == ResidentBuffers::AreNoUse || state.allocations.is_empty())
            && state.allocating.is_empty()
            && state.loading.is_empty()
            && state.queues.is_empty()
            && state.idle_since.elapsed() >= since;
        if idle {
            self.ended_well.store(true, Ordering::Release);
            let lost = "nobody used the device's worker, and it was ended: open the device again";
            let effects = self.lose(&mut state, Error::DeviceLost(lost.to_owned()), &[]);
            drop(state);
            effects.carry_out();
            self.attend();
        }
        idle
    }

    /// Ends it, even if it is used.
    pub(crate) fn stop(&self, why: &str) {
        let mut state = lock(&self.state);
        let effects = self.lose(&mut state, Error::DeviceLost(why.to_owned()), &[]);
        drop(state);
        effects.carry_out();
        self.attend();
    }

    /// The worker is lost. `blamed` are the queues whose work was the cause, and how it
    /// failed.
    pub(super) fn lose(
        &self,
        state: &mut WorkerState,
        lost: Error,
        blamed: &[(QueueId, Error)],
    ) -> DeferredEffects {
        let mut effects = DeferredEffects::default();
        if state.lost.is_some() {
            return effects;
        }
        self.fair_share.remove(self.id);
        state.lost = Some(lost.clone());
        self.is_lost.store(true, Ordering::Release);
        state.backlog.clear();
        let failure = state.identifiers.next();
        for (id, queue) in &mut state.queues {
            let own = blamed.iter().find(|(blamed, _)| blamed == id);
            let own = own.map(|(_, error)| error.clone());
            queue.lose(failure, own, &lost, &mut effects);
        }
        // Those whose last handle is gone end now, the others with it.
        for (_, queue) in state.queues.extract_if(|_, queue| queue.retired) {
            effects.release(queue.guard);
        }
        // The process still has it.
        let WorkerState {
            allocations,
            allocating,
            dying,
            ..
        } = state;
        dying.extend(allocations.drain().map(|(_, holding)| holding));
        for (_, pending) in allocating.drain() {
            dying.extend(pending.holding);
            drop(pending.reply.send(Err(lost.clone())));
        }
        for (_, pending) in state.loading.drain() {
            drop(pending.reply.send(Err(lost.clone())));
        }
        effects.release(std::mem::take(&mut state.kept));
        self.staging.close();
        self.started.send_replace(Started::Lost(lost));
        effects
    }

    /// Gives back what was on the device: now, or where the worker is lost, when its process is gone.
    pub(super) fn release(&self, holding: Holding) {
        let mut state = lock(&self.state);
        if state.lost.is_some() && !state.reaped {
            state.dying.push(holding);
            return;
        }
        drop(state);
        drop(holding);
    }

    /// Its process is reaped, or never was: the device has its memory back.
    pub(super) fn has_gone(&self) {
        let mut state = lock(&self.state);
        state.reaped = true;
        let dying = std::mem::take(&mut state.dying);
        drop(state);
        // Before it is told: who has waited finds the memory given back.
        drop(dying);
        self.gone.send_replace(true);
    }

    /// Whether the device has its memory back.
    pub(super) fn is_gone(&self) -> bool {
        *self.gone.borrow()
    }

    /// Waits until the device has its memory back.
    pub(super) async fn gone(&self) {
        // The sender is this worker's.
        let _ = self.gone.subscribe().wait_for(|gone| *gone).await;
    }

    /// Why it is lost.
    pub(super) fn lost(&self) -> Error {
        lock(&self.state)
            .lost
            .clone()
            .unwrap_or_else(Error::lease_ended)
    }

    /// The state, while the worker is of use.
    pub(super) fn open(&self) -> Result<MutexGuard<'_, WorkerState>, Error> {
        let state = lock(&self.state);
        match &state.lost {
            None => Ok(state),
            Some(lost) => Err(lost.clone()),
        }
    }

    pub(super) fn request(&self, request: &Request<'_>) {
        self.send(&mut lock(&self.state), request);
    }

    pub(super) fn send(&self, state: &mut WorkerState, request: &Request<'_>) {
        let mut message = Vec::new();
        if wire::encode(request, &mut message).is_ok() {
            self.send_bytes(state, &message);
        }
    }

    /// Whether a request is short enough to be sent at all.
    pub(super) fn can_send(state: &WorkerState, request: &Request<'_>) -> bool {
        let mut message = Vec::new();
        wire::encode(request, &mut message).is_ok() && state.requests.can_hold(&message)
    }

    pub(super) fn send_bytes(&self, state: &mut WorkerState, message: &[u8]) {
        if state.lost.is_some() {
            return;
        }
        if state.backlog.is_empty() {
            match state.requests.send(message) {
                Ok(true) => return,
                Ok(false) => {}
                // Whoever takes answers finds the same, and the worker is ended.
                Err(Broken(_)) => {}
            }
        }
        state.unread_since.get_or_insert_with(Instant::now);
        state.backlog.push_back(message.to_vec());
    }

    /// Sends what the ring had no room for.
    pub(super) fn flush(&self, state: &mut WorkerState) -> Result<(), Broken> {
        while let Some(message) = state.backlog.front() {
            if !state.requests.send(message)? {
                return Ok(());
            }
            state.backlog.pop_front();
            state.unread_since = Some(Instant::now());
        }
        state.unread_since = None;
        Ok(())
    }

    /// Has the supervising thread check again what it waits for.
    pub(super) fn attend(&self) {
        self.listener.poke();
    }
}

//! One tenant's worker, as the host has it: what the tenant has on the device, its queues, and the
//! requests to the process.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch as channel};

use super::fair_share::FairShare;
use super::queue_state::{Entry, RemoteQueue};
use crate::Error;
use crate::account::Reservation;
use crate::backend::QueueGuard;
use crate::channel::wire::{self, EntryShape, Request};
use crate::channel::{AreaSlice, Broken, Producer, SharedMemory, StagingArea, wake_host};
use crate::effects::DeferredEffects;
use crate::identity::{BufferId, FailureId, Identifiers, ModuleId, QueueId, WorkerId};
use crate::sync::lock;
use crate::tenant::BufferCharge;

/// How many commands of a queue its worker has at a time.
pub(super) const WINDOW: usize = 256;

/// Modules without variables that a worker keeps loaded for the next load of the same text.
const KEPT_MODULES: usize = 32;

/// One tenant's worker.
pub(crate) struct Worker {
    pub(super) id: WorkerId,
    pub(super) memory: Arc<SharedMemory>,
    pub(super) staging: Arc<StagingArea>,
    pub(super) fair_share: Arc<FairShare>,
    pub(super) state: Mutex<WorkerState>,
    /// Set with `WorkerState::lost`, to be read without the lock.
    pub(super) is_lost: AtomicBool,
    /// That it was ended for no fault of its tenant's.
    pub(super) ended_well: AtomicBool,
    /// The tenant's name, for the log.
    pub(super) tenant: String,
    /// That the supervising thread is to check again what it waits for.
    pub(super) attention: AtomicBool,
    pub(super) started: channel::Sender<Started>,
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
    /// What the tenant has on the device. It is lost with the worker, even where handles
    /// are left.
    pub(super) allocations: HashMap<BufferId, Holding>,
    pub(super) allocating: HashMap<BufferId, PendingRequest<u64>>,
    pub(super) loading: HashMap<ModuleId, PendingRequest<Vec<u32>>>,
    /// Loaded modules for the next load of the same text, by its hash.
    pub(super) kept: VecDeque<(blake3::Hash, Arc<Loaded>)>,
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
            allocations: HashMap::new(),
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

/// A request for whose answer a caller waits.
pub(super) struct PendingRequest<T> {
    pub(super) reply: oneshot::Sender<Result<T, Error>>,
    pub(super) since: Instant,
    /// Dropped where it fails.
    pub(super) holding: Option<Holding>,
    /// What the worker reads meanwhile.
    _area: Option<AreaSlice>,
}

type Awaited<T> = oneshot::Receiver<Result<T, Error>>;

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A module that a worker has loaded.
#[derive(Debug)]
pub(super) struct Loaded {
    worker: Arc<Worker>,
    pub(super) id: ModuleId,
    /// How many threads a block of each entry may have.
    pub(super) max_threads: Vec<u32>,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.worker.request(&Request::Unload { id: self.id });
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
        effects.release(state.allocations.drain().collect::<Vec<_>>());
        for (_, pending) in state.allocating.drain() {
            effects.release(pending.holding);
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

    /// Why it is lost.
    pub(super) fn lost(&self) -> Error {
        lock(&self.state)
            .lost
            .clone()
            .unwrap_or_else(Error::lease_ended)
    }

    /// Memory on the device, filled with zeros: its number and address.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where the device is full.
    pub(crate) async fn allocate(
        self: &Arc<Self>,
        bytes: u64,
        holding: Holding,
    ) -> Result<(BufferId, u64), Error> {
        let (id, answer) = self.ask_for_memory(bytes, holding)?;
        let address = answer.await.map_err(|_| self.lost())??;
        Ok((id, address))
    }

    fn ask_for_memory(
        &self,
        bytes: u64,
        holding: Holding,
    ) -> Result<(BufferId, Awaited<u64>), Error> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.open()?;
        let id = state.identifiers.next();
        let pending = PendingRequest {
            reply,
            since: Instant::now(),
            holding: Some(holding),
            _area: None,
        };
        state.allocating.insert(id, pending);
        self.send(&mut state, &Request::Allocate { id, bytes });
        Ok((id, answer))
    }

    /// Gives memory back. Nothing that is queued uses it any more.
    pub(crate) fn free(&self, id: BufferId) {
        let mut state = lock(&self.state);
        let holding = state.allocations.remove(&id);
        self.send(&mut state, &Request::Free { id });
        state.idle_since = Instant::now();
        drop(state);
        drop(holding);
    }

    /// Loads a module. The host has parsed and checked its text.
    ///
    /// # Errors
    /// [`Error::InvalidModule`] where the device's own compiler refuses it.
    pub(crate) async fn load(
        self: &Arc<Self>,
        parsed: &tensor_wasm_ptx::Module,
        text: &[u8],
        hash: blake3::Hash,
    ) -> Result<Arc<Loaded>, Error> {
        let stateless = parsed.globals().is_empty();
        if stateless && let Some(loaded) = self.kept(&hash) {
            return Ok(loaded);
        }
        let Some(area) = self.staging.take(text.len()).await else {
            return Err(if self.is_lost() {
                self.lost()
            } else {
                self.too_long(text.len())
            });
        };
        area.write(text);
        let (id, answer) = self.ask_for_module(parsed, area)?;
        let max_threads = answer.await.map_err(|_| self.lost())??;
        let loaded = Arc::new(Loaded {
            worker: Arc::clone(self),
            id,
            max_threads,
        });
        if stateless {
            self.keep(hash, &loaded);
        }
        Ok(loaded)
    }

    fn ask_for_module(
        &self,
        parsed: &tensor_wasm_ptx::Module,
        area: AreaSlice,
    ) -> Result<(ModuleId, Awaited<Vec<u32>>), Error> {
        let (reply, answer) = oneshot::channel();
        let entries = parsed.entries().iter().map(shape).collect();
        let mut state = self.open()?;
        let id = state.identifiers.next();
        let request = Request::Load {
            id,
            text: area.span(),
            entries,
        };
        self.send(&mut state, &request);
        let pending = PendingRequest {
            reply,
            since: Instant::now(),
            holding: None,
            _area: Some(area),
        };
        state.loading.insert(id, pending);
        Ok((id, answer))
    }

    fn too_long(&self, bytes: usize) -> Error {
        let most = self.staging.largest();
        let message =
            format!("the module's text has {bytes} bytes, and this device takes {most} at most");
        Error::InvalidModule(vec![tensor_wasm_ptx::Diagnostic {
            line: 1,
            column: 1,
            message,
            excerpt: String::new(),
        }])
    }

    fn kept(&self, hash: &blake3::Hash) -> Option<Arc<Loaded>> {
        let mut state = lock(&self.state);
        let index = state.kept.iter().position(|(kept, _)| kept == hash)?;
        let found = state.kept.remove(index)?;
        let loaded = Arc::clone(&found.1);
        state.kept.push_back(found);
        Some(loaded)
    }

    fn keep(&self, hash: blake3::Hash, loaded: &Arc<Loaded>) {
        let mut state = lock(&self.state);
        if state.lost.is_some() {
            return;
        }
        let oldest = (state.kept.len() >= KEPT_MODULES)
            .then(|| state.kept.pop_front())
            .flatten();
        state.kept.push_back((hash, Arc::clone(loaded)));
        drop(state);
        drop(oldest);
    }

    /// Opens a queue. `guard` is dropped with it.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(super) fn open_queue(&self, guard: QueueGuard) -> Result<QueueId, Error> {
        let mut state = match self.open() {
            Ok(state) => state,
            Err(error) => {
                drop(guard);
                return Err(error);
            }
        };
        let id = state.identifiers.next();
        state.queues.insert(id, RemoteQueue::new(Some(guard)));
        self.send(&mut state, &Request::OpenQueue { queue: id });
        Ok(id)
    }

    /// Appends an entry to a queue.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], unless the queue has a failure of which no caller has
    /// learnt: that one comes first.
    pub(super) fn push(&self, id: QueueId, entry: Entry) -> Result<(), Error> {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        let lost = state.lost.clone();
        let Some(queue) = state.queues.get_mut(&id).filter(|queue| !queue.closed) else {
            drop(state);
            drop(entry);
            return Err(lost.unwrap_or_else(Error::lease_ended));
        };
        if let Some(lost) = lost {
            if !queue.is_failed() {
                drop(state);
                drop(entry);
                return Err(lost);
            }
            queue.push(entry, &mut effects);
            drop(state);
            effects.carry_out();
            return Ok(());
        }
        queue.push(entry, &mut effects);
        let was_at_work = queue.is_at_work();
        self.send_work(&mut state, id);
        let begins = !was_at_work && state.queues.get(&id).is_some_and(RemoteQueue::is_at_work);
        drop(state);
        effects.carry_out();
        if begins {
            self.fair_share.set_busy(self.id, true);
            self.attend();
        }
        Ok(())
    }

    /// The last handle of a queue is gone: its work goes on, and then the queue ends.
    pub(super) fn retire(&self, id: QueueId) {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        if let Some(queue) = state.queues.get_mut(&id) {
            queue.retired = true;
            self.remove_if_ended(&mut state, id, &mut effects);
        }
        drop(state);
        effects.carry_out();
    }

    /// An instance has ended: what its queue still has to do is dropped.
    pub(super) fn close(&self, id: QueueId) {
        let mut effects = DeferredEffects::default();
        let mut state = lock(&self.state);
        if let Some(queue) = state.queues.get_mut(&id)
            && !queue.closed
        {
            queue.close(&mut effects);
            if !queue.is_idle() {
                self.send(&mut state, &Request::CloseQueue { queue: id });
            }
            self.remove_if_ended(&mut state, id, &mut effects);
        }
        drop(state);
        effects.carry_out();
    }

    /// Somebody has learnt of a queue's failure: its commands run again.
    pub(super) fn acknowledge(&self, id: QueueId, failure: FailureId) {
        if let Some(queue) = lock(&self.state).queues.get_mut(&id) {
            queue.acknowledge(failure);
        }
    }

    pub(super) fn remove_if_ended(
        &self,
        state: &mut WorkerState,
        id: QueueId,
        effects: &mut DeferredEffects,
    ) {
        let ended = state
            .queues
            .get(&id)
            .is_some_and(|queue| queue.retired && (queue.is_idle() || state.lost.is_some()));
        if !ended {
            return;
        }
        if let Some(queue) = state.queues.remove(&id) {
            if !queue.closed {
                self.send(state, &Request::CloseQueue { queue: id });
            }
            effects.release(queue.guard);
        }
        state.idle_since = Instant::now();
    }

    /// Sends what the worker may have now of a queue's work.
    pub(super) fn send_work(&self, state: &mut WorkerState, id: QueueId) {
        if state.lost.is_some() || !self.fair_share.may_send(self.id) {
            return;
        }
        let mut message = std::mem::take(&mut state.scratch);
        while let Some(queue) = state.queues.get_mut(&id) {
            let Some((number, entry)) = queue.next(WINDOW) else {
                break;
            };
            if wire::encode_execute(id, number, &entry.encoded, &mut message).is_err() {
                break;
            }
            queue.sent();
            self.send_bytes(state, &message);
        }
        state.scratch = message;
    }

    /// The state, while the worker is of use.
    fn open(&self) -> Result<MutexGuard<'_, WorkerState>, Error> {
        let state = lock(&self.state);
        match &state.lost {
            None => Ok(state),
            Some(lost) => Err(lost.clone()),
        }
    }

    fn request(&self, request: &Request<'_>) {
        self.send(&mut lock(&self.state), request);
    }

    pub(super) fn send(&self, state: &mut WorkerState, request: &Request<'_>) {
        let mut message = Vec::new();
        if wire::encode(request, &mut message).is_ok() {
            self.send_bytes(state, &message);
        }
    }

    fn send_bytes(&self, state: &mut WorkerState, message: &[u8]) {
        if state.lost.is_some() {
            return;
        }
        if state.backlog.is_empty() {
            match state.requests.send(message) {
                Ok(true) => return,
                Ok(false) => {}
                // The supervising thread finds the same, and ends the worker.
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
    fn attend(&self) {
        self.attention.store(true, Ordering::Release);
        wake_host(&self.memory);
    }
}

/// An entry as the worker needs to know it.
fn shape(entry: &tensor_wasm_ptx::Entry) -> EntryShape<'_> {
    EntryShape {
        name: entry.name(),
        parameters: entry
            .params()
            .iter()
            .map(|parameter| (parameter.offset, parameter.bytes))
            .collect(),
    }
}

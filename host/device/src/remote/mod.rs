//! A device that lives in worker processes, as the host sees it: one worker for
//! each tenant that uses the device, started when it is first used.
//!
//! A worker that faults, hangs, overruns or lies is killed. What was on it is gone
//! for its tenant, and for nobody else.

mod lane;
mod pages;
mod pool;
mod probe;
mod process;
mod queue;
mod turns;
mod watch;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch as channel};

use crate::Error;
use crate::account::{Charge, Room};
use crate::channel::wire::{self, EntryShape, Request};
use crate::channel::{Area, Broken, Producer, SharedMemory, Staging, wake_host};
use crate::cpu::PoisonId;
use crate::queue::Hold;
use crate::sync::lock;

use lane::Op;
use lane::{After, Lane, Released};
pub use pool::WorkerConfig;
pub(crate) use pool::{Slot, Workers};
pub use probe::NoNvidia;
pub(crate) use probe::probe;
pub(crate) use queue::Remote;
use turns::Turns;

/// How much of a queue's work its worker has at a time.
const WINDOW: usize = 256;

/// Modules without variables that a worker keeps loaded for the next who asks.
const KEPT_MODULES: usize = 32;

/// One tenant's worker.
pub(crate) struct Worker {
    /// Among all workers of the device.
    id: u64,
    memory: Arc<SharedMemory>,
    pub(crate) staging: Arc<Staging>,
    turns: Arc<Turns>,
    state: Mutex<State>,
    /// Set with `State::lost`, to be looked at without the lock.
    is_lost: AtomicBool,
    /// That it was ended for no fault of its tenant's.
    ended_well: AtomicBool,
    /// The tenant's name, for the log.
    tenant: String,
    /// That the watching thread is to look again.
    attention: AtomicBool,
    started: channel::Sender<Started>,
    limits: WorkerLimits,
}

/// How long a worker may take, and how much.
#[derive(Clone, Copy, Debug)]
struct WorkerLimits {
    /// For one kernel, as its tenant is told.
    kernel: Duration,
    /// What is added to that: a worker that keeps the time itself is ended only where it
    /// does not.
    slack: Duration,
    /// For anything else.
    patience: Duration,
    /// Until one that nobody uses is stopped.
    idle: Duration,
    /// What its process may take of the host's memory.
    memory_bytes: u64,
}

#[derive(Clone, Debug)]
enum Started {
    NotYet,
    Ready,
    Lost(Error),
}

/// What becomes of what functions keep on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Stays,
    Goes,
}

/// What a tenant holds of the device for one allocation.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) _charges: Vec<Charge>,
    pub(crate) _room: Option<Room>,
}

struct State {
    requests: Producer,
    /// Requests for which the ring had no room, in order.
    backlog: VecDeque<Vec<u8>>,
    /// Since when the ring has had no room for the first of them.
    unread_since: Option<Instant>,
    lanes: HashMap<u64, Lane>,
    /// What the tenant has on the device. It goes when the worker does, whoever
    /// still holds a handle.
    allocations: HashMap<u64, Holding>,
    allocating: HashMap<u64, Asked<u64>>,
    loading: HashMap<u64, Asked<Vec<u32>>>,
    /// Loaded modules that the next who asks can have, by the hash of their text.
    kept: VecDeque<(blake3::Hash, Arc<Loaded>)>,
    lost: Option<Error>,
    /// Instances that use it.
    users: u64,
    idle_since: Instant,
    ids: u64,
    /// What a message is made in, kept for the next.
    scratch: Vec<u8>,
}

/// A request that somebody waits for.
struct Asked<T> {
    reply: oneshot::Sender<Result<T, Error>>,
    since: Instant,
    /// Goes with it where it fails.
    holding: Option<Holding>,
    /// What the worker reads meanwhile.
    _area: Option<Area>,
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
pub(crate) struct Loaded {
    worker: Arc<Worker>,
    pub(crate) id: u64,
    /// How many threads a block of each entry may have.
    pub(crate) max_threads: Vec<u32>,
}

impl Drop for Loaded {
    fn drop(&mut self) {
        self.worker.request(&Request::Unload { id: self.id });
    }
}

impl Worker {
    /// Waits until it has the device.
    ///
    /// # Errors
    /// Why it has not.
    async fn ready(&self) -> Result<(), Error> {
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
    fn enter(&self) -> bool {
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

    /// Ends it, unless somebody uses it; whether it is over. What functions keep on the
    /// device counts as use, unless the room is needed.
    fn stop_if_idle(&self, since: Duration, kept: Kept) -> bool {
        let mut state = lock(&self.state);
        if state.lost.is_some() {
            return true;
        }
        let idle = state.users == 0
            && (kept == Kept::Goes || state.allocations.is_empty())
            && state.allocating.is_empty()
            && state.loading.is_empty()
            && state.lanes.is_empty()
            && state.idle_since.elapsed() >= since;
        if idle {
            self.ended_well.store(true, Ordering::Release);
            let lost = "nobody used the device's worker, and it was ended: open the device again";
            let after = self.lose(&mut state, Error::DeviceLost(lost.to_owned()), &[]);
            drop(state);
            after.carry_out();
            self.attend();
        }
        idle
    }

    /// Ends it, whoever uses it.
    pub(crate) fn stop(&self, why: &str) {
        let mut state = lock(&self.state);
        let after = self.lose(&mut state, Error::DeviceLost(why.to_owned()), &[]);
        drop(state);
        after.carry_out();
        self.attend();
    }

    /// The worker is of no use any more. `blamed` says which queues' work did it, and
    /// what it did.
    fn lose(&self, state: &mut State, lost: Error, blamed: &[(u64, Error)]) -> After {
        let mut after = After::default();
        if state.lost.is_some() {
            return after;
        }
        self.turns.leave(self.id);
        state.lost = Some(lost.clone());
        self.is_lost.store(true, Ordering::Release);
        state.backlog.clear();
        state.ids += 1;
        let poison = PoisonId::of(state.ids);
        for (id, lane) in &mut state.lanes {
            let own = blamed.iter().find(|(queue, _)| queue == id);
            lane.lose(
                poison,
                own.map(|(_, error)| error.clone()),
                &lost,
                &mut after,
            );
        }
        // Those whose last handle is gone go now, the others with it.
        let over: Vec<u64> = state
            .lanes
            .iter()
            .filter(|(_, lane)| lane.retired)
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            if let Some(mut lane) = state.lanes.remove(&id) {
                after.released.push(lane.take_hold());
            }
        }
        for (_, holding) in state.allocations.drain() {
            after.released.push(Released::Allocation(holding));
        }
        for (_, asked) in state.allocating.drain() {
            after
                .released
                .extend(asked.holding.map(Released::Allocation));
            drop(asked.reply.send(Err(lost.clone())));
        }
        for (_, asked) in state.loading.drain() {
            drop(asked.reply.send(Err(lost.clone())));
        }
        for (_, loaded) in state.kept.drain(..) {
            after.released.push(Released::Module(loaded));
        }
        self.staging.close();
        self.started.send_replace(Started::Lost(lost));
        after
    }

    /// Why it is lost.
    fn lost(&self) -> Error {
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
    ) -> Result<(u64, u64), Error> {
        let (id, answer) = self.ask_for_memory(bytes, holding)?;
        let address = answer.await.map_err(|_| self.lost())??;
        Ok((id, address))
    }

    fn ask_for_memory(&self, bytes: u64, holding: Holding) -> Result<(u64, Awaited<u64>), Error> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.open()?;
        state.ids += 1;
        let id = state.ids;
        let asked = Asked {
            reply,
            since: Instant::now(),
            holding: Some(holding),
            _area: None,
        };
        state.allocating.insert(id, asked);
        self.send(&mut state, &Request::Allocate { id, bytes });
        Ok((id, answer))
    }

    /// Gives memory back. Nothing that is queued uses it any more.
    pub(crate) fn free(&self, id: u64) {
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
        area: Area,
    ) -> Result<(u64, Awaited<Vec<u32>>), Error> {
        let (reply, answer) = oneshot::channel();
        let entries = parsed.entries().iter().map(shape).collect();
        let mut state = self.open()?;
        state.ids += 1;
        let id = state.ids;
        let request = Request::Load {
            id,
            text: area.span(),
            entries,
        };
        self.send(&mut state, &request);
        let asked = Asked {
            reply,
            since: Instant::now(),
            holding: None,
            _area: Some(area),
        };
        state.loading.insert(id, asked);
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

    /// Opens a queue.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(crate) fn add_lane(&self, hold: Hold) -> Result<u64, Error> {
        let mut state = match self.open() {
            Ok(state) => state,
            Err(error) => {
                drop(hold);
                return Err(error);
            }
        };
        state.ids += 1;
        let queue = state.ids;
        state.lanes.insert(queue, Lane::new(Some(hold)));
        self.send(&mut state, &Request::OpenQueue { queue });
        Ok(queue)
    }

    /// Queues work.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], and the error of the queue's own that nobody was told
    /// of where it is why.
    pub(crate) fn push(&self, queue: u64, op: Op) -> Result<(), Error> {
        let mut after = After::default();
        let mut state = lock(&self.state);
        let lost = state.lost.clone();
        let Some(lane) = state.lanes.get_mut(&queue).filter(|lane| !lane.closed) else {
            drop(state);
            drop(op);
            return Err(lost.unwrap_or_else(Error::lease_ended));
        };
        if let Some(lost) = lost {
            // A failure that nobody knows of yet comes first, as ever.
            if !lane.is_poisoned() {
                drop(state);
                drop(op);
                return Err(lost);
            }
            lane.push(op, &mut after);
            drop(state);
            after.carry_out();
            return Ok(());
        }
        lane.push(op, &mut after);
        let was_at_work = lane.is_at_work();
        self.pump(&mut state, queue);
        let begins = !was_at_work && state.lanes.get(&queue).is_some_and(Lane::is_at_work);
        drop(state);
        after.carry_out();
        if begins {
            self.turns.set_busy(self.id, true);
            self.attend();
        }
        Ok(())
    }

    /// The last handle of a queue is gone: its work goes on, and then it goes.
    pub(crate) fn retire(&self, queue: u64) {
        let mut after = After::default();
        let mut state = lock(&self.state);
        if let Some(lane) = state.lanes.get_mut(&queue) {
            lane.retired = true;
            self.remove_if_over(&mut state, queue, &mut after);
        }
        drop(state);
        after.carry_out();
    }

    /// An instance has ended: what its queue still has to do is dropped.
    pub(crate) fn close(&self, queue: u64) {
        let mut after = After::default();
        let mut state = lock(&self.state);
        if let Some(lane) = state.lanes.get_mut(&queue)
            && !lane.closed
        {
            lane.close(&mut after);
            if !lane.is_idle() {
                self.send(&mut state, &Request::CloseQueue { queue });
            }
            self.remove_if_over(&mut state, queue, &mut after);
        }
        drop(state);
        after.carry_out();
    }

    /// Whether the queue has a failure that nobody was told of.
    pub(crate) fn is_poisoned(&self, queue: u64) -> bool {
        let state = lock(&self.state);
        state.lanes.get(&queue).is_some_and(Lane::is_poisoned)
    }

    /// What a call that waits is told once the worker is lost: the queue's own failure
    /// where nobody knows of it yet.
    pub(crate) fn refusal(&self, queue: u64) -> Error {
        let mut state = lock(&self.state);
        let own = state.lanes.get_mut(&queue).and_then(Lane::take_poison);
        drop(state);
        own.unwrap_or_else(|| self.lost())
    }

    /// Someone was told of a queue's failure: the queue is usable again.
    pub(crate) fn acknowledge(&self, queue: u64, poison: PoisonId) {
        if let Some(lane) = lock(&self.state).lanes.get_mut(&queue) {
            lane.acknowledge(poison);
        }
    }

    fn remove_if_over(&self, state: &mut State, queue: u64, after: &mut After) {
        let over = state
            .lanes
            .get(&queue)
            .is_some_and(|lane| lane.retired && (lane.is_idle() || state.lost.is_some()));
        if !over {
            return;
        }
        if let Some(mut lane) = state.lanes.remove(&queue) {
            if !lane.closed {
                self.send(state, &Request::CloseQueue { queue });
            }
            after.released.push(lane.take_hold());
        }
        state.idle_since = Instant::now();
    }

    /// Sends what the queue's worker may have now.
    fn pump(&self, state: &mut State, queue: u64) {
        if state.lost.is_some() || !self.turns.may_send(self.id) {
            return;
        }
        let mut message = std::mem::take(&mut state.scratch);
        while let Some(lane) = state.lanes.get_mut(&queue) {
            let Some((number, op)) = lane.next(WINDOW) else {
                break;
            };
            if wire::encode_work(queue, number, &op.task, &mut message).is_err() {
                break;
            }
            lane.sent();
            self.send_bytes(state, &message);
        }
        state.scratch = message;
    }

    /// The state, while the worker is of use.
    fn open(&self) -> Result<std::sync::MutexGuard<'_, State>, Error> {
        let state = lock(&self.state);
        match &state.lost {
            None => Ok(state),
            Some(lost) => Err(lost.clone()),
        }
    }

    fn request(&self, request: &Request<'_>) {
        self.send(&mut lock(&self.state), request);
    }

    fn send(&self, state: &mut State, request: &Request<'_>) {
        let mut message = Vec::new();
        if wire::encode(request, &mut message).is_ok() {
            self.send_bytes(state, &message);
        }
    }

    fn send_bytes(&self, state: &mut State, message: &[u8]) {
        if state.lost.is_some() {
            return;
        }
        if state.backlog.is_empty() {
            match state.requests.send(message) {
                Ok(true) => return,
                Ok(false) => {}
                // The thread that watches finds the same, and ends the worker.
                Err(Broken(_)) => {}
            }
        }
        state.unread_since.get_or_insert_with(Instant::now);
        state.backlog.push_back(message.to_vec());
    }

    /// Sends what the ring had no room for.
    fn flush(&self, state: &mut State) -> Result<(), Broken> {
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

    /// Has the watching thread look again at what it waits for.
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

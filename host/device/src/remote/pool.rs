//! All workers of one device: how many there may be, and who gets one.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch as channel;

use super::process::Process;
use super::turns::Turns;
use super::watch::Watch;
use super::{Kept, Started, State, Worker, WorkerLimits};
use crate::channel::wire::{self, Request, Start};
use crate::channel::{Consumer, Layout, Producer, SharedMemory, Staging};
use crate::sync::lock;
use crate::{Error, Limits};

/// How worker processes serve as a device.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// The program that is a worker, with its arguments: one that calls
    /// [`worker::run`](crate::worker::run).
    pub program: Vec<OsString>,
    /// Workers at one time, a number. A tenant that finds none is told that the
    /// device is lost; idle ones make room. 16.
    pub workers: usize,
    /// How long a worker that nobody uses stays. 60 s.
    pub idle: Duration,
    /// How long a worker may take to start, to compile a module, to find memory, to
    /// move data. One that takes longer is ended. 60 s.
    pub patience: Duration,
    /// What a worker's process may take of the host's memory, beside what its tenant may
    /// hold on the device and the area for data on its way, in bytes. One that takes more
    /// is ended. 2 GiB.
    pub overhead_bytes: u64,
    /// A folder for compiled modules, one in it for each tenant. None, if not set.
    pub cache: Option<PathBuf>,
}

impl Default for WorkerConfig {
    fn default() -> WorkerConfig {
        WorkerConfig {
            // The program itself, also where its file was replaced since.
            program: vec!["/proc/self/exe".into(), "device-worker".into()],
            workers: 16,
            idle: Duration::from_secs(60),
            patience: Duration::from_secs(60),
            overhead_bytes: 2 << 30,
            cache: None,
        }
    }
}

/// The least that a worker's area for bulk data has, in bytes.
const LEAST_AREA: usize = 4 << 20;

/// The most that it has, in bytes.
const MOST_AREA: usize = 256 << 20;

/// The workers of one device.
#[derive(Debug)]
pub(crate) struct Workers {
    config: WorkerConfig,
    backend: wire::Backend,
    turns: Arc<Turns>,
    live: Mutex<Vec<Weak<Worker>>>,
    ids: AtomicU64,
}

/// Where one session's worker is, and when it may have the next.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    worker: Option<Arc<Worker>>,
    started: Option<Instant>,
    /// Workers that ended soon after their start, in a row.
    short_lived: u32,
}

/// How much longer than its time a kernel may take to be stopped by a worker that can,
/// on a machine that is busy.
const SLACK: Duration = Duration::from_secs(1);

/// How long what functions keep on the device stays at least, while they do not use
/// it, where another tenant needs the room.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// How often, and how many times, it is looked whether there is room for another worker.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: u32 = 30;

/// A worker that lived for less is counted as one that its tenant brings down.
const SHORT_LIFE: Duration = Duration::from_secs(10);

/// After how long a tenant gets its next worker: the first of several at once.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Slot {
    /// When another worker may be started.
    fn not_before(&self) -> Option<Instant> {
        let doublings = self.short_lived.checked_sub(2)?;
        let pause = PAUSE.saturating_mul(1 << doublings.min(10));
        self.started?.checked_add(pause.min(LONGEST_PAUSE))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            worker.stop("the tenant's session has ended");
        }
    }
}

impl Workers {
    pub(crate) fn new(config: WorkerConfig, backend: wire::Backend) -> Workers {
        Workers {
            config,
            backend,
            turns: Arc::default(),
            live: Mutex::default(),
            ids: AtomicU64::new(1),
        }
    }

    /// The session's worker, which is started where there is none, with one more
    /// user: whoever gets it owes a [`leave`](Worker::leave).
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where none can be had.
    pub(crate) async fn get(
        &self,
        slot: &tokio::sync::Mutex<Slot>,
        timer: &crate::timer::Timer,
        tenant: &str,
        limits: &Limits,
    ) -> Result<Arc<Worker>, Error> {
        let worker = {
            let mut slot = slot.lock().await;
            match slot.worker.clone().filter(|worker| worker.enter()) {
                Some(worker) => worker,
                None => {
                    if let Some(last) = slot.worker.take() {
                        let young = slot.started.is_some_and(|at| at.elapsed() < SHORT_LIFE);
                        let short = young && !last.ended_well.load(Ordering::Acquire);
                        slot.short_lived = if short { slot.short_lived + 1 } else { 0 };
                    }
                    if let Some(at) = slot.not_before() {
                        timer.until(at).await;
                    }
                    self.wait_for_room(timer).await;
                    slot.started = Some(Instant::now());
                    let worker = self.start(tenant, limits)?;
                    slot.worker = Some(Arc::clone(&worker));
                    worker
                }
            }
        };
        let user = User(Some(worker));
        user.ready().await?;
        user.keep()
    }

    /// Waits a little where there is no room for another worker: one whose instance has
    /// just answered its request is in use for a moment longer.
    async fn wait_for_room(&self, timer: &crate::timer::Timer) {
        for _ in 0..LOOKS {
            if self.make_room(&mut lock(&self.live)).is_ok() {
                return;
            }
            match timer.now().checked_add(LOOK) {
                Some(then) => timer.until(then).await,
                None => return,
            }
        }
    }

    /// Starts a worker.
    fn start(&self, tenant: &str, limits: &Limits) -> Result<Arc<Worker>, Error> {
        let failed = |error: std::io::Error| {
            tracing::error!(tenant, %error, "a device worker can't be started");
            Error::DeviceLost(format!("the device's worker can't be started: {error}"))
        };
        let mut live = lock(&self.live);
        self.make_room(&mut live)?;
        let area = usize::try_from(limits.staged_bytes).unwrap_or(MOST_AREA);
        let layout = Layout::of(area.clamp(LEAST_AREA, MOST_AREA));
        let (memory, file) = SharedMemory::create(layout).map_err(failed)?;
        let memory = Arc::new(memory);
        let mut requests = Producer::to_worker(&memory);
        let start = Request::Start(Start {
            backend: self.backend,
            memory_bytes: limits.memory_bytes,
            kernel_nanoseconds: u64::try_from(limits.kernel_time.as_nanos()).unwrap_or(u64::MAX),
            cache: self
                .config
                .cache
                .as_ref()
                .map(|folder| folder.join(file_name(tenant))),
        });
        let mut message = Vec::new();
        let sent = wire::encode(&start, &mut message)
            .map_err(std::io::Error::other)
            .and_then(|()| requests.send(&message).map_err(std::io::Error::other));
        sent.map_err(failed)?;
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        self.turns.join(id, limits.share);
        let worker = Arc::new(self.worker(id, &memory, requests, tenant, limits));
        let (shared, program) = (Arc::clone(&worker), self.config.program.clone());
        // Starting a process takes longer than a thread that serves requests has.
        let watching = std::thread::Builder::new()
            .name("device-worker".to_owned())
            .spawn(move || watch(&shared, &program, file, &memory));
        if let Err(error) = watching {
            worker.stop("no thread can be had to watch it");
            return Err(failed(error));
        }
        tracing::debug!(tenant, worker = id, "a device worker was started");
        live.push(Arc::downgrade(&worker));
        Ok(worker)
    }

    pub(super) fn worker(
        &self,
        id: u64,
        memory: &Arc<SharedMemory>,
        requests: Producer,
        tenant: &str,
        limits: &Limits,
    ) -> Worker {
        Worker {
            id,
            memory: Arc::clone(memory),
            staging: Staging::new(memory),
            turns: Arc::clone(&self.turns),
            state: Mutex::new(State::new(requests)),
            is_lost: AtomicBool::new(false),
            ended_well: AtomicBool::new(false),
            tenant: tenant.to_owned(),
            attention: AtomicBool::new(false),
            started: channel::Sender::new(Started::NotYet),
            limits: WorkerLimits {
                kernel: limits.kernel_time,
                slack: match self.backend {
                    wire::Backend::Cpu { .. } => limits.kernel_time.saturating_add(SLACK),
                    wire::Backend::Cuda { .. } => Duration::ZERO,
                },
                patience: self.config.patience,
                idle: self.config.idle,
                memory_bytes: limits
                    .memory_bytes
                    .saturating_add(memory.layout().area as u64)
                    .saturating_add(self.config.overhead_bytes)
                    .saturating_add(match self.backend {
                        // One bit for each byte of a buffer.
                        wire::Backend::Cpu { checks: true, .. } => limits.memory_bytes / 8,
                        _ => 0,
                    }),
            },
        }
    }

    /// Sees that there is room for one more, if need be by stopping one that nobody
    /// uses now.
    fn make_room(&self, live: &mut Vec<Weak<Worker>>) -> Result<(), Error> {
        let lives =
            |worker: &Weak<Worker>| worker.upgrade().is_some_and(|worker| !worker.is_lost());
        live.retain(lives);
        if live.len() < self.config.workers {
            return Ok(());
        }
        // Those that nobody uses, and if need be one that only keeps what its tenant's
        // functions can fill again.
        let stopped = [(Duration::ZERO, Kept::Stays), (KEPT_FOR, Kept::Goes)]
            .into_iter()
            .any(|(since, kept)| {
                let mut workers = live.iter().filter_map(Weak::upgrade);
                workers.any(|worker| worker.stop_if_idle(since, kept))
            });
        live.retain(lives);
        if stopped {
            return Ok(());
        }
        Err(Error::DeviceLost(format!(
            "each of the {} workers that this device may have is another tenant's; try again later",
            self.config.workers
        )))
    }

    /// How many workers there are.
    pub(crate) fn count(&self) -> usize {
        let live = lock(&self.live);
        live.iter()
            .filter_map(Weak::upgrade)
            .filter(|worker| !worker.is_lost())
            .count()
    }

    /// Ends all workers.
    pub(crate) fn shut_down(&self) {
        for worker in lock(&self.live)
            .drain(..)
            .filter_map(|worker| worker.upgrade())
        {
            worker.stop("the device is shut down");
        }
    }
}

/// Starts a worker's process, and watches it.
fn watch(worker: &Arc<Worker>, program: &[OsString], file: OwnedFd, memory: &Arc<SharedMemory>) {
    match Process::start(program, file, memory, &worker.tenant) {
        Ok(process) => {
            let watch = Watch {
                worker: Arc::clone(worker),
                answers: Consumer::to_host(memory),
                process,
                began: Instant::now(),
            };
            watch.run();
        }
        Err(error) => {
            tracing::error!(tenant = worker.tenant, %error, "a device worker can't be started");
            worker.stop(&format!("the device's worker can't be started: {error}"));
        }
    }
}

impl State {
    fn new(requests: Producer) -> State {
        State {
            requests,
            backlog: Default::default(),
            unread_since: None,
            lanes: Default::default(),
            allocations: Default::default(),
            allocating: Default::default(),
            loading: Default::default(),
            kept: Default::default(),
            lost: None,
            // Whoever starts it uses it.
            users: 1,
            idle_since: Instant::now(),
            ids: 0,
            scratch: Vec::new(),
        }
    }
}

/// One use of a worker, until it is handed over.
struct User(Option<Arc<Worker>>);

impl User {
    async fn ready(&self) -> Result<(), Error> {
        match &self.0 {
            Some(worker) => worker.ready().await,
            None => Err(Error::lease_ended()),
        }
    }

    fn keep(mut self) -> Result<Arc<Worker>, Error> {
        self.0.take().ok_or_else(Error::lease_ended)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        if let Some(worker) = &self.0 {
            worker.leave();
        }
    }
}

/// A tenant's name as a file name: what is not plainly one is written as hexadecimal.
fn file_name(tenant: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !tenant.is_empty() && tenant.len() <= 64 && tenant.bytes().all(plain) {
        return tenant.to_owned();
    }
    format!("x{}", blake3::hash(tenant.as_bytes()).to_hex())
}

//! All workers of one device: how many there may be, and which tenants have one.

use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch as channel;

use super::answer_ring::AnswerRing;
use super::config::WorkerConfig;
use super::fair_share::FairShare;
use super::process::{CONTEXT_BYTES, Process};
use super::starts::WorkerStarts;
use super::watch::Supervisor;
use super::worker::{ResidentBuffers, Started, Worker, WorkerLimits, WorkerState};
use crate::account::{DeviceMemory, Reservation};
use crate::channel::wire::{self, Request, Start, WorkerDevice};
use crate::channel::{Consumer, Layout, Producer, SharedMemory, StagingArea};
use crate::identity::WorkerId;
use crate::sync::lock;
use crate::timer::Timer;
use crate::{Error, Limits};

/// The least that a worker's area for bulk data has, in bytes.
const LEAST_AREA: usize = 4 << 20;

/// The most that it has, in bytes.
const MOST_AREA: usize = 256 << 20;

/// Of a device with so much memory, what tenants may share where there are so many workers, in bytes: room
/// is left for the contexts of all of them, but no more than a quarter, since a small device seldom has
/// as many workers as it may.
pub(crate) fn shared_bytes(memory_bytes: u64, workers: usize) -> u64 {
    let contexts = CONTEXT_BYTES.saturating_mul(workers as u64);
    memory_bytes - contexts.min(memory_bytes / 4)
}

/// The workers of one device. Clones are the same workers.
#[derive(Clone, Debug)]
pub(crate) struct Workers {
    shared: Arc<WorkersShared>,
}

#[derive(Debug)]
struct WorkersShared {
    config: WorkerConfig,
    device: WorkerDevice,
    memory: Arc<DeviceMemory>,
    timer: Arc<Timer>,
    fair_share: Arc<FairShare>,
    starts: Arc<WorkerStarts>,
    live: Mutex<Vec<Weak<Worker>>>,
    ids: AtomicU64,
}

/// One session's worker, and what decides when it may have the next.
#[derive(Debug, Default)]
pub(super) struct Slot {
    worker: Option<Arc<Worker>>,
    started: Option<Instant>,
    /// Workers that ended soon after their start, in a row.
    short_lived: u32,
}

/// How much longer than its time a kernel may take to be stopped by a worker that can,
/// on a machine that is busy.
const SLACK: Duration = Duration::from_secs(1);

/// How long buffers that functions keep on the device stay at least without being used,
/// where another tenant needs a worker.
const KEPT_FOR: Duration = Duration::from_secs(1);

/// How often, and how many times, it is tried to make room for another worker while each has a use.
const RETRY: Duration = Duration::from_millis(50);
const RETRIES: u32 = 30;

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
    pub(crate) fn new(
        config: WorkerConfig,
        device: WorkerDevice,
        memory: &Arc<DeviceMemory>,
        timer: &Arc<Timer>,
    ) -> Workers {
        let shared = WorkersShared {
            config,
            device,
            memory: Arc::clone(memory),
            timer: Arc::clone(timer),
            fair_share: Arc::default(),
            starts: Arc::default(),
            live: Mutex::default(),
            ids: AtomicU64::new(1),
        };
        Workers {
            shared: Arc::new(shared),
        }
    }

    /// What runs the kernels in them.
    pub(super) fn device(&self) -> &WorkerDevice {
        &self.shared.device
    }

    /// Reserves memory of the device. Where it is full, and a worker is being ended, it waits for
    /// what that one had.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where it is full.
    pub(super) async fn reserve(&self, bytes: u64) -> Result<Reservation, Error> {
        loop {
            // In this order: one that is gone by then has given back what it had.
            let dying = self.dying();
            if let Some(reservation) = self.shared.memory.reserve(bytes) {
                return Ok(reservation);
            }
            match dying {
                Some(dying) => dying.gone().await,
                None => return Err(Error::OutOfMemory { bytes }),
            }
        }
    }

    /// Reserves memory of the device, where it has some now.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where it is full.
    pub(super) fn reserve_at_once(&self, bytes: u64) -> Result<Reservation, Error> {
        let reservation = self.shared.memory.reserve(bytes);
        reservation.ok_or(Error::OutOfMemory { bytes })
    }

    /// A worker that is lost and whose process is not gone yet.
    pub(super) fn dying(&self) -> Option<Arc<Worker>> {
        dying(&lock(&self.shared.live))
    }

    /// The session's worker, which is started where there is none, with one more
    /// user: the caller owes a [`leave`](Worker::leave).
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where none can be had, [`Error::OutOfMemory`] where the device has no
    /// memory left for one.
    pub(super) async fn get(
        &self,
        slot: &tokio::sync::Mutex<Slot>,
        tenant: &str,
        limits: &Limits,
    ) -> Result<Arc<Worker>, Error> {
        loop {
            let (user, dying) = self.user(slot, tenant, limits).await?;
            match (user.ready().await, dying) {
                // What that one had is free when it is gone.
                (Err(Error::OutOfMemory { .. }), Some(dying)) => dying.gone().await,
                (outcome, _) => {
                    outcome?;
                    return user.keep();
                }
            }
        }
    }

    /// One more use of the session's worker, which is started where there is none; and a worker that
    /// was being ended before it was.
    async fn user(
        &self,
        slot: &tokio::sync::Mutex<Slot>,
        tenant: &str,
        limits: &Limits,
    ) -> Result<(User, Option<Arc<Worker>>), Error> {
        let mut dying = None;
        let worker = {
            let mut slot = slot.lock().await;
            match slot.worker.clone().filter(|worker| worker.enter()) {
                Some(worker) => worker,
                None => {
                    if let Some(last) = &slot.worker {
                        // Until then what the tenant had counts, and the device may be full of it.
                        last.gone().await;
                    }
                    if let Some(last) = slot.worker.take() {
                        let young = slot.started.is_some_and(|at| at.elapsed() < SHORT_LIFE);
                        let short = young && !last.ended_well.load(Ordering::Acquire);
                        slot.short_lived = if short { slot.short_lived + 1 } else { 0 };
                    }
                    if let Some(at) = slot.not_before() {
                        self.shared.timer.until(at).await;
                    }
                    dying = self.dying();
                    let worker = self.start_when_there_is_room(tenant, limits).await?;
                    slot.started = Some(Instant::now());
                    slot.worker = Some(Arc::clone(&worker));
                    worker
                }
            }
        };
        Ok((User(Some(worker)), dying))
    }

    /// Starts a worker. Where there is no room for another one, waits for one that is being ended,
    /// or else a little: one whose instance has just answered its request is in use for a moment
    /// longer.
    async fn start_when_there_is_room(
        &self,
        tenant: &str,
        limits: &Limits,
    ) -> Result<Arc<Worker>, Error> {
        let mut retries = 0..RETRIES;
        loop {
            match self.start(tenant, limits)? {
                Begun::Started(worker) => return Ok(worker),
                Begun::Soon(dying) => dying.gone().await,
                Begun::NoRoom => {
                    let timer = &self.shared.timer;
                    let then = timer.now().checked_add(RETRY);
                    match then.filter(|_| retries.next().is_some()) {
                        Some(then) => timer.until(then).await,
                        None => return Err(self.no_room()),
                    }
                }
            }
        }
    }

    fn no_room(&self) -> Error {
        Error::DeviceLost(format!(
            "each of the {} workers that this device may have is another tenant's; try again later",
            self.shared.config.workers
        ))
    }

    /// Starts a worker, if there is room.
    fn start(&self, tenant: &str, limits: &Limits) -> Result<Begun, Error> {
        let failed = |error: std::io::Error| {
            tracing::error!(tenant, %error, "a device worker can't be started");
            self.shared.starts.failed(Instant::now());
            Error::DeviceLost(format!("the device's worker can't be started: {error}"))
        };
        let mut live = lock(&self.shared.live);
        if !self.has_room(&mut live) {
            return Ok(dying(&live).map_or(Begun::NoRoom, Begun::Soon));
        }
        let area = usize::try_from(limits.staged_bytes).unwrap_or(MOST_AREA);
        let layout = Layout::of(area.clamp(LEAST_AREA, MOST_AREA));
        let (memory, file) = SharedMemory::create(layout).map_err(failed)?;
        let memory = Arc::new(memory);
        let mut requests = Producer::to_worker(&memory);
        let start = Request::Start(Start {
            device: self.shared.device.clone(),
            memory_bytes: limits.memory_bytes,
            kernel_nanoseconds: u64::try_from(limits.kernel_time.as_nanos()).unwrap_or(u64::MAX),
            cache: self
                .shared
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
        let id = WorkerId::from(self.shared.ids.fetch_add(1, Ordering::Relaxed));
        self.shared.fair_share.add(id, limits.share);
        let worker = Arc::new(self.worker(id, &memory, requests, tenant, limits));
        let (shared, workers) = (Arc::clone(&worker), Arc::clone(&self.shared));
        // Starting a process takes longer than a thread that serves requests has.
        let supervising = std::thread::Builder::new()
            .name("device-worker".to_owned())
            .spawn(move || supervise(&shared, &workers, file));
        if let Err(error) = supervising {
            worker.stop("no thread can be had to supervise it");
            worker.has_gone();
            return Err(failed(error));
        }
        tracing::debug!(tenant, worker = id.number(), "a device worker was started");
        live.push(Arc::downgrade(&worker));
        Ok(Begun::Started(worker))
    }

    pub(super) fn worker(
        &self,
        id: WorkerId,
        memory: &Arc<SharedMemory>,
        requests: Producer,
        tenant: &str,
        limits: &Limits,
    ) -> Worker {
        let shared = &self.shared;
        let answers = Consumer::to_host(memory);
        Worker {
            id,
            began: Instant::now(),
            listener: answers.listener().clone(),
            answers: Mutex::new(AnswerRing::new(answers)),
            staging: StagingArea::new(memory),
            fair_share: Arc::clone(&shared.fair_share),
            starts: Arc::clone(&shared.starts),
            state: Mutex::new(WorkerState::new(requests)),
            is_lost: AtomicBool::new(false),
            ended_well: AtomicBool::new(false),
            tenant: tenant.to_owned(),
            is_watched_closely: AtomicBool::new(false),
            started: channel::Sender::new(Started::NotYet),
            gone: channel::Sender::new(false),
            limits: WorkerLimits {
                kernel: limits.kernel_time,
                slack: match shared.device {
                    // It keeps to the limit itself; and compiles a kernel at its first launch.
                    WorkerDevice::Cpu { .. } => (limits.kernel_time)
                        .saturating_add(SLACK)
                        .saturating_add(shared.config.timeout),
                    WorkerDevice::Cuda(_) => Duration::ZERO,
                },
                timeout: shared.config.timeout,
                idle: shared.config.idle,
                memory_bytes: limits
                    .memory_bytes
                    .saturating_add(memory.layout().area as u64)
                    .saturating_add(shared.config.overhead_bytes)
                    .saturating_add(match shared.device {
                        // One bit for each byte of a buffer.
                        WorkerDevice::Cpu { checks: true, .. } => limits.memory_bytes / 8,
                        _ => 0,
                    }),
            },
        }
    }

    /// Whether there is room for one more. If not, and none is being ended yet, it ends one that is
    /// without use now.
    fn has_room(&self, live: &mut Vec<Weak<Worker>>) -> bool {
        // The place of one that is lost stays taken until its process is gone.
        live.retain(|worker| worker.upgrade().is_some_and(|worker| !worker.is_gone()));
        if live.len() < self.shared.config.workers {
            return true;
        }
        if dying(live).is_none() {
            // One that has no use, and if need be one that only keeps buffers that its tenant's
            // functions can fill again.
            let _ = [
                (Duration::ZERO, ResidentBuffers::AreUse),
                (KEPT_FOR, ResidentBuffers::AreNoUse),
            ]
            .into_iter()
            .any(|(since, resident)| {
                let mut workers = live.iter().filter_map(Weak::upgrade);
                workers.any(|worker| worker.stop_if_idle(since, resident))
            });
        }
        false
    }

    /// Waits until no process of a worker is left that is to end.
    pub(crate) async fn gone(&self) {
        while let Some(dying) = self.dying() {
            dying.gone().await;
        }
    }

    /// How many workers there are.
    pub(super) fn count(&self) -> usize {
        let live = lock(&self.shared.live);
        live.iter()
            .filter_map(Weak::upgrade)
            .filter(|worker| !worker.is_lost())
            .count()
    }

    /// Whether a worker can be started, as far as is known.
    pub(super) fn can_start(&self) -> bool {
        self.shared.starts.can_start(Instant::now())
    }

    /// Ends all workers.
    pub(super) fn stop_all(&self) {
        for worker in lock(&self.shared.live)
            .drain(..)
            .filter_map(|worker| worker.upgrade())
        {
            worker.stop("the device is shut down");
        }
    }
}

/// What came of starting a worker.
enum Begun {
    Started(Arc<Worker>),
    /// There is room when this one is gone.
    Soon(Arc<Worker>),
    NoRoom,
}

/// One of these that is lost and whose process is not gone yet.
fn dying(live: &[Weak<Worker>]) -> Option<Arc<Worker>> {
    let mut workers = live.iter().filter_map(Weak::upgrade);
    workers.find(|worker| worker.is_lost() && !worker.is_gone())
}

/// Starts a worker's process, and supervises it.
fn supervise(worker: &Arc<Worker>, workers: &WorkersShared, file: OwnedFd) {
    let (program, device) = (&workers.config.program, &workers.device);
    match Process::start(program, device, file, &worker.listener, &worker.tenant) {
        Ok(process) => {
            let supervisor = Supervisor {
                worker: Arc::clone(worker),
                process,
            };
            // A bug of ours costs one tenant its worker, and nobody else anything.
            if catch_unwind(AssertUnwindSafe(|| supervisor.run())).is_err() {
                worker.stop("the host failed while it supervised the device's worker");
            }
        }
        Err(error) => {
            tracing::error!(tenant = worker.tenant, %error, "a device worker can't be started");
            worker.starts.failed(Instant::now());
            worker.stop(&format!("the device's worker can't be started: {error}"));
            worker.has_gone();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_left_for_contexts_but_most_of_a_device_is_shared() {
        const GIB: u64 = 1 << 30;
        assert_eq!(shared_bytes(80 * GIB, 16), 72 * GIB);
        assert_eq!(shared_bytes(80 * GIB, 1), 80 * GIB - CONTEXT_BYTES);
        for workers in [16, 64, usize::MAX] {
            assert_eq!(shared_bytes(8 * GIB, workers), 6 * GIB);
        }
        assert_eq!(shared_bytes(0, 16), 0);
        assert_eq!(shared_bytes(u64::MAX, 0), u64::MAX);
    }
}

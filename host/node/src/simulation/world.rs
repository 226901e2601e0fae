//! What surrounds a simulated node: its time, its disk's faults and its end, all decided by one
//! random number generator. The same seed makes the same schedule.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, pending, poll_fn};
use tokio::sync::{Notify, oneshot};

use crate::clock::Clock;
use crate::lock::ignore_poison;
use crate::storage::StorageError;

/// The time of day at which each schedule begins, in milliseconds since 1970.
const BEGIN_MS: i64 = 1_900_000_000_000;

/// How likely each fault is, for each write or read, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FaultRates {
    /// The process ends before a write.
    pub(super) crash_before: u32,
    /// The process ends after a write, before it is acknowledged.
    pub(super) crash_after: u32,
    /// A write fails, and nothing is written.
    pub(super) fail_before: u32,
    /// A write fails, and was made all the same.
    pub(super) fail_after: u32,
    /// A read fails.
    pub(super) fail_read: u32,
    /// The disk takes long.
    pub(super) slow: u32,
    /// The time of day jumps.
    pub(super) clock_jump: u32,
    /// A component can't be loaded, or fails as it runs.
    pub(super) worker: u32,
    /// A client goes away before it is answered.
    pub(super) impatience: u32,
}

/// What surrounds a node.
pub(super) struct World {
    state: Mutex<WorldState>,
    /// The process has ended.
    ended: Notify,
}

struct WorldState {
    rng: fastrand::Rng,
    rates: FaultRates,
    /// Since the schedule began.
    time: Duration,
    /// Between the time of day and what it would be if it had never jumped.
    offset_ms: i64,
    timers: BTreeMap<(Duration, u64), oneshot::Sender<()>>,
    timers_made: u64,
    crashed: bool,
    /// Whether nothing takes time.
    is_instant: bool,
    /// What happened, for whoever looks into a schedule that failed.
    trace: Vec<String>,
}

/// Why a write or read failed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// There is no room on the disk.
    Full,
    /// The disk is broken.
    Broken,
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> io::Error {
        match fault {
            Fault::Full => io::ErrorKind::StorageFull.into(),
            Fault::Broken => io::Error::other("simulated"),
        }
    }
}

impl From<Fault> for StorageError {
    fn from(fault: Fault) -> StorageError {
        match fault {
            Fault::Full => StorageError::Full,
            Fault::Broken => StorageError::Database(sqlx::Error::Io(fault.into())),
        }
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<World> {
        Arc::new(World {
            state: Mutex::new(WorldState {
                rng: fastrand::Rng::with_seed(seed),
                rates: FaultRates::default(),
                time: Duration::ZERO,
                offset_ms: 0,
                timers: BTreeMap::new(),
                timers_made: 0,
                crashed: false,
                is_instant: false,
                trace: Vec::new(),
            }),
            ended: Notify::new(),
        })
    }

    /// A disk that never fails and takes no time.
    pub(super) fn without_faults() -> Arc<World> {
        let world = World::new(0);
        world.with(|state| state.is_instant = true);
        world
    }

    fn with<T>(&self, change: impl FnOnce(&mut WorldState) -> T) -> T {
        let mut state = ignore_poison(self.state.lock());
        change(&mut state)
    }

    /// Writes down what happens.
    pub(super) fn note(&self, text: impl FnOnce() -> String) {
        self.with(|state| {
            let line = format!("{:?} {}", state.time, text());
            state.trace.push(line);
        });
    }

    /// What happened.
    pub(super) fn trace(&self) -> String {
        self.with(|state| state.trace.join("\n"))
    }

    /// Asks the random number generator.
    pub(super) fn random<T>(&self, ask: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        self.with(|state| ask(&mut state.rng))
    }

    /// Whether something happens that is so likely, in thousandths.
    pub(super) fn happens(&self, rate: impl FnOnce(&FaultRates) -> u32) -> bool {
        self.with(|state| {
            let rate = rate(&state.rates);
            rate > 0 && state.rng.u32(0..1000) < rate
        })
    }

    /// From now on faults are this likely.
    pub(super) fn set_rates(&self, rates: FaultRates) {
        self.with(|state| state.rates = rates);
    }

    /// Since the schedule began.
    pub(super) fn time(&self) -> Duration {
        self.with(|state| state.time)
    }

    /// A new process begins.
    pub(super) fn begin(&self) {
        self.with(|state| {
            state.crashed = false;
            state.timers.clear();
        });
    }

    /// The process ends, in the middle of whatever it does.
    pub(super) fn crash(&self) {
        self.note(|| "crash".to_owned());
        self.with(|state| state.crashed = true);
        self.ended.notify_one();
    }

    /// Done when the process has crashed.
    pub(super) async fn crashed(&self) {
        while !self.with(|state| state.crashed) {
            self.ended.notified().await;
        }
    }

    /// To be awaited before each write.
    pub(super) async fn before_write(&self) -> Result<(), Fault> {
        self.latency().await;
        if self.happens(|rates| rates.crash_before) {
            self.crash();
            return pending().await;
        }
        match self.happens(|rates| rates.fail_before) {
            true => Err(self.fault("not written")),
            false => Ok(()),
        }
    }

    /// To be awaited after each write, before it is acknowledged.
    pub(super) async fn after_write(&self) -> Result<(), Fault> {
        if self.happens(|rates| rates.crash_after) {
            self.crash();
            return pending().await;
        }
        self.latency().await;
        match self.happens(|rates| rates.fail_after) {
            true => Err(self.fault("written, not acknowledged")),
            false => Ok(()),
        }
    }

    /// To be awaited before each read.
    pub(super) async fn before_read(&self) -> Result<(), Fault> {
        self.latency().await;
        match self.happens(|rates| rates.fail_read) {
            true => Err(self.fault("not read")),
            false => Ok(()),
        }
    }

    fn fault(&self, what: &str) -> Fault {
        let fault = match self.random(|rng| rng.bool()) {
            true => Fault::Full,
            false => Fault::Broken,
        };
        self.note(|| format!("{what}: {fault:?}"));
        fault
    }

    async fn latency(&self) {
        if self.with(|state| state.is_instant) {
            return;
        }
        if self.with(|state| state.crashed) {
            return pending().await;
        }
        if self.happens(|rates| rates.clock_jump) {
            self.jump();
        }
        let micros = match self.happens(|rates| rates.slow) {
            true => self.random(|rng| rng.u64(0..20_000_000)),
            false if self.random(|rng| rng.bool()) => return,
            false => self.random(|rng| rng.u64(0..2_000)),
        };
        self.sleep(Duration::from_micros(micros)).await;
    }

    /// Somebody sets the time of day.
    fn jump(&self) {
        let jump = self.random(|rng| rng.i64(-36_000_000..36_000_000));
        self.note(|| format!("the clock jumps by {jump} ms"));
        self.with(|state| state.offset_ms += jump);
    }

    /// Sets the time of day forward.
    pub(super) fn jump_by(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(0);
        self.with(|state| state.offset_ms += millis);
    }

    /// Sets the time of day back.
    pub(super) fn jump_back_by(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(0);
        self.with(|state| state.offset_ms -= millis);
    }

    /// Lets time pass until something that waits goes on. Whether anything did.
    fn advance(&self) -> bool {
        self.with(|state| {
            while let Some(((time, _), timer)) = state.timers.pop_first() {
                if timer.is_closed() {
                    continue;
                }
                state.time = state.time.max(time);
                let _ = timer.send(());
                return true;
            }
            false
        })
    }

    /// Lets time pass, forever: each time after whoever can go on has done so a few times.
    pub(super) async fn pass_time(&self) {
        loop {
            for _ in 0..3 {
                yield_now().await;
            }
            self.advance();
        }
    }
}

/// Has all others that can go on do so first.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        self.with(|state| {
            let passed = i64::try_from(state.time.as_millis()).unwrap_or(i64::MAX);
            BEGIN_MS + passed + state.offset_ms
        })
    }

    fn elapsed(&self) -> Duration {
        self.time()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (timer, due) = oneshot::channel();
        self.with(|state| {
            state.timers_made += 1;
            let key = (state.time.saturating_add(duration), state.timers_made);
            state.timers.insert(key, timer);
        });
        let slept = async move {
            if due.await.is_err() {
                // The process has ended.
                pending().await
            }
        };
        slept.boxed()
    }
}

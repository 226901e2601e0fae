//! The threads that run guests, and whose guest runs next: weighted fair sharing of the processors
//! among tenants ([`processors`]), by the time for which their guests are polled.
//!
//! A guest is a future: it runs when it is polled, and gives way where it waits, and every
//! millisecond ([`crate::engine`]). Before each poll it takes a *turn* here, and ends that after
//! it. So no more guests run at one time than there are processors, while there is a thread more,
//! on which whoever comes can ask for a turn at once. A tenant that was idle does not wait for
//! the others' slices to end: they are ended then, and where its guest is brief it has begun
//! meanwhile.

mod processors;

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;
use tokio::runtime::{Handle, Runtime};
use tokio::time::Sleep;
use wasmtime::EngineWeak;

use crate::engine::Engine;
use crate::error::Error;
use crate::lock::ignore_poison;
use processors::{Admission, BriefStart, Key, Processors};

pub use processors::ProcessorShare;

/// How much lower the operating system's priority of the threads that run guests is than that of
/// those that serve HTTP: each of these is to run when it is woken, though guests keep all
/// processors busy. A thread that shares a processor with it then gets three times as much.
const NICENESS: i32 = 5;

/// The threads that run guests. They serve no HTTP.
pub struct GuestThreads {
    runtime: Mutex<Option<Runtime>>,
    scheduler: Arc<GuestScheduler>,
}

impl GuestThreads {
    /// Starts as many threads as there are processors, and one more. `share_of` says which part
    /// of the processors a tenant has.
    ///
    /// # Errors
    ///
    /// [`Error::Engine`] where the system has no threads left.
    pub fn start(
        engine: &Engine,
        share_of: impl Fn(u64) -> ProcessorShare + Send + Sync + 'static,
    ) -> Result<GuestThreads, Error> {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(processors + 1)
            .thread_name("guest")
            // Of a thread alone, on Linux. Where it can't be set, guests run as other threads do.
            .on_thread_start(|| {
                let _ = rustix::process::nice(NICENESS);
            })
            .enable_all()
            .build()
            .map_err(|cause| {
                Error::engine(
                    "the threads that run guests could not be started",
                    cause.into(),
                )
            })?;
        let scheduler = GuestScheduler {
            threads: runtime.handle().clone(),
            engine: engine.wasmtime().weak(),
            processors: Mutex::new(Processors::new(processors, Box::new(share_of))),
        };
        Ok(GuestThreads {
            runtime: Mutex::new(Some(runtime)),
            scheduler: Arc::new(scheduler),
        })
    }

    /// Who says whose guest runs next, for the applications whose guests run here.
    pub fn scheduler(&self) -> Arc<GuestScheduler> {
        self.scheduler.clone()
    }

    /// Asks anew which part of the processors each tenant has.
    pub fn refresh_shares(&self) {
        let mut processors = ignore_poison(self.scheduler.processors.lock());
        processors.refresh_shares(Instant::now());
    }

    /// Where tasks of the host can run that have to do with guests.
    pub fn handle(&self) -> &Handle {
        &self.scheduler.threads
    }

    /// Ends the threads. Guests that run are dropped where they next give way.
    pub fn shutdown(&self) {
        if let Some(runtime) = ignore_poison(self.runtime.lock()).take() {
            // The caller may be where a runtime must not block.
            runtime.shutdown_background();
        }
    }
}

impl Drop for GuestThreads {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Says whose guest runs next.
pub struct GuestScheduler {
    threads: Handle,
    engine: EngineWeak,
    processors: Mutex<Processors<Arc<Waiter>>>,
}

/// A guest that waits for its turn.
#[derive(Default)]
struct Waiter {
    state: AtomicU8,
    waker: AtomicWaker,
}

const WAITING: u8 = 0;
/// It has a slot.
const GRANTED: u8 = 1;
/// It has to ask again.
const THROTTLED: u8 = 2;

impl PartialEq for Waiter {
    fn eq(&self, other: &Waiter) -> bool {
        std::ptr::eq(self, other)
    }
}

/// The turns of one guest, one after the other.
pub(crate) struct Turns {
    scheduler: Arc<GuestScheduler>,
    state: TurnState,
}

enum TurnState {
    /// The guest neither runs nor wants to.
    Idle,
    /// It waits for its turn.
    Waits(Key, Arc<Waiter>),
    /// Its tenant has reached its limit.
    Sleeps(Key, Pin<Box<Sleep>>),
    /// It is its turn.
    Runs(Key),
}

impl GuestScheduler {
    /// The threads that run guests.
    pub(crate) fn threads(&self) -> &Handle {
        &self.threads
    }

    /// Ends a turn. `waiter` stands for the guest where it is to wait for its next one. Returns
    /// whether it does.
    fn end(&self, key: Key, charged: Key, ran: Duration, waiter: Option<&Arc<Waiter>>) -> bool {
        let mut throttled = Vec::new();
        let (waits, granted) = {
            let (now, mut processors) = (Instant::now(), ignore_poison(self.processors.lock()));
            processors.end(key, charged, ran, now);
            let waits = waiter.is_some_and(|waiter| processors.wait(charged, now, waiter));
            let granted = processors.next(now, &mut throttled);
            // Before another thread can find out that they do not wait any more.
            if let Some(waiter) = &granted {
                waiter.state.store(GRANTED, Ordering::Release);
            }
            for waiter in &throttled {
                waiter.state.store(THROTTLED, Ordering::Release);
            }
            (waits, granted)
        };
        for waiter in granted.iter().chain(&throttled) {
            waiter.waker.wake();
        }
        waits
    }

    /// Has all guests give way that run.
    fn preempt(&self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.increment_epoch();
        }
    }
}

impl Turns {
    pub(crate) fn new(scheduler: Arc<GuestScheduler>) -> Turns {
        Turns {
            scheduler,
            state: TurnState::Idle,
        }
    }

    /// Begins a turn of a tenant's guest that is brief, if that can be at once.
    pub(crate) fn begin_brief(&mut self, key: Key, now: Instant) -> bool {
        if !matches!(self.state, TurnState::Idle) {
            return false;
        }
        let start = ignore_poison(self.scheduler.processors.lock()).begin_brief(key, now);
        match start {
            BriefStart::Refused => return false,
            BriefStart::Free => {}
            BriefStart::Lent => self.scheduler.preempt(),
        }
        self.state = TurnState::Runs(key);
        true
    }

    /// Begins a turn of a tenant's guest, when it is its.
    pub(crate) fn poll_begin(&mut self, key: Key, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.state {
                TurnState::Runs(_) => return Poll::Ready(()),
                TurnState::Waits(key, waiter) => {
                    waiter.waker.register(cx.waker());
                    self.state = match waiter.state.load(Ordering::Acquire) {
                        WAITING => return Poll::Pending,
                        GRANTED => TurnState::Runs(*key),
                        _ => TurnState::Idle,
                    };
                }
                TurnState::Sleeps(key, sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    ignore_poison(self.scheduler.processors.lock()).woke(*key);
                    self.state = TurnState::Idle;
                }
                TurnState::Idle => self.state = self.ask(key),
            }
        }
    }

    fn ask(&self, key: Key) -> TurnState {
        let waiter = Arc::<Waiter>::default();
        let admission = {
            let mut processors = ignore_poison(self.scheduler.processors.lock());
            processors.begin(key, Instant::now(), &waiter)
        };
        match admission {
            Admission::Runs => TurnState::Runs(key),
            Admission::Waits { preempts } => {
                if preempts {
                    self.scheduler.preempt();
                }
                TurnState::Waits(key, waiter)
            }
            Admission::Sleeps(pause) => TurnState::Sleeps(key, Box::pin(tokio::time::sleep(pause))),
        }
    }

    /// Ends the turn: the guest has run for so long, for this tenant.
    pub(crate) fn end(&mut self, charged: Key, ran: Duration) {
        if let TurnState::Runs(key) = std::mem::replace(&mut self.state, TurnState::Idle) {
            self.scheduler.end(key, charged, ran, None);
        }
    }

    /// Ends the turn of a guest that would go on at once, and waits for the next one, so that the
    /// guest has its place in the queue when it is decided who is next.
    pub(crate) fn give_way(&mut self, charged: Key, ran: Duration) {
        if let TurnState::Runs(key) = std::mem::replace(&mut self.state, TurnState::Idle) {
            let waiter = Arc::<Waiter>::default();
            if self.scheduler.end(key, charged, ran, Some(&waiter)) {
                self.state = TurnState::Waits(charged, waiter);
            }
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, TurnState::Idle) {
            TurnState::Idle => {}
            TurnState::Runs(key) => {
                self.scheduler.end(key, key, Duration::ZERO, None);
            }
            TurnState::Sleeps(key, _) => ignore_poison(self.scheduler.processors.lock()).woke(key),
            TurnState::Waits(key, waiter) => {
                let waited = ignore_poison(self.scheduler.processors.lock()).leave(key, &waiter);
                if !waited && waiter.state.load(Ordering::Acquire) == GRANTED {
                    self.scheduler.end(key, key, Duration::ZERO, None);
                }
            }
        }
    }
}

//! A timer: futures that are ready at a given time, on any executor. The clock is a
//! parameter, so that tests need not wait.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::Error;
use crate::essential_thread::spawn_essential;
use crate::sync::{lock, wait, wait_at_most};

/// A source of the time.
pub(crate) trait Clock: std::fmt::Debug + Send + Sync {
    /// Never earlier than a time that it returned before.
    fn now(&self) -> Instant;
}

/// The host's own clock.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Wakes tasks at the times that they wait for.
#[derive(Debug)]
pub(crate) struct Timer {
    clock: Box<dyn Clock>,
    sleepers: Mutex<Sleepers>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Sleepers {
    /// By the time to wake them; the number tells apart those of one time.
    waiting: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    stopped: bool,
}

impl Timer {
    /// Starts the thread that wakes tasks. It ends when the device is shut down.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Error> {
        let shared = Arc::clone(self);
        spawn_essential("device-timer", move || shared.work()).map_err(|error| {
            Error::DeviceLost(format!("cannot start the device's timer: {error}"))
        })?;
        Ok(())
    }

    /// A timer that wakes no task until it is started, or [`fire`](Timer::fire) is called.
    pub(crate) fn new(clock: Box<dyn Clock>) -> Timer {
        Timer {
            clock,
            sleepers: Mutex::default(),
            wake: Condvar::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Waits until the clock says `at`, or later. Dropped, it leaves nothing behind.
    pub(crate) fn until(&self, at: Instant) -> Until<'_> {
        Until {
            timer: self,
            at,
            number: None,
        }
    }

    /// Wakes the tasks whose time has come; returns when the next is to be woken.
    pub(crate) fn fire(&self) -> Option<Instant> {
        loop {
            let mut state = lock(&self.sleepers);
            let (at, _) = *state.waiting.first_key_value()?.0;
            if at > self.now() {
                return Some(at);
            }
            let due = state.waiting.pop_first();
            drop(state);
            if let Some((_, waker)) = due {
                waker.wake();
            }
        }
    }

    pub(crate) fn shut_down(&self) {
        lock(&self.sleepers).stopped = true;
        self.wake.notify_all();
    }

    fn work(&self) {
        loop {
            self.fire();
            let state = lock(&self.sleepers);
            if state.stopped {
                return;
            }
            // Looked up again: another task may have begun to wait since.
            let next = state.waiting.first_key_value().map(|((at, _), _)| *at);
            match next {
                None => drop(wait(&self.wake, state)),
                Some(at) => {
                    let left = at.saturating_duration_since(self.now());
                    drop(wait_at_most(&self.wake, state, left));
                }
            }
        }
    }
}

/// See [`Timer::until`].
#[derive(Debug)]
pub(crate) struct Until<'a> {
    timer: &'a Timer,
    at: Instant,
    /// Its number among the sleepers, once it is one.
    number: Option<u64>,
}

impl Future for Until<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.now() >= self.at {
            return Poll::Ready(());
        }
        let mut state = lock(&self.timer.sleepers);
        let number = *self.number.get_or_insert_with(|| {
            state.numbers += 1;
            state.numbers
        });
        state.waiting.insert((self.at, number), cx.waker().clone());
        drop(state);
        self.timer.wake.notify_one();
        Poll::Pending
    }
}

impl Drop for Until<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = lock(&self.timer.sleepers)
                .waiting
                .remove(&(self.at, number));
            // Dropping a waker runs code of its executor: not under the lock.
            drop(waker);
        }
    }
}

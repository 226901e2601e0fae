//! The time that guests run: wall time of a thread of the host, from where a guest's future
//! begins to be polled to where that ends.
//!
//! The task that runs an instance belongs to Wasmtime's handler, which reports where a poll
//! of it ends, and not where one begins. So each thread notes when it last did something else,
//! as a kernel accounts processor time at the switches between contexts: what a guest's poll
//! took is the time since then. That is right if everything else that runs on the thread is
//! noted: tasks of the host are, by [`host_task`], and waiting is, by [`thread_unparked`].
//!
//! A reading of the clock takes some tens of nanoseconds; the thread's own processor time would
//! take a system call.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};

thread_local! {
    /// Since when the thread may be running a guest; `None` where that is not known.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether the thread's runtime calls [`thread_unparked`]. Where it doesn't, a guest that
    /// goes on after it has waited is charged for nothing, rather than for the time in which
    /// the thread slept.
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// The thread has waited, and goes on. For the threads of a runtime that serves requests:
/// [`tokio::runtime::Builder::on_thread_unpark`].
pub fn thread_unparked() {
    IS_WATCHED.set(true);
    SINCE.set(Some(Instant::now()));
}

/// A guest begins to run, here and now. Returns when that is.
pub(crate) fn begin() -> Instant {
    let now = Instant::now();
    SINCE.set(Some(now));
    now
}

/// What ran on the thread until now was no guest.
pub(crate) fn host_ran() {
    if IS_WATCHED.get() {
        SINCE.set(Some(Instant::now()));
    }
}

/// How long a guest has run. It, or another one, goes on.
pub(crate) fn lap() -> Duration {
    let now = Instant::now();
    let since = SINCE.replace(Some(now));
    since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
}

/// How long a guest has run, which waits now, or has ended.
pub(crate) fn end() -> Duration {
    let ran = lap();
    if !IS_WATCHED.get() {
        SINCE.set(None);
    }
    ran
}

/// Runs a task of the host, on a thread that runs guests too. No guest is charged for it.
pub async fn host_task<F: Future>(task: F) -> F::Output {
    let mut task = pin!(task);
    poll_fn(|cx| {
        let polled = task.as_mut().poll(cx);
        host_ran();
        polled
    })
    .await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const STEP: Duration = Duration::from_millis(5);

    /// On a thread of its own, which nothing is known of yet.
    fn on_a_thread(test: impl FnOnce() + Send + 'static) {
        std::thread::spawn(test).join().unwrap();
    }

    #[test]
    fn a_guest_is_charged_from_its_begin_to_its_end() {
        on_a_thread(|| {
            begin();
            std::thread::sleep(STEP);
            assert!(lap() >= STEP);
            std::thread::sleep(STEP);
            assert!(end() >= STEP);
        });
    }

    #[test]
    fn where_waiting_is_not_known_a_guest_that_goes_on_pays_nothing() {
        on_a_thread(|| {
            begin();
            end();
            std::thread::sleep(STEP);
            host_ran();
            assert_eq!(end(), Duration::ZERO);
        });
    }

    #[test]
    fn what_the_host_does_and_waiting_are_not_charged() {
        on_a_thread(|| {
            thread_unparked();
            end();
            std::thread::sleep(STEP);
            host_ran();
            assert!(end() < STEP);
            std::thread::sleep(STEP);
            thread_unparked();
            assert!(end() < STEP);
            std::thread::sleep(STEP);
            assert!(end() >= STEP);
        });
    }
}

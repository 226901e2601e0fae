//! One run of a guest on one request, between the two that watch it: whoever waits for
//! the response, and the worker that runs the guest. The waiting side asks the guest to
//! stop; the worker reports how the guest ended.

use futures::task::AtomicWaker;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use wasmtime::Trap;

/// Why a guest is stopped before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The request ran past its deadline.
    TimedOut,
    /// Nobody waits for the response any more.
    ClientGone,
}

/// How a guest's work on a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It returned.
    Returned,
    /// It trapped or exited, or was stopped.
    Failed,
    /// It never began: the request could not be given to an instance.
    NotStarted,
}

/// One run of a guest on one request.
#[derive(Default)]
pub(crate) struct GuestRun {
    /// `RUNNING`, or why the guest has to stop.
    stop: AtomicU8,
    /// Wakes the worker, which has to end the guest, or may use it again.
    stop_waker: AtomicWaker,
    finish: OnceLock<Finish>,
    /// Wakes whoever waits for the guest's end.
    finish_waker: AtomicWaker,
    /// Whether the guest failed, be it after it began to respond.
    failed: AtomicBool,
    /// What trapped, where the guest failed by a trap.
    trap: OnceLock<Trap>,
    /// Whether the guest gave a response, once that is known.
    responded: OnceLock<bool>,
    /// Whether the guest's instance had a request before.
    reused: AtomicBool,
    /// Whether the guest was interrupted, and would go on at once.
    gave_way: AtomicBool,
    /// Whether the guest has opened its tenant's device.
    opened_device: AtomicBool,
    /// How many things there are that may hold something there: the guest's instance, and queues.
    device_holders: AtomicUsize,
    /// Wakes whoever waits for there to be none.
    given_back_waker: AtomicWaker,
}

const RUNNING: u8 = 0;
const TIMED_OUT: u8 = 1;
const CLIENT_GONE: u8 = 2;

impl GuestRun {
    /// Has the guest stopped. The first reason holds.
    pub(crate) fn stop(&self, why: Stop) {
        let why = match why {
            Stop::TimedOut => TIMED_OUT,
            Stop::ClientGone => CLIENT_GONE,
        };
        let _ = self
            .stop
            .compare_exchange(RUNNING, why, Ordering::SeqCst, Ordering::SeqCst);
        self.stop_waker.wake();
    }

    /// Why the guest has to stop, if it has to.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::SeqCst) {
            TIMED_OUT => Some(Stop::TimedOut),
            CLIENT_GONE => Some(Stop::ClientGone),
            _ => None,
        }
    }

    /// As [`GuestRun::stopped`], and wakes the task where that changes.
    pub(crate) fn poll_stopped(&self, cx: &Context<'_>) -> Option<Stop> {
        self.stop_waker.register(cx.waker());
        self.stopped()
    }

    /// Records how the guest ended. The first report holds.
    pub(crate) fn finish(&self, how: Finish) {
        if self.finish.set(how).is_ok() {
            self.finish_waker.wake();
        }
    }

    /// Records that the guest failed, before its end closes the response's body: the
    /// body alone doesn't show whether the guest ended it or was interrupted.
    pub(crate) fn mark_failed(&self) {
        self.failed.store(true, Ordering::SeqCst);
    }

    /// Records by which trap the guest failed.
    pub(crate) fn set_trap(&self, trap: Trap) {
        let _ = self.trap.set(trap);
    }

    /// By which trap the guest failed, once its end is known.
    pub(crate) fn trap(&self) -> Option<Trap> {
        self.trap.get().copied()
    }

    /// Whether the guest failed, be it after it began to respond.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    /// Records that the guest gives a response, where the guest's own call tells. The worker,
    /// which runs that call, goes on at once.
    pub(crate) fn mark_responded(&self) {
        let _ = self.responded.set(true);
    }

    /// Records whether the guest gave a response, for the worker, which waits for that
    /// before it gives the guest's instance another request. The first report holds.
    pub(crate) fn set_responded(&self, responded: bool) {
        if self.responded.set(responded).is_ok() {
            self.stop_waker.wake();
        }
    }

    /// Whether the guest gave a response, once that is known.
    pub(crate) fn responded(&self) -> Option<bool> {
        self.responded.get().copied()
    }

    /// Records that the guest's instance had a request before.
    pub(crate) fn mark_reused(&self) {
        self.reused.store(true, Ordering::SeqCst);
    }

    /// Whether the guest's instance had a request before.
    pub(crate) fn is_reused(&self) -> bool {
        self.reused.load(Ordering::SeqCst)
    }

    /// Records that the guest was interrupted for others to run.
    pub(crate) fn mark_gave_way(&self) {
        self.gave_way.store(true, Ordering::Relaxed);
    }

    /// Whether the guest was interrupted since this was asked before.
    pub(crate) fn take_gave_way(&self) -> bool {
        self.gave_way.load(Ordering::Relaxed) && self.gave_way.swap(false, Ordering::Relaxed)
    }

    /// Records that the guest has opened its tenant's device, where it may hold what counts in its
    /// tenant's limits.
    pub(crate) fn mark_opened_device(&self) {
        self.opened_device.store(true, Ordering::SeqCst);
    }

    /// Records that the guest's instance is kept for other requests, with whatever it holds.
    pub(crate) fn mark_kept(&self) {
        if self.opened_device.swap(false, Ordering::SeqCst) {
            self.given_back_waker.wake();
        }
    }

    /// Whether the guest holds nothing on its tenant's device any more.
    pub(crate) fn is_given_back(&self) -> bool {
        !self.opened_device.load(Ordering::SeqCst)
            || self.device_holders.load(Ordering::SeqCst) == 0
    }

    /// As [`GuestRun::is_given_back`], and wakes the task where that changes.
    pub(crate) fn poll_given_back(&self, cx: &Context<'_>) -> Poll<()> {
        self.given_back_waker.register(cx.waker());
        match self.is_given_back() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// There is one thing more that may hold something on the device, until as many have ended.
    pub(super) fn add_device_holder(&self) {
        self.device_holders.fetch_add(1, Ordering::SeqCst);
    }

    /// One of them has ended.
    pub(super) fn remove_device_holder(&self) {
        if self.device_holders.fetch_sub(1, Ordering::SeqCst) == 1
            && self.opened_device.load(Ordering::SeqCst)
        {
            self.given_back_waker.wake();
        }
    }

    /// Waits until the guest's work has ended.
    ///
    /// The HTTP handler reports a missing response before it reports why: until then a
    /// guest that trapped and a guest that set no response look alike.
    pub(crate) async fn finished(&self) -> Finish {
        std::future::poll_fn(|cx| {
            self.finish_waker.register(cx.waker());
            self.finish
                .get()
                .copied()
                .map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_waits_for_what_a_guest_held_is_woken_once_all_is_given_back() {
        let (run, waiting) = (GuestRun::default(), Arc::new(Counter::default()));
        let waker = Waker::from(waiting.clone());
        let cx = Context::from_waker(&waker);
        run.add_device_holder();
        assert!(run.poll_given_back(&cx).is_ready());
        run.mark_opened_device();
        run.add_device_holder();
        assert!(run.poll_given_back(&cx).is_pending());
        run.remove_device_holder();
        assert!(run.poll_given_back(&cx).is_pending());
        assert_eq!(waiting.0.load(Ordering::SeqCst), 0);
        run.remove_device_holder();
        assert!(run.poll_given_back(&cx).is_ready());
        assert_eq!(waiting.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn nobody_waits_for_an_instance_that_is_kept_for_other_requests() {
        let run = GuestRun::default();
        run.add_device_holder();
        run.mark_opened_device();
        assert!(!run.is_given_back());
        run.mark_kept();
        assert!(run.is_given_back());
    }

    #[test]
    fn the_worker_is_woken_for_a_response_that_the_guest_itself_does_not_report() {
        for (reported, woken) in [(false, 1), (true, 0)] {
            let (run, worker) = (GuestRun::default(), Arc::new(Counter::default()));
            let waker = Waker::from(worker.clone());
            assert_eq!(run.poll_stopped(&Context::from_waker(&waker)), None);
            if reported {
                run.mark_responded();
                assert_eq!(run.responded(), Some(true));
            }
            run.set_responded(true);
            assert_eq!(run.responded(), Some(true));
            assert_eq!(worker.0.load(Ordering::SeqCst), woken);
        }
    }
}

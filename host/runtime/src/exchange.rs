//! One request on its way through a guest: what the front, the worker that runs
//! the guest, and the policy capability share about it.

use crate::policy::Decision;
use crate::server::{HandleError, RequestId};
use futures::task::AtomicWaker;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use wasmtime_wasi_http::WasiBody;

/// Why a guest is stopped before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The request ran past its time.
    TimedOut,
    /// Nobody waits for the answer any more.
    ClientGone,
}

/// How a guest's work on a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It returned.
    Returned,
    /// It trapped or exited, or was stopped.
    Failed,
}

/// One request, from the moment it is handed to a worker.
pub(crate) struct Exchange {
    /// Names the request in logs and in answers.
    pub(crate) request_id: RequestId,
    /// When the request runs out of time.
    pub(crate) deadline: Instant,
    /// Of the whole chain: what a policy decided holds for those behind it too.
    decision: Arc<OnceLock<Decision>>,
    /// What went wrong behind this guest, which knows only that something did.
    failure: OnceLock<HandleError>,
    /// The request as it came, for the component behind a policy.
    onward: Mutex<Option<http::Request<WasiBody>>>,
    stop: AtomicU8,
    /// The worker, to be woken where the client goes away.
    worker: AtomicWaker,
    finish: OnceLock<Finish>,
    /// Whether the guest failed, be it after it began to answer.
    broken: AtomicBool,
    /// The front, to be woken where the guest ends without an answer.
    front: AtomicWaker,
}

const RUNNING: u8 = 0;
const TIMED_OUT: u8 = 1;
const CLIENT_GONE: u8 = 2;

impl Exchange {
    pub(crate) fn new(request_id: RequestId, deadline: Instant) -> Exchange {
        Exchange::with(request_id, deadline, Arc::default())
    }

    /// The same request, on its way through the component behind this one.
    pub(crate) fn behind(&self) -> Exchange {
        Exchange::with(
            self.request_id.clone(),
            self.deadline,
            self.decision.clone(),
        )
    }

    fn with(
        request_id: RequestId,
        deadline: Instant,
        decision: Arc<OnceLock<Decision>>,
    ) -> Exchange {
        Exchange {
            request_id,
            deadline,
            decision,
            failure: OnceLock::new(),
            onward: Mutex::new(None),
            stop: AtomicU8::new(RUNNING),
            worker: AtomicWaker::new(),
            finish: OnceLock::new(),
            broken: AtomicBool::new(false),
            front: AtomicWaker::new(),
        }
    }

    /// Records what the policy decided. The first decision holds.
    pub(crate) fn decide(&self, decision: Decision) {
        let _ = self.decision.set(decision);
    }

    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.decision.get()
    }

    /// The tenant that the request is for: what a policy admitted it for, or 0, the
    /// tenant of a host without policies.
    pub(crate) fn tenant(&self) -> u64 {
        match self.decision() {
            Some(Decision::Admitted { tenant, .. }) => *tenant,
            Some(Decision::Refused { .. }) | None => 0,
        }
    }

    /// Records what the client is told where the guest can't answer. The first holds.
    pub(crate) fn fail(&self, error: HandleError) {
        let _ = self.failure.set(error);
    }

    pub(crate) fn failure(&self) -> Option<HandleError> {
        self.failure.get().copied()
    }

    /// Keeps the request for the component behind, or takes it out.
    pub(crate) fn onward(&self) -> std::sync::MutexGuard<'_, Option<http::Request<WasiBody>>> {
        self.onward.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the guest. The first reason holds.
    pub(crate) fn stop(&self, why: Stop) {
        let why = match why {
            Stop::TimedOut => TIMED_OUT,
            Stop::ClientGone => CLIENT_GONE,
        };
        let _ = self
            .stop
            .compare_exchange(RUNNING, why, Ordering::SeqCst, Ordering::SeqCst);
        self.worker.wake();
    }

    pub(crate) fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::SeqCst) {
            TIMED_OUT => Some(Stop::TimedOut),
            CLIENT_GONE => Some(Stop::ClientGone),
            _ => None,
        }
    }

    /// As [`Exchange::stopped`], and wakes the task where that changes.
    pub(crate) fn poll_stopped(&self, cx: &Context<'_>) -> Option<Stop> {
        self.worker.register(cx.waker());
        self.stopped()
    }

    /// Records how the guest ended. The first word holds.
    pub(crate) fn finish(&self, how: Finish) {
        if self.finish.set(how).is_ok() {
            self.front.wake();
        }
    }

    /// Records that the guest failed, before its end closes the answer's body:
    /// of the body alone nobody can tell an end that the guest made from one that
    /// it met with.
    pub(crate) fn break_off(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    pub(crate) fn broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// Waits until the guest's work has ended.
    ///
    /// The handler tells of a missing answer before it tells why: a guest that
    /// trapped and a guest that forgot to answer look alike until then.
    pub(crate) async fn finished(&self) -> Finish {
        std::future::poll_fn(|cx| {
            self.front.register(cx.waker());
            self.finish
                .get()
                .copied()
                .map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

//! The workers of `wasmtime_wasi_http`'s handler: when an instance is made, how many
//! requests it answers, and when it is ended.

use super::factory::InstanceFactory;
use super::state::InstanceState;
use crate::engine::Activity;
use crate::lock::ignore_poison;
use crate::request::{Finish, Observer, RequestTask, Stop, guest_time};
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::time::Sleep;
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};

/// How long an instance that may be reused waits for its next request.
const IDLE: Duration = Duration::from_secs(5);

/// Makes the instances of one application.
pub(crate) struct Workers {
    pub(crate) pre: ProxyPre<InstanceState>,
    pub(crate) reuse: Reuse,
    /// How long instantiation may take, which runs the guest's own start functions.
    pub(crate) start_timeout: Duration,
    pub(crate) instances: InstanceFactory,
    /// Who learns how long it took to make an instance.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Workers {
    /// A guest returned without a response. Its instance is not used again. Where the
    /// instance had requests before, the component is taken for one whose instances serve
    /// one request only, as those of some toolchains do, and none of them is.
    pub(crate) fn gave_no_response(&self, task: &RequestTask) {
        if task.run.is_reused() && !self.reuse.ended.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                request_id = task.context().id(),
                trace_id = %task.context().trace_id(),
                "an instance that had served a request returned from another one without a \
                 response: from now on each request gets a new instance, and `--reuse` has no \
                 effect"
            );
        }
    }
}

/// How many requests an instance answers, one after another.
#[derive(Clone)]
pub(crate) struct Reuse {
    requests: NonZeroUsize,
    /// Set when the component turned out to serve one request only.
    ended: Arc<AtomicBool>,
}

impl Reuse {
    pub(crate) fn up_to(requests: NonZeroUsize) -> Reuse {
        Reuse {
            requests,
            ended: Arc::default(),
        }
    }

    /// Whether an instance that has had so many requests may get another one.
    fn allows(&self, requests: usize) -> bool {
        requests == 0 || (requests < self.requests.get() && !self.ended.load(Ordering::Relaxed))
    }
}

impl HandlerState for Workers {
    type StoreData = InstanceState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Expiration, Worker>> {
        let activity = self.instances.engine().activity();
        let started = guest_time::begin();
        let mut store = self.instances.store()?;
        let (proxy, start_time) = {
            let start = self.pre.instantiate_async(&mut store);
            let mut start = pin!(tokio::time::timeout(self.start_timeout, start));
            // Before a start that waited goes on; what comes last is the first request's.
            let mut ran = Duration::ZERO;
            let mut waited = false;
            let proxy = poll_fn(|cx| {
                if std::mem::take(&mut waited) {
                    guest_time::begin();
                }
                let polled = start.as_mut().poll(cx);
                if polled.is_pending() {
                    ran += guest_time::end();
                    waited = true;
                }
                polled
            });
            match proxy.await {
                Ok(proxy) => (proxy?, ran),
                Err(_) => return Err(StartTimedOut.into()),
            }
        };
        let ready = Instant::now();
        if let Some(observer) = &self.observer {
            observer.instantiated(ready.saturating_duration_since(started));
        }
        let current = Current::default();
        Ok(Instance {
            store,
            proxy,
            view: InstanceState::http,
            expiration: Expiration {
                current: current.clone(),
                sleep: Box::pin(tokio::time::sleep(IDLE)),
            },
            state: Worker {
                current,
                reuse: self.reuse.clone(),
                start_time,
                made: (started, ready),
                _activity: activity,
            },
        })
    }
}

/// The guest's own start functions did not end in time.
#[derive(Debug, thiserror::Error)]
#[error("the guest did not finish its start within the request timeout")]
pub(crate) struct StartTimedOut;

/// A task on its way to an instance. An instance that can't be given the request (its host
/// resources are used up, for example) drops it, and whoever waits for the guest learns it.
pub(crate) struct Handoff(Option<Arc<RequestTask>>);

impl Handoff {
    pub(crate) fn new(task: Arc<RequestTask>) -> Handoff {
        Handoff(Some(task))
    }

    /// The instance has taken the request.
    fn arrived(mut self) -> Option<Arc<RequestTask>> {
        self.0.take()
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.run.finish(Finish::NotStarted);
        }
    }
}

/// The task that runs in an instance, shared by the worker and its expiration, which
/// can't reach the store while the guest runs.
#[derive(Clone, Default)]
pub(crate) struct Current(Arc<Mutex<Option<Arc<RequestTask>>>>);

impl Current {
    /// Looks at the task.
    fn look<T>(&self, look: impl FnOnce(Option<&RequestTask>) -> T) -> T {
        look(ignore_poison(self.0.lock()).as_deref())
    }

    /// Replaces the task, and returns the one before.
    fn replace(&self, task: Option<Arc<RequestTask>>) -> Option<Arc<RequestTask>> {
        std::mem::replace(&mut *ignore_poison(self.0.lock()), task)
    }
}

/// Ends an instance whose request ran out of time, whose client is gone, or
/// that waited too long for its next request.
pub(crate) struct Expiration {
    current: Current,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let is_idle = matches!(status, WorkerStatus::Idle);
        // This is called where a poll of the guest ends.
        let ran = guest_time::end();
        let (stopped, deadline) = self.current.look(|task| {
            let Some(task) = task else {
                return (None, None);
            };
            task.context().usage().add_guest(ran);
            if is_idle {
                // The next request may take its time to come.
                task.context().charge();
            }
            if !matches!(status, WorkerStatus::Requests) {
                task.run.finish(Finish::Returned);
            }
            // Also wakes an idle worker that learns only now that its guest has responded.
            let stopped = task.run.poll_stopped(cx);
            (stopped, (!is_idle).then(|| task.context().deadline()))
        });
        if !is_idle && stopped.is_some() {
            return Poll::Ready(());
        }
        let deadline = deadline.unwrap_or_else(|| start + IDLE);
        if self.sleep.deadline().into_std() != deadline {
            self.sleep.as_mut().reset(deadline.into());
        }
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if !is_idle {
            self.current.look(|task| {
                if let Some(task) = task {
                    task.run.stop(Stop::TimedOut);
                }
            });
        }
        Poll::Ready(())
    }
}

/// One instance that serves requests.
pub(crate) struct Worker {
    current: Current,
    reuse: Reuse,
    /// How long the guest's own start functions ran, before they were done.
    start_time: Duration,
    /// When it was begun to be made, and when it was ready.
    made: (Instant, Instant),
    _activity: Activity,
}

impl WorkerState for Worker {
    type StoreData = InstanceState;
    type RequestData = Handoff;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if !self.reuse.allows(total) {
            return ShouldAccept::Never;
        }
        if concurrent > 0 {
            // One request at a time: the instance then has one current task, whose are
            // its output, its decision and its deadline.
            return ShouldAccept::No;
        }
        let responded = self
            .current
            .look(|task| task.map(|task| task.run.responded()));
        match responded {
            None | Some(Some(true)) => ShouldAccept::Yes,
            // A guest that returned without a response is in no state that is known.
            Some(Some(false)) => ShouldAccept::Never,
            // Whoever waits for the response wakes this worker when it is there.
            Some(None) => ShouldAccept::No,
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        task: Handoff,
        _id: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let Some(task) = task.arrived() else {
            return Box::pin(std::future::ready(()));
        };
        let ran = guest_time::lap();
        if let Err(error) = store.data_mut().begin(task.clone()) {
            task.fail(error);
            // The guest traps at its first instruction.
            store.epoch_deadline_trap();
            store.set_epoch_deadline(0);
        }
        match self.current.replace(Some(task.clone())) {
            // A guest that takes its next request is done with the one before. `Expiration`
            // may not have seen that yet, and from now on can't.
            Some(previous) => {
                previous.context().usage().add_guest(ran);
                task.run.mark_reused();
                previous.run.finish(Finish::Returned);
            }
            // The instance was made for this request.
            None => {
                task.context().usage().add_guest(ran + self.start_time);
                if let Some(trace) = task.trace() {
                    let (began, ready) = self.made;
                    trace.instantiated(began, ready);
                }
            }
        }
        // `Expiration` watches deadline and client, from outside of the guest.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<InstanceState>, result: wasmtime::Result<()>) {
        store.data().capabilities.output.flush();
        let Some(task) = self.current.replace(None) else {
            if let Err(error) = result {
                tracing::error!("an instance could not be given a request: {error:#}");
            }
            return;
        };
        let (request_id, trace_id) = (task.context().id(), task.context().trace_id());
        if let Err(error) = &result {
            if let Some(trap) = error.downcast_ref() {
                task.run.set_trap(*trap);
            }
            task.run.mark_failed();
        }
        task.run.finish(match result {
            Ok(()) => Finish::Returned,
            Err(_) => Finish::Failed,
        });
        match (result, task.run.stopped()) {
            (Ok(()), _) => {}
            (Err(_), Some(stop)) => {
                tracing::debug!(request_id, %trace_id, ?stop, "the guest was stopped");
            }
            // The host itself ended it, and knows what the client is told.
            (Err(error), None) if task.failure().is_some() => {
                tracing::info!(request_id, %trace_id, "the guest was ended: {error:#}");
            }
            (Err(error), None) => {
                tracing::error!(request_id, %trace_id, "the guest failed: {error:?}");
            }
        }
        // To give back what the instance had is a part of what the request costs.
        drop(store);
        task.context().usage().add_guest(guest_time::end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{RequestContext, RequestId, RequestTrace, TraceId};

    #[tokio::test]
    async fn whoever_waits_for_a_guest_learns_that_it_never_began() {
        let trace = RequestTrace::unknown(TraceId::random());
        let now = Instant::now();
        let context = RequestContext::new(RequestId::random(), trace, now, now, false);
        let task = Arc::new(RequestTask::new(context));
        drop(Handoff::new(task.clone()));
        assert_eq!(task.run.finished().await, Finish::NotStarted);
    }
}

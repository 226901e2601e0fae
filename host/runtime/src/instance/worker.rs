//! What runs requests in instances: when an instance is made, how many requests it answers, and
//! when it is ended.
//!
//! An instance works on one request at a time. It then has one current task, whose are its output,
//! its decision and its deadline. Wasmtime's own handler of requests (`ProxyHandler`) gives each
//! instance a task that it spawns itself, so that nobody could say whose guest runs next.

use super::attached_guest::AttachedGuest;
use super::factory::InstanceFactory;
use super::guest_future::{GuestFuture, PollTimes};
use super::idle::{IdleInstances, Occupancy, Tenant};
use super::proxy_instance::Instance;
use super::state::InstanceState;
use crate::journal::Journal;
use crate::request::{Finish, Observer, RequestTask};
use crate::schedule::{GuestScheduler, Turns};
use futures::channel::oneshot;
use std::future::{pending, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use wasmtime::{AsContextMut, PoolConcurrencyLimitError, Store};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{Prepared, Proxy, ProxyPre, Request, Response};

/// How many idle instances give way for one request at most. One has a memory at least, of which an
/// instance may have 8: where more would have to, those that run have what is missing.
const EVICTED: u32 = 8;

/// How long a request waits for an instance that is being dropped.
const GIVEN_BACK_IN: Duration = Duration::from_millis(1);

/// Makes the instances of one application, and runs requests in them.
pub(crate) struct Workers {
    pub(crate) pre: ProxyPre<InstanceState>,
    pub(crate) reuse: Reuse,
    /// How long instantiation may take, which runs the guest's own start functions.
    pub(crate) start_timeout: Duration,
    pub(crate) instances: Arc<InstanceFactory>,
    /// Who learns how long it took to make an instance.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Who says whose guest runs next. `None` for policies, which run on the threads that serve
    /// requests.
    pub(crate) scheduler: Option<Arc<GuestScheduler>>,
    pub(crate) idle: IdleInstances,
    pub(crate) occupancy: Arc<Occupancy>,
    /// How long guests run at once.
    pub(crate) polls: Arc<PollTimes>,
}

/// How many requests an instance answers, one after another.
pub(crate) struct Reuse {
    requests: NonZeroUsize,
    /// The option by which an operator says how many.
    option: &'static str,
    /// Whether the instances are a policy's, which is the operator's: they serve all tenants, and one
    /// has to give back what it had of a request, to get another one.
    is_policy: bool,
    /// Set when the component turned out to serve one request only.
    ended: AtomicBool,
}

impl Reuse {
    /// Of the instances of an application.
    pub(crate) fn of_application(requests: NonZeroUsize) -> Reuse {
        Reuse {
            requests,
            option: "--reuse",
            is_policy: false,
            ended: AtomicBool::new(false),
        }
    }

    /// Of the instances of a policy with a component behind it.
    pub(crate) fn of_policy(requests: NonZeroUsize) -> Reuse {
        Reuse {
            option: "--policy-reuse",
            is_policy: true,
            ..Reuse::of_application(requests)
        }
    }

    /// Whether an instance that has had so many requests may get another one.
    fn allows(&self, requests: usize) -> bool {
        requests < self.requests.get() && !self.ended.load(Ordering::Relaxed)
    }

    /// Whether an instance whose guest has come to its end may wait for another request.
    fn keeps(&self, instance: &mut Instance) -> bool {
        self.allows(instance.served) && (!self.is_policy || instance.rest())
    }
}

/// Why a guest was given no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// The guest's own start functions did not end in time.
    #[error("the guest did not finish its start within the request timeout")]
    TimedOut,
    /// No instance could be made.
    #[error("{0:#}")]
    Failed(wasmtime::Error),
}

/// The response of a guest, of whoever waits for it.
pub(crate) struct Responding {
    guest: AttachedGuest,
    response: oneshot::Receiver<wasmtime::Result<Response>>,
    task: Arc<RequestTask>,
}

impl Workers {
    /// Has a guest respond to a request, which may be recorded or replayed.
    pub(crate) fn respond(
        self: &Arc<Workers>,
        task: &Arc<RequestTask>,
        request: Request,
        journal: Option<Arc<Journal>>,
    ) -> Responding {
        let (respond, response) = oneshot::channel();
        let work = work(self.clone(), task.clone(), (request, journal), respond);
        let turns = self.scheduler.clone().map(Turns::new);
        let run = GuestFuture::new(task.clone(), turns, self.polls.clone(), work);
        let elsewhere = match &self.scheduler {
            Some(scheduler) => scheduler.threads().clone(),
            None => Handle::current(),
        };
        Responding {
            guest: AttachedGuest::new(run, elsewhere),
            response,
            task: task.clone(),
        }
    }

    /// A guest returned without a response. Its instance is not used again. Where the
    /// instance had requests before, the component is taken for one whose instances serve
    /// one request only, as those of some toolchains do, and none of them is.
    pub(crate) fn gave_no_response(&self, task: &RequestTask) {
        if task.run.is_reused() && !self.reuse.ended.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                request_id = task.context().id(),
                trace_id = %task.context().trace_id(),
                "an instance that had served a request returned from another one without a \
                 response: from now on each request gets a new instance, and `{}` has no effect",
                self.reuse.option
            );
        }
    }

    /// Whose instances a request may get. Of a policy's those of nobody: it decides whose the
    /// request is.
    fn tenant_of(&self, task: &RequestTask) -> Tenant {
        match self.reuse.is_policy {
            true => None,
            false => task.context().tenant(),
        }
    }

    /// An instance that waits for a request, and remembers no settings that are out of date.
    fn waiting(&self, tenant: Tenant) -> Option<Instance> {
        loop {
            let mut instance = self.idle.take(tenant)?;
            if instance.store.data_mut().has_current_settings() {
                return Some(instance);
            }
        }
    }

    async fn instantiate(
        &self,
        task: &RequestTask,
        journal: Option<Arc<Journal>>,
    ) -> Result<Instance, NotStarted> {
        let activity = self.instances.engine().activity();
        let started = Instant::now();
        let mut to_evict = EVICTED;
        let mut is_last = false;
        let (store, proxy) = loop {
            let store = self.instances.store(journal.clone());
            let mut store = store.map_err(NotStarted::Failed)?;
            match self.start(&mut store).await {
                Ok(proxy) => break (store, proxy),
                Err(NotStarted::Failed(error)) if error.is::<PoolConcurrencyLimitError>() => {
                    // What this try has of the engine's room is given back before others give way.
                    drop(store);
                    if to_evict > 0 && self.instances.engine().idle().evict_oldest() {
                        to_evict -= 1;
                        tokio::task::yield_now().await;
                    } else if !std::mem::replace(&mut is_last, true) {
                        // One that was just taken out, by whomever, gives its memory back still.
                        tokio::time::sleep(GIVEN_BACK_IN).await;
                    } else {
                        return Err(NotStarted::Failed(error));
                    }
                    if let Some(journal) = &journal {
                        journal.begin_again();
                    }
                }
                Err(error) => return Err(error),
            }
        };
        let ready = Instant::now();
        if let Some(observer) = &self.observer {
            observer.instantiated(ready.saturating_duration_since(started));
        }
        if let Some(trace) = task.trace() {
            trace.instantiated(started, ready);
        }
        Ok(Instance::new(store, proxy, activity))
    }

    async fn start(&self, store: &mut Store<InstanceState>) -> Result<Proxy, NotStarted> {
        let start = self.pre.instantiate_async(store);
        match tokio::time::timeout(self.start_timeout, start).await {
            Ok(proxy) => proxy.map_err(NotStarted::Failed),
            Err(_) => Err(NotStarted::TimedOut),
        }
    }
}

/// The response, and the guest, which may have more to do.
impl Future for Responding {
    type Output = wasmtime::Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Responding {
            guest,
            response,
            task,
        } = &mut *self;
        guest.poll(cx);
        let response = std::task::ready!(Pin::new(response).poll(cx));
        let response = response
            .unwrap_or_else(|_| Err(wasmtime::format_err!("the guest ended without a response")));
        task.run.set_responded(response.is_ok());
        // A guest that has waited for nothing else is done then.
        guest.poll(cx);
        Poll::Ready(response)
    }
}

impl Responding {
    /// The guest, which runs no further unless it is polled.
    pub(crate) fn into_guest(self) -> AttachedGuest {
        self.guest
    }
}

/// The work on one request: in an instance that waits for one, or in a new one.
async fn work(
    workers: Arc<Workers>,
    task: Arc<RequestTask>,
    (request, journal): (Request, Option<Arc<Journal>>),
    respond: oneshot::Sender<wasmtime::Result<Response>>,
) {
    // Dropped last, when the instance is.
    let _holder = task.device_holder();
    let tenant = workers.tenant_of(&task);
    let mut idle = workers.waiting(tenant);
    if idle.is_none() && workers.reuse.allows(1) {
        workers.occupancy.until_free().await;
        idle = workers.waiting(tenant);
    }
    // Dropped when the instance waits for its next request, or is gone.
    let _at_work = workers.occupancy.begin();
    let instance = match idle {
        Some(instance) => {
            task.run.mark_reused();
            instance
        }
        None => match workers.instantiate(&task, journal).await {
            Ok(instance) => instance,
            Err(error) => {
                task.run.finish(Finish::NotStarted);
                let _ = respond.send(Err(error.into()));
                return;
            }
        },
    };
    let mut work = Work {
        instance: Some(instance),
        task: task.clone(),
    };
    let can_have_another = work.serve(request, respond).await;
    let Some(mut instance) = work.instance.take() else {
        return;
    };
    // A guest that returned without a response is in no state that is known.
    if can_have_another && workers.reuse.keeps(&mut instance) && has_responded(&task).await {
        workers.idle.keep(tenant, instance);
        task.run.mark_kept();
    }
}

/// Whether the guest gave a response, which is known when whoever waits for it has seen that.
async fn has_responded(task: &RequestTask) -> bool {
    poll_fn(|cx| {
        if task.run.poll_stopped(cx).is_some() {
            return Poll::Ready(false);
        }
        task.run.responded().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// An instance at work on a request. Where this is dropped before the end, the guest is ended.
struct Work {
    instance: Option<Instance>,
    task: Arc<RequestTask>,
}

impl Work {
    /// Has the guest serve the request, to its own end. Returns whether its instance can have
    /// another one.
    async fn serve(
        &mut self,
        request: Request,
        respond: oneshot::Sender<wasmtime::Result<Response>>,
    ) -> bool {
        let Some(instance) = &mut self.instance else {
            return false;
        };
        if let Err(error) = instance.store.data_mut().begin(self.task.clone()) {
            self.task.fail(error);
            self.end(Err(wasmtime::format_err!("the guest may not run")));
            return false;
        }
        instance.served += 1;
        // One that has waited is not interrupted at once.
        instance.store.set_epoch_deadline(1);
        let proxy = &instance.proxy;
        let handler = match proxy {
            Proxy::P3(guest) => *guest.wasi_http_handler().func_handle().func(),
            Proxy::P2(guest) => *guest.wasi_http_incoming_handler().func_handle().func(),
        };
        // Whether the guest was given the request, and whether it has returned from it.
        let (began, returned) = (AtomicBool::new(false), AtomicBool::new(false));
        let result = {
            let served = instance.store.run_concurrent(async |accessor| {
                let prepared = accessor.with(|mut access| {
                    let store = access.as_context_mut();
                    Prepared::new(store, proxy, request, InstanceState::http, respond)
                })?;
                began.store(true, Ordering::Relaxed);
                prepared.run(accessor, pending()).await?;
                returned.store(true, Ordering::Relaxed);
                poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
                let is_ready = |cx: &mut Context<'_>| {
                    Poll::Ready(
                        accessor
                            .poll_ready_for_concurrent_call(handler, cx)
                            .is_ready(),
                    )
                };
                wasmtime::error::Ok(poll_fn(is_ready).await)
            });
            let mut served = pin!(served);
            poll_fn(|cx| {
                let polled = served.as_mut().poll(cx);
                if polled.is_pending() && returned.load(Ordering::Relaxed) {
                    self.task.run.finish(Finish::Returned);
                }
                polled
            })
            .await
            .flatten()
        };
        if let Err(error) = &result
            && !began.load(Ordering::Relaxed)
        {
            let (request_id, trace_id) = (self.task.context().id(), self.task.context().trace_id());
            tracing::error!(
                request_id,
                %trace_id,
                "an instance could not be given a request: {error:#}"
            );
            self.task.run.finish(Finish::NotStarted);
            self.instance = None;
            return false;
        }
        let can_have_another = *result.as_ref().unwrap_or(&false);
        self.end(result.map(|_| ()));
        can_have_another
    }

    /// The guest has ended, or is ended.
    fn end(&mut self, result: wasmtime::Result<()>) {
        let task = &self.task;
        let (request_id, trace_id) = (task.context().id(), task.context().trace_id());
        if let Err(error) = &result {
            if let Some(trap) = error.downcast_ref() {
                task.run.set_trap(*trap);
            }
            task.run.mark_failed();
        }
        // Before whoever waits for the end learns of it, and has no use for the guest any more.
        let stopped = task.run.stopped();
        task.run.finish(match result {
            Ok(()) => Finish::Returned,
            Err(_) => Finish::Failed,
        });
        let Err(error) = result else {
            return;
        };
        match stopped {
            Some(stop) => {
                tracing::debug!(request_id, %trace_id, ?stop, "the guest was stopped");
            }
            // The host itself ended it, and knows what the client is told.
            None if task.failure().is_some() => {
                tracing::info!(request_id, %trace_id, "the guest was ended: {error:#}");
            }
            None => tracing::error!(request_id, %trace_id, "the guest failed: {error:?}"),
        }
        self.instance = None;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.instance.is_some() {
            let (request_id, trace_id) = (self.task.context().id(), self.task.context().trace_id());
            let stop = self.task.run.stopped();
            tracing::debug!(request_id, %trace_id, ?stop, "the guest was stopped");
            self.task.run.mark_failed();
            self.task.run.finish(Finish::Failed);
        }
    }
}

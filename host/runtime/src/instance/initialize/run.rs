//! Runs a component's `init`, in an instance that ends then, as a guest is run that works on a request: in
//! its tenant's turns on the threads for guests, up to a deadline, and charged.

use super::super::attached_guest::AttachedGuest;
use super::super::factory::InstanceFactory;
use super::super::guest_future::GuestFuture;
use super::super::state::InstanceState;
use super::last_lines::LastLines;
use super::left_behind;
use super::state::{self, State};
use crate::init_error::InitError;
use crate::request::{Finish, RequestTask, Stop};
use crate::schedule::{GuestScheduler, Turns};
use futures::channel::oneshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};

/// How many idle instances give way for the one at most.
const EVICTED: u32 = 8;

/// A component that is to be initialized, with exports that tell its state.
pub(crate) struct Uninitialized {
    pub(crate) pre: InstancePre<InstanceState>,
    /// The export with its `init`.
    pub(crate) export: String,
    pub(crate) instances: Arc<InstanceFactory>,
    /// Whose guest runs next. Without one, the runtime of the caller runs this guest.
    pub(crate) scheduler: Option<Arc<GuestScheduler>>,
}

impl Uninitialized {
    /// Runs `init`, and copies what it leaves. Where this is dropped, the guest is ended.
    pub(crate) async fn run(
        self: Arc<Self>,
        task: Arc<RequestTask>,
        limit: Duration,
    ) -> Result<State, InitError> {
        let elsewhere = match &self.scheduler {
            Some(scheduler) => scheduler.threads().clone(),
            None => Handle::try_current().map_err(|error| InitError::Host {
                cause: error.to_string(),
            })?,
        };
        let turns = self.scheduler.clone().map(Turns::new);
        let (send, ended) = oneshot::channel();
        let work = {
            let task = task.clone();
            async move {
                let state = work(&self, &task).await;
                task.run.finish(match &state {
                    Ok(_) => Finish::Returned,
                    Err(_) => Finish::Failed,
                });
                let _ = send.send(state);
            }
        };
        let guest = GuestFuture::new(task.clone(), turns, Arc::default(), work);
        let stop = StopOnDrop(task);
        AttachedGuest::new(guest, elsewhere).detach();
        match ended.await {
            Ok(state) => state,
            Err(_) if stop.0.run.stopped() == Some(Stop::TimedOut) => {
                Err(InitError::TimedOut { limit })
            }
            Err(_) => Err(InitError::Host {
                cause: "it was ended with the host".to_owned(),
            }),
        }
    }
}

/// Ends the guest of a task when it is dropped, and charges what it has used.
struct StopOnDrop(Arc<RequestTask>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.run.stop(Stop::ClientGone);
        self.0.context().end();
    }
}

async fn work(of: &Uninitialized, task: &Arc<RequestTask>) -> Result<State, InitError> {
    // Dropped last, when the instance is.
    let _holder = task.device_holder();
    let _activity = of.instances.engine().activity();
    let lines = LastLines::new(of.instances.capabilities().output.clone());
    let (mut store, instance) = instantiate(of, task, &lines).await?;
    let state = initialized(of, task, &lines, &mut store, &instance).await;
    store.data().capabilities.output.flush();
    state
}

/// An instance. Its start functions, which compilers have it run before anything else, are the tenant's work
/// too.
async fn instantiate(
    of: &Uninitialized,
    task: &Arc<RequestTask>,
    lines: &Arc<LastLines>,
) -> Result<(Store<InstanceState>, Instance), InitError> {
    let mut to_evict = EVICTED;
    loop {
        let mut store = of.instances.store(None).map_err(host)?;
        store.data().capabilities.output.set_sink(lines.clone());
        if store.data_mut().begin(task.clone()).is_err() {
            return Err(InitError::NoRoom);
        }
        match of.pre.instantiate_async(&mut store).await {
            Ok(instance) => return Ok((store, instance)),
            Err(error) if error.is::<PoolConcurrencyLimitError>() => {
                drop(store);
                if to_evict == 0 || !of.instances.engine().idle().evict_oldest() {
                    return Err(InitError::NoRoom);
                }
                to_evict -= 1;
                tokio::task::yield_now().await;
            }
            Err(error) => {
                return Err(failed(task, lines, &store, &error));
            }
        }
    }
}

async fn initialized(
    of: &Uninitialized,
    task: &Arc<RequestTask>,
    lines: &LastLines,
    store: &mut Store<InstanceState>,
    instance: &Instance,
) -> Result<State, InitError> {
    let wrong = |cause: String| InitError::WrongType { cause };
    let within = instance.get_export_index(&mut *store, None, &of.export);
    let within = within.ok_or_else(|| wrong("the export is missing".to_owned()))?;
    let index = instance.get_export_index(&mut *store, Some(&within), "init");
    let index = index.ok_or_else(|| wrong("it has no `init`".to_owned()))?;
    let init = instance
        .get_typed_func::<(), (Result<(), String>,)>(&mut *store, &index)
        .map_err(|error| wrong(format!("{error:#}")))?;
    let called = init.call_async(&mut *store, ()).await;
    let (outcome,) = called.map_err(|error| failed(task, lines, store, &error))?;
    outcome.map_err(InitError::failed)?;
    let resources = left_behind(store);
    if !resources.is_empty() {
        return Err(InitError::LeftBehind { resources });
    }
    let copied = state::copy(store, instance).await;
    copied.map_err(|error| InitError::MemoryFull {
        cause: error.root_cause().to_string(),
    })
}

/// The guest trapped or exited.
fn failed(
    task: &RequestTask,
    lines: &LastLines,
    store: &Store<InstanceState>,
    error: &wasmtime::Error,
) -> InitError {
    task.run.mark_failed();
    store.data().capabilities.output.flush();
    let (request_id, trace_id) = (task.context().id(), task.context().trace_id());
    tracing::error!(request_id, %trace_id, "the guest failed: {error:?}");
    InitError::Trapped {
        trap: error.downcast_ref::<Trap>().copied(),
        output: lines.text(),
    }
}

fn host(error: wasmtime::Error) -> InitError {
    InitError::Host {
        cause: format!("{error:#}"),
    }
}

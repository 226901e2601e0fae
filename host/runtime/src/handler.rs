//! How instances come and go under `wasmtime_wasi_http`'s handler: when one is
//! made, how many requests it answers, and when it is ended.

use crate::application::InstanceFactory;
use crate::engine::Activity;
use crate::exchange::{Exchange, Finish, Stop};
use crate::state::InstanceState;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    pub(crate) reuse: NonZeroUsize,
    /// How long a guest's own start may take: it is the guest's code that runs.
    pub(crate) start_timeout: Duration,
    pub(crate) instances: InstanceFactory,
}

impl HandlerState for Workers {
    type StoreData = InstanceState;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Expiration, Worker>> {
        let activity = self.instances.engine().activity();
        let mut store = self.instances.store()?;
        let start = self.pre.instantiate_async(&mut store);
        let proxy = match tokio::time::timeout(self.start_timeout, start).await {
            Ok(proxy) => proxy?,
            Err(_) => return Err(StartTimedOut.into()),
        };
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
                reuse: self.reuse,
                _activity: activity,
            },
        })
    }
}

/// The guest did not finish its own start in time.
#[derive(Debug, thiserror::Error)]
#[error("the guest did not finish its start within the request timeout")]
pub(crate) struct StartTimedOut;

/// The request that an instance works on, shared by the two halves of a worker.
#[derive(Clone, Default)]
pub(crate) struct Current(Arc<Mutex<Option<Arc<Exchange>>>>);

impl Current {
    fn get(&self) -> Option<Arc<Exchange>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces it, and gives out the one before.
    fn replace(&self, exchange: Option<Arc<Exchange>>) -> Option<Arc<Exchange>> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, exchange)
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
        let mut exchange = self.current.get();
        if !matches!(status, WorkerStatus::Requests)
            && let Some(exchange) = &exchange
        {
            exchange.finish(Finish::Returned);
        }
        if matches!(status, WorkerStatus::Idle) {
            exchange = None;
        }
        if let Some(exchange) = &exchange
            && exchange.poll_stopped(cx).is_some()
        {
            return Poll::Ready(());
        }
        let deadline = match &exchange {
            Some(exchange) => exchange.deadline,
            None => start + IDLE,
        };
        if self.sleep.deadline().into_std() != deadline {
            self.sleep.as_mut().reset(deadline.into());
        }
        if self.sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if let Some(exchange) = &exchange {
            exchange.stop(Stop::TimedOut);
        }
        Poll::Ready(())
    }
}

/// One instance at work.
pub(crate) struct Worker {
    current: Current,
    reuse: NonZeroUsize,
    _activity: Activity,
}

impl WorkerState for Worker {
    type StoreData = InstanceState;
    type RequestData = Arc<Exchange>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.get() {
            ShouldAccept::Never
        } else if concurrent > 0 {
            // One request at a time: what belongs to a request (its output, its
            // decision, its time) is then told apart by the instance alone.
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        exchange: Arc<Exchange>,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let state = store.data_mut();
        state.output.begin(exchange.request_id.as_str());
        state.gpu.serve(exchange.tenant());
        state.policy.exchange = Some(exchange.clone());
        // A guest that takes its next request is done with the one before, which
        // `Expiration` may not have seen yet, and from now on can't.
        if let Some(previous) = self.current.replace(Some(exchange)) {
            previous.finish(Finish::Returned);
        }
        // `Expiration` watches time and client, from outside of the guest.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<InstanceState>, result: wasmtime::Result<()>) {
        store.data().output.flush();
        let Some(exchange) = self.current.replace(None) else {
            return;
        };
        if result.is_err() {
            exchange.break_off();
        }
        exchange.finish(match result {
            Ok(()) => Finish::Returned,
            Err(_) => Finish::Failed,
        });
        match (result, exchange.stopped()) {
            (Ok(()), _) => {}
            (Err(_), Some(stop)) => {
                tracing::debug!(
                    request_id = exchange.request_id.as_str(),
                    ?stop,
                    "the guest was stopped"
                );
            }
            // The host itself ended it, and knows what it tells the client.
            (Err(error), None) if exchange.failure().is_some() => {
                tracing::info!(
                    request_id = exchange.request_id.as_str(),
                    "the guest was ended: {error:#}"
                );
            }
            (Err(error), None) => {
                tracing::error!(
                    request_id = exchange.request_id.as_str(),
                    "the guest failed: {error:?}"
                );
            }
        }
    }
}

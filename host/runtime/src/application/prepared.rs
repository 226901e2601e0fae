//! A component on its way to an application: compiled, checked and linked. Where it has an `init`, that
//! runs before its first request, and what the component is then is compiled again ([`crate::instance`]).

use super::Application;
use super::init_config::InitConfig;
use super::journals::Journals;
use super::link::{self, Handler};
use crate::capability::gpu::GpuGrants;
use crate::capability::next::ChainImports;
use crate::capability::policy::Auditor;
use crate::capability::registry::ImportReport;
use crate::capability::tenant_memory::TenantCharge;
use crate::error::Error;
use crate::init_error::InitError;
use crate::instance::factory::InstanceFactory;
use crate::instance::idle::IdleInstances;
use crate::instance::initialize::run::Uninitialized;
use crate::instance::initialize::state::State;
use crate::instance::initialize::{compile_unkept, image};
use crate::instance::state::InstanceState;
use crate::instance::worker::{Reuse, Workers};
use crate::request::{
    Decision, Observer, RequestContext, RequestId, RequestTask, RequestTrace, TraceId,
};
use crate::schedule::GuestScheduler;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmtime_wasi_http::handler::ProxyPre;

/// A component that was compiled, checked and linked, and may have to be initialized.
pub struct Prepared {
    pub(super) stage: Stage,
    pub(super) handler: Handler,
    pub(super) has_journals: bool,
    pub(super) init: InitConfig,
    pub(super) parts: Parts,
}

/// What a component is made an application with.
pub(super) struct Parts {
    pub(super) instances: Arc<InstanceFactory>,
    pub(super) reuse: Reuse,
    pub(super) scheduler: Option<Arc<GuestScheduler>>,
    pub(super) digest: String,
    pub(super) imports: ImportReport,
    pub(super) request_timeout: Duration,
    pub(super) auditor: Option<Arc<dyn Auditor>>,
    pub(super) gpu: Arc<dyn GpuGrants>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) usage_header: bool,
    pub(super) decides: bool,
    pub(super) journals: Journals,
    pub(super) chain: ChainImports,
}

/// How far a component is.
pub(super) enum Stage {
    /// It has no `init`.
    Ready(ProxyPre<InstanceState>),
    /// Its `init` has yet to run.
    Uninitialized {
        uninitialized: Arc<Uninitialized>,
        component: Vec<u8>,
    },
    /// Its `init` has left this.
    Initialized {
        component: Vec<u8>,
        state: Box<State>,
    },
}

impl Prepared {
    /// Whether the component has an `init` that has yet to run.
    pub fn is_uninitialized(&self) -> bool {
        matches!(self.stage, Stage::Uninitialized { .. })
    }

    /// Runs the component's `init`, unless it has none or that has run. Where this is dropped, the guest
    /// is ended. Without a scheduler in its configuration, to be called in the context of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Init`]
    pub async fn initialize(&mut self) -> Result<(), Error> {
        let Stage::Uninitialized {
            uninitialized,
            component,
        } = &mut self.stage
        else {
            return Ok(());
        };
        let task = task(&self.init, self.parts.observer.clone());
        let request_id = task.context().request_id().clone();
        let (began, digest) = (Instant::now(), &self.parts.digest);
        let run = uninitialized.clone().run(task, self.init.timeout).await;
        let state = match run {
            Ok(state) => state,
            Err(error) => {
                tracing::warn!(
                    request_id = request_id.as_str(),
                    component = digest,
                    "{error}"
                );
                return Err(error.into());
            }
        };
        tracing::info!(
            request_id = request_id.as_str(),
            component = digest,
            milliseconds = began.elapsed().as_millis(),
            "the component was initialized"
        );
        let component = std::mem::take(component);
        let state = Box::new(state);
        self.stage = Stage::Initialized { component, state };
        Ok(())
    }

    /// The application. Takes as long as compiling takes, where the component was initialized: nothing that
    /// `init` has read is put on the disk, so that no cache has it.
    ///
    /// # Errors
    ///
    /// [`Error`]; also where the component has yet to be initialized.
    pub fn complete(self) -> Result<Application, Error> {
        let parts = self.parts;
        let (pre, held) = match self.stage {
            Stage::Ready(pre) => (pre, None),
            Stage::Uninitialized { .. } => {
                return Err(Error::Init(InitError::Host {
                    cause: "its `init` has not run".to_owned(),
                }));
            }
            Stage::Initialized { component, state } => {
                let limit = self.init.image_bytes;
                let is_within = |bytes| match bytes > limit {
                    true => Err(InitError::TooLarge { bytes, limit }),
                    false => Ok(()),
                };
                is_within(state.image_bytes())?;
                let image = image::image(&component, *state)?;
                is_within(image.len() as u64)?;
                let tenants = parts.instances.tenants();
                let held = tenants.hold(self.init.tenant, image.len());
                let held = held.map_err(|error| InitError::TenantMemory {
                    cause: error.to_string(),
                })?;
                let engine = parts.instances.engine().wasmtime();
                let compiled = compile_unkept(engine, &image).map_err(Error::Compile)?;
                drop(image);
                let pre = link::link(engine, &compiled, self.has_journals)?;
                (self.handler.of(pre)?, held)
            }
        };
        Ok(parts.application(pre, held))
    }

    /// [`Prepared::initialize`] and [`Prepared::complete`]. Blocks for as long as both take, wherever it is
    /// called.
    pub(super) fn complete_blocking(mut self) -> Result<Application, Error> {
        if self.is_uninitialized() {
            match self.parts.scheduler.is_some() {
                // The threads that run guests do all that is to be waited for.
                true => futures::executor::block_on(self.initialize())?,
                false => self = in_runtime_of_its_own(self)?,
            }
        }
        self.complete()
    }
}

/// Initializes a component where no threads run guests.
fn in_runtime_of_its_own(mut prepared: Prepared) -> Result<Prepared, Error> {
    let host = |cause: String| Error::Init(InitError::Host { cause });
    let initializing = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| host(error.to_string()))?;
        runtime.block_on(prepared.initialize())?;
        Ok(prepared)
    });
    let panicked = |_| host("the host panicked".to_owned());
    initializing.join().map_err(panicked)?
}

/// The task of an `init`, which no request asked for.
fn task(init: &InitConfig, observer: Option<Arc<dyn Observer>>) -> Arc<RequestTask> {
    let began = Instant::now();
    let trace = RequestTrace::unknown(TraceId::random());
    let deadline = began + init.timeout;
    let context = RequestContext::new(RequestId::random(), trace, began, deadline, true);
    // No policy's decision, of which the observer would learn.
    context.decide(Decision::Admitted {
        caller: None,
        tenant: init.tenant,
    });
    let context = context.observed(None, observer);
    if let Some(account) = &init.account {
        context.attribute_to(account.clone());
    }
    Arc::new(RequestTask::new(context))
}

impl Parts {
    fn application(self, pre: ProxyPre<InstanceState>, held: Option<TenantCharge>) -> Application {
        let engine = self.instances.engine();
        let workers = Workers {
            pre,
            reuse: self.reuse,
            start_timeout: self.request_timeout,
            idle: IdleInstances::of_engine(engine),
            instances: self.instances,
            observer: self.observer.clone(),
            scheduler: self.scheduler,
            occupancy: Arc::default(),
            polls: Arc::default(),
        };
        Application {
            workers: Arc::new(workers),
            digest: self.digest,
            imports: self.imports,
            request_timeout: self.request_timeout,
            auditor: self.auditor,
            gpu: self.gpu,
            observer: self.observer,
            usage_header: self.usage_header,
            decides: self.decides,
            journals: self.journals,
            chain: self.chain,
            held,
        }
    }
}

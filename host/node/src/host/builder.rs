//! Assembles a host: what an operator sets, and the order in which it is opened.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_device::{Backend, Device};
use tensor_wasm_runtime::policy::{Auditor, PolicyGrant};
use tensor_wasm_runtime::{
    ApplicationConfig, Directory, Engine, EngineConfig, Grant, GuestThreads, HttpGrant, InitConfig,
    JournalConfig, Observer, TenantMemory, Tracer,
};
use tensor_wasm_snapshot::RecordedDevice;

use super::chain::{Chain, ComponentSource};
use super::device::{self, DeviceChoice, DeviceOptions};
use super::{Host, HostError, HostParts};
use crate::audit::{AuditConfig, AuditLog, AuditTarget};
use crate::grants::{Tenant, TenantGrants};
use crate::limiter::Buckets;
use crate::metrics::{Metrics, Sources};
use crate::recordings::{RecordOptions, Recordings};
use crate::tokens::Tokens;
use crate::traces::Traces;

/// How many requests an instance of a policy decides on, unless the operator says otherwise. What it
/// costs to make one is nothing, divided by so many; and what one may gather is bounded.
pub const POLICY_REUSE: NonZeroUsize = NonZeroUsize::new(1000).unwrap();

/// Assembles a [`Host`] or, where `S` is [`NodeSource`](crate::node::NodeSource), a [`Node`](crate::node::Node). What is
/// not set is granted to nobody, but for the device, which is the processor.
pub struct HostBuilder<S = ComponentSource> {
    /// What is served.
    pub(crate) source: S,
    pub(crate) policies: Vec<ComponentSource>,
    providers: Vec<ComponentSource>,
    pub(crate) application: ApplicationConfig,
    pub(crate) policy_reuse: NonZeroUsize,
    settings: Vec<(String, String)>,
    keep_authorization: bool,
    tokens: Option<Arc<Tokens>>,
    audit: AuditConfig,
    device: Grant<DeviceChoice>,
    device_options: DeviceOptions,
    other_tenants: Option<Tenant>,
    tenants: BTreeMap<u64, Tenant>,
    instances: NonZeroU32,
    instance_memory_bytes: usize,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) traces: Option<Arc<Traces>>,
    recordings: Option<RecordOptions>,
}

impl<S> HostBuilder<S> {
    pub(crate) fn new(source: S) -> HostBuilder<S> {
        let engine = EngineConfig::default();
        HostBuilder {
            source,
            policies: Vec::new(),
            providers: Vec::new(),
            application: ApplicationConfig::default(),
            policy_reuse: POLICY_REUSE,
            settings: Vec::new(),
            keep_authorization: false,
            tokens: None,
            audit: AuditConfig {
                target: AuditTarget::None,
                ..AuditConfig::default()
            },
            device: Grant::Granted(DeviceChoice::Cpu),
            device_options: DeviceOptions::default(),
            other_tenants: None,
            tenants: BTreeMap::new(),
            instances: engine.instances,
            instance_memory_bytes: engine.instance_memory_bytes,
            cache: None,
            metrics: None,
            traces: None,
            recordings: None,
        }
    }

    /// Adds a policy behind those that were added before. The first is the outermost.
    #[must_use]
    pub fn policy(mut self, policy: ComponentSource) -> Self {
        self.policies.push(policy);
        self
    }

    /// The environment variables that the application sees.
    #[must_use]
    pub fn environment(mut self, variables: Vec<(String, String)>) -> Self {
        self.application.environment = variables;
        self
    }

    /// The directories that the application may use, with everything in them.
    #[must_use]
    pub fn directories(mut self, directories: Vec<Directory>) -> Self {
        self.application.directories = directories;
        self
    }

    /// The HTTP requests that the application may send to other servers.
    #[must_use]
    pub fn http(mut self, grant: HttpGrant) -> Self {
        self.application.http = grant;
        self
    }

    /// How long a request may take, from its head to the end of its response.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.application.request_timeout = timeout;
        self
    }

    /// How many requests one instance of the application answers, one after another.
    #[must_use]
    pub fn reuse(mut self, requests: NonZeroUsize) -> Self {
        self.application.reuse = requests;
        self
    }

    /// How many requests one instance of a policy decides on, one after another: [`POLICY_REUSE`],
    /// unless set. A policy that was composed with the application is reused as that is.
    #[must_use]
    pub fn policy_reuse(mut self, requests: NonZeroUsize) -> Self {
        self.policy_reuse = requests;
        self
    }

    /// What policies find in `wasi:config/store`, as pairs of key and value.
    #[must_use]
    pub fn policy_settings(mut self, settings: Vec<(String, String)>) -> Self {
        self.settings = settings;
        self
    }

    /// Whether the application sees the `Authorization` of requests that a policy has
    /// admitted. It does not, unless set.
    #[must_use]
    pub fn keep_authorization(mut self, keep: bool) -> Self {
        self.keep_authorization = keep;
        self
    }

    /// The tokens that policies know. None, unless set.
    #[must_use]
    pub fn tokens(mut self, tokens: Arc<Tokens>) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// How the audit log is kept. No log is, unless set.
    #[must_use]
    pub fn audit(mut self, config: AuditConfig) -> Self {
        self.audit = config;
        self
    }

    /// The device behind `tensor:gpu`, or what becomes of components that ask for one.
    #[must_use]
    pub fn device(mut self, device: Grant<DeviceChoice>) -> Self {
        self.device = device;
        self
    }

    /// How the device is opened.
    #[must_use]
    pub fn device_options(mut self, options: DeviceOptions) -> Self {
        self.device_options = options;
        self
    }

    /// What each tenant has that is not listed. Unless set, it has the default limits,
    /// and the grant that [`HostBuilder::device`] says.
    #[must_use]
    pub fn other_tenants(mut self, tenant: Tenant) -> Self {
        self.other_tenants = Some(tenant);
        self
    }

    /// What these tenants have, by number.
    #[must_use]
    pub fn tenants(mut self, tenants: BTreeMap<u64, Tenant>) -> Self {
        self.tenants = tenants;
        self
    }

    /// How many instances of all components can exist at one time.
    #[must_use]
    pub fn instances(mut self, instances: NonZeroU32) -> Self {
        self.instances = instances;
        self
    }

    /// The largest linear memory that an instance can grow to, in bytes.
    #[must_use]
    pub fn instance_memory_bytes(mut self, bytes: usize) -> Self {
        self.instance_memory_bytes = bytes;
        self
    }

    /// The folder for compiled components and kernels. Without one they are compiled anew
    /// at each start.
    #[must_use]
    pub fn cache(mut self, folder: Option<PathBuf>) -> Self {
        self.cache = folder;
        self
    }

    /// Counts what happens in these metrics. Nothing is, unless set.
    #[must_use]
    pub fn metrics(mut self, metrics: Option<Arc<Metrics>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// Exports the spans of requests there. None are made, unless set.
    #[must_use]
    pub fn traces(mut self, traces: Option<Arc<Traces>>) -> Self {
        self.traces = traces;
        self
    }

    /// Whether responses say in a header `Server-Timing` what their requests used. They do
    /// not, unless set.
    #[must_use]
    pub fn usage_header(mut self, says: bool) -> Self {
        self.application.usage_header = says;
        self
    }

    /// Records requests so that they can be run again. None are, unless set.
    #[must_use]
    pub fn recordings(mut self, options: Option<RecordOptions>) -> Self {
        self.recordings = options;
        self
    }

    /// Who learns what happens to requests.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let metrics = self.metrics.clone();
        metrics.map(|metrics| metrics as Arc<dyn Observer>)
    }

    /// Who takes the spans of requests.
    pub(crate) fn tracer(&self) -> Option<Arc<dyn Tracer>> {
        let traces = self.traces.clone();
        traces.map(|traces| traces as Arc<dyn Tracer>)
    }

    /// Opens the audit log, the device and the engine.
    ///
    /// # Errors
    ///
    /// [`HostError`]
    pub(crate) fn foundation(&self) -> Result<Foundation, HostError> {
        let tokens = match &self.tokens {
            Some(tokens) => tokens.clone(),
            None => Arc::new(Tokens::new(None, None)?),
        };
        let audit = AuditLog::open(&self.audit).map_err(HostError::Audit)?;
        let audit = audit.map(Arc::new);
        let device = match self.device {
            Grant::Granted(choice) => {
                let cache = self.cache.as_deref();
                Some(device::open(choice, &self.device_options, cache)?)
            }
            Grant::Denied | Grant::Refused => None,
        };
        let others = self.other_tenants.clone().unwrap_or_else(|| Tenant {
            gpu: self.device.decision(),
            ..Tenant::default()
        });
        let listed = self.tenants.clone();
        let grants = Arc::new(TenantGrants::new(device.clone(), others, listed));
        let engine = Engine::new(EngineConfig {
            instances: self.instances,
            instance_memory_bytes: self.instance_memory_bytes,
            // A folder of its own: the engine deletes every other file in it.
            cache_directory: self.cache.as_ref().map(|folder| folder.join("components")),
        })
        .map_err(HostError::Engine)?;
        let policy = PolicyGrant {
            authenticator: Some(tokens.clone()),
            limiter: Some(Arc::new(Buckets::new()?)),
            auditor: audit.clone().map(|log| log as Arc<dyn Auditor>),
            settings: self.settings.clone().into(),
            keep_authorization: self.keep_authorization,
        };
        let of_tenants = grants.clone();
        let guests = GuestThreads::start(&engine, move |tenant| of_tenants.processors(tenant))
            .map_err(HostError::Engine)?;
        let of_tenants = grants.clone();
        let memory = TenantMemory::new(move |tenant| of_tenants.memory_bytes(tenant));
        if let Some(metrics) = &self.metrics {
            metrics.watch(Sources {
                engine: engine.clone(),
                device: device.clone(),
                grants: grants.clone(),
                audit: audit.clone(),
                traces: self.traces.clone(),
            });
        }
        let recordings = self.open_recordings(device.as_ref())?;
        Ok(Foundation {
            recordings,
            memory: Arc::new(memory),
            tokens,
            audit,
            device,
            grants,
            engine,
            guests: Arc::new(guests),
            policy,
        })
    }

    fn open_recordings(&self, device: Option<&Device>) -> Result<Option<Recordings>, HostError> {
        let Some(options) = self.recordings.clone() else {
            return Ok(None);
        };
        let folder = options.directory.clone();
        let device = device.map(Device::description).map(|description| {
            let backend = match description.backend {
                Backend::Cpu => "cpu",
                Backend::Cuda => "cuda",
            };
            RecordedDevice {
                backend: backend.to_owned(),
                name: description.name.clone(),
            }
        });
        let recordings = Recordings::open(options, device);
        let recordings = recordings.map_err(|cause| HostError::Recordings { folder, cause })?;
        recordings.warn();
        Ok(Some(recordings))
    }

    /// The audit log, if it is one for a host on which a policy `decides`. On standard output
    /// records of other hosts would only say that they started and stopped.
    pub(crate) fn kept(
        &self,
        audit: Option<Arc<AuditLog>>,
        decides: bool,
    ) -> Option<Arc<AuditLog>> {
        let to_stdout = self.audit.target == AuditTarget::Stdout;
        audit.filter(|_| decides || !to_stdout)
    }
}

/// What all components of a host share.
pub(crate) struct Foundation {
    /// Who keeps recordings of requests.
    pub(crate) recordings: Option<Recordings>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) audit: Option<Arc<AuditLog>>,
    pub(crate) device: Option<Device>,
    pub(crate) grants: Arc<TenantGrants>,
    /// What all instances of each tenant have of this machine's memory.
    pub(crate) memory: Arc<TenantMemory>,
    pub(crate) engine: Engine,
    /// The threads that run guests.
    pub(crate) guests: Arc<GuestThreads>,
    /// What policies are granted.
    pub(crate) policy: PolicyGrant,
}

impl HostBuilder {
    /// Satisfies imports of the component with the exports of another one, before any
    /// policy is put in front.
    #[must_use]
    pub fn plug(mut self, provider: ComponentSource) -> Self {
        self.providers.push(provider);
        self
    }

    /// Opens the audit log and the device, and compiles and loads the components. Takes
    /// as long as compiling takes. To be called in the context of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`HostError`]
    pub fn build(mut self) -> Result<Host, HostError> {
        let foundation = self.foundation()?;
        let component = self.source.clone().plugged(&self.providers)?;
        let config = ApplicationConfig {
            gpu: foundation.grants.clone(),
            tenant_memory: foundation.memory.clone(),
            scheduler: Some(foundation.guests.scheduler()),
            observer: self.observer(),
            journal: match &foundation.recordings {
                Some(recordings) => JournalConfig::Record(Box::new(recordings.of_application())),
                None => JournalConfig::Off,
            },
            init: InitConfig {
                timeout: self.application.request_timeout,
                ..InitConfig::default()
            },
            ..std::mem::take(&mut self.application)
        };
        let chain = Chain::load(
            &foundation.engine,
            &component,
            &self.policies,
            config,
            &foundation.policy,
            self.policy_reuse,
        )?;
        let decides = chain.outermost().is_decided_on();
        let parts = HostParts {
            audit: self.kept(foundation.audit, decides),
            device: foundation.device,
            grants: foundation.grants,
            tokens: foundation.tokens,
            guests: foundation.guests,
            policy_settings: foundation.policy.settings,
            metrics: self.metrics.clone(),
            traces: self.traces.clone(),
        };
        Ok(Host { chain, parts })
    }
}

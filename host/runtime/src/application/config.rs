//! What an operator grants an application, and its limits.

use super::init_config::InitConfig;
use crate::capability::filesystem::Directory;
use crate::capability::gpu::GpuGrants;
use crate::capability::http::HttpGrant;
use crate::capability::next::NextHandler;
use crate::capability::output::OutputSink;
use crate::capability::policy::PolicyGrant;
use crate::capability::tenant_memory::TenantMemory;
use crate::grant::Grant;
use crate::journal::{RecorderConfig, Replay};
use crate::request::Observer;
use crate::schedule::GuestScheduler;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

/// Whether requests are recorded, or one is replayed.
#[derive(Default)]
pub enum JournalConfig {
    /// Neither.
    #[default]
    Off,
    /// Requests are recorded.
    Record(Box<RecorderConfig>),
    /// The one request that the application gets is replayed.
    Replay(Arc<Replay>),
}

/// What an operator grants an application, and its limits.
pub struct ApplicationConfig {
    /// The GPU, by tenant.
    pub gpu: Arc<dyn GpuGrants>,
    /// Environment variables that the guest sees.
    pub environment: Vec<(String, String)>,
    /// Directories that the guest can open, with everything in them.
    pub directories: Vec<Directory>,
    /// The HTTP requests that the guest may send to other servers.
    pub http: HttpGrant,
    /// Who takes the lines that the guest writes, beside the host's log.
    pub output: Option<Arc<dyn OutputSink>>,
    /// The mechanisms of `tensor:policy/*`, and the settings in `wasi:config/store`.
    pub policy: PolicyGrant,
    /// What this component is a policy for: an application with instances of its own, or code
    /// of the embedder. Without it, a component that imports the handler is not loaded.
    pub next: Option<Arc<dyn NextHandler>>,
    /// Whether a policy will be put in front of this component, so that requests of
    /// several tenants reach it.
    pub guarded: bool,
    /// The memory that the instances of each tenant may have together, those of all
    /// applications of the host. Those of a policy count once it has admitted the request.
    pub tenant_memory: Arc<TenantMemory>,
    /// Whose guest runs next on the threads that run guests, those of all applications of the
    /// host. `None` for a policy, and where the threads that serve requests run the guests too,
    /// with no share of the processors for each tenant.
    pub scheduler: Option<Arc<GuestScheduler>>,
    /// How long a request may take, from its head to the end of its response.
    pub request_timeout: Duration,
    /// How the component is initialized, where it has an `init`.
    pub init: InitConfig,
    /// Who learns what happens to requests, and what they use.
    pub observer: Option<Arc<dyn Observer>>,
    /// Whether each response says in a header `Server-Timing` (W3C) what its request has used
    /// until then.
    pub usage_header: bool,
    /// Whether requests are recorded, or one is replayed.
    pub journal: JournalConfig,
    /// How many requests one instance answers, one after another. One is the
    /// strongest isolation: nothing of a request survives it. Of a policy, which is the operator's,
    /// an instance gets another request only if it has given back what it had of the last one, and
    /// if the settings are those that it was made with.
    pub reuse: NonZeroUsize,
}

impl Default for ApplicationConfig {
    fn default() -> Self {
        ApplicationConfig {
            gpu: Arc::new(Grant::Denied),
            environment: Vec::new(),
            directories: Vec::new(),
            http: HttpGrant::default(),
            output: None,
            policy: PolicyGrant::default(),
            next: None,
            guarded: false,
            tenant_memory: Arc::new(TenantMemory::unlimited()),
            scheduler: None,
            request_timeout: Duration::from_secs(30),
            init: InitConfig::default(),
            observer: None,
            usage_header: false,
            journal: JournalConfig::Off,
            reuse: NonZeroUsize::MIN,
        }
    }
}

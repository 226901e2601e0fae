//! A runtime for WebAssembly components: an engine, the capabilities that an operator
//! grants, composition, inspection, and serving one application over HTTP.
//!
//! ```no_run
//! use std::net::SocketAddr;
//! use tensor_wasm_device::{CpuConfig, Device, Limits};
//! use tensor_wasm_runtime::{
//!     Application, ApplicationConfig, Engine, EngineConfig, GpuAccess, Grant,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Once per process: the engine, and the device.
//! let engine = Engine::new(EngineConfig::default())?;
//! let device = Device::cpu(CpuConfig::default())?;
//!
//! // Once per tenant: a session on the device, with the tenant's limits.
//! let session = device.session(Limits::default());
//!
//! // Once per application: the component, and what it is granted.
//! let component = std::fs::read("image.wasm")?;
//! let application = Application::load(
//!     &engine,
//!     &component,
//!     ApplicationConfig {
//!         gpu: std::sync::Arc::new(Grant::Granted(GpuAccess::new(session))),
//!         ..ApplicationConfig::default()
//!     },
//! )?;
//! println!("{}", application.digest());
//! # Ok(())
//! # }
//! ```
//!
//! Lifetimes: an [`Engine`] lives as long as the process, an [`Application`] as long as it
//! is served, an instance for one request (or a few), and what a guest holds of the GPU as
//! long as its instance, but for the buffers that it asks to keep.
//!
//! Modules, from the bottom: `request` imports no other module; `server` and `journal` import
//! `request`; `capability` imports both of `request` and `journal`; `instance` has the state of every capability; `application` loads a
//! component and answers requests.

mod application;
mod capability;
mod compose;
mod contract;
mod engine;
mod error;
mod file_kind;
mod grant;
mod idle_pools;
mod init_error;
mod init_export;
mod inspect;
mod instance;
mod journal;
mod lock;
mod log_throttle;
mod request;
mod schedule;
pub mod server;

pub use application::config::{ApplicationConfig, JournalConfig};
pub use application::init_config::InitConfig;
pub use application::prepared::Prepared;
pub use application::unguarded::Unguarded;
pub use application::{Application, InvokeFailure};
pub use capability::filesystem::{Directory, DirectoryGuard};
pub use capability::gpu::{GpuAccess, GpuGrant, GpuGrants};
pub use capability::http::{
    ConnectionLimits, Connections, Destination, HttpClient, HttpClientError, HttpGrant, HttpTrust,
    HttpTrustError,
};
pub use capability::next::{ChainImports, NextHandler, ResponseFuture};
pub use capability::output::OutputSink;
pub use capability::policy;
pub use capability::registry::ImportReport;
pub use capability::tenant_memory::TenantMemory;
pub use compose::{ComposeError, Member, Source, compose, compose_named, plug, plug_named};
pub use contract::{Contract, ContractError};
pub use engine::{CacheStats, Engine, EngineConfig};
pub use error::{Error, MissingImport};
pub use grant::{Grant, LoadDecision};
pub use init_error::InitError;
pub use inspect::{
    Capability, ComponentKind, InspectError, Inspection, Item, Link, Part, Provided, inspect,
};
pub use journal::{
    BudgetShare, Call, Difference, Ending, HeldShare, RecordWhen, Recorded, RecordedRequest,
    RecorderConfig, RecordingBudget, RecordingSink, Redaction, Replay, ReplayOutcome,
    ReplayUnreadable, Tolerance,
};
pub use log_throttle::LogThrottle;
pub use request::{
    Attribute, BytesRead, EndedRequest, Observer, RequestScope, RequestTrace, Span, SpanId,
    SpanKind, SpanValue, TraceId, Tracer, Usage, UsageAccount,
};
pub use schedule::{GuestScheduler, GuestThreads, ProcessorShare};
pub use wasmtime::Trap;

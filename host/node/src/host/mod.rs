//! A host: one application behind its policies, with everything that they share.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use tensor_wasm_device::Limits;
//! use tensor_wasm_node::grants::Tenant;
//! use tensor_wasm_node::host::{ComponentSource, DeviceChoice, Host};
//! use tensor_wasm_node::tokens::Tokens;
//! use tensor_wasm_runtime::Grant;
//! use tensor_wasm_runtime::server::{Server, Limits as ServerLimits};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Runtime::new()?;
//! let host = runtime.block_on(async {
//!     // The address first: a port that is in use should not cost a compilation.
//!     let server = Server::bind("127.0.0.1:8080".parse()?, ServerLimits::default()).await?;
//!     let host = Host::builder(ComponentSource::read(Path::new("image.wasm"))?)
//!         // The first policy is the outermost.
//!         .policy(ComponentSource::read(Path::new("policy.wasm"))?)
//!         .tokens(Arc::new(Tokens::new(None, Some(Path::new("tokens")))?))
//!         .device(Grant::Granted(DeviceChoice::Auto))
//!         // What each tenant may have of the device that is not listed.
//!         .other_tenants(Tenant {
//!             limits: Limits { memory_bytes: 256 << 20, ..Limits::default() },
//!             ..Tenant::default()
//!         })
//!         .build()?;
//!     println!("granted {}", host.application().imports().granted.join(", "));
//!     let interrupted = async {
//!         let _ = tokio::signal::ctrl_c().await;
//!     };
//!     host.serve(server, interrupted, Duration::from_secs(10)).await;
//!     Ok::<_, Box<dyn std::error::Error>>(host)
//! })?;
//! host.close(Duration::from_secs(5));
//! # Ok(())
//! # }
//! ```
//!
//! What lives as long as a [`Host`]: the engine, the device, the compiled components, the
//! tokens, the limiter's buckets, the audit log and the grants of the tenants.

mod builder;
pub(crate) mod chain;
mod device;
mod error;
mod reload;

pub(crate) use builder::Foundation;
pub use builder::HostBuilder;
pub use chain::{ComponentSource, Policy};
pub use device::{DeviceChoice, DeviceOptions};
pub use error::HostError;
pub use reload::Reloader;

use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_device::Device;
use tensor_wasm_runtime::server::{Drained, Server};
use tensor_wasm_runtime::{Application, Observer};

use crate::audit::{AuditLog, Outcome};
use crate::grants::TenantGrants;
use crate::metrics::Metrics;
use crate::tokens::Tokens;
use chain::Chain;

/// One application behind its policies, with everything that they share.
pub struct Host {
    chain: Chain,
    device: Option<Device>,
    grants: Arc<TenantGrants>,
    tokens: Arc<Tokens>,
    audit: Option<Arc<AuditLog>>,
    metrics: Option<Arc<Metrics>>,
}

impl Host {
    /// Begins to assemble a host for this component.
    pub fn builder(component: ComponentSource) -> HostBuilder {
        HostBuilder::new(component)
    }

    /// The application.
    pub fn application(&self) -> &Application {
        &self.chain.application
    }

    /// The policies in front of the application, outermost first.
    pub fn policies(&self) -> &[Policy] {
        &self.chain.policies
    }

    /// What a request reaches first: the outermost policy, or the application.
    pub fn handler(&self) -> Arc<Application> {
        self.chain.outermost()
    }

    /// Whether a policy decides on requests: one of the chain, or one that the
    /// application was composed with.
    pub fn is_decided_on(&self) -> bool {
        self.chain.outermost().is_decided_on()
    }

    /// The device, where tenants are granted one.
    pub fn device(&self) -> Option<&Device> {
        self.device.as_ref()
    }

    /// What each tenant may do with the device.
    pub fn grants(&self) -> &TenantGrants {
        &self.grants
    }

    /// The tokens that policies know.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The audit log, where records are kept. On standard output none are where no policy
    /// decides: they would only say that the server started and stopped.
    pub fn audit(&self) -> Option<&AuditLog> {
        self.audit.as_deref()
    }

    /// Serves requests until `shutdown` is done, then drains for at most `drain`. Records
    /// the start.
    pub async fn serve(
        &self,
        server: Server,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Drained {
        self.record("server.start");
        let metrics = self.metrics.clone();
        let server = server.with_observer(metrics.map(|metrics| metrics as Arc<dyn Observer>));
        server.serve(self.handler(), shutdown, drain).await
    }

    /// Records the stop, and writes the audit log to its end, for at most `patience`.
    /// Blocks for as long. Returns how many records are lost. To be called after
    /// [`Host::serve`], when no request runs any more.
    pub fn close(&self, patience: Duration) -> u64 {
        self.record("server.stop");
        self.audit.as_ref().map_or(0, |audit| audit.close(patience))
    }

    /// What reads files again while the host serves.
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.tokens.clone(), self.audit.clone())
    }

    fn record(&self, action: &str) {
        if let Some(audit) = &self.audit {
            let digest = self.chain.application.digest();
            audit.event(action, digest, Outcome::done());
        }
    }
}

//! A host: one application behind its policies, with everything that they share.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use tensor_wasm_device::Limits;
//! use tensor_wasm_node::grants::Tenant;
//! use tensor_wasm_node::host::{ComponentSource, DeviceChoice, Host, Served};
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
mod control;
mod device;
mod error;
mod health;
mod reload;
mod replaceable;
mod served;

pub(crate) use builder::Foundation;
pub use builder::{HostBuilder, POLICY_REUSE};
pub use chain::{ComponentSource, Policy};
pub use control::HostControl;
pub use device::{DeviceChoice, DeviceOptions};
pub use error::HostError;
pub(crate) use health::Health;
pub use reload::Reloader;
pub use replaceable::{AnsweredRequest, OnAnswer, ReplaceableHost};
pub use served::{HostParts, Served};

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_runtime::Application;
use tensor_wasm_runtime::server::{Drained, Server, UnreadyParts};

use chain::Chain;

/// One application behind its policies, with everything that they share.
pub struct Host {
    chain: Chain,
    parts: HostParts,
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

    /// What a request reaches first: the outermost policy, or the application.
    pub fn handler(&self) -> Arc<Application> {
        self.chain.outermost()
    }
}

impl Served for Host {
    fn parts(&self) -> &HostParts {
        &self.parts
    }

    fn policies(&self) -> &[Policy] {
        &self.chain.policies
    }

    /// One of the chain, or one that the application was composed with.
    fn is_decided_on(&self) -> bool {
        self.chain.outermost().is_decided_on()
    }

    async fn serve(
        &self,
        server: Server,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Drained {
        self.parts.started(self.application().digest());
        let health = self.parts.health();
        let check = move || -> UnreadyParts { Box::pin(ready(health.unready())) };
        server.readiness().set_check(check);
        let server = server
            .with_observer(self.parts.observer())
            .with_tracer(self.parts.tracer());
        server.serve(self.handler(), shutdown, drain).await
    }

    fn close(&self, patience: Duration) -> u64 {
        self.parts.stopped(self.application().digest(), patience)
    }
}

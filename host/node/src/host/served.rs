//! What a host of one application and a node have in common, once they are assembled: what they
//! were assembled with, and how they are served.

use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_device::Device;
use tensor_wasm_runtime::policy::ConfigValues;
use tensor_wasm_runtime::server::{Drained, Server};
use tensor_wasm_runtime::{GuestThreads, Observer, Tracer};
use tokio::runtime::Handle;

use super::health::Health;
use super::{HostControl, Policy, Reloader};
use crate::audit::{AuditLog, Outcome};
use crate::grants::TenantGrants;
use crate::metrics::Metrics;
use crate::tokens::Tokens;
use crate::traces::Traces;

/// A [`Host`](super::Host) or a [`Node`](crate::node::Node).
pub trait Served {
    /// What it was assembled with.
    fn parts(&self) -> &HostParts;

    /// The policies in front, outermost first.
    fn policies(&self) -> &[Policy];

    /// Whether a policy decides on requests.
    fn is_decided_on(&self) -> bool;

    /// Serves requests until `shutdown` is done, then drains for at most `drain`. Records the
    /// start.
    fn serve(
        &self,
        server: Server,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> impl Future<Output = Drained>;

    /// Keeps what is still to be kept, records the stop, and writes the audit log to its end, for
    /// at most `patience`. Blocks for as long. Returns how many records are lost. To be called
    /// after [`Served::serve`], when no request runs any more, outside of any Tokio runtime.
    fn close(&self, patience: Duration) -> u64;
}

/// What a host was assembled with.
pub struct HostParts {
    pub(crate) device: Option<Device>,
    pub(crate) grants: Arc<TenantGrants>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) audit: Option<Arc<AuditLog>>,
    /// The threads that run guests.
    pub(crate) guests: Arc<GuestThreads>,
    /// What policies find in `wasi:config/store`.
    pub(crate) policy_settings: ConfigValues,
    pub(crate) metrics: Option<Arc<Metrics>>,
    pub(crate) traces: Option<Arc<Traces>>,
}

impl HostParts {
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

    /// The threads that run guests.
    pub fn guest_threads(&self) -> &Handle {
        self.guests.handle()
    }

    /// What reads files again while the host serves.
    pub fn reloader(&self) -> Reloader {
        Reloader::new(self.tokens.clone(), self.audit.clone())
    }

    /// What changes the host while it serves.
    pub fn control(&self) -> HostControl {
        HostControl {
            grants: self.grants.clone(),
            guests: self.guests.clone(),
            policy_settings: self.policy_settings.clone(),
        }
    }

    /// What `/readyz` looks at.
    pub(crate) fn health(&self) -> Health {
        Health {
            device: self.device.clone(),
            audit: self.audit.clone(),
        }
    }

    /// Who learns of requests, where metrics are kept.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        let metrics = self.metrics.clone();
        metrics.map(|metrics| metrics as Arc<dyn Observer>)
    }

    /// Who takes the spans of requests, where they are exported.
    pub(crate) fn tracer(&self) -> Option<Arc<dyn Tracer>> {
        let traces = self.traces.clone();
        traces.map(|traces| traces as Arc<dyn Tracer>)
    }

    /// Records that the server has started; `what` it serves.
    pub(crate) fn started(&self, what: &str) {
        self.record("server.start", what);
    }

    /// Records that the server has stopped, writes the audit log to its end, and ends the threads
    /// that run guests. Returns how many records are lost.
    pub(crate) fn stopped(&self, what: &str, patience: Duration) -> u64 {
        self.record("server.stop", what);
        let lost = self.audit.as_ref().map_or(0, |audit| audit.close(patience));
        self.guests.shutdown();
        lost
    }

    fn record(&self, action: &str, what: &str) {
        if let Some(audit) = &self.audit {
            audit.event(action, what, Outcome::done());
        }
    }
}

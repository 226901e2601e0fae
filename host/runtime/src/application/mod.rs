//! One application: a component that was compiled, checked against its grants and linked,
//! ready to answer requests.

pub(crate) mod config;
mod given_back;
mod guest_body;
pub(crate) mod init_config;
mod journals;
mod link;
mod load;
pub(crate) mod prepared;
mod refusal;
mod respond;
mod server_timing;
pub(crate) mod unguarded;

use crate::capability::gpu::GpuGrants;
use crate::capability::next::ChainImports;
use crate::capability::policy::Auditor;
use crate::capability::registry::ImportReport;
use crate::capability::tenant_memory::TenantCharge;
use crate::instance::worker::Workers;
use crate::request::Observer;
use journals::Journals;
use std::sync::Arc;
use std::time::Duration;

pub use respond::InvokeFailure;

/// A component that is ready to answer requests.
pub struct Application {
    workers: Arc<Workers>,
    digest: String,
    imports: ImportReport,
    request_timeout: Duration,
    /// Who keeps a record of each request, where a policy decides on it.
    auditor: Option<Arc<dyn Auditor>>,
    gpu: Arc<dyn GpuGrants>,
    /// Who learns what requests use.
    observer: Option<Arc<dyn Observer>>,
    /// Whether responses say what their requests used.
    usage_header: bool,
    /// Whether the component imports `tensor:policy/decision`: then the host sends no
    /// response before a decision.
    decides: bool,
    /// Where the journals of its requests come from.
    journals: Journals,
    /// What the component and those behind it import.
    chain: ChainImports,
    /// What its tenant is charged for the image that instances start from.
    held: Option<TenantCharge>,
}

impl Application {
    /// The component's content: `blake3:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The component's imports, by whether they were granted.
    pub fn imports(&self) -> &ImportReport {
        &self.imports
    }

    /// Whether it holds memory of its tenant for what its `init` has left.
    pub fn holds_image(&self) -> bool {
        self.held.is_some()
    }

    /// Whether a policy decides on its requests: this component, or one behind it.
    pub fn is_decided_on(&self) -> bool {
        self.chain.decision
    }
}

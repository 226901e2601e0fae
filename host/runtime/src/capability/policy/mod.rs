//! The capability `tensor:policy`: who a caller is, how often it may call, and what the
//! policy decided on the request. The mechanism is the host's; the decision is the policy
//! component's. Without a decision nobody is let in.
//!
//! Whoever embeds the runtime brings what answers the calls: an [`Authenticator`], a
//! [`Limiter`] and an [`Auditor`].

mod audit;
mod authenticator;
mod bindings;
mod context;
mod host;
mod incoming;
mod limiter;
mod settings;

pub use crate::request::{Decision, Principal, Scope};
pub(crate) use audit::PendingRecord;
pub use audit::{Auditor, RecordReceipt, RequestRecord};
pub use authenticator::{Authenticator, Refusal};
pub(crate) use context::{PolicyContext, PolicyCtxView, PolicyView};
pub use limiter::{Limiter, Rate};
pub(crate) use settings::ConfigReader;
pub use settings::{ConfigValues, PolicyGrant};

use super::interface::{Interface, TENSOR};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use bindings::Capability;
use context::HasPolicy;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;

/// The mechanisms that one application's policy asks.
pub(crate) struct Policy {
    authenticator: Option<Arc<dyn Authenticator>>,
    limiter: Option<Arc<dyn Limiter>>,
    keep_authorization: bool,
    is_composite: bool,
}

impl Policy {
    /// `is_composite` says whether the component holds the application too.
    pub(crate) fn new(grant: &PolicyGrant, is_composite: bool) -> Policy {
        Policy {
            authenticator: grant.authenticator.clone(),
            limiter: grant.limiter.clone(),
            keep_authorization: grant.keep_authorization,
            is_composite,
        }
    }
}

impl CapabilityModule for Policy {
    const INTERFACES: &'static [Interface] = &[Interface::new(
        "tensor:policy",
        &["credentials", "decision", "limiter"],
        TENSOR,
    )];

    type InstanceState = PolicyContext;

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(self.authenticator.is_some())
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<PolicyContext> {
        Ok(PolicyContext {
            authenticator: self.authenticator.clone(),
            limiter: self.limiter.clone(),
            keep_authorization: self.keep_authorization,
            is_composite: self.is_composite,
        })
    }
}

/// Adds `tensor:policy` to a linker.
pub(crate) fn add_to_linker<T: PolicyView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    Capability::add_to_linker::<_, HasPolicy>(linker, T::policy)
}

//! The capability `tensor:policy`: who a caller is, how often it may call, and what
//! the policy decided on the request at hand. The mechanism is the host's; the
//! decision is the policy component's, and it fails closed.

mod audit;
mod authenticator;
mod grant;
mod host;
mod limiter;
mod next;

pub(crate) use audit::PendingRecord;
pub use audit::{Auditor, Kept, RequestRecord};
pub use authenticator::{Authenticator, Principal, Refusal, Scope};
pub use grant::PolicyGrant;
pub use limiter::{Limiter, Rate};
pub(crate) use next::{BorrowedBody, add_to_linker as add_next_to_linker};

use crate::application::Application;
use crate::bindings::policy::tensor::policy::{credentials, decision, limiter as wit_limiter};
use crate::exchange::Exchange;
use crate::gpu::GpuContext;
use crate::state::InstanceState;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi_config::WasiConfigVariables;

/// What a policy decided on one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The request goes through, for this tenant.
    Admitted {
        /// Who calls, where the policy knows.
        caller: Option<Principal>,
        /// The tenant that the call is for.
        tenant: u64,
    },
    /// The policy answers the request itself.
    Refused {
        /// Who calls, where the policy knows.
        caller: Option<Principal>,
        /// The reason, for example `unauthorized`.
        kind: String,
    },
}

impl Decision {
    /// Who calls, where the policy knows.
    pub fn caller(&self) -> Option<&Principal> {
        match self {
            Decision::Admitted { caller, .. } | Decision::Refused { caller, .. } => caller.as_ref(),
        }
    }
}

/// What one instance holds of the policy capability.
pub(crate) struct PolicyContext {
    pub(crate) mechanisms: Mechanisms,
    /// What `wasi:config/store` shows.
    pub(crate) settings: Arc<WasiConfigVariables>,
    /// Whether the component can decide at all.
    pub(crate) decides: bool,
    /// The component behind, where it is not composed with this one.
    pub(crate) next: Option<Arc<Application>>,
    /// The request that the instance works on, to which a decision belongs.
    pub(crate) exchange: Option<Arc<Exchange>>,
}

impl PolicyContext {
    /// The tenant that the request at hand is for.
    pub(crate) fn tenant(&self) -> u64 {
        self.exchange
            .as_ref()
            .map_or(0, |exchange| exchange.tenant())
    }
}

/// The host's part of a policy.
#[derive(Clone)]
pub(crate) struct Mechanisms {
    pub(crate) authenticator: Option<Arc<dyn Authenticator>>,
    pub(crate) limiter: Option<Arc<dyn Limiter>>,
}

pub(crate) struct PolicyView<'a> {
    context: &'a mut PolicyContext,
    gpu: &'a mut GpuContext,
}

struct Policy;

impl HasData for Policy {
    type Data<'a> = PolicyView<'a>;
}

/// Adds `tensor:policy` to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    fn view(state: &mut InstanceState) -> PolicyView<'_> {
        PolicyView {
            context: &mut state.policy,
            gpu: &mut state.gpu,
        }
    }
    credentials::add_to_linker::<_, Policy>(linker, view)?;
    wit_limiter::add_to_linker::<_, Policy>(linker, view)?;
    decision::add_to_linker::<_, Policy>(linker, view)
}

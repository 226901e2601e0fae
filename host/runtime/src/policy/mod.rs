//! The capability `tensor:policy`: who a caller is, how often it may call, and what
//! the policy decided on the request at hand. The mechanism is the host's; the
//! decision is the policy component's, and it fails closed.

mod audit;
mod authenticator;
mod host;
mod limiter;

pub use audit::{Auditor, Kept, RequestRecord};
pub use authenticator::{Authenticator, NoTokens, Principal, Refusal, Scope};
pub use limiter::{Limiter, Rate};

use crate::bindings::policy::tensor::policy::{credentials, decision};
use crate::exchange::Exchange;
use crate::state::InstanceState;
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

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

/// What one instance holds of the policy capability.
pub(crate) struct PolicyContext {
    authenticator: Option<Arc<dyn Authenticator>>,
    /// The request that the instance works on, to which a decision belongs.
    pub(crate) exchange: Option<Arc<Exchange>>,
}

impl PolicyContext {
    pub(crate) fn new(authenticator: Option<Arc<dyn Authenticator>>) -> PolicyContext {
        PolicyContext {
            authenticator,
            exchange: None,
        }
    }
}

pub(crate) struct PolicyView<'a> {
    context: &'a mut PolicyContext,
}

struct Policy;

impl HasData for Policy {
    type Data<'a> = PolicyView<'a>;
}

/// Adds `tensor:policy/credentials` and `tensor:policy/decision` to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    fn view(state: &mut InstanceState) -> PolicyView<'_> {
        PolicyView {
            context: &mut state.policy,
        }
    }
    credentials::add_to_linker::<_, Policy>(linker, view)?;
    decision::add_to_linker::<_, Policy>(linker, view)
}

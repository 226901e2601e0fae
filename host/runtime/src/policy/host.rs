//! The guest-facing calls of `tensor:policy`.

use super::{Decision, PolicyView, Principal, Refusal, Scope};
use crate::bindings::policy::tensor::policy::{credentials as wit, decision};
use wasmtime::Result;

impl wit::Host for PolicyView<'_> {
    fn authenticate(&mut self, token: String) -> Result<Result<wit::Principal, wit::Refusal>> {
        // Without a list of tokens nobody is known.
        let answer = match &self.context.authenticator {
            Some(authenticator) => authenticator.authenticate(&token),
            None => Err(Refusal::Unknown),
        };
        Ok(answer.map(principal_out).map_err(|refusal| match refusal {
            Refusal::Unknown => wit::Refusal::Unknown,
            Refusal::Expired => wit::Refusal::Expired,
        }))
    }
}

impl decision::Host for PolicyView<'_> {
    fn admit(&mut self, caller: Option<wit::Principal>, tenant: u64) -> Result<()> {
        self.decide(Decision::Admitted {
            caller: caller.map(principal_in),
            tenant,
        })
    }

    fn refuse(&mut self, caller: Option<wit::Principal>, kind: String) -> Result<()> {
        self.decide(Decision::Refused {
            caller: caller.map(principal_in),
            kind,
        })
    }
}

impl PolicyView<'_> {
    /// The first decision holds: of a chain of policies the outermost decides
    /// first, and nothing behind it can take a refusal back.
    fn decide(&mut self, decision: Decision) -> Result<()> {
        match &self.context.exchange {
            Some(exchange) => {
                exchange.decide(decision);
                Ok(())
            }
            None => wasmtime::bail!("a policy can decide only while it handles a request"),
        }
    }
}

fn principal_out(principal: Principal) -> wit::Principal {
    wit::Principal {
        id: principal.id,
        roles: principal.roles,
        scope: match principal.scope {
            Scope::All => wit::Scope::All,
            Scope::Only(tenants) => wit::Scope::Only(tenants),
        },
    }
}

fn principal_in(principal: wit::Principal) -> Principal {
    Principal {
        id: principal.id,
        roles: principal.roles,
        scope: match principal.scope {
            wit::Scope::All => Scope::All,
            wit::Scope::Only(tenants) => Scope::Only(tenants),
        },
    }
}

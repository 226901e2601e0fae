//! The guest-facing calls of `tensor:policy`.

use super::{Decision, PolicyView, Principal, Rate, Refusal, Scope};
use crate::bindings::policy::tensor::policy::{credentials as wit, decision, limiter};
use crate::server::HandleError;
use std::num::NonZeroU32;
use std::time::Duration;
use wasmtime::Result;

impl wit::Host for PolicyView<'_> {
    fn authenticate(&mut self, token: String) -> Result<Result<wit::Principal, wit::Refusal>> {
        // Without a list of tokens nobody is known.
        let answer = match &self.context.mechanisms.authenticator {
            Some(authenticator) => authenticator.authenticate(&token),
            None => Err(Refusal::Unknown),
        };
        Ok(answer.map(principal_out).map_err(|refusal| match refusal {
            Refusal::Unknown => wit::Refusal::Unknown,
            Refusal::Expired => wit::Refusal::Expired,
        }))
    }
}

impl limiter::Host for PolicyView<'_> {
    fn take(&mut self, key: String, limit: limiter::Rate, cost: u32) -> Result<Result<(), u64>> {
        let Some(cost) = NonZeroU32::new(cost) else {
            return Ok(Ok(()));
        };
        let (Some(limiter), Some(per_second), Some(burst)) = (
            &self.context.mechanisms.limiter,
            NonZeroU32::new(limit.per_second),
            NonZeroU32::new(limit.burst),
        ) else {
            return Ok(Err(u64::MAX));
        };
        let taken = limiter.take(&key, Rate { per_second, burst }, cost);
        Ok(taken.map_err(nanoseconds))
    }
}

fn nanoseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)
}

impl decision::Host for PolicyView<'_> {
    fn admit(&mut self, caller: Option<wit::Principal>, tenant: u64) -> Result<()> {
        let caller = caller.map(principal_in);
        // In a composite nothing but this call stands between policy and application.
        if self.gpu.asked && self.gpu.grants.is_refused(tenant) {
            self.decide(Decision::Refused {
                caller,
                kind: HandleError::GpuRefused { tenant }.kind().to_owned(),
            })?;
            if let Some(exchange) = &self.context.exchange {
                exchange.fail(HandleError::GpuRefused { tenant });
            }
            wasmtime::bail!("tenant {tenant} is refused the GPU, which the component imports");
        }
        self.decide(Decision::Admitted { caller, tenant })?;
        self.gpu.serve(self.context.tenant());
        Ok(())
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

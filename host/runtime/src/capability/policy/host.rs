//! The guest-facing calls of `tensor:policy`.

use super::authenticator::Refusal;
use super::bindings::tensor::policy::{credentials as wit, decision, limiter};
use super::context::PolicyCtxView;
use super::limiter::Rate;
use crate::request::{Decision, Principal, Scope};
use std::num::NonZeroU32;
use std::time::Duration;
use wasmtime::Result;

impl wit::Host for PolicyCtxView<'_> {
    fn authenticate(&mut self, token: String) -> Result<Result<wit::Principal, wit::Refusal>> {
        // Without a list of tokens no caller is known, and code that runs while the
        // component is instantiated has no caller.
        let answer = match (&self.context.authenticator, self.task) {
            (Some(authenticator), Some(_)) => authenticator.authenticate(&token),
            (None, _) | (_, None) => Err(Refusal::Unknown),
        };
        Ok(answer.map(principal_out).map_err(|refusal| match refusal {
            Refusal::Unknown => wit::Refusal::Unknown,
            Refusal::Expired => wit::Refusal::Expired,
        }))
    }
}

impl limiter::Host for PolicyCtxView<'_> {
    fn take(&mut self, key: String, limit: limiter::Rate, cost: u32) -> Result<Result<(), u64>> {
        let Some(cost) = NonZeroU32::new(cost) else {
            return Ok(Ok(()));
        };
        // Outside of a request there is nothing to count.
        let (Some(limiter), Some(per_second), Some(burst), Some(_)) = (
            &self.context.limiter,
            NonZeroU32::new(limit.per_second),
            NonZeroU32::new(limit.burst),
            self.task,
        ) else {
            return Ok(Err(u64::MAX));
        };
        let taken = limiter.take(&key, Rate { per_second, burst }, cost);
        Ok(taken.map_err(nanoseconds))
    }

    fn available(&mut self, key: String, limit: limiter::Rate) -> Result<u32> {
        let (Some(limiter), Some(per_second), Some(burst), Some(_)) = (
            &self.context.limiter,
            NonZeroU32::new(limit.per_second),
            NonZeroU32::new(limit.burst),
            self.task,
        ) else {
            return Ok(0);
        };
        Ok(limiter.available(&key, Rate { per_second, burst }))
    }
}

fn nanoseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)
}

impl decision::Host for PolicyCtxView<'_> {
    fn admit(&mut self, caller: Option<wit::Principal>, tenant: u64) -> Result<()> {
        self.admit_request(caller.map(principal_in), tenant)
    }

    fn refuse(&mut self, caller: Option<wit::Principal>, kind: String) -> Result<()> {
        let caller = caller.map(principal_in);
        self.decide(Decision::Refused { caller, kind })?;
        Ok(())
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

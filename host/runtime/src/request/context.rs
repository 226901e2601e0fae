//! The context of one request: what is true of it in every component that it passes.

use super::decision::Decision;
use super::id::RequestId;
use http::uri::Scheme;
use std::sync::OnceLock;
use std::time::Instant;

/// The tenant of a request that no policy has admitted for another one: the only
/// tenant of a host without policies.
const DEFAULT_TENANT: u64 = 0;

/// The context of one request. The policies and the application of a chain share it.
pub(crate) struct RequestContext {
    id: RequestId,
    deadline: Instant,
    scheme: Option<Scheme>,
    decision: OnceLock<Decision>,
}

impl RequestContext {
    pub(crate) fn new(id: RequestId, deadline: Instant) -> RequestContext {
        RequestContext {
            id,
            deadline,
            scheme: None,
            decision: OnceLock::new(),
        }
    }

    /// With the scheme of the request's URI.
    pub(crate) fn with_scheme(self, scheme: Option<Scheme>) -> RequestContext {
        RequestContext { scheme, ..self }
    }

    /// The scheme of the request's URI; `None` where the target has none, as that of
    /// CONNECT.
    pub(crate) fn scheme(&self) -> Option<&Scheme> {
        self.scheme.as_ref()
    }

    /// Names the request in logs and in responses.
    pub(crate) fn id(&self) -> &str {
        self.id.as_str()
    }

    /// When the request runs out of time.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Records what a policy decided. The first decision holds: of a chain of policies
    /// the outermost decides first, and none behind it can take a refusal back.
    pub(crate) fn decide(&self, decision: Decision) {
        let _ = self.decision.set(decision);
    }

    /// What a policy decided, if one has.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.decision.get()
    }

    /// The tenant that the request is for: the one that a policy admitted it for, else
    /// tenant 0.
    pub(crate) fn tenant(&self) -> u64 {
        match self.decision() {
            Some(Decision::Admitted { tenant, .. }) => *tenant,
            Some(Decision::Refused { .. }) | None => DEFAULT_TENANT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> RequestContext {
        RequestContext::new(RequestId::random(), Instant::now())
    }

    fn admitted(tenant: u64) -> Decision {
        let caller = None;
        Decision::Admitted { caller, tenant }
    }

    #[test]
    fn a_request_is_for_tenant_0_until_a_policy_admits_it_for_another() {
        let context = context();
        assert_eq!(context.tenant(), 0);
        context.decide(admitted(7));
        assert_eq!(context.tenant(), 7);
    }

    #[test]
    fn the_first_decision_holds() {
        let context = context();
        context.decide(Decision::Refused {
            caller: None,
            kind: "unauthorized".to_owned(),
        });
        context.decide(admitted(7));
        assert_eq!(context.tenant(), 0);
        assert!(matches!(context.decision(), Some(Decision::Refused { .. })));
    }
}

//! The context of one request: what is true of it in every component that it passes.

use super::decision::Decision;
use super::id::RequestId;
use http::uri::Scheme;
use std::sync::OnceLock;
use std::time::Instant;

/// The tenant of the requests that no policy decides on: the only tenant of a host
/// without policies.
const ONLY_TENANT: u64 = 0;

/// The context of one request. The policies and the application of a chain share it.
pub(crate) struct RequestContext {
    id: RequestId,
    deadline: Instant,
    scheme: Option<Scheme>,
    /// Whether a policy decides on the request.
    is_decided_on: bool,
    decision: OnceLock<Decision>,
}

impl RequestContext {
    /// `is_decided_on` says whether one of the components that the request passes is a
    /// policy that decides.
    pub(crate) fn new(id: RequestId, deadline: Instant, is_decided_on: bool) -> RequestContext {
        RequestContext {
            id,
            deadline,
            scheme: None,
            is_decided_on,
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

    /// The same, to be kept.
    pub(crate) fn request_id(&self) -> &RequestId {
        &self.id
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

    /// The tenant that the request is for: the one that a policy admitted it for, and
    /// tenant 0 where no policy decides. `None` as long as a policy has yet to decide, and
    /// once it has refused: what a tenant is granted is nobody's then.
    pub(crate) fn tenant(&self) -> Option<u64> {
        match self.decision() {
            Some(Decision::Admitted { tenant, .. }) => Some(*tenant),
            Some(Decision::Refused { .. }) => None,
            None => (!self.is_decided_on).then_some(ONLY_TENANT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> RequestContext {
        RequestContext::new(RequestId::random(), Instant::now(), true)
    }

    fn admitted(tenant: u64) -> Decision {
        let caller = None;
        Decision::Admitted { caller, tenant }
    }

    #[test]
    fn a_request_that_a_policy_decides_on_is_no_tenants_until_it_is_admitted() {
        let context = context();
        assert_eq!(context.tenant(), None);
        context.decide(admitted(7));
        assert_eq!(context.tenant(), Some(7));
    }

    #[test]
    fn a_request_that_no_policy_decides_on_is_tenant_0s() {
        let context = RequestContext::new(RequestId::random(), Instant::now(), false);
        assert_eq!(context.tenant(), Some(0));
    }

    #[test]
    fn the_first_decision_holds() {
        let context = context();
        context.decide(Decision::Refused {
            caller: None,
            kind: "unauthorized".to_owned(),
        });
        context.decide(admitted(7));
        assert_eq!(context.tenant(), None);
        assert!(matches!(context.decision(), Some(Decision::Refused { .. })));
    }
}

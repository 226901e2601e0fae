//! What an application sees of a request's head behind a policy that decides: who is
//! called for, by the policy's decision, and not with which credentials.

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// The header by which a client names a tenant, and the host tells an application.
const TENANT: HeaderName = HeaderName::from_static("x-tensorwasm-tenant");

/// The changes to the head of a request that a policy has admitted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForwardedHead {
    tenant: u64,
    keep_authorization: bool,
}

impl ForwardedHead {
    /// `tenant` is the one of the decision. `keep_authorization` says whether the
    /// application is to see the caller's credentials, which it could send elsewhere.
    pub(crate) fn new(tenant: u64, keep_authorization: bool) -> ForwardedHead {
        ForwardedHead {
            tenant,
            keep_authorization,
        }
    }

    /// Makes the changes. Whatever the client wrote of its tenant is gone.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        if !self.keep_authorization {
            headers.remove(AUTHORIZATION);
        }
        headers.insert(TENANT, HeaderValue::from(self.tenant));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (AUTHORIZATION, "Bearer secret"),
            (AUTHORIZATION, "Bearer another"),
            (TENANT, "007"),
            (TENANT, "8"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn credentials_are_removed_and_the_tenant_is_the_decisions() {
        let mut headers = client();
        ForwardedHead::new(7, false).apply(&mut headers);
        assert!(!headers.contains_key(AUTHORIZATION));
        assert_eq!(headers.get_all(TENANT).iter().collect::<Vec<_>>(), ["7"]);
    }

    #[test]
    fn credentials_stay_where_the_operator_says_so() {
        let mut headers = client();
        ForwardedHead::new(u64::MAX, true).apply(&mut headers);
        assert_eq!(headers.get_all(AUTHORIZATION).iter().count(), 2);
        assert_eq!(
            headers.get(TENANT).map(HeaderValue::as_bytes),
            Some(&b"18446744073709551615"[..])
        );
    }
}

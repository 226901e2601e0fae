//! Every way to be refused: which status, which word for machines, and what to do
//! about it. One place decides that for all of them.

use std::borrow::Cow;

/// Why a request does not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It carries no credentials.
    NoCredentials,
    /// Its credentials are none that anybody could have; the text says why.
    InvalidAuth(&'static str),
    /// Nobody holds its token.
    UnknownToken,
    /// Its token was good once.
    ExpiredToken,
    /// It has to name a tenant, and does not.
    MissingTenant,
    /// What it names is no tenant.
    InvalidTenant,
    /// It names more than one.
    RepeatedTenant,
    /// Its token is not good for its tenant.
    TenantOutOfScope,
    /// It comes too soon.
    RateLimited {
        /// In seconds.
        retry_after: u64,
    },
    /// It comes from a page that may not call.
    OriginDenied,
    /// A setting can't be understood.
    Misconfigured {
        /// The setting.
        key: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// No setting can be read.
    NoSettings,
}

/// A refusal as an answer says it.
pub struct Told {
    pub status: u16,
    /// For machines, and for the audit record.
    pub kind: &'static str,
    /// What to do, for people.
    pub message: Cow<'static, str>,
    /// The value of `WWW-Authenticate` (RFC 6750), where that says anything.
    pub challenge: Option<&'static str>,
}

impl Refusal {
    pub fn told(self) -> Told {
        let (status, kind, message) = match self {
            Self::NoCredentials => (
                401,
                "unauthorized",
                "a token is needed: send the header `Authorization: Bearer TOKEN`",
            ),
            Self::InvalidAuth(message) => (401, "invalid_auth", message),
            Self::UnknownToken => (
                401,
                "unauthorized",
                "the token is not known: check it, or ask the operator for one",
            ),
            Self::ExpiredToken => (
                401,
                "unauthorized",
                "the token has expired: ask the operator for a new one",
            ),
            Self::MissingTenant => (
                400,
                "missing_tenant",
                "a tenant is needed: send the header `X-TensorWasm-Tenant: NUMBER`",
            ),
            Self::InvalidTenant => (
                400,
                "invalid_tenant",
                "the tenant is no number from 0 to 18446744073709551615: \
                 send the header `X-TensorWasm-Tenant: NUMBER`",
            ),
            Self::RepeatedTenant => (
                400,
                "duplicate_tenant_header",
                "there is more than one header X-TensorWasm-Tenant: send one",
            ),
            Self::TenantOutOfScope => (
                403,
                "tenant_scope_denied",
                "the token is not good for this tenant, which is 0 where none is named: \
                 send the header `X-TensorWasm-Tenant: NUMBER` with a tenant of the token's scope",
            ),
            Self::RateLimited { .. } => (
                429,
                "rate_limited",
                "too many requests: send the next one after as many seconds as the header \
                 Retry-After says",
            ),
            Self::OriginDenied => (
                403,
                "cors_origin_denied",
                "pages of this origin may not call: \
                 the operator can add it to the setting `cors-allow-origins`",
            ),
            Self::Misconfigured { key, expected } => {
                let message = ["the policy's setting `", key, "` must be ", expected].concat();
                return Told {
                    status: 500,
                    kind: MISCONFIGURED,
                    message: message.into(),
                    challenge: None,
                };
            }
            Self::NoSettings => (
                500,
                MISCONFIGURED,
                "the policy's settings can't be read: the host's `wasi:config/store` has to give them",
            ),
        };
        let challenge = match self {
            Self::NoCredentials => Some("Bearer"),
            Self::InvalidAuth(_) => Some("Bearer error=\"invalid_request\""),
            Self::UnknownToken | Self::ExpiredToken => Some("Bearer error=\"invalid_token\""),
            _ => None,
        };
        Told {
            status,
            kind,
            message: message.into(),
            challenge,
        }
    }
}

const MISCONFIGURED: &str = "policy_misconfigured";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn www_authenticate_is_sent_with_every_401_and_with_nothing_else() {
        for refusal in [
            Refusal::NoCredentials,
            Refusal::InvalidAuth("why"),
            Refusal::UnknownToken,
            Refusal::ExpiredToken,
            Refusal::MissingTenant,
            Refusal::InvalidTenant,
            Refusal::RepeatedTenant,
            Refusal::TenantOutOfScope,
            Refusal::RateLimited { retry_after: 1 },
            Refusal::OriginDenied,
            Refusal::NoSettings,
        ] {
            let told = refusal.told();
            assert_eq!(told.status == 401, told.challenge.is_some(), "{refusal:?}");
            assert!(!told.message.is_empty());
        }
    }

    #[test]
    fn an_invalid_setting_is_named_with_the_expected_value() {
        let told = Refusal::Misconfigured {
            key: "rate-limit-qps",
            expected: "a whole number",
        }
        .told();
        assert_eq!((told.status, told.kind), (500, "policy_misconfigured"));
        assert_eq!(
            told.message,
            "the policy's setting `rate-limit-qps` must be a whole number"
        );
    }
}

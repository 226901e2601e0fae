//! The reasons for which the policy refuses a request, and the error response for each:
//! status, kind and message.

use std::borrow::Cow;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has no credentials.
    NoCredentials,
    /// Its credentials are malformed; the text says how.
    InvalidAuth(&'static str),
    /// Its token is not known to the host.
    UnknownToken,
    /// Its token has expired.
    ExpiredToken,
    /// It names no tenant, and the settings require one.
    MissingTenant,
    /// The tenant that it names is not a valid number.
    InvalidTenant,
    /// It names more than one tenant.
    RepeatedTenant,
    /// Its token is not valid for its tenant.
    TenantOutOfScope,
    /// Its caller exceeded the rate limit.
    RateLimited {
        /// In seconds.
        retry_after: u64,
    },
    /// It is a preflight request for an origin that is not allowed.
    OriginDenied,
    /// A setting is invalid.
    Misconfigured {
        /// The key of the setting.
        key: &'static str,
        /// What its value must be.
        expected: &'static str,
    },
    /// The settings cannot be read.
    NoSettings,
}

/// The error response for a refusal.
pub struct ErrorResponse {
    pub status: u16,
    /// A stable word for programs and for the audit record.
    pub kind: &'static str,
    /// For people; says what to do.
    pub message: Cow<'static, str>,
    /// The value of `WWW-Authenticate` (RFC 6750), for status 401.
    pub challenge: Option<&'static str>,
}

impl Refusal {
    /// The error response for this refusal.
    pub fn response(self) -> ErrorResponse {
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
                "the tenant is not a number from 0 to 18446744073709551615: \
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
                "the token is not valid for this tenant, which is 0 if the header is missing: \
                 send the header `X-TensorWasm-Tenant: NUMBER` with a tenant of the token's scope",
            ),
            Self::RateLimited { .. } => (
                429,
                "rate_limited",
                "too many requests: send the next one after the number of seconds in the header \
                 Retry-After",
            ),
            Self::OriginDenied => (
                403,
                "cors_origin_denied",
                "pages of this origin may not call: \
                 the operator can add it to the setting `cors-allow-origins`",
            ),
            Self::Misconfigured { key, expected } => {
                let message = ["the policy's setting `", key, "` must be ", expected].concat();
                return ErrorResponse {
                    status: 500,
                    kind: MISCONFIGURED,
                    message: message.into(),
                    challenge: None,
                };
            }
            Self::NoSettings => (
                500,
                MISCONFIGURED,
                "the policy's settings can't be read: the host's `wasi:config/store` has to provide them",
            ),
        };
        let challenge = match self {
            Self::NoCredentials => Some("Bearer"),
            Self::InvalidAuth(_) => Some("Bearer error=\"invalid_request\""),
            Self::UnknownToken | Self::ExpiredToken => Some("Bearer error=\"invalid_token\""),
            _ => None,
        };
        ErrorResponse {
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
    fn only_responses_with_status_401_have_a_challenge() {
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
            let response = refusal.response();
            assert_eq!(
                response.status == 401,
                response.challenge.is_some(),
                "{refusal:?}"
            );
            assert!(!response.message.is_empty());
        }
    }

    #[test]
    fn an_invalid_setting_is_named_with_what_it_must_be() {
        let response = Refusal::Misconfigured {
            key: "rate-limit-qps",
            expected: "a whole number",
        }
        .response();
        assert_eq!(
            (response.status, response.kind),
            (500, "policy_misconfigured")
        );
        assert_eq!(
            response.message,
            "the policy's setting `rate-limit-qps` must be a whole number"
        );
    }
}

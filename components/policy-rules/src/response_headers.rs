//! The headers that the policy adds to answers: those by which a browser lets a page read them
//! (CORS), how much of its rate limit the caller has left, and limits for what browsers do with
//! them.
//!
//! The fields `RateLimit` and `RateLimit-Policy` are those of the IETF's draft
//! draft-ietf-httpapi-ratelimit-headers (version 10): lists of structured fields (RFC 9651), with a
//! member for each bucket that the request took a token from. A bucket holds `q` tokens, and is
//! filled within `w` seconds.

use crate::rate::Rate;
use crate::settings::Settings;
use crate::verdict::Request;
use tensor_wasm_middleware::decimal;

/// How a header is added to those that the service has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In place of the service's.
    Instead,
    /// Beside the service's.
    Beside,
    /// If the service has set none.
    Unless,
}

/// A header that is added to an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// The header's name.
    pub name: &'static str,
    /// Its value.
    pub value: Vec<u8>,
    /// How it is added.
    pub place: Place,
}

impl Addition {
    fn new(place: Place, name: &'static str, value: impl Into<Vec<u8>>) -> Addition {
        Addition {
            name,
            value: value.into(),
            place,
        }
    }
}

/// The headers of the answer to a request that is admitted. `limited` is the caller and the tenant
/// where the request counts in their limit.
pub fn of_admitted(
    request: &impl Request,
    settings: &Settings<'_>,
    limited: Option<(Option<&str>, u64)>,
) -> Vec<Addition> {
    let mut headers = security(settings);
    if let Some(cors) = settings.cors {
        // A cache keeps the answer for each origin, whether this one is allowed or not.
        headers.push(Addition::new(Place::Beside, "vary", "Origin"));
        if let Some(origin) = cors.allow(&request.header("origin")) {
            let mut put = |name, value| headers.push(Addition::new(Place::Instead, name, value));
            put("access-control-allow-origin", origin.to_vec());
            if !cors.expose.is_empty() {
                put("access-control-expose-headers", cors.expose.into());
            }
        }
    }
    if let (Some(rate), Some((caller, tenant))) = (settings.rate, limited) {
        let tenant = settings.rate_by_tenant.then_some(tenant);
        let mut left = String::new();
        for (name, key) in rate.buckets(caller, tenant) {
            let parameters = [(";r=", u64::from(request.available(&key, rate)))];
            member(&mut left, name, &parameters);
        }
        headers.push(policy(rate, settings.rate_by_tenant));
        headers.push(Addition::new(Place::Instead, "ratelimit", left));
    }
    headers
}

/// The headers of the answer to a request that exceeded its limit: nothing is left for so many
/// seconds.
pub fn of_exceeded(rate: Rate, by_tenant: bool, retry_after: u64) -> [(&'static str, Vec<u8>); 2] {
    let mut left = String::new();
    for name in Rate::names(by_tenant) {
        member(&mut left, name, &[(";r=", 0), (";t=", retry_after)]);
    }
    let policy = policy(rate, by_tenant);
    [(policy.name, policy.value), ("ratelimit", left.into())]
}

fn policy(rate: Rate, by_tenant: bool) -> Addition {
    let mut policy = String::new();
    let window = rate.burst.div_ceil(rate.per_second.max(1));
    for name in Rate::names(by_tenant) {
        let parameters = [(";q=", rate.burst.into()), (";w=", window.into())];
        member(&mut policy, name, &parameters);
    }
    Addition::new(Place::Instead, "ratelimit-policy", policy)
}

/// Appends a member to a list of structured fields: a string with parameters.
fn member(list: &mut String, name: &str, parameters: &[(&str, u64)]) {
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push('"');
    list.push_str(name);
    list.push('"');
    for (parameter, value) in parameters {
        list.push_str(parameter);
        decimal::push(list, *value);
    }
}

/// What browsers may do with answers: those that OWASP recommends for services without pages. A
/// service that has pages sets its own.
pub fn security(settings: &Settings<'_>) -> Vec<Addition> {
    let mut headers = Vec::new();
    if settings.security_headers {
        headers.extend(
            [
                ("x-content-type-options", "nosniff"),
                ("x-frame-options", "DENY"),
                ("referrer-policy", "no-referrer"),
                (
                    "content-security-policy",
                    "default-src 'none'; frame-ancestors 'none'",
                ),
            ]
            .map(|(name, value)| Addition::new(Place::Unless, name, value)),
        );
    }
    if !settings.transport_security.is_empty() {
        headers.push(Addition::new(
            Place::Unless,
            "strict-transport-security",
            settings.transport_security,
        ));
    }
    headers
}

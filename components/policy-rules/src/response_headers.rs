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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Head;
    use crate::bindings::credentials::{Principal, Refusal};
    use crate::verdict::Method;
    use proptest::prelude::*;

    /// A request of a page of this origin, whose buckets hold seven tokens.
    struct Page(&'static str);

    impl Head for Page {
        fn method(&self) -> Method {
            Method::Get
        }

        fn path_with_query(&self) -> Option<String> {
            Some("/".to_owned())
        }

        fn header(&self, name: &str) -> Vec<Vec<u8>> {
            match name {
                "origin" => vec![self.0.into()],
                _ => Vec::new(),
            }
        }
    }

    impl Request for Page {
        fn authenticate(&self, _token: &str) -> Result<Principal, Refusal> {
            Err(Refusal::Unknown)
        }

        fn take(&self, _key: &str, _rate: Rate) -> Result<(), u64> {
            Ok(())
        }

        fn available(&self, _key: &str, _rate: Rate) -> u32 {
            7
        }
    }

    /// The headers of an answer under these settings, as `name: value`.
    fn added(pairs: &[(&str, &str)], limited: bool) -> Vec<String> {
        let stored: Vec<_> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let settings = Settings::read(&stored).unwrap();
        let limited = limited.then_some((Some("alice"), 3));
        of_admitted(&Page("https://a.example"), &settings, limited)
            .into_iter()
            .map(|it| format!("{}: {}", it.name, String::from_utf8_lossy(&it.value)))
            .collect()
    }

    #[test]
    fn without_settings_nothing_is_added() {
        assert!(added(&[], true).is_empty());
    }

    #[test]
    fn what_is_left_of_a_limit_is_said_for_each_bucket_and_not_where_none_counts() {
        let limit = [("rate-limit-qps", "3"), ("rate-limit-burst", "10")];
        assert_eq!(
            added(&limit, true),
            [
                "ratelimit-policy: \"token\";q=10;w=4",
                "ratelimit: \"token\";r=7"
            ]
        );
        let by_tenant = [limit[0], limit[1], ("rate-limit-by", "token-and-tenant")];
        assert_eq!(
            added(&by_tenant, true),
            [
                "ratelimit-policy: \"token\";q=10;w=4, \"token-and-tenant\";q=10;w=4",
                "ratelimit: \"token\";r=7, \"token-and-tenant\";r=7",
            ]
        );
        assert!(added(&limit, false).is_empty());
    }

    #[test]
    fn only_pages_of_allowed_origins_may_read_an_answer_and_caches_keep_them_apart() {
        let allowed = added(&[("cors-allow-origins", "https://a.example")], false);
        assert_eq!(allowed[0], "vary: Origin");
        assert_eq!(allowed[1], "access-control-allow-origin: https://a.example");
        assert_eq!(allowed.len(), 3);
        let other = added(&[("cors-allow-origins", "https://b.example")], false);
        assert_eq!(other, ["vary: Origin"]);
    }

    proptest! {
        #[test]
        fn a_refusal_says_that_nothing_is_left_for_any_rate(
            per_second in 1u32..,
            burst in 1u32..,
            by_tenant: bool,
            retry_after in 1u64..90_000,
        ) {
            let rate = Rate { per_second, burst };
            let [(_, policy), (_, left)] = of_exceeded(rate, by_tenant, retry_after);
            let members = if by_tenant { 2 } else { 1 };
            let (policy, left) = (String::from_utf8(policy).unwrap(), String::from_utf8(left).unwrap());
            prop_assert_eq!(policy.split(", ").count(), members);
            prop_assert_eq!(left.split(", ").count(), members);
            for member in left.split(", ") {
                let expected = format!(";r=0;t={retry_after}");
                prop_assert!(member.ends_with(&expected));
            }
            for member in policy.split(", ") {
                let (_, window) = member.rsplit_once(";w=").unwrap();
                let window: u64 = window.parse().unwrap();
                prop_assert!(window * u64::from(per_second) >= u64::from(burst));
            }
        }
    }
}

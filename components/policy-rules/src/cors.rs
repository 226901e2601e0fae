//! Cross-origin resource sharing (CORS): which web pages may call. It is enabled only if the
//! operator lists the origins of such pages.
//!
//! The policy answers preflight requests, and adds CORS headers to its own error responses, so
//! that a page can read them. A policy of WASI 0.3 adds them to the answers of the service as well;
//! one of 0.2 passes those on unchanged, so that the service has to send the headers.

/// The settings for requests from web pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cors<'a> {
    /// The allowed origins, separated by commas; `*` means all.
    pub origins: &'a str,
    /// The value of `Access-Control-Allow-Methods`.
    pub methods: &'a str,
    /// The value of `Access-Control-Allow-Headers`.
    pub headers: &'a str,
    /// The value of `Access-Control-Expose-Headers`.
    pub expose: &'a str,
    /// How long a browser may cache the response to a preflight request, in seconds.
    pub max_age: u32,
}

impl Cors<'static> {
    /// The defaults: no page may call.
    pub const DEFAULT: Cors<'static> = Cors {
        origins: "",
        methods: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        headers: "authorization, content-type, x-tensorwasm-tenant, x-request-id",
        expose: "ratelimit, ratelimit-policy, retry-after, x-request-id",
        max_age: 600,
    };
}

impl Cors<'_> {
    /// The value of `Access-Control-Allow-Origin` for a request with this `Origin`, if it is
    /// allowed.
    pub fn allow<'o>(&self, origin: &'o [Vec<u8>]) -> Option<&'o [u8]> {
        let [origin] = origin else {
            return None;
        };
        items(self.origins).find_map(|listed| match listed {
            "*" => Some(&b"*"[..]),
            // The case of scheme and host does not matter, and an origin has no other parts
            // but the port.
            _ => listed
                .as_bytes()
                .eq_ignore_ascii_case(origin)
                .then_some(&origin[..]),
        })
    }
}

/// Whether each element of an operator's list is a valid origin: `*`, `null`, or a scheme and
/// a host with an optional port.
pub fn are_origins(list: &str) -> bool {
    items(list).all(|origin| {
        matches!(origin, "*" | "null")
            || matches!(
                origin.split_once("://"),
                Some((scheme, host)) if !scheme.is_empty() && is_host(host)
            )
    })
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'*')
}

/// The elements of a list that is separated by commas.
pub fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',')
        .map(str::trim_ascii)
        .filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed(origins: &str, origin: &[&str]) -> Option<String> {
        let cors = Cors {
            origins,
            ..Cors::DEFAULT
        };
        let origin: Vec<_> = origin.iter().map(|o| o.as_bytes().to_vec()).collect();
        cors.allow(&origin)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    #[test]
    fn a_listed_origin_is_allowed() {
        let list = "https://a.example, http://localhost:3000";
        for origin in ["https://a.example", "http://localhost:3000"] {
            assert_eq!(allowed(list, &[origin]), Some(origin.into()));
        }
        let shouted = "HTTPS://A.example";
        assert_eq!(allowed(list, &[shouted]), Some(shouted.into()));
        assert_eq!(allowed("*", &["https://b.example"]), Some("*".into()));
    }

    #[test]
    fn an_origin_that_only_resembles_a_listed_one_is_not_allowed() {
        let list = "https://a.example, http://localhost:3000";
        for origin in [
            &[][..],
            &[""],
            &["null"],
            &["*"],
            &["http://a.example"],
            &["https://a.example:8443"],
            &["https://a.example.evil.example"],
            &["https://evil-a.example"],
            &["http://localhost"],
            &["https://a.example", "https://a.example"],
        ] {
            assert_eq!(allowed(list, origin), None, "{origin:?}");
        }
    }

    #[test]
    fn a_list_with_an_entry_that_can_never_match_is_invalid() {
        assert!(are_origins("*"));
        assert!(are_origins("null, https://a.example:8443,"));
        for list in [
            "a.example",
            "https://",
            "://a",
            "https://a.example/",
            "https://*.example",
            "https://a b",
        ] {
            assert!(!are_origins(list), "{list}");
        }
    }

    proptest! {
        #[test]
        fn only_listed_origins_are_allowed_for_any_bytes(origin: Vec<u8>) {
            let cors = Cors { origins: "https://a.example,null", ..Cors::DEFAULT };
            let listed = origin.eq_ignore_ascii_case(b"https://a.example")
                || origin.eq_ignore_ascii_case(b"null");
            prop_assert_eq!(cors.allow(&[origin]).is_some(), listed);
        }
    }
}

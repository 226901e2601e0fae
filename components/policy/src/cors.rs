//! Which web pages may call, as browsers ask before they let one (CORS). Only
//! where the operator lists their origins.
//!
//! The policy answers what browsers ask beforehand, and marks its refusals so that
//! a page can read them. What the service answers passes through untouched: the
//! header that lets a page read that is the service's own to send.

/// What pages may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cors<'a> {
    /// Separated by commas; `*` is any.
    pub origins: &'a str,
    /// As the answer says it.
    pub methods: &'a str,
    /// As the answer says it.
    pub headers: &'a str,
    /// How long a browser may remember the answer, in seconds.
    pub max_age: u32,
}

impl Cors<'static> {
    /// What holds where the operator says nothing else: no page may call.
    pub const DEFAULT: Cors<'static> = Cors {
        origins: "",
        methods: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        headers: "authorization, content-type, x-tensorwasm-tenant, x-request-id",
        max_age: 600,
    };
}

impl Cors<'_> {
    /// The value of `Access-Control-Allow-Origin` for the pages of an origin, if
    /// they may call.
    pub fn allow<'o>(&self, origin: &'o [Vec<u8>]) -> Option<&'o [u8]> {
        let [origin] = origin else {
            return None;
        };
        items(self.origins).find_map(|listed| match listed {
            "*" => Some(&b"*"[..]),
            // Scheme and host have no case, and nothing else stands in an origin.
            _ => listed
                .as_bytes()
                .eq_ignore_ascii_case(origin)
                .then_some(&origin[..]),
        })
    }
}

/// Whether an operator's list of origins can mean anything: `*`, `null`, or scheme,
/// host and port of each.
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

/// The parts of a list that is separated by commas.
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
    fn an_origin_that_only_looks_alike_is_not_allowed() {
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
        fn for_any_header_bytes_only_a_listed_origin_is_allowed(origin: Vec<u8>) {
            let cors = Cors { origins: "https://a.example,null", ..Cors::DEFAULT };
            let listed = origin.eq_ignore_ascii_case(b"https://a.example")
                || origin.eq_ignore_ascii_case(b"null");
            prop_assert_eq!(cors.allow(&[origin]).is_some(), listed);
        }
    }
}

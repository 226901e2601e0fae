//! The operator's limits, and the check of a request's head against them.

use tensor_wasm_middleware::decimal;

/// Limits of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The length of the body, in bytes.
    body_bytes: u64,
    /// The number of headers; a repeated header counts each time.
    headers: u64,
    /// The length of path and query, in bytes.
    path_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes: 1024 * 1024,
            headers: 100,
            path_bytes: 8 * 1024,
        }
    }
}

impl Limits {
    /// Parses the contents of the store. Unknown keys belong to other components, and are
    /// ignored.
    ///
    /// # Errors
    ///
    /// The first key whose value is not a number, so that a typing error does not silently
    /// change a limit.
    pub fn read(stored: &[(String, String)]) -> Result<Limits, &'static str> {
        let mut limits = Limits::default();
        for (key, value) in stored {
            let (limit, key) = match key.as_str() {
                "max-request-bytes" => (&mut limits.body_bytes, "max-request-bytes"),
                "max-header-count" => (&mut limits.headers, "max-header-count"),
                "max-path-bytes" => (&mut limits.path_bytes, "max-path-bytes"),
                _ => continue,
            };
            *limit = decimal::parse(value.trim_ascii().as_bytes()).ok_or(key)?;
        }
        Ok(limits)
    }

    /// The limit that a request with this path and these headers exceeds, if any.
    pub fn excess(
        &self,
        path_with_query: &str,
        headers: &[(String, Vec<u8>)],
        may_have_body: bool,
    ) -> Option<Excess> {
        if path_with_query.len() as u64 > self.path_bytes {
            return Some(Excess::Path(self.path_bytes));
        }
        if headers.len() as u64 > self.headers {
            return Some(Excess::Headers(self.headers));
        }
        let mut has_length = false;
        for (name, value) in headers {
            // If a request has both headers, this one is used (RFC 9112).
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return Some(Excess::LengthUnknown);
            }
            if name.eq_ignore_ascii_case("content-length") {
                has_length = true;
                match decimal::parse(value.trim_ascii()) {
                    None => return Some(Excess::LengthUnreadable),
                    Some(length) if length > self.body_bytes => {
                        return Some(Excess::Body(self.body_bytes));
                    }
                    Some(_) => {}
                }
            }
        }
        (may_have_body && !has_length).then_some(Excess::LengthUnknown)
    }
}

/// What exceeds a limit, with the limit, or why the length of the body is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// In bytes.
    Path(u64),
    Headers(u64),
    /// In bytes.
    Body(u64),
    LengthUnknown,
    LengthUnreadable,
}

impl Excess {
    /// Status, kind and message of the error response.
    pub fn response(self) -> (u16, &'static str, String) {
        let (status, kind, before, limit, after) = match self {
            Self::Path(limit) => (
                414,
                "path_too_long",
                "path and query are longer than ",
                Some(limit),
                " bytes: shorten them, or send the rest in the body",
            ),
            Self::Headers(limit) => (
                431,
                "too_many_headers",
                "there are more than ",
                Some(limit),
                " headers: send fewer",
            ),
            Self::Body(limit) => (
                413,
                "request_too_large",
                "the body is longer than ",
                Some(limit),
                " bytes: send less at once",
            ),
            Self::LengthUnknown => (
                411,
                "length_required",
                "the length of the body is not known: send the header Content-Length",
                None,
                "",
            ),
            Self::LengthUnreadable => (
                400,
                "invalid_length",
                "the header Content-Length is not a number of bytes: send the length of the body",
                None,
                "",
            ),
        };
        let mut message = before.to_owned();
        if let Some(limit) = limit {
            decimal::push(&mut message, limit);
        }
        message.push_str(after);
        (status, kind, message)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn headers(pairs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect()
    }

    fn limits(body: &str, count: &str, path: &str) -> Limits {
        let pairs = [
            ("max-request-bytes", body),
            ("max-header-count", count),
            ("max-path-bytes", path),
            ("rate-limit-qps", "not ours"),
        ];
        let stored = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Limits::read(&stored).unwrap()
    }

    #[test]
    fn a_request_exactly_at_a_limit_passes_and_one_above_it_does_not() {
        let limits = limits("10", "2", "4");
        let length = |length: &str| headers(&[("Content-Length", length)]);
        assert_eq!(limits.excess("/abc", &length("10"), true), None);
        let body = limits.excess("/abc", &length("11"), true);
        assert_eq!(body, Some(Excess::Body(10)));
        let path = limits.excess("/?bcd", &length("10"), true);
        assert_eq!(path, Some(Excess::Path(4)));
        let three = headers(&[("a", ""), ("a", ""), ("b", "")]);
        assert_eq!(limits.excess("/", &three[1..], false), None);
        let count = limits.excess("/", &three, false);
        assert_eq!(count, Some(Excess::Headers(2)));
    }

    #[test]
    fn a_body_of_unknown_length_is_refused() {
        let limits = Limits::default();
        for method_has_body in [false, true] {
            let chunked = [("transfer-encoding", "chunked"), ("content-length", "1")];
            for headers in [headers(&chunked), headers(&chunked[..1])] {
                let excess = limits.excess("/", &headers, method_has_body);
                assert_eq!(excess, Some(Excess::LengthUnknown));
            }
        }
        let excess = limits.excess("/", &[], true);
        assert_eq!(excess, Some(Excess::LengthUnknown));
        assert_eq!(limits.excess("/", &[], false), None);
        let none = headers(&[("content-length", "0")]);
        assert_eq!(limits.excess("/", &none, true), None);
    }

    #[test]
    fn a_length_that_is_not_a_number_is_refused_even_beside_a_valid_one() {
        for length in ["", "-1", "+1", "1e9", "5, 5", "99999999999999999999999"] {
            let both = headers(&[("content-length", "1"), ("content-length", length)]);
            let excess = Limits::default().excess("/", &both, true);
            assert_eq!(excess, Some(Excess::LengthUnreadable), "{length}");
        }
    }

    #[test]
    fn a_setting_that_is_not_a_number_is_named() {
        for key in ["max-request-bytes", "max-header-count", "max-path-bytes"] {
            for value in ["", "1MiB", "-1", "1 2"] {
                let stored = [(key.to_owned(), value.to_owned())];
                assert_eq!(Limits::read(&stored), Err(key));
            }
        }
    }

    #[test]
    fn the_message_says_what_to_do() {
        let (status, kind, message) = Excess::Body(1_048_576).response();
        assert_eq!((status, kind), (413, "request_too_large"));
        assert_eq!(
            message,
            "the body is longer than 1048576 bytes: send less at once"
        );
    }

    proptest! {
        #[test]
        fn no_request_passes_whose_head_exceeds_a_limit_for_any_headers(
            path in "/[ -~]{0,20}",
            headers in prop::collection::vec(
                (
                    prop_oneof![
                        Just("content-length".to_owned()),
                        Just("Transfer-Encoding".to_owned()),
                        any::<String>(),
                    ],
                    prop_oneof![any::<Vec<u8>>(), "[0-9]{1,3}".prop_map(String::into_bytes)],
                ),
                0..6,
            ),
            may_have_body: bool,
        ) {
            let limits = limits("50", "4", "10");
            if limits.excess(&path, &headers, may_have_body).is_none() {
                prop_assert!(path.len() <= 10 && headers.len() <= 4);
                for (name, value) in &headers {
                    if name == "content-length" {
                        let length: u64 = str::from_utf8(value).unwrap().trim().parse().unwrap();
                        prop_assert!(length <= 50);
                    }
                }
            }
        }
    }
}

//! The operator's settings, from `wasi:config/store`. If a setting is invalid, the policy
//! refuses every request, so that a typing error does not silently disable a limit. Keys
//! that the policy does not know belong to other components, and are ignored.

use crate::bindings::store;
use crate::cors::{Cors, are_origins, items};
use crate::rate::Rate;
use crate::refusal::Refusal;
use std::sync::OnceLock;
use tensor_wasm_middleware::decimal;

/// The settings in effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    /// Paths that need no credentials, separated by commas.
    public_paths: &'a str,
    /// Whether requests without credentials are admitted.
    pub insecure_no_auth: bool,
    /// Whether a request has to name its tenant.
    pub require_tenant: bool,
    /// Which web pages may call, if any.
    pub cors: Option<Cors<'a>>,
    /// The rate limit of each caller, if any.
    pub rate: Option<Rate>,
    /// Whether each tenant of a caller has a rate limit of its own as well.
    pub rate_by_tenant: bool,
    /// Whether answers limit what browsers do with them.
    pub security_headers: bool,
    /// The value of `Strict-Transport-Security`; none where it is empty.
    pub transport_security: &'a str,
}

impl Settings<'static> {
    /// The settings, which are read once for each instance: where they change, the host gives
    /// requests to new instances. Nothing else is kept from one request to the next.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoSettings`], and the next request asks again, or as [`Settings::read`].
    pub fn of_instance() -> Result<Self, Refusal> {
        static READ: OnceLock<Result<Settings<'static>, Refusal>> = OnceLock::new();
        if let Some(read) = READ.get() {
            return *read;
        }
        // One call for all settings: a call of the host costs more than a few unused settings.
        let stored = store::get_all().map_err(|_| Refusal::NoSettings)?;
        *READ.get_or_init(|| Settings::read(stored.leak()))
    }
}

impl<'a> Settings<'a> {
    /// Parses the contents of the store.
    ///
    /// # Errors
    ///
    /// [`Refusal::Misconfigured`] with the first key whose value is invalid.
    pub fn read(stored: &'a [(String, String)]) -> Result<Self, Refusal> {
        let mut settings = Settings {
            public_paths: "",
            insecure_no_auth: false,
            require_tenant: false,
            cors: None,
            rate: None,
            rate_by_tenant: false,
            security_headers: false,
            transport_security: "",
        };
        let mut cors: Cors<'a> = Cors::DEFAULT;
        let (mut per_second, mut burst) = (0, 0);
        for (key, value) in stored {
            let value = value.trim_ascii();
            match key.as_str() {
                "public-paths" => {
                    settings.public_paths = check(
                        value,
                        "public-paths",
                        "a list of paths such as `/healthz`, without a query",
                        |list| items(list).all(is_path),
                    )?;
                }
                "insecure-no-auth" => {
                    settings.insecure_no_auth = boolean(value, "insecure-no-auth")?;
                }
                "require-tenant" => settings.require_tenant = boolean(value, "require-tenant")?,
                "cors-allow-origins" => {
                    cors.origins = check(
                        value,
                        "cors-allow-origins",
                        "`*` or a list of origins such as `https://app.example`, without a path",
                        are_origins,
                    )?;
                }
                "cors-allow-methods" => {
                    cors.methods = check(
                        value,
                        "cors-allow-methods",
                        "a list of methods such as `GET, POST`",
                        is_header,
                    )?;
                }
                "cors-allow-headers" => {
                    cors.headers = check(
                        value,
                        "cors-allow-headers",
                        "a list of headers such as `authorization, content-type`",
                        is_header,
                    )?;
                }
                "cors-expose-headers" => {
                    cors.expose = check(
                        value,
                        "cors-expose-headers",
                        "a list of headers such as `x-request-id, etag`",
                        is_header,
                    )?;
                }
                "security-headers" => {
                    settings.security_headers = boolean(value, "security-headers")?;
                }
                "strict-transport-security" => {
                    settings.transport_security = check(
                        value,
                        "strict-transport-security",
                        "the value of the header, such as `max-age=31536000`",
                        |value| value.starts_with("max-age=") && is_header(value),
                    )?;
                }
                "cors-max-age-seconds" => {
                    cors.max_age = number(value, "cors-max-age-seconds")?;
                }
                "rate-limit-qps" => per_second = number(value, "rate-limit-qps")?,
                "rate-limit-burst" => burst = number(value, "rate-limit-burst")?,
                "rate-limit-by" => {
                    let word = check(
                        value,
                        "rate-limit-by",
                        "`token` or `token-and-tenant`",
                        |word| matches!(word, "token" | "token-and-tenant"),
                    )?;
                    settings.rate_by_tenant = word == "token-and-tenant";
                }
                _ => {}
            }
        }
        settings.cors = items(cors.origins).next().map(|_| cors);
        settings.rate = Rate::from_settings(per_second, burst);
        Ok(settings)
    }

    /// Whether a path, given with its query, needs no credentials.
    pub fn is_public(&self, path_with_query: &str) -> bool {
        let path = path_with_query
            .split_once('?')
            .map_or(path_with_query, |(path, _)| path);
        items(self.public_paths).any(|public| public == path)
    }

    /// Whether there are paths that need no credentials.
    pub fn has_public_paths(&self) -> bool {
        !self.public_paths.is_empty()
    }
}

fn check<'v>(
    value: &'v str,
    key: &'static str,
    expected: &'static str,
    is_valid: impl FnOnce(&str) -> bool,
) -> Result<&'v str, Refusal> {
    match is_valid(value) {
        true => Ok(value),
        false => Err(Refusal::Misconfigured { key, expected }),
    }
}

fn boolean(value: &str, key: &'static str) -> Result<bool, Refusal> {
    let is = |words: [&str; 2]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    let expected = "`true` or `false`";
    let word = check(value, key, expected, |_| {
        is(["1", "true"]) || is(["0", "false"])
    })?;
    Ok(word == "1" || word.eq_ignore_ascii_case("true"))
}

fn number(value: &str, key: &'static str) -> Result<u32, Refusal> {
    decimal::parse(value.as_bytes())
        .and_then(|number| u32::try_from(number).ok())
        .ok_or(Refusal::Misconfigured {
            key,
            expected: "a whole number from 0 to 4294967295",
        })
}

/// Whether this is the path of a request, without query and fragment.
fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#')
}

/// Whether this can be the value of a header.
fn is_header(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn stored(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn by_default_every_path_needs_credentials_and_there_is_no_rate_limit() {
        let settings = Settings::read(&[]).unwrap();
        assert!(!settings.insecure_no_auth && !settings.require_tenant);
        assert!(!settings.has_public_paths() && !settings.is_public("/"));
        assert_eq!((settings.cors, settings.rate), (None, None));
    }

    #[test]
    fn every_setting_is_read_and_unknown_keys_are_ignored() {
        let stored = stored(&[
            ("public-paths", " /healthz , /about"),
            ("insecure-no-auth", "TRUE"),
            ("require-tenant", "1"),
            ("cors-allow-origins", "https://a.example"),
            ("cors-allow-methods", "GET"),
            ("cors-allow-headers", "x-one"),
            ("cors-expose-headers", "etag"),
            ("cors-max-age-seconds", "5"),
            ("security-headers", "true"),
            ("strict-transport-security", "max-age=60"),
            ("rate-limit-qps", "10"),
            ("rate-limit-burst", "20"),
            ("rate-limit-by", "token-and-tenant"),
            ("max-request-bytes", "not the policy's"),
        ]);
        let settings = Settings::read(&stored).unwrap();
        assert!(settings.insecure_no_auth && settings.require_tenant);
        assert_eq!(
            settings.cors,
            Some(Cors {
                origins: "https://a.example",
                methods: "GET",
                headers: "x-one",
                expose: "etag",
                max_age: 5,
            })
        );
        assert_eq!(settings.rate, Rate::from_settings(10, 20));
        assert!(settings.rate_by_tenant && settings.security_headers);
        assert_eq!(settings.transport_security, "max-age=60");
    }

    #[test]
    fn only_the_exact_public_paths_are_public() {
        let stored = stored(&[("public-paths", " /healthz , /about")]);
        let settings = Settings::read(&stored).unwrap();
        for path in ["/healthz", "/about", "/about?more=1", "/about?"] {
            assert!(settings.is_public(path), "{path}");
        }
        for path in [
            "",
            "/",
            "/healthz/",
            "/healthz/x",
            "/HEALTHZ",
            "/healthz,",
            "//healthz",
            "/?/healthz",
            "healthz",
            "/%68ealthz",
        ] {
            assert!(!settings.is_public(path), "{path}");
        }
    }

    #[test]
    fn an_invalid_setting_is_named() {
        for (name, value) in [
            ("public-paths", "healthz"),
            ("public-paths", "/a, /b?c"),
            ("insecure-no-auth", "yes please"),
            ("insecure-no-auth", ""),
            ("require-tenant", "2"),
            ("cors-allow-origins", "a.example"),
            ("cors-allow-methods", "GET\nPOST"),
            ("cors-allow-headers", "caf\u{e9}"),
            ("cors-max-age-seconds", "10m"),
            ("cors-expose-headers", "a\nb"),
            ("security-headers", "all"),
            ("strict-transport-security", "forever"),
            ("rate-limit-qps", "abc"),
            ("rate-limit-qps", ""),
            ("rate-limit-qps", "-1"),
            ("rate-limit-qps", "0.5"),
            ("rate-limit-burst", "4294967296"),
            ("rate-limit-by", "address"),
        ] {
            let refusal = Settings::read(&stored(&[(name, value)])).unwrap_err();
            assert!(
                matches!(refusal, Refusal::Misconfigured { key, .. } if key == name),
                "{name}={value}: {refusal:?}"
            );
        }
    }

    #[test]
    fn a_rate_of_zero_means_no_limit() {
        let stored = stored(&[("rate-limit-qps", "0"), ("rate-limit-burst", "0")]);
        assert_eq!(Settings::read(&stored).unwrap().rate, None);
    }

    proptest! {
        #[test]
        fn any_setting_is_read_or_named_as_invalid(
            pairs in prop::collection::vec(
                (
                    prop_oneof![
                        Just("public-paths".to_owned()),
                        Just("cors-allow-origins".to_owned()),
                        Just("rate-limit-burst".to_owned()),
                        Just("require-tenant".to_owned()),
                        any::<String>(),
                    ],
                    any::<String>(),
                ),
                0..5,
            )
        ) {
            match Settings::read(&pairs) {
                Ok(settings) => { settings.is_public("/healthz"); }
                Err(Refusal::Misconfigured { key, .. }) => {
                    prop_assert!(pairs.iter().any(|(name, _)| name == key));
                }
                Err(other) => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

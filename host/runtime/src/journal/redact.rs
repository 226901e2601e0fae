//! What is left out of recordings: the values of named headers, query parameters, environment
//! variables and settings, and wherever else these occur. Each byte of such a value becomes a `*`, so
//! that lengths, and what a guest computes from them, stay as they were.

use super::hidden_values::{HiddenValues, MARK, decoded};
use percent_encoding::percent_decode;

/// Headers of which no value is ever recorded.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// Parts of names of environment variables and settings whose values are not recorded.
const PARTS: [&str; 13] = [
    "secret",
    TOKEN,
    "password",
    "passwd",
    "credential",
    "api-key",
    "api_key",
    "apikey",
    "access-key",
    "access_key",
    "private-key",
    "private_key",
    "signature",
];

/// A part of the names of tokens that are secret, and of those that are counted.
const TOKEN: &str = "token";

/// From how many headers and parameters of a guest is learned in one request, and from as many headers of
/// other servers.
const LEARNED: u32 = 64;

/// Who has sent headers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sender {
    /// The guest: they are seen where its request is recorded, and where it is replayed.
    Guest,
    /// Another server: they are seen where the request is recorded.
    Outside,
}

/// What is left out of a recording, by rule.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// Names beside those of the rule, in lower case.
    names: Vec<String>,
    /// The names of values that are secret whatever they are called.
    secrets: Vec<String>,
    /// Values that are left out wherever they occur.
    values: HiddenValues,
    /// Those that were learned while the guest ran.
    learned: HiddenValues,
    /// Of how many headers and parameters that was, by their senders.
    learned_of: [u32; 2],
}

impl Redaction {
    /// The rule, and these names of headers, query parameters, environment variables and settings.
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Redaction {
        let mut names: Vec<String> = names.into_iter().map(|name| name.to_lowercase()).collect();
        names.sort();
        names.dedup();
        Redaction {
            names,
            ..Redaction::default()
        }
    }

    /// The names beside those of the rule.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// With these settings secret, whatever they are called.
    #[must_use]
    pub fn with_secrets(mut self, names: Vec<String>) -> Redaction {
        self.secrets = names;
        self
    }

    /// With the value of a header, variable or setting left out wherever it occurs.
    pub(crate) fn add_value(&mut self, name: &str, value: &[u8]) {
        self.values.add_named(name, value);
    }

    /// With the values left out wherever they occur that are left out of these headers, which come
    /// while the guest runs.
    pub(crate) fn learn_headers(&mut self, headers: &http::HeaderMap, sender: Sender) {
        let [guest, outside] = &mut self.learned_of;
        for (name, value) in headers {
            if !hides_header(&self.names, name.as_str(), value.as_bytes()) {
                continue;
            }
            let count = match sender {
                Sender::Guest => &mut *guest,
                Sender::Outside => &mut *outside,
            };
            // Where the request is replayed the guest may have the marks in their place: it is the
            // headers that count, not the values.
            if *count < LEARNED {
                *count += 1;
                self.learned.add_named(name.as_str(), value.as_bytes());
            }
        }
    }

    /// Forgets what was learned while the guest ran, which begins anew.
    pub(crate) fn forget_learned(&mut self) {
        self.learned = HiddenValues::default();
        self.learned_of = [0; 2];
    }

    /// Whether the value of this header is left out.
    pub(crate) fn hides_header(&self, name: &str, value: &[u8]) -> bool {
        hides_header(&self.names, name, value)
    }

    /// Whether the value of this environment variable or setting is left out.
    pub(crate) fn hides_variable(&self, name: &str, value: &[u8]) -> bool {
        let lower = name.to_lowercase();
        self.secrets.iter().any(|secret| secret == name)
            || self.names.contains(&lower)
            || is_secret(&lower, value)
    }

    /// Whether the value of this query parameter, whose name may have escapes, is left out.
    fn hides_parameter(&self, name: &str, value: &[u8]) -> bool {
        let name = percent_decode(name.as_bytes());
        let name = name.decode_utf8_lossy().to_lowercase();
        self.names.contains(&name) || is_secret(&name, value)
    }

    /// Leaves the values of secret ones of these out wherever they occur.
    pub(crate) fn learn(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            if self.hides_variable(name, value.as_bytes()) {
                self.add_value(name, value.as_bytes());
            }
        }
    }

    /// Leaves the values of secret parameters of a target out wherever they occur.
    pub(crate) fn learn_target(&mut self, target: &str) {
        for (name, value) in self.hidden_parameters(target) {
            for value in forms(&value) {
                self.values.add_named(&name, &value);
            }
        }
    }

    /// The same, of a target that the guest asks another server for while it runs.
    pub(crate) fn learn_sent_target(&mut self, target: &str) {
        for (name, value) in self.hidden_parameters(target) {
            let [sent, _] = &mut self.learned_of;
            if *sent < LEARNED {
                *sent += 1;
                for value in forms(&value) {
                    self.learned.add_named(&name, &value);
                }
            }
        }
    }

    /// Pairs of names and values with the values left out that have to be. Adds what was left out to
    /// `said`.
    pub(crate) fn variables(
        &self,
        kind: &str,
        pairs: &[(String, String)],
        said: &mut Vec<String>,
    ) -> Vec<(String, String)> {
        let shown = pairs.iter().map(|(name, value)| {
            if !self.hides_variable(name, value.as_bytes()) {
                // A value that another one contains is left out there too.
                return (name.clone(), self.text(value.clone()));
            }
            said.push(format!("{kind} {name}"));
            (name.clone(), masked(value))
        });
        shown.collect()
    }

    /// A header's value as it is recorded.
    pub(crate) fn header(&self, name: &str, value: &[u8]) -> Vec<u8> {
        match self.hides_header(name, value) {
            true => vec![MARK; value.len()],
            false => self.bytes(value),
        }
    }

    /// A request's target as it is recorded: without the values of query parameters that are left
    /// out.
    pub(crate) fn target(&self, target: &str) -> String {
        let Some((path, query)) = target.split_once('?') else {
            return self.text(target.to_owned());
        };
        let parameters = query.split('&').map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match self.hides_parameter(name, value.as_bytes()) {
                true => format!("{name}={}", masked(value)),
                false => parameter.to_owned(),
            }
        });
        let query: Vec<_> = parameters.collect();
        self.text(format!("{path}?{}", query.join("&")))
    }

    /// The query parameters of a target that are left out, and their values.
    pub(crate) fn hidden_parameters(&self, target: &str) -> Vec<(String, String)> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_hidden = self.hides_parameter(name, value.as_bytes());
            is_hidden.then(|| (name.to_owned(), value.to_owned()))
        });
        names.collect()
    }

    /// A text without the values that are left out.
    pub(crate) fn text(&self, text: String) -> String {
        if !self.looks_for_values() {
            return text;
        }
        let bytes = self.bytes(text.as_bytes());
        String::from_utf8(bytes).unwrap_or_else(|_| masked(&text))
    }

    /// Bytes without the values that are left out.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = bytes.to_vec();
        self.values.leave_out(bytes, &mut shown);
        self.learned.leave_out(bytes, &mut shown);
        shown
    }

    /// Whether there is anything that [`bytes`](Redaction::bytes) would look for.
    pub(crate) fn looks_for_values(&self) -> bool {
        !self.values.is_empty() || !self.learned.is_empty()
    }
}

/// The value of a parameter as it is in a target, and as whoever gets it may read it.
fn forms(value: &str) -> [Vec<u8>; 3] {
    [
        value.as_bytes().to_vec(),
        decoded(value.as_bytes()),
        decoded(value.replace('+', " ").as_bytes()),
    ]
}

/// A value of which each byte is left out.
pub(crate) fn masked(value: &str) -> String {
    "*".repeat(value.len())
}

/// Whether the value of this header is left out.
fn hides_header(names: &[String], name: &str, value: &[u8]) -> bool {
    let name = name.to_lowercase();
    HEADERS.contains(&name.as_str()) || names.contains(&name) || is_secret(&name, value)
}

/// Whether something of this name, in lower case, is secret. How many tokens there may be, as
/// `max_tokens=512` says, is not.
fn is_secret(name: &str, value: &[u8]) -> bool {
    let is_count =
        name.ends_with("tokens") && !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let mut parts = PARTS.iter().filter(|part| **part != TOKEN || !is_count);
    parts.any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn redaction() -> Redaction {
        Redaction::of_names(["X-Api-Key".to_owned(), "code".to_owned()])
    }

    #[test]
    fn credentials_and_named_headers_are_left_out() {
        let redaction = redaction();
        for name in ["Authorization", "cookie", "set-cookie", "x-api-key"] {
            assert_eq!(redaction.header(name, b"hunter2"), b"*******", "{name}");
        }
        assert_eq!(redaction.header("accept", b"text/html"), b"text/html");
    }

    #[test]
    fn a_named_query_parameter_is_left_out_of_a_target() {
        let redaction = redaction();
        assert_eq!(redaction.target("/a?code=123&b=2"), "/a?code=***&b=2");
        assert_eq!(redaction.target("/a?b"), "/a?b");
        let hidden = redaction.hidden_parameters("/a?code=123&b=2");
        assert_eq!(hidden, [("code".to_owned(), "123".to_owned())]);
    }

    #[test]
    fn a_secret_is_left_out_wherever_it_occurs() {
        let mut redaction = redaction().with_secrets(vec!["database".to_owned()]);
        let mut said = Vec::new();
        let pairs = [
            ("DATABASE_TOKENS".to_owned(), "12".to_owned()),
            ("database".to_owned(), "pass phrase".to_owned()),
            ("url".to_owned(), "db://me:pass phrase@host".to_owned()),
            ("API_TOKEN".to_owned(), "abcdef".to_owned()),
        ];
        redaction.learn(&pairs);
        let shown = redaction.variables("setting", &pairs, &mut said);
        let values: Vec<_> = shown.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(
            values,
            ["12", "***********", "db://me:***********@host", "******"]
        );
        assert_eq!(said, ["setting database", "setting API_TOKEN"]);
        assert_eq!(redaction.bytes(b"x abcdef y"), b"x ****** y");
    }

    #[test]
    fn credentials_are_left_out_without_their_scheme_and_names_with_escapes_are_known() {
        let mut redaction = redaction();
        redaction.add_value("authorization", b"Bearer abcdef");
        assert_eq!(redaction.bytes(b"key abcdef"), b"key ******");
        assert_eq!(
            redaction.target("/?%63ode=1&access_token=2"),
            "/?%63ode=*&access_token=*"
        );
        assert_eq!(redaction.header("x-auth-token", b"abc"), b"***");
    }

    #[test]
    fn how_many_tokens_there_may_be_is_no_secret() {
        let redaction = redaction();
        assert!(!redaction.hides_variable("MAX_TOKENS", b"512"));
        assert!(!redaction.hides_header("x-remaining-tokens", b"512"));
        assert_eq!(redaction.target("/?max_tokens=512"), "/?max_tokens=512");
        for (name, value) in [
            ("MAX_TOKENS", ""),
            ("API_TOKENS", "51a"),
            ("API_TOKEN", "512"),
            ("SECRET_TOKENS", "512"),
        ] {
            assert!(redaction.hides_variable(name, value.as_bytes()), "{name}");
        }
        let named = Redaction::of_names(["max_tokens".to_owned()]);
        assert!(named.hides_variable("MAX_TOKENS", b"512"));
    }

    #[test]
    fn a_parameter_is_left_out_as_the_guest_reads_it_too() {
        let mut redaction = redaction();
        redaction.learn_target("/a?code=p%40ss+word%2B");
        for text in ["p%40ss+word%2B", "p@ss+word+", "p@ss word+"] {
            let shown = redaction.text(format!("it is {text}."));
            assert_eq!(shown, format!("it is {}.", masked(text)));
        }
    }

    #[test]
    fn what_a_guest_sends_as_a_credential_is_left_out_from_then_on() {
        let mut redaction = redaction();
        let mut headers = http::HeaderMap::new();
        headers.insert(
            "set-cookie",
            "session=abcdefghijkl; Path=/".parse().unwrap(),
        );
        headers.insert("accept", "mnopqrstuvwx".parse().unwrap());
        redaction.learn_headers(&headers, Sender::Guest);
        let text = "abcdefghijkl mnopqrstuvwx Path=/";
        assert_eq!(
            redaction.text(text.to_owned()),
            "************ mnopqrstuvwx Path=/"
        );
        redaction.forget_learned();
        assert_eq!(redaction.text(text.to_owned()), text);
    }

    #[test]
    fn so_many_headers_are_learned_from_and_each_sender_has_its_own() {
        let mut redaction = redaction();
        let headers = |number: u32| {
            let value = format!("Bearer {number:08}").parse().unwrap();
            http::HeaderMap::from_iter([(http::header::AUTHORIZATION, value)])
        };
        for number in 0..=LEARNED {
            redaction.learn_headers(&headers(number), Sender::Guest);
        }
        let last = format!("{LEARNED:08}");
        assert_eq!(redaction.text("00000063".to_owned()), "********");
        assert_eq!(redaction.text(last.clone()), last);
        redaction.learn_headers(&headers(LEARNED), Sender::Outside);
        assert_eq!(redaction.text(last), "********");
    }

    proptest! {
        #[test]
        fn nothing_that_is_left_out_stays(
            value in "[a-z]{4,12}",
            before in "[a-z ]{0,40}",
            after in "[a-z ]{0,40}",
        ) {
            let mut redaction = Redaction::default();
            redaction.add_value("x-api-key", value.as_bytes());
            let text = format!("{before}{value}{after}{value}");
            let shown = redaction.text(text.clone());
            prop_assert_eq!(shown.len(), text.len());
            prop_assert!(!shown.contains(&value));
        }
    }
}

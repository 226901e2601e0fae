//! What is left out of recordings: the values of named headers, query parameters, environment
//! variables and settings, and wherever else these occur. Each byte of such a value becomes a `*`, so
//! that lengths, and what a guest computes from them, stay as they were.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What stands for each byte that is left out.
const MARK: u8 = b'*';

/// The shortest value that is looked for where it is not named: a shorter one would be found in what
/// has nothing to do with it.
const SHORTEST: usize = 4;

/// How many bytes of a value are looked for. What follows them where they are found is left out as
/// far as the value is long.
const LOOKED_FOR: usize = 64;

/// Headers of which no value is ever recorded.
const HEADERS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

/// Parts of names of environment variables and settings whose values are not recorded.
const PARTS: [&str; 5] = ["secret", "token", "password", "passwd", "credential"];

/// What is left out of a recording, by rule.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    /// Names beside those of the rule, in lower case.
    names: Vec<String>,
    /// The names of values that are secret whatever they are called.
    secrets: Vec<String>,
    /// Values that are left out wherever they occur.
    values: Vec<Vec<u8>>,
    /// Finds them in time that grows with the text alone; made when it is first needed. `None` where
    /// they are too many.
    search: OnceLock<Option<AhoCorasick>>,
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

    /// With a value that is left out wherever it occurs. Of credentials with a scheme, as in
    /// `Bearer abc`, what follows the scheme is left out too.
    pub(crate) fn add_value(&mut self, value: &[u8]) {
        let credentials = value.iter().position(|byte| *byte == b' ');
        let credentials = credentials.and_then(|at| value.get(at + 1..));
        for value in [Some(value), credentials].into_iter().flatten() {
            let is_told = value.len() < SHORTEST || value.iter().all(|byte| *byte == MARK);
            if !is_told && !self.values.iter().any(|other| other == value) {
                self.values.push(value.to_vec());
                self.search = OnceLock::new();
            }
        }
    }

    /// Whether the value of this header is left out.
    pub(crate) fn hides_header(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        HEADERS.contains(&name.as_str())
            || self.names.contains(&name)
            || PARTS.iter().any(|part| name.contains(part))
    }

    /// Whether the value of this environment variable or setting is left out.
    pub(crate) fn hides_variable(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        self.secrets.iter().any(|secret| secret == name)
            || self.names.contains(&lower)
            || PARTS.iter().any(|part| lower.contains(part))
    }

    /// Whether the value of this query parameter, whose name may have escapes, is left out.
    fn hides_parameter(&self, name: &str) -> bool {
        let name = percent_encoding::percent_decode_str(name);
        let name = name.decode_utf8_lossy().to_lowercase();
        self.names.contains(&name) || PARTS.iter().any(|part| name.contains(part))
    }

    /// Leaves the values of secret ones of these out wherever they occur.
    pub(crate) fn learn(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            if self.hides_variable(name) {
                self.add_value(value.as_bytes());
            }
        }
    }

    /// Pairs of names and values with the values left out that have to be, which are then left out
    /// wherever they occur. Adds what was left out to `said`.
    pub(crate) fn variables(
        &mut self,
        kind: &str,
        pairs: &[(String, String)],
        said: &mut Vec<String>,
    ) -> Vec<(String, String)> {
        let shown = pairs.iter().map(|(name, value)| {
            if !self.hides_variable(name) {
                return (name.clone(), value.clone());
            }
            self.add_value(value.as_bytes());
            said.push(format!("{kind} {name}"));
            (name.clone(), masked(value))
        });
        let shown: Vec<_> = shown.collect();
        // A value that another one contains is left out there too.
        let scrubbed = shown.into_iter().map(|(name, value)| {
            let value = self.text(value);
            (name, value)
        });
        scrubbed.collect()
    }

    /// A header's value as it is recorded.
    pub(crate) fn header(&self, name: &str, value: &[u8]) -> Vec<u8> {
        match self.hides_header(name) {
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
            match self.hides_parameter(name) {
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
            let is_hidden = self.hides_parameter(name);
            is_hidden.then(|| (name.to_owned(), value.to_owned()))
        });
        names.collect()
    }

    /// A text without the values that are left out.
    pub(crate) fn text(&self, text: String) -> String {
        if self.values.is_empty() {
            return text;
        }
        let bytes = self.bytes(text.as_bytes());
        String::from_utf8(bytes).unwrap_or_else(|_| masked(&text))
    }

    /// Bytes without the values that are left out.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = bytes.to_vec();
        if self.values.is_empty() {
            return shown;
        }
        let search = self.search.get_or_init(|| {
            let begins = self.values.iter().map(|value| {
                let (begin, _) = value.split_at(value.len().min(LOOKED_FOR));
                begin
            });
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::NoncontiguousNFA))
                .match_kind(MatchKind::LeftmostLongest)
                .build(begins)
                .ok()
        });
        let Some(search) = search else {
            shown.fill(MARK);
            return shown;
        };
        for found in search.find_iter(bytes) {
            let value = self.values.get(found.pattern().as_usize());
            let end = found.start() + value.map_or(found.len(), Vec::len);
            let end = end.min(shown.len());
            if let Some(part) = shown.get_mut(found.start()..end) {
                part.fill(MARK);
            }
        }
        shown
    }

    /// Whether there is anything that [`bytes`](Redaction::bytes) would look for.
    pub(crate) fn looks_for_values(&self) -> bool {
        !self.values.is_empty()
    }
}

/// A value of which each byte is left out.
pub(crate) fn masked(value: &str) -> String {
    "*".repeat(value.len())
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
            ("database".to_owned(), "pass phrase".to_owned()),
            ("url".to_owned(), "db://me:pass phrase@host".to_owned()),
            ("API_TOKEN".to_owned(), "abcdef".to_owned()),
        ];
        let shown = redaction.variables("setting", &pairs, &mut said);
        assert_eq!(shown[0].1, "***********");
        assert_eq!(shown[1].1, "db://me:***********@host");
        assert_eq!(shown[2].1, "******");
        assert_eq!(said, ["setting database", "setting API_TOKEN"]);
        assert_eq!(redaction.bytes(b"x abcdef y"), b"x ****** y");
    }

    #[test]
    fn credentials_are_left_out_without_their_scheme_and_names_with_escapes_are_known() {
        let mut redaction = redaction();
        redaction.add_value(b"Bearer abcdef");
        assert_eq!(redaction.bytes(b"key abcdef"), b"key ******");
        assert_eq!(
            redaction.target("/?%63ode=1&access_token=2"),
            "/?%63ode=*&access_token=*"
        );
        assert_eq!(redaction.header("x-auth-token", b"abc"), b"***");
    }

    #[test]
    fn many_long_values_that_nearly_occur_take_time_by_the_text_alone() {
        let mut redaction = Redaction::default();
        for length in 2000..2030 {
            let mut value = vec![b'a'; length];
            value.push(b'b');
            redaction.add_value(&value);
        }
        let text = vec![b'c'; 1 << 20];
        assert_eq!(redaction.bytes(&text), text);
        let text = [vec![b'a'; 2000], vec![b'b']].concat();
        assert_eq!(redaction.bytes(&text), vec![MARK; 2001]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_left_out_stays(
            value in "[a-z]{4,12}",
            before in "[a-z ]{0,40}",
            after in "[a-z ]{0,40}",
        ) {
            let mut redaction = Redaction::default();
            redaction.add_value(value.as_bytes());
            let text = format!("{before}{value}{after}{value}");
            let shown = redaction.text(text.clone());
            prop_assert_eq!(shown.len(), text.len());
            prop_assert!(!shown.contains(&value));
        }
    }
}

//! One record: the fields of a line, in their order, and how long each may be; writing and
//! reading it.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tensor_wasm_runtime::Usage;
use tensor_wasm_runtime::policy::{Decision, Principal, RequestRecord, Scope as Tenants};
use tensor_wasm_runtime::server::UNIX_CLIENT;
use thiserror::Error;

use super::chain::{Chain, LineHash};
use super::escape::Ascii;

/// The longest line that is written or read as a record, in bytes, without its newline. The
/// limits below keep each record well under it.
pub const LONGEST_LINE: usize = 64 << 10;

/// The longest resource and certificate subject that is kept, in bytes.
const LONGEST_RESOURCE: usize = 1024;
/// The longest name of a caller, in bytes.
const LONGEST_ID: usize = 256;
/// The longest request id, error kind and action, in bytes.
const LONGEST_WORD: usize = 128;
/// How many tenants of a scope are kept.
const LONGEST_SCOPE: usize = 256;
/// The longest latency that is recorded, in microseconds: 49 days. Up to it each microsecond
/// survives being written as a fraction and read back.
const LONGEST_LATENCY: u64 = u32::MAX as u64 * 1000;

/// One event: a line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The record's number in its chain, from 0.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970 (UTC).
    pub ts_unix_ms: u64,
    /// The request's id; `None` for what the server does by itself.
    #[serde(deserialize_with = "Option::deserialize")]
    pub request_id: Option<String>,
    /// The id of the request's trace: 32 hexadecimal digits; `None` for what the server does by
    /// itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Who did it.
    pub actor: Actor,
    /// What was done, for example `http.post` or `server.start`.
    pub action: String,
    /// What it was done to: a request's path without its query, for example.
    pub resource: String,
    /// The tenant that the request was for, where the policy admitted it.
    #[serde(deserialize_with = "Option::deserialize")]
    pub tenant: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// From the head of the request to the head of the response, in milliseconds with a
    /// fraction.
    #[serde(deserialize_with = "Option::deserialize")]
    pub latency_ms: Option<f64>,
    /// What the request had used when the head of its response was known; `None` for what
    /// was no request that a component saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageAtHead>,
    /// The other end of the connection, address and port.
    #[serde(deserialize_with = "Option::deserialize")]
    pub peer_addr: Option<String>,
    /// The subject of the client's certificate, where it presented one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_certificate: Option<String>,
    /// How many requests this one record stands for, in `audit.refusals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeated: Option<u64>,
    /// How many records are missing from here, in `audit.gap` and `audit.torn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<u64>,
    /// The hash of the line before this one; zeros in the first.
    pub prev_hash: LineHash,
}

/// What a request had used when the head of its response was known, and its record was made.
/// What it used afterwards, to send the response's body, is in the metrics alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageAtHead {
    /// The time in which guests ran, in milliseconds with a fraction.
    pub guest_ms: f64,
    /// The device's time of kernels, in milliseconds with a fraction.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub device_ms: f64,
    /// Launches of kernels.
    #[serde(default, skip_serializing_if = "is_none")]
    pub launches: u64,
    /// Bytes that were read of the request's body.
    #[serde(default, skip_serializing_if = "is_none")]
    pub request_bytes: u64,
}

impl UsageAtHead {
    fn new(usage: &Usage) -> UsageAtHead {
        UsageAtHead {
            guest_ms: milliseconds(usage.guest),
            device_ms: milliseconds(usage.device),
            launches: usage.launches,
            request_bytes: usage.request_bytes,
        }
    }
}

fn is_zero(ms: &f64) -> bool {
    *ms == 0.0
}

fn is_none(number: &u64) -> bool {
    *number == 0
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The name of the token; never the token.
    #[serde(deserialize_with = "Option::deserialize")]
    pub id: Option<String>,
    /// The tenants that the token may act for.
    #[serde(deserialize_with = "Option::deserialize")]
    pub scope: Option<Scope>,
    /// How many more tenants the scope has than are listed, where there are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope_omitted: Option<u64>,
}

/// The kind of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// The holder of a token that the server knows.
    Token,
    /// A client that is not known.
    Anonymous,
    /// The server itself.
    System,
}

/// The tenants that a token may act for: `"*"`, or their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scope {
    /// Each of them.
    All(Star),
    /// These.
    Only(Vec<u64>),
}

/// The word `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Star {
    /// `*`
    #[serde(rename = "*")]
    Star,
}

/// How something ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The status of the answer; `None` for what the server does by itself.
    #[serde(deserialize_with = "Option::deserialize")]
    pub status_code: Option<u16>,
    /// Why it was refused or failed; `None` where it wasn't.
    #[serde(deserialize_with = "Option::deserialize")]
    pub error_kind: Option<String>,
}

impl Outcome {
    /// It went well.
    pub fn done() -> Outcome {
        Outcome::default()
    }

    /// It failed, for this reason: a word such as `token_file`.
    pub fn failed(kind: impl Into<String>) -> Outcome {
        Outcome {
            status_code: None,
            error_kind: Some(cut(kind.into(), LONGEST_WORD)),
        }
    }
}

impl Record {
    /// The record of a request. Its position in the chain comes later.
    pub(super) fn of_request(request: RequestRecord) -> Record {
        let mut error_kind = request.error_kind;
        let (caller, tenant) = match request.decision {
            Some(Decision::Admitted { caller, tenant }) => (caller, Some(tenant)),
            Some(Decision::Refused { caller, kind }) => {
                error_kind.get_or_insert(kind);
                (caller, None)
            }
            None => (None, None),
        };
        let mut path = request.path;
        // It has no query; but a query must never be recorded, whoever calls this.
        if let Some(end) = path.find('?') {
            path.truncate(end);
        }
        let action = match (request.action, &request.method) {
            (Some(action), _) => action.to_owned(),
            (None, Some(method)) => format!("http.{}", method.as_str().to_ascii_lowercase()),
            (None, None) => "malformed".to_owned(),
        };
        Record {
            request_id: Some(cut(request.request_id.to_string(), LONGEST_WORD)),
            trace_id: Some(request.trace_id.to_string()),
            actor: caller.map_or_else(|| Actor::nameless(ActorKind::Anonymous), Actor::token),
            tenant,
            outcome: Outcome {
                status_code: Some(request.status.as_u16()),
                error_kind: error_kind.map(|kind| cut(kind, LONGEST_WORD)),
            },
            latency_ms: Some(milliseconds(request.latency)),
            usage: request.usage.as_ref().map(UsageAtHead::new),
            peer_addr: Some(peer(request.peer)),
            peer_certificate: request
                .certificate
                .map(|subject| cut(subject.as_ref().to_owned(), LONGEST_RESOURCE)),
            ..Record::new(request.time, action, path)
        }
    }

    /// The record of what the server did by itself, now.
    pub(super) fn of_system(action: &str, resource: &str, outcome: Outcome) -> Record {
        Record {
            outcome,
            ..Record::new(SystemTime::now(), action.to_owned(), resource.to_owned())
        }
    }

    /// Stands for requests of one peer that were refused, since they repeated others. The
    /// time is the first one's, and the outcome the last one's.
    pub(super) fn of_refusals(
        time: SystemTime,
        peer: Option<String>,
        number: u64,
        outcome: Outcome,
    ) -> Record {
        Record {
            actor: Actor::nameless(ActorKind::Anonymous),
            outcome,
            peer_addr: peer,
            repeated: Some(number),
            ..Record::new(time, "audit.refusals".to_owned(), String::new())
        }
    }

    /// Says that records are missing here, since there was no room to keep them.
    pub(super) fn of_gap(lost: u64) -> Record {
        Record {
            lost: Some(lost),
            ..Record::of_system("audit.gap", "", Outcome::failed("audit_log_failed"))
        }
    }

    /// Says that a torn line was cut off, and where its bytes are.
    pub(super) fn of_torn(kept: &str) -> Record {
        Record {
            lost: Some(1),
            ..Record::of_system("audit.torn", kept, Outcome::failed("torn_line"))
        }
    }

    fn new(time: SystemTime, action: String, resource: String) -> Record {
        let since = time.duration_since(SystemTime::UNIX_EPOCH);
        let ms = since.unwrap_or_default().as_millis();
        Record {
            seq: 0,
            ts_unix_ms: u64::try_from(ms).unwrap_or(u64::MAX),
            request_id: None,
            trace_id: None,
            actor: Actor::nameless(ActorKind::System),
            action: cut(action, LONGEST_WORD),
            resource: cut(resource, LONGEST_RESOURCE),
            tenant: None,
            outcome: Outcome::done(),
            latency_ms: None,
            usage: None,
            peer_addr: None,
            peer_certificate: None,
            repeated: None,
            lost: None,
            prev_hash: LineHash::ZERO,
        }
    }

    /// Gives the record its position in the chain, and appends it to `bytes` with a newline.
    pub(super) fn write(mut self, chain: &mut Chain, bytes: &mut Vec<u8>) -> io::Result<()> {
        self.seq = chain.seq;
        self.prev_hash = chain.prev_hash;
        let start = bytes.len();
        let mut json = serde_json::Serializer::with_formatter(&mut *bytes, Ascii);
        if let Err(error) = self.serialize(&mut json) {
            bytes.truncate(start);
            return Err(error.into());
        }
        *chain = Chain::after(self.seq, bytes.get(start..).unwrap_or_default());
        bytes.push(b'\n');
        Ok(())
    }

    /// Reads a line, without its newline.
    ///
    /// # Errors
    ///
    /// Why the line is not a record.
    pub fn parse(line: &[u8]) -> Result<Record, NoRecord> {
        serde_json::from_slice(line).map_err(NoRecord::new)
    }
}

/// Why a line is not a record, as text that is short and safe to print, whatever the line
/// contains.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct NoRecord(String);

impl NoRecord {
    fn new(error: serde_json::Error) -> NoRecord {
        // It repeats what it doesn't know, up to a whole line of it.
        let text = error.to_string();
        let shown = text.chars().take(LONGEST_WORD).flat_map(|c| {
            let (plain, escaped) = match matches!(c, ' '..='~') {
                true => (Some(c), None),
                false => (None, Some(c.escape_default())),
            };
            plain.into_iter().chain(escaped.into_iter().flatten())
        });
        NoRecord(shown.collect())
    }
}

impl Actor {
    fn nameless(kind: ActorKind) -> Actor {
        Actor {
            kind,
            id: None,
            scope: None,
            scope_omitted: None,
        }
    }

    fn token(holder: Principal) -> Actor {
        let mut omitted = 0;
        let scope = match holder.scope {
            Tenants::All => Scope::All(Star::Star),
            Tenants::Only(mut tenants) => {
                omitted = tenants.len().saturating_sub(LONGEST_SCOPE) as u64;
                tenants.truncate(LONGEST_SCOPE);
                Scope::Only(tenants)
            }
        };
        Actor {
            kind: ActorKind::Token,
            id: Some(cut(holder.id, LONGEST_ID)),
            scope: Some(scope),
            scope_omitted: (omitted > 0).then_some(omitted),
        }
    }
}

/// The other end of a connection. One of a Unix socket has no address.
fn peer(address: SocketAddr) -> String {
    match address == UNIX_CLIENT {
        true => "unix".to_owned(),
        false => address.to_string(),
    }
}

/// Cuts text to at most so many bytes, never inside of a character.
fn cut(mut text: String, longest: usize) -> String {
    text.truncate(text.floor_char_boundary(longest));
    text
}

fn milliseconds(latency: Duration) -> f64 {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    micros.min(LONGEST_LATENCY) as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn text_is_cut_between_characters() {
        assert_eq!(cut("aé".to_owned(), 2), "a");
        assert_eq!(cut("aé".to_owned(), 3), "aé");
        assert_eq!(cut(String::new(), 0), "");
    }

    #[test]
    fn a_latency_is_told_to_the_microsecond() {
        assert_eq!(milliseconds(Duration::from_nanos(1_234_567)), 1.234);
        assert_eq!(milliseconds(Duration::MAX), 4_294_967_295.0);
    }

    #[test]
    fn a_record_without_one_of_its_fields_or_with_another_is_none() {
        let (mut line, mut chain) = (Vec::new(), Chain::NEW);
        Record::of_system("server.start", "x", Outcome::done())
            .write(&mut chain, &mut line)
            .unwrap();
        let whole: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert!(Record::parse(whole.to_string().as_bytes()).is_ok());
        for name in whole.as_object().unwrap().keys() {
            let mut less = whole.clone();
            less.as_object_mut().unwrap().remove(name);
            let error = Record::parse(less.to_string().as_bytes()).unwrap_err();
            assert!(error.to_string().contains(name.as_str()), "{error}");
        }
        let mut more = whole.clone();
        more["token"] = "secret".into();
        assert!(Record::parse(more.to_string().as_bytes()).is_err());
    }

    #[test]
    fn why_a_line_is_no_record_is_short_and_commands_no_terminal() {
        let line = format!(r#"{{"\u001b[2J\u009b{}": 1}}"#, "x".repeat(60_000));
        let error = Record::parse(line.as_bytes()).unwrap_err().to_string();
        assert!(
            error.contains(r"unknown field `\u{1b}[2J\u{9b}xxx"),
            "{error}"
        );
        assert!(error.len() < 200, "{error}");
    }
}

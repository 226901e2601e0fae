//! What is recorded of a request, whatever its client sent: that the lines are
//! records as the JSON Schema and the page on the log describe them, that they
//! verify, and that any change to them is found.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tensor_wasm_node::audit::verify::{Verification, Verifier};
use tensor_wasm_node::audit::{
    ActorKind, AuditConfig, AuditLog, AuditTarget, Head, LONGEST_LINE, Outcome, Record,
};
use tensor_wasm_runtime::policy::{Auditor, Decision, Principal, RequestRecord, Scope};
use tensor_wasm_runtime::server::RequestId;
use tensor_wasm_runtime::{TraceId, Usage};

/// A request that a policy admitted.
fn request() -> RequestRecord {
    RequestRecord {
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        request_id: RequestId::from_client(&HeaderValue::from_static("build-7")).unwrap(),
        trace_id: TraceId::from_number(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c).unwrap(),
        peer: "192.0.2.7:4711".parse().unwrap(),
        certificate: None,
        method: Some(Method::POST),
        path: "/images/blur".to_owned(),
        action: None,
        decision: Some(Decision::Admitted {
            caller: Some(principal("alice", Scope::Only(vec![1, 2]))),
            tenant: 2,
        }),
        status: StatusCode::OK,
        error_kind: None,
        latency: Duration::from_micros(1_234),
        usage: Some(Usage {
            guest: Duration::from_micros(812),
            device: Duration::from_micros(400),
            launches: 2,
            request_bytes: 70,
            ..Usage::default()
        }),
    }
}

fn principal(id: &str, scope: Scope) -> Principal {
    Principal {
        id: id.to_owned(),
        scope,
        roles: vec!["admin".to_owned()],
    }
}

/// What a log of its own holds after all this.
fn log_of(records: impl IntoIterator<Item = RequestRecord>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = AuditLog::open(&AuditConfig {
        target: AuditTarget::File(path.clone()),
        ..AuditConfig::default()
    });
    let log = log.unwrap().unwrap();
    for record in records {
        let _ = log.record(record);
    }
    log.event("tokens.reload", "tokens", Outcome::failed("token_file"));
    assert_eq!(log.close(Duration::from_secs(24 * 60 * 60)), 0);
    fs::read(path).unwrap()
}

fn lines(log: &[u8]) -> Vec<&[u8]> {
    log.split_inclusive(|byte| *byte == b'\n').collect()
}

fn first(log: &[u8]) -> Value {
    serde_json::from_slice(lines(log)[0]).unwrap()
}

fn verify(log: &[u8], heads: &[Head]) -> Verification {
    let mut verifier = Verifier::new(heads.to_vec());
    verifier.file("log", log).unwrap();
    verifier.finish()
}

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit-record.schema.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_request_is_recorded_in_the_order_and_the_words_that_the_page_shows() {
    let log = log_of([request()]);
    let line = std::str::from_utf8(lines(&log)[0]).unwrap();
    let expected = concat!(
        r#"{"seq":0,"ts_unix_ms":1700000000123,"request_id":"build-7","#,
        r#""trace_id":"0af7651916cd43dd8448eb211c80319c","#,
        r#""actor":{"kind":"token","id":"alice","scope":[1,2]},"action":"http.post","#,
        r#""resource":"/images/blur","tenant":2,"#,
        r#""outcome":{"status_code":200,"error_kind":null},"latency_ms":1.234,"#,
        r#""usage":{"guest_ms":0.812,"device_ms":0.4,"launches":2,"request_bytes":70},"#,
        r#""peer_addr":"192.0.2.7:4711","#,
        r#""prev_hash":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
        "\n"
    );
    assert_eq!(line, expected);
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit-log.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains(expected),
        "docs/audit-log.md shows another record"
    );
}

#[test]
fn the_page_and_the_schema_name_the_same_fields() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit-log.md");
    let page = fs::read_to_string(page).unwrap();
    let named: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect();
    let schema = schema();
    let mut there = Vec::new();
    for (name, field) in schema["properties"].as_object().unwrap() {
        match field.get("properties").and_then(Value::as_object) {
            Some(inner) => there.extend(inner.keys().map(|key| format!("{name}.{key}"))),
            None => there.push(name.clone()),
        }
    }
    for name in &there {
        assert!(named.contains(name), "docs/audit-log.md has no `{name}`");
    }
    for name in named.iter().filter(|name| !name.starts_with("--")) {
        assert!(there.contains(name), "the schema has no `{name}`");
    }
}

#[test]
fn a_refusal_is_recorded_with_its_reason_and_with_nobody() {
    let refused = |caller, error_kind: Option<&str>| RequestRecord {
        decision: Some(Decision::Refused {
            caller,
            kind: "rate_limited".to_owned(),
        }),
        status: StatusCode::TOO_MANY_REQUESTS,
        error_kind: error_kind.map(str::to_owned),
        ..request()
    };
    let anonymous = first(&log_of([refused(None, None)]));
    assert_eq!(
        anonymous["actor"],
        json!({"kind": "anonymous", "id": null, "scope": null})
    );
    assert_eq!(
        anonymous["outcome"],
        json!({"status_code": 429, "error_kind": "rate_limited"})
    );
    assert_eq!(anonymous["tenant"], Value::Null);
    let known = first(&log_of([refused(
        Some(principal("bob", Scope::All)),
        Some("timeout"),
    )]));
    assert_eq!(
        known["actor"],
        json!({"kind": "token", "id": "bob", "scope": "*"})
    );
    assert_eq!(known["outcome"]["error_kind"], "timeout");
}

#[test]
fn a_policy_that_failed_before_it_decided_is_recorded_too() {
    let log = log_of([RequestRecord {
        decision: None,
        status: StatusCode::INTERNAL_SERVER_ERROR,
        error_kind: Some("undecided".to_owned()),
        ..request()
    }]);
    assert_eq!(first(&log)["actor"]["kind"], "anonymous");
    assert_eq!(first(&log)["outcome"]["error_kind"], "undecided");
}

#[test]
fn what_a_query_holds_is_never_recorded() {
    let log = log_of([RequestRecord {
        path: "/images?token=correct-horse".to_owned(),
        ..request()
    }]);
    assert_eq!(first(&log)["resource"], "/images");
    assert!(!String::from_utf8(log).unwrap().contains("horse"));
}

#[test]
fn what_is_long_is_cut_and_a_scope_says_so() {
    let long = "é".repeat(100_000);
    let log = log_of([RequestRecord {
        path: format!("/{long}"),
        certificate: Some(Arc::from(long.as_str())),
        decision: Some(Decision::Refused {
            caller: Some(principal(&long, Scope::Only((0..1000).collect()))),
            kind: long.clone(),
        }),
        ..request()
    }]);
    let record = Record::parse(lines(&log)[0]).unwrap();
    // A character of two bytes doesn't fit any more.
    assert_eq!(record.resource.len(), 1023);
    assert_eq!(record.peer_certificate.unwrap().len(), 1024);
    assert_eq!(record.outcome.error_kind.unwrap().len(), 128);
    assert_eq!(record.actor.id.unwrap().len(), 256);
    assert_eq!(record.actor.scope_omitted, Some(1000 - 256));
    assert!(lines(&log)[0].len() < LONGEST_LINE);
}

#[test]
fn what_the_server_does_is_recorded_as_the_systems() {
    let log = log_of([]);
    let record = Record::parse(lines(&log)[0]).unwrap();
    assert_eq!(record.actor.kind, ActorKind::System);
    assert_eq!(record.action, "tokens.reload");
    assert_eq!(record.outcome.error_kind.as_deref(), Some("token_file"));
    assert_eq!((record.request_id, record.peer_addr), (None, None));
}

prop_compose! {
    fn any_principal()(
        id in any::<String>(),
        all in any::<bool>(),
        tenants in prop::collection::vec(any::<u64>(), 0..300),
    ) -> Principal {
        principal(&id, if all { Scope::All } else { Scope::Only(tenants) })
    }
}

fn any_decision() -> impl Strategy<Value = Option<Decision>> {
    let caller = || prop::option::of(any_principal());
    prop::option::of(prop_oneof![
        (caller(), any::<u64>()).prop_map(|(caller, tenant)| Decision::Admitted { caller, tenant }),
        (caller(), any::<String>()).prop_map(|(caller, kind)| Decision::Refused { caller, kind }),
    ])
}

prop_compose! {
    fn any_request()(
        ms in 0..u64::from(u32::MAX),
        peer in any::<SocketAddr>(),
        certificate in prop::option::of(any::<String>()),
        method in "[A-Za-z!#$%&'*+.^_`|~0-9-]{1,40}",
        path in any::<String>(),
        decision in any_decision(),
        status in 100..1000_u16,
        error_kind in prop::option::of(any::<String>()),
        latency in any::<Duration>(),
        usage in prop::option::of(any_usage()),
    ) -> RequestRecord {
        RequestRecord {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(ms),
            request_id: RequestId::random(),
            trace_id: TraceId::random(),
            peer,
            certificate: certificate.map(Arc::from),
            action: None,
            method: Some(Method::from_bytes(method.as_bytes()).unwrap()),
            path,
            decision,
            status: StatusCode::from_u16(status).unwrap(),
            error_kind,
            latency,
            usage,
        }
    }
}

prop_compose! {
    fn any_usage()(
        guest in any::<Duration>(),
        device in any::<Duration>(),
        launches in any::<u64>(),
        request_bytes in any::<u64>(),
    ) -> Usage {
        Usage { guest, device, launches, request_bytes, ..Usage::default() }
    }
}

/// A log of some records, with its head as an operator would have noted it.
fn any_log() -> impl Strategy<Value = (Vec<u8>, Head)> {
    prop::collection::vec(any_request(), 1..6).prop_map(|records| {
        let log = log_of(records);
        let found = verify(&log, &[]);
        assert!(found.is_whole(), "{:#?}", found.problems);
        let head = found.last.unwrap().head;
        (log, head)
    })
}

/// Whether somebody who knows the head and the first number sees that it changed.
fn is_found(log: &[u8], head: Head) -> bool {
    let found = verify(log, &[head]);
    !found.is_whole() || found.continues()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_clients_send_the_lines_are_records_of_the_schema_and_verify(
        records in prop::collection::vec(any_request(), 0..20)
    ) {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let count = records.len();
        let log = log_of(records.clone());
        let found = verify(&log, &[]);
        prop_assert!(found.is_whole(), "{:#?}", found.problems);
        // One more of the server's own.
        prop_assert_eq!(found.records, count as u64 + 1);
        prop_assert_eq!(lines(&log).len(), count + 1);
        for (line, seq) in lines(&log).into_iter().zip(0..) {
            let json: Value = serde_json::from_slice(line).unwrap();
            let errors: Vec<_> = schema.iter_errors(&json).map(|e| e.to_string()).collect();
            prop_assert!(errors.is_empty(), "{errors:#?}: {json:#}");
            let record = Record::parse(line).unwrap();
            prop_assert_eq!(record.seq, seq);
            if let Some(request) = records.get(seq as usize) {
                let path = request.path.split('?').next().unwrap();
                prop_assert!(path.starts_with(&record.resource));
                let id = request.request_id.to_string();
                prop_assert_eq!(record.request_id, Some(id));
                // Each line can be written again from what was read.
                let again = serde_json::to_value(Record::parse(line).unwrap()).unwrap();
                prop_assert_eq!(again, json);
            }
        }
    }

    #[test]
    fn a_single_changed_byte_is_found(
        (log, head) in any_log(),
        at in any::<Index>(),
        change in 1..=255_u8,
    ) {
        let mut log = log;
        let at = at.index(log.len());
        log[at] ^= change;
        prop_assert!(is_found(&log, head));
    }

    #[test]
    fn a_line_that_is_removed_repeated_or_moved_is_found(
        (log, head) in any_log(),
        one in any::<Index>(),
        other in any::<Index>(),
    ) {
        let lines = lines(&log);
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        let mut removed = lines.clone();
        removed.remove(one);
        prop_assert!(is_found(&removed.concat(), head), "removed {one}");
        let mut repeated = lines.clone();
        repeated.insert(other, lines[one]);
        prop_assert!(is_found(&repeated.concat(), head), "{one} repeated at {other}");
        if one != other {
            let mut swapped = lines.clone();
            swapped.swap(one, other);
            prop_assert!(is_found(&swapped.concat(), head), "swapped {one} and {other}");
        }
        let mut cut = log.clone();
        cut.truncate(log.len() - 1 - one);
        prop_assert!(is_found(&cut, head), "cut");
    }
}

proptest! {
    #[test]
    fn verifying_takes_any_bytes(
        parts in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                Just(b"\n".to_vec()),
                (any::<u64>(), any::<u64>(), "[0-9a-f]{64}").prop_map(|(seq, ts, hash)| line(seq, ts, &hash)),
                (0..4_u64, any::<u64>()).prop_map(|(seq, ts)| line(seq, ts, &"0".repeat(64))),
                (any::<u16>()).prop_map(|count| vec![b'x'; usize::from(count) * 2]),
            ],
            0..12,
        ),
        seq in prop_oneof![0..4_u64, any::<u64>()],
    ) {
        let log = parts.concat();
        let hash = "0".repeat(64);
        let head = format!("{seq}:{hash}").parse().unwrap();
        let found = verify(&log, &[head]);
        prop_assert!(found.problems.len() <= 100);
        for problem in found.problems {
            prop_assert!(!problem.fault.to_string().is_empty());
        }
    }
}

/// A line that could be a record.
fn line(seq: u64, ts: u64, hash: &str) -> Vec<u8> {
    let outcome = json!({"status_code": null, "error_kind": null});
    let mut line = json!({
        "seq": seq, "ts_unix_ms": ts, "request_id": null,
        "actor": {"kind": "system", "id": null, "scope": null},
        "action": "audit.gap", "resource": "", "tenant": null, "outcome": outcome,
        "latency_ms": null, "peer_addr": null, "lost": seq, "prev_hash": hash,
    })
    .to_string();
    line.push('\n');
    line.into_bytes()
}

//! The headers of a trace, where nothing is exported.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use tensor_wasm_tests::{Serve, eventually, guest};

use super::{CALLER, TRACE, get, parent, seen, seen_parent};

#[test]
fn the_trace_of_a_client_goes_through_policy_and_application_untouched() {
    let server = Serve::new(guest("reflect"))
        .arg("--policy")
        .arg(guest("policy_admits"))
        .arg("--audit-log=none")
        .start();
    for sampled in [false, true] {
        let parent = parent(sampled);
        let headers = [("traceparent", &*parent), ("tracestate", "a=1,b=2")];
        let seen = seen(&get(&server, "/", &headers));
        assert_eq!(seen["traceparent"], *parent);
        assert_eq!(seen["tracestate"], "a=1,b=2");
    }
}

#[test]
fn a_request_without_a_trace_begins_one_which_its_id_names() {
    let server = Serve::new(guest("reflect")).start();
    let mut traces = Vec::new();
    for headers in [
        &[][..],
        &[("traceparent", "00-0-0-01"), ("tracestate", "a=1")],
        &[("traceparent", &format!("ff-{TRACE}-{CALLER}-01"))],
        &[
            ("traceparent", &parent(true)),
            ("traceparent", &parent(true)),
        ],
        &[("tracestate", "a=1")],
    ] {
        let reply = get(&server, "/", headers);
        let (trace, _, flags) = seen_parent(&reply);
        assert_eq!(reply.header("x-request-id").unwrap(), trace);
        assert_eq!(flags, "00");
        assert!(seen(&reply).get("tracestate").is_none(), "{headers:?}");
        assert!(trace.len() == 32 && !traces.contains(&trace), "{trace}");
        traces.push(trace);
    }
    // An id that the client chose is no trace's.
    let reply = get(&server, "/", &[("x-request-id", TRACE)]);
    assert_ne!(seen_parent(&reply).0, TRACE);
}

#[test]
fn a_state_that_is_malformed_is_not_passed_on_and_the_trace_is() {
    let server = Serve::new(guest("reflect")).start();
    let headers = [("traceparent", &*parent(true)), ("tracestate", "A=1")];
    let seen = seen(&get(&server, "/", &headers));
    assert_eq!(seen["traceparent"], parent(true));
    assert!(seen.get("tracestate").is_none());
}

/// A server that shows the head of the one request that it gets.
fn upstream() -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let thread = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .unwrap();
        String::from_utf8(head).unwrap().to_ascii_lowercase()
    });
    (address, thread)
}

#[test]
fn what_a_guest_asks_of_others_belongs_to_the_trace() {
    let (address, upstream) = upstream();
    let server = Serve::new(guest("outgoing"))
        .arg(format!("--allow-http={address}"))
        .start();
    let headers = [("traceparent", &*parent(false)), ("tracestate", "a=1")];
    let reply = get(&server, &format!("/{address}"), &headers);
    assert_eq!(reply.json()["status"], 204, "{}", reply.text());
    let head = upstream.join().unwrap();
    assert!(
        head.contains(&format!("\r\ntraceparent: {}\r\n", parent(false))),
        "{head}"
    );
    assert!(head.contains("\r\ntracestate: a=1\r\n"), "{head}");
}

#[test]
fn log_and_audit_log_name_the_trace() {
    let folder = tempfile::TempDir::new().unwrap();
    let log = folder.path().join("audit.log");
    let server = Serve::new(guest("trap"))
        .arg("--policy")
        .arg(guest("policy_admits"))
        .arg(format!("--audit-log=file:{}", log.display()))
        // So that a record is in the file when its answer is there.
        .arg("--audit-sync")
        .arg("--log=json")
        .start();
    let headers = [("traceparent", &*parent(true)), ("x-request-id", "r-7")];
    get(&server, "/", &headers).assert_error(500, "trap");
    let line = eventually("the log", || {
        let log = server.log();
        let mut lines = log.lines().filter(|line| line.contains("the guest failed"));
        lines.next().map(str::to_owned)
    });
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["fields"]["trace_id"], TRACE, "{line}");
    assert_eq!(line["fields"]["request_id"], "r-7", "{line}");
    let records = fs::read_to_string(&log).unwrap();
    let record = records.lines().find(|line| line.contains("r-7")).unwrap();
    let record: serde_json::Value = serde_json::from_str(record).unwrap();
    assert_eq!(record["trace_id"], TRACE, "{record}");
}

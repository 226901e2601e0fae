//! A tenant that takes all it can get, in each way that there is, beside one that is quiet. How long the
//! quiet one waits is measured by `cargo xtask bench node`; here it is answered at all.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Raw, Reply, Serve, Server, guest};

const BAD: u64 = 1;
const QUIET: u64 = 2;

/// The connections of a flood.
const FLOOD: usize = 4;

fn node() -> (Server, TempDir) {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(["--max-memory-bytes=64MiB", "--tenant-memory-bytes=128MiB"])
        .arg("--request-timeout=20s")
        .start();
    for (tenant, name) in [
        (BAD, "endless_loop"),
        (BAD, "holds_memory"),
        (BAD, "hello"),
        (QUIET, "hello"),
    ] {
        let reply = deploy(&server, tenant, name, name.replace('_', "-"));
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    (server, data)
}

fn send(server: &Server, tenant: u64, method: Method, path: &str, body: Vec<u8>) -> Reply {
    let request = server.request(method, path);
    let request = request.header("x-tensorwasm-tenant", tenant);
    let request = request.header("content-type", "application/wasm");
    server.send(request.body(body))
}

fn deploy(server: &Server, tenant: u64, guest_name: &str, name: String) -> Reply {
    let component = fs::read(guest(guest_name)).unwrap();
    let path = format!("/functions?name={name}");
    send(server, tenant, Method::POST, &path, component)
}

/// Requests of the bad tenant that have begun, and end with their connections.
fn begin(server: &Server, path: &str, count: usize) -> Vec<Raw> {
    let begun = (0..count).map(|_| {
        let mut raw = server.raw();
        raw.send(format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nx-tensorwasm-tenant: {BAD}\r\n\
             content-length: 1000\r\n\r\n"
        ));
        raw
    });
    begun.collect()
}

/// Asks for the quiet tenant, and for the health of the node.
fn assert_answers(server: &Server, beside: &str) {
    for turn in 0..8 {
        let reply = send(server, QUIET, Method::GET, "/f/hello", Vec::new());
        assert_eq!(
            reply.status,
            200,
            "{turn}, beside {beside}: {}",
            reply.text()
        );
        for path in ["/healthz", "/readyz"] {
            let reply = send(server, QUIET, Method::GET, path, Vec::new());
            assert_eq!(reply.json(), json!({"status": "ok"}), "beside {beside}");
        }
    }
}

/// Has the bad tenant do this again and again, on some connections, meanwhile. Every answer has one of
/// these statuses.
fn assert_answers_beside_a_flood(
    server: &Server,
    of: &str,
    statuses: &[u16],
    ask: impl Fn(usize) -> Reply + Sync,
) {
    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..FLOOD {
            let (stopped, ask) = (&stopped, &ask);
            scope.spawn(move || {
                for turn in 0.. {
                    let reply = ask(turn * FLOOD + thread);
                    let status = reply.status.as_u16();
                    assert!(statuses.contains(&status), "{of}: {}", reply.text());
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        assert_answers(server, &format!("a flood of {of}"));
        stopped.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_quiet_tenant_is_answered_beside_one_that_loops_and_hoards_memory() {
    let (server, _data) = node();
    let loops = begin(&server, "/f/endless-loop", 16);
    assert_answers(&server, "16 endless loops");
    let hogs = begin(&server, "/f/holds-memory/48", 16);
    assert_answers(&server, "16 loops and 16 that hold memory");
    drop((loops, hogs));
}

#[test]
fn a_quiet_tenant_is_answered_beside_one_that_floods_the_node() {
    let (server, _data) = node();
    assert_answers_beside_a_flood(&server, "requests", &[200, 429, 503], |_| {
        send(&server, BAD, Method::GET, "/f/hello", Vec::new())
    });
    assert_answers_beside_a_flood(&server, "deployments", &[201, 429, 503], |number| {
        deploy(&server, BAD, "hello", format!("flood-{}", number % 3))
    });
    assert_answers_beside_a_flood(&server, "jobs", &[202, 429, 503], |_| {
        let path = "/functions/hello/invoke-async";
        send(&server, BAD, Method::POST, path, Vec::new())
    });
    assert_answers_beside_a_flood(&server, "assets", &[200, 429, 503], |number| {
        let path = format!("/functions/hello/assets/{}", number % 3);
        send(&server, BAD, Method::PUT, &path, vec![0; 10_000])
    });
}

#[test]
fn guests_that_work_on_after_their_responses_count_as_requests_of_their_tenant() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(["--max-tenant-requests=4", "--request-timeout=60s"])
        .start();
    for (tenant, name) in [(BAD, "answers_then_loops"), (QUIET, "hello")] {
        let reply = deploy(&server, tenant, name, name.replace('_', "-"));
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    let mut answered = 0;
    for _ in 0..12 {
        let reply = send(
            &server,
            BAD,
            Method::GET,
            "/f/answers-then-loops",
            Vec::new(),
        );
        match reply.status.as_u16() {
            200 => answered += 1,
            _ => reply.assert_error(429, "tenant_capacity_exhausted"),
        }
    }
    assert_eq!(answered, 4);
    assert_answers(&server, "guests that loop after their responses");
}

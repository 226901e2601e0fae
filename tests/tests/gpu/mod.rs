//! The GPU capability end to end: valid and invalid uses of every call of the contract, by a
//! guest that is bound to it without the SDK.

mod host_memory;
mod launches;
mod memory;
mod modules;
mod operations;
mod products;
mod retained;

use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Serve, Server, SharedServer, guest};

static SERVER: SharedServer = SharedServer::new(|| {
    Serve::new(guest("gpu_scenarios")).args([
        "--kernel-timeout=500ms",
        "--gpu-memory-bytes=64MiB",
        "--max-body-bytes=64MiB",
    ])
});

/// The result of a scenario that must succeed.
#[track_caller]
fn ok(scenario: &str) -> Value {
    take(SERVER.get().get(scenario), "ok")
}

/// The error of a scenario that must fail, after which the device still works.
#[track_caller]
fn error(scenario: &str, kind: &str) -> Value {
    let server = SERVER.get();
    let error = take(server.get(scenario), "error");
    assert_eq!(error["kind"], kind, "{error}");
    assert_well(&server);
    error
}

#[track_caller]
pub(crate) fn take(reply: Reply, member: &str) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let mut outcome = reply.json();
    assert!(outcome.get(member).is_some(), "{outcome}");
    outcome[member].take()
}

#[track_caller]
pub(crate) fn assert_well(server: &Server) {
    let after = take(server.get("/increment"), "ok");
    assert_eq!(after, json!(vec![42; 100]));
}

#[track_caller]
fn assert_message(error: &Value, texts: &[&str]) {
    let message = error["message"].as_str().unwrap_or_default();
    for text in texts {
        assert!(message.contains(text), "`{text}` is missing: {error}");
    }
}

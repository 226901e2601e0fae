//! What a node keeps over its end, however it ends.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::{Signal, guest};

use super::Node;

#[test]
fn functions_are_there_after_a_restart() {
    let node = Node::start(&[]);
    node.deploy("app", "reflect");
    let deployed = node.deploy("app", "hello");
    node.deploy("gone", "hello");
    assert_eq!(node.delete("/functions/gone").status, 204);
    let node = node.restart(&[]);
    assert_eq!(node.list(), ["app"]);
    assert_eq!(node.server.get("/functions/app").json(), deployed);
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
    let reply = node.server.post("/functions/app/versions/1/activate", "");
    assert_eq!(reply.status, 200);
    let node = node.restart(&[]);
    assert_eq!(node.server.get("/f/app").json()["path"], "/");
}

#[test]
fn a_node_drains_and_ends_at_sigterm() {
    let node = Node::start(&[]);
    node.deploy("sleep", "sleep");
    let mut raw = node.server.begin("/f/sleep/1500");
    thread::sleep(Duration::from_millis(500));
    node.server.terminate();
    let text = raw.read_to_end();
    assert!(text.contains("rested\n"), "{text}");
    let output = node.server.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("drained"), "{}", output.stderr);
}

#[test]
fn a_full_disk_refuses_what_would_be_written_and_goes_on_serving() {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    // Its memory's image is a file without a name, which the limit concerns too.
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
    // The process can make no file larger, which is as good as a disk that is full.
    node.server.limit_file_size(1);
    let reply = node.post_component("other", guest("reflect"));
    reply.assert_error(507, "storage_full");
    let job = node.server.post("/functions/app/invoke-async", "");
    job.assert_error(507, "storage_full");
    node.delete("/functions/app")
        .assert_error(507, "storage_full");
    for _ in 0..3 {
        let values = serde_json::json!({"values": {"a": "b"}});
        node.send_json(Method::PUT, "/functions/app/config", &values)
            .assert_error(507, "storage_full");
    }
    assert_eq!(node.list(), ["app"]);
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
    assert_eq!(node.server.get("/readyz").status, 200);
    // What is acknowledged once there is room again is kept.
    node.server.limit_file_size(u64::MAX);
    node.deploy("third", "hello");
    assert_eq!(node.list(), ["app", "third"]);
    let node = node.restart(&[]);
    node.deploy("other", "reflect");
    assert_eq!(node.list(), ["app", "other", "third"]);
}

/// How often the process is killed. `TENSOR_WASM_TEST_KILLS` asks for more, and `cargo xtask
/// durability` for 1,000.
fn kills() -> usize {
    let asked = std::env::var("TENSOR_WASM_TEST_KILLS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(20)
}

#[test]
fn what_was_acknowledged_survives_being_killed_at_any_moment() {
    let mut node = Node::start(&[]);
    let hello = fs::read(guest("hello")).unwrap();
    let reflect = fs::read(guest("reflect")).unwrap();
    // By name, the version that was acknowledged last, or that the function was deleted.
    let acknowledged: Mutex<BTreeMap<String, Option<u64>>> = Mutex::default();
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    for round in 0..kills() {
        let stopped = AtomicBool::new(false);
        let server = &node.server;
        thread::scope(|scope| {
            for worker in 0..3 {
                let (stopped, acknowledged) = (&stopped, &acknowledged);
                let (hello, reflect) = (&hello, &reflect);
                scope.spawn(move || {
                    // Each name is one worker's, so that its last answer is the last change.
                    for turn in 0.. {
                        if stopped.load(Ordering::SeqCst) {
                            return;
                        }
                        let name = format!("w{worker}-{}", turn % 3);
                        let body = if turn % 2 == 0 { hello } else { reflect };
                        let is_deletion = turn % 5 == 4;
                        let request = match is_deletion {
                            true => server.request(Method::DELETE, &format!("/functions/{name}")),
                            false => server
                                .request(Method::POST, &format!("/functions?name={name}"))
                                .header("content-type", "application/wasm")
                                .body(body.clone()),
                        };
                        // What is not acknowledged may have happened, or not.
                        let before = acknowledged.lock().unwrap().remove(&name);
                        let Ok(reply) = server.try_send(request) else {
                            return;
                        };
                        let state = match reply.status.as_u16() {
                            201 => Some(reply.json()["version"].as_u64().unwrap()),
                            204 | 404 => None,
                            status => panic!("{status}: {} after {before:?}", reply.text()),
                        };
                        acknowledged.lock().unwrap().insert(name, state);
                    }
                });
            }
            // Anywhere within some deployments.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            thread::sleep(Duration::from_millis(5 + seed % 150));
            node.server.signal(Signal::KILL);
            stopped.store(true, Ordering::SeqCst);
        });
        node = node.restart(&[]);
        for (name, version) in acknowledged.lock().unwrap().iter() {
            let reply = node.server.get(&format!("/functions/{name}"));
            match version {
                None => assert_eq!(reply.status, 404, "round {round}: {name}"),
                Some(version) => {
                    assert_eq!(reply.status, 200, "round {round}: {name}: {}", reply.text());
                    assert_eq!(
                        reply.json()["version"],
                        json!(version),
                        "round {round}: {name}"
                    );
                    let invoked = node.server.get(&format!("/f/{name}"));
                    assert_eq!(invoked.status, 200, "round {round}: {}", invoked.text());
                }
            }
        }
    }
}

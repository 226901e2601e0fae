//! Functions that are initialized: once for each time that they are loaded, before their first request.

use std::fs;
use std::path::Path;
use std::thread;

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, eventually, guest};

use super::Node;

const ON_DEVICE: u64 = 499_500;

impl Node {
    #[track_caller]
    fn found(&self, function: &str) -> Value {
        let reply = self.server.get(&format!("/f/{function}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// Has the function's `init` do this, from its next version on.
    #[track_caller]
    fn init_does(&self, function: &str, does: &str) {
        let values = json!({"values": {"init": does}});
        let path = format!("/functions/{function}/config");
        let reply = self.send_json(Method::PUT, &path, &values);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    #[track_caller]
    fn not_deployed(&self, function: &str, texts: &[&str]) -> Reply {
        let reply = self.post_component(function, guest("initialized"));
        reply.assert_error(422, "init_failed");
        for text in texts {
            assert!(reply.text().contains(text), "{text}: {}", reply.text());
        }
        reply
    }

    /// How often the function has written this line.
    fn written(&self, function: &str, line: &str) -> usize {
        let path = format!("/functions/{function}/logs?limit=1000");
        let logs = self.server.get(&path).json();
        let lines = logs["lines"].as_array().unwrap();
        lines.iter().filter(|found| found["text"] == line).count()
    }
}

#[test]
fn each_version_is_initialized_once_and_has_memory_and_buffers_of_its_own() {
    let node = Node::start(&[]);
    node.deploy("app", "initialized");
    let first = node.found("app");
    assert_eq!(
        (&first["inits"], &first["on_device"]),
        (&json!(1), &json!(ON_DEVICE))
    );
    assert_eq!(node.found("app"), first);
    assert_eq!(node.written("app", "init begins"), 1);

    node.deploy("app", "initialized");
    let second = node.found("app");
    assert_ne!(second["key"], first["key"]);
    assert_eq!(node.written("app", "init begins"), 2);
    let back = node.server.post("/functions/app/versions/1/activate", "");
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(node.found("app"), first);
    // The one that had requests last can be taken back at once; what those before it hold of the tenant's
    // memory is released.
    for _ in 0..2 {
        node.deploy("app", "initialized");
        node.found("app");
    }
    assert_eq!(node.written("app", "init begins"), 4);
    for (version, inits) in [(3, 4), (1, 5)] {
        let path = format!("/functions/app/versions/{version}/activate");
        assert_eq!(node.server.post(&path, "").status, 200);
        assert_eq!(node.found("app")["inits"], 1);
        assert_eq!(node.written("app", "init begins"), inits);
    }
    node.deploy("other", "initialized");
    assert_ne!(node.found("other")["key"], first["key"]);
}

#[test]
fn a_version_whose_init_fails_is_not_deployed_and_the_one_before_goes_on() {
    let node = Node::start(&["--request-timeout=3s"]);
    node.deploy("app", "hello");
    for (does, text) in [
        ("fail", "there are no weights"),
        ("trap", "trapped"),
        ("exit", "exited"),
        ("keep-device", "1 device"),
    ] {
        node.init_does("app", does);
        node.not_deployed("app", &[text]);
        assert_eq!(node.server.get("/f/app").text(), "hello\n");
    }
    assert_eq!(node.written("app", "init begins"), 4);
    let function = node.server.get("/functions/app").json();
    assert_eq!(function["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn an_init_that_does_not_end_is_stopped_and_keeps_nobody_from_anything() {
    let node = Node::start(&["--request-timeout=2s"]);
    node.deploy("app", "hello");
    node.deploy("gone", "hello");
    node.init_does("app", "loop");
    node.init_does("gone", "loop");
    thread::scope(|scope| {
        let deploying = scope.spawn(|| node.post_component("app", guest("initialized")));
        eventually("init runs", || {
            (node.written("app", "init begins") == 1).then_some(())
        });
        assert_eq!(node.server.get("/f/app").status, 200);
        // Whatever has come of it by then.
        let reply = deploying.join().unwrap();
        assert!(!reply.status.is_success(), "{}", reply.text());
    });
    thread::scope(|scope| {
        let deploying = scope.spawn(|| node.post_component("gone", guest("initialized")));
        eventually("init runs", || {
            (node.written("gone", "init begins") == 1).then_some(())
        });
        assert_eq!(node.delete("/functions/gone").status, 204);
        assert!(!deploying.join().unwrap().status.is_success());
    });
    assert_eq!(node.list(), ["app"]);
    let function = node.server.get("/functions/app").json();
    assert_eq!(function["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn after_a_restart_and_with_other_settings_init_runs_again_before_the_next_request() {
    let node = Node::start(&[]);
    node.deploy("app", "initialized");
    let first = node.found("app");
    let node = node.restart(&[]);
    assert_eq!(node.written("app", "init begins"), 0);
    thread::scope(|scope| {
        let requests: Vec<_> = (0..8).map(|_| scope.spawn(|| node.found("app"))).collect();
        let answers: Vec<Value> = requests
            .into_iter()
            .map(|request| request.join().unwrap())
            .collect();
        assert_eq!(answers[0]["on_device"], ON_DEVICE);
        assert_ne!(answers[0]["key"], first["key"]);
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "{answers:?}"
        );
    });
    assert_eq!(node.written("app", "init begins"), 1);

    let secret = json!({"value": "sesame-open-4711"});
    let set = node.send_json(Method::PUT, "/functions/app/secrets/secret", &secret);
    assert_eq!(set.status, 204);
    assert_eq!(node.found("app")["secret"], "sesame-open-4711");
    assert_eq!(node.written("app", "init begins"), 2);
    // What `init` has read is in memory alone.
    for file in files(node.data.path()) {
        let content = fs::read(&file).unwrap();
        let found = content.windows(16).any(|part| part == b"sesame-open-4711");
        assert!(!found, "{}", file.display());
    }
    // A function that fails to be initialized later answers with why, and recovers.
    node.init_does("app", "fail");
    node.server.get("/f/app").assert_error(422, "init_failed");
    node.init_does("app", "");
    assert_eq!(node.found("app")["inits"], 1);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.append(&mut self::files(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn the_image_of_a_function_has_the_limits_of_components_and_counts_as_its_tenants_memory() {
    let node = Node::start(&["--max-function-bytes=32MiB"]);
    node.deploy("app", "hello");
    node.init_does("app", "fill");
    node.not_deployed("app", &["may have 33554432"]);

    let node = Node::start(&["--tenant-memory-bytes=100MiB", "--max-function-bytes=90MiB"]);
    node.deploy("app", "hello");
    node.init_does("app", "fill");
    let reply = node.post_component("app", guest("initialized"));
    assert_eq!(reply.status, 201, "{}", reply.text());
    // An image and an instance of it are more than the tenant may have.
    let reply = node.server.get("/f/app");
    reply.assert_error(429, "tenant_capacity_exhausted");
}

#[test]
fn what_init_uses_is_its_functions() {
    let node = Node::start(&[]);
    node.deploy("app", "initialized");
    let usage = node.server.get("/usage").json();
    let app = &usage["usage"][0];
    assert_eq!(
        (&app["function"], &app["requests"]),
        (&json!("app"), &json!(0)),
        "{usage}"
    );
    assert!(app["guest_ms"].as_f64().unwrap() > 0.0, "{usage}");
}

#[test]
fn a_snapshot_of_an_initialized_function_has_the_buffers_that_it_had() {
    let node = Node::start(&[]);
    node.deploy("app", "initialized");
    let changed = node.server.get("/f/app/change");
    assert_eq!(changed.status, 200, "{}", changed.text());
    let on_device = node.found("app")["on_device"].clone();
    assert_ne!(on_device, ON_DEVICE);
    let saved = node.server.post("/functions/app/snapshots", "").json();
    let id = saved["id"].as_str().unwrap();
    let restore = json!({"name": "again"});
    let path = format!("/snapshots/{id}/restore");
    let restored = node.send_json(Method::POST, &path, &restore);
    assert_eq!(restored.status, 201, "{}", restored.text());
    let again = node.found("again");
    assert_eq!(
        (&again["on_device"], &again["inits"]),
        (&on_device, &json!(1))
    );
}

//! Snapshots: a function comes back with what it kept on its device, here or on another node; what is
//! not whole, or somebody else's, changes nothing.

mod client;
mod files;
mod interruptions;
mod refusals;
mod whole_node;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Reply, Serve, eventually};

use super::Node;

const SNAPSHOT: &str = "application/vnd.tensor-wasm.snapshot";
const KEY: &str = "a key that both nodes have, and nobody else";

impl Node {
    fn with_key(key: &str, options: &[&str]) -> Node {
        let data = TempDir::new().unwrap();
        let server = Serve::node(data.path())
            .env("TENSOR_WASM_API_SNAPSHOT_HMAC_KEY", key)
            .args(options)
            .start();
        Node { server, data }
    }

    #[track_caller]
    fn ask(&self, path: &str) -> String {
        let reply = self.server.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.text()
    }

    #[track_caller]
    fn save(&self, function: &str) -> Value {
        let reply = self
            .server
            .post(&format!("/functions/{function}/snapshots"), "");
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()
    }

    fn download(&self, id: &str) -> Vec<u8> {
        let reply = self.server.get(&format!("/snapshots/{id}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.body.to_vec()
    }

    fn upload(&self, file: impl Into<Vec<u8>>) -> Reply {
        let request = self.server.request(Method::POST, "/snapshots");
        let file: Vec<u8> = file.into();
        self.server
            .send(request.header("content-type", SNAPSHOT).body(file))
    }

    fn restore(&self, id: &str, how: &Value) -> Reply {
        self.send_json(Method::POST, &format!("/snapshots/{id}/restore"), how)
    }

    /// How many contents the store has, and no unfinished upload beside them.
    fn stored(&self) -> usize {
        let count = |folder: &str| match fs::read_dir(self.data.path().join(folder)) {
            Ok(entries) => entries.count(),
            Err(_) => 0,
        };
        count("components/blake3")
    }

    fn snapshots(&self) -> usize {
        let list = self.server.get("/snapshots").json();
        list["snapshots"].as_array().unwrap().len()
    }
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

/// A node with the function `app`, which keeps so many bytes.
fn keeping(node: Node, bytes: u64) -> Node {
    node.deploy("app", "keeps_state");
    assert_eq!(
        node.ask(&format!("/f/app/noise/state/{bytes}/7")),
        bytes.to_string()
    );
    node
}

#[test]
fn a_function_comes_back_over_itself_with_what_it_kept() {
    let node = Node::start(&[]);
    let staged = node
        .server
        .request(Method::PUT, "/functions/app/assets/a/b.txt");
    assert_eq!(node.server.send(staged.body("an asset")).status, 200);
    let node = keeping(node, 3_000_000);
    node.ask("/f/app/noise/other/5/1");
    let values = json!({"values": {"mode": "first"}});
    // From here on it is loaded anew, and keeps nothing.
    let set = node.send_json(Method::PUT, "/functions/app/config", &values);
    assert_eq!(set.status, 200);
    assert_eq!(node.ask("/f/app/sum/state"), "none");
    node.ask("/f/app/noise/state/3000000/7");
    node.ask("/f/app/noise/other/5/1");
    let (state, other) = (node.ask("/f/app/sum/state"), node.ask("/f/app/sum/other"));
    let saved = node.save("app");
    assert_eq!((&saved["buffers"], &saved["jobs"]), (&json!(2), &json!(0)));
    assert!(saved["paused_ms"].as_f64().unwrap() > 0.0);
    assert!(saved["bytes"].as_u64().unwrap() > 3_000_000);
    assert_eq!(saved["signed_by"], Value::Null);

    // What happens after it is not in it.
    node.ask("/f/app/noise/state/3000000/8");
    assert_ne!(node.ask("/f/app/sum/state"), state);
    let values = json!({"values": {"mode": "second", "more": ""}});
    node.send_json(Method::PUT, "/functions/app/config", &values);
    let restored = node.restore(id(&saved), &json!({"over": "app"}));
    assert_eq!(restored.status, 200, "{}", restored.text());
    let restored = restored.json();
    assert_eq!(restored["buffers"], json!({"state": 3_000_000, "other": 5}));
    assert_eq!(restored["function"]["version"], 2);
    assert_eq!(restored["function"]["versions"][0]["asset_files"], 1);
    assert_eq!(node.ask("/f/app/sum/state"), state);
    assert_eq!(node.ask("/f/app/sum/other"), other);
    let config = node.server.get("/functions/app/config").json();
    assert_eq!(config["values"], json!({"mode": "first"}));

    // Under a new id it is another function.
    let restored = node.restore(id(&saved), &json!({"name": "copy"}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    node.ask("/f/copy/noise/state/3000000/9");
    assert_eq!(node.ask("/f/app/sum/state"), state);
    node.restore(id(&saved), &json!({}))
        .assert_error(409, "function_exists");
    node.restore(id(&saved), &json!({"name": "A"}))
        .assert_error(400, "invalid_name");
    node.restore(id(&saved), &json!({"name": "a", "over": "app"}))
        .assert_error(400, "invalid_request");
    node.restore(id(&saved), &json!({"over": "none"}))
        .assert_error(404, "function_not_found");
    node.restore("snap_1", &json!({}))
        .assert_error(404, "snapshot_not_found");

    // Equal snapshots share all but their heads.
    let (one, other) = (node.save("app"), node.save("app"));
    let new = other["new_bytes"].as_u64().unwrap();
    assert!(
        new < 10_000 && new < one["file_bytes"].as_u64().unwrap() / 10,
        "{other}"
    );
    assert_eq!(node.snapshots(), 3);
    assert_eq!(node.delete("/functions/app").status, 204);
    assert_eq!(node.delete("/functions/copy").status, 204);
    let restored = node.restore(id(&other), &json!({}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(node.ask("/f/app/sum/state"), state);
    for snapshot in [&saved, &one, &other] {
        let path = format!("/snapshots/{}", id(snapshot));
        assert_eq!(node.delete(&path).status, 204);
        node.delete(&path).assert_error(404, "snapshot_not_found");
    }
    assert_eq!(node.delete("/functions/app").status, 204);
    // The asset that is staged went with the function.
    assert_eq!(node.stored(), 0);
}

#[test]
fn all_versions_that_get_requests_come_back_whatever_number_a_function_keeps() {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    node.deploy("app", "reflect");
    let traffic = json!({"versions": {"1": 50, "2": 50}});
    let reply = node.send_json(Method::PUT, "/functions/app/traffic", &traffic);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let saved = node.save("app");
    let file = node.download(id(&saved));

    let node = Node::start(&["--max-function-versions=1"]);
    for _ in 0..3 {
        node.deploy("app", "hello");
    }
    let uploaded = node.upload(file).json();
    let restored = node.restore(id(&uploaded), &json!({"over": "app"}));
    assert_eq!(restored.status, 200, "{}", restored.text());
    let function = node.server.get("/functions/app").json();
    assert_eq!(function["traffic"], json!({"4": 50, "5": 50}));
    assert_eq!(
        function["versions"].as_array().unwrap().len(),
        2,
        "{function}"
    );
}

#[test]
fn secrets_are_in_a_snapshot_only_where_a_key_is_given() {
    let node = Node::start(&[]);
    node.deploy("app", "reads_settings");
    let secret = json!({"value": "hush-hush"});
    node.send_json(Method::PUT, "/functions/app/secrets/KEY", &secret);
    let without = node.save("app");
    let key = json!({"secrets_key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="});
    let with = node.send_json(Method::POST, "/functions/app/snapshots", &key);
    assert_eq!(with.status, 201, "{}", with.text());
    let with = with.json();
    for saved in [&without, &with] {
        let file = node.download(id(saved));
        assert!(!file.windows(9).any(|bytes| bytes == b"hush-hush"));
    }
    let restored = node.restore(id(&without), &json!({"name": "a"})).json();
    assert_eq!(restored["missing_secrets"], json!(["KEY"]));
    // Over the function the one that it has stays.
    let restored = node.restore(id(&without), &json!({"over": "app"})).json();
    assert_eq!(restored["missing_secrets"], json!([]));
    assert_eq!(node.server.get("/f/app").json()["KEY"], "hush-hush");
    let how = |name: &str, key: &str| json!({"name": name, "secrets_key": key});
    let restored = node.restore(id(&with), &how("b", key["secrets_key"].as_str().unwrap()));
    assert_eq!(restored.json()["missing_secrets"], json!([]));
    assert_eq!(node.server.get("/f/b").json()["KEY"], "hush-hush");
    let other_key = "ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    node.restore(id(&with), &how("c", other_key))
        .assert_error(400, "invalid_request");
    node.restore(id(&with), &how("c", "AAAA"))
        .assert_error(400, "invalid_request");
    assert_eq!(node.list(), ["a", "app", "b"]);
}

#[test]
fn jobs_that_wait_are_saved_and_run_again_where_that_is_asked_for() {
    let node = Node::start(&["--max-running-jobs", "1"]);
    node.deploy("slow", "sleep");
    node.deploy("app", "echo");
    // Takes the only place.
    let blocking = node.server.post("/functions/slow/invoke-async/600000", "");
    assert_eq!(blocking.status, 202, "{}", blocking.text());
    let job = node.server.post("/functions/app/invoke-async", "a request");
    assert_eq!(job.status, 202, "{}", job.text());
    let saved = node.save("app");
    assert_eq!(saved["jobs"], 1);
    let file = node.download(id(&saved));
    // A job that is there is not made twice.
    let over = node.restore(id(&saved), &json!({"over": "app", "jobs": true}));
    assert_eq!(over.status, 200, "{}", over.text());
    assert_eq!(over.json()["jobs"], 0);

    let other = Node::start(&[]);
    let uploaded = other.upload(file).json();
    let without = other.restore(id(&uploaded), &json!({"name": "without"}));
    assert_eq!(without.json()["jobs"], 0, "{}", without.text());
    let with = other.restore(id(&uploaded), &json!({"jobs": true}));
    assert_eq!(with.json()["jobs"], 1, "{}", with.text());
    let jobs = other.server.get("/jobs").json();
    let jobs = jobs["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1);
    let result = format!("/jobs/{}/result", jobs[0]["id"].as_str().unwrap());
    let body = eventually("the job has run", || {
        let reply = other.server.get(&result);
        (reply.status == 200).then(|| reply.text())
    });
    assert_eq!(body, "a request");
    // It has the id that it had: restored once more, it is not run again.
    assert_eq!(jobs[0]["id"], job.json()["job_id"]);
    let over = other.restore(id(&uploaded), &json!({"over": "app", "jobs": true}));
    assert_eq!(over.json()["jobs"], 0, "{}", over.text());
    // Of another function it is another job.
    let copy = other.restore(id(&uploaded), &json!({"name": "copy", "jobs": true}));
    assert_eq!(copy.json()["jobs"], 1, "{}", copy.text());
    let over = other.restore(id(&uploaded), &json!({"over": "copy", "jobs": true}));
    assert_eq!(over.json()["jobs"], 0, "{}", over.text());
}

fn text(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

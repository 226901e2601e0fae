//! Snapshots: a function comes back with what it kept on its device, here or on another node; what is
//! not whole, or somebody else's, changes nothing.

use std::fs;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Reply, Serve, eventually, guest, run};

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
fn a_snapshot_is_restored_on_another_node_that_has_the_key() {
    let node = keeping(Node::with_key(KEY, &[]), 2_500_000);
    let state = node.ask("/f/app/sum/state");
    let saved = node.save("app");
    let key = saved["signed_by"].as_str().unwrap();
    assert!(key.starts_with("hmac:"), "{key}");
    let file = node.download(id(&saved));
    assert_eq!(saved["file_bytes"], file.len());
    // A download that broke off goes on.
    let request = node
        .server
        .request(Method::GET, &format!("/snapshots/{}", id(&saved)));
    let rest = node.server.send(request.header("range", "bytes=1000000-"));
    assert_eq!(rest.status, 206);
    assert_eq!(rest.body[..], file[1_000_000..]);
    let request = node
        .server
        .request(Method::GET, &format!("/snapshots/{}", id(&saved)));
    let range = format!("bytes={}-", file.len());
    node.server
        .send(request.header("range", range))
        .assert_error(416, "range_not_satisfiable");

    let other = Node::with_key(KEY, &[]);
    let uploaded = other.upload(file.clone());
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    let uploaded = uploaded.json();
    assert_eq!(uploaded["signed_by"], key);
    let restored = other.restore(id(&uploaded), &json!({"name": "copy"}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    let restored = restored.json();
    let original = node.server.get("/functions/app").json();
    assert_eq!(restored["function"]["digest"], original["digest"]);
    assert_ne!(restored["function"]["id"], original["id"]);
    assert_eq!(other.ask("/f/copy/sum/state"), state);

    let stranger = Node::with_key("another key, which is as long as a key has to be", &[]);
    stranger
        .upload(file.clone())
        .assert_error(403, "snapshot_refused");
    let nobody = Node::start(&[]);
    let taken = nobody.upload(file);
    assert_eq!(taken.status, 201, "{}", taken.text());
    nobody.deploy("hello", "hello");
    let unsigned = nobody.download(id(&nobody.save("hello")));
    other.upload(unsigned).assert_error(403, "snapshot_refused");
    assert_eq!((stranger.snapshots(), stranger.stored()), (0, 0));
    assert_eq!(other.snapshots(), 1);
}

#[test]
fn a_file_that_is_longer_than_a_request_may_be_is_uploaded_in_parts() {
    const PART: usize = 1 << 20;
    let node = keeping(Node::start(&[]), 20_000_000);
    let state = node.ask("/f/app/sum/state");
    let file = node.download(id(&node.save("app")));
    let other = Node::start(&["--max-body-bytes", "17MiB"]);
    other
        .upload(file.clone())
        .assert_error(413, "body_too_large");
    let put = |name: &str, offset: usize, part: &[u8]| {
        let path = format!("/snapshots/uploads/{name}?offset={offset}");
        let request = other.server.request(Method::PUT, &path);
        let request = request.header("content-type", SNAPSHOT);
        other.server.send(request.body(part.to_vec()))
    };
    let arrived = |name: &str| other.server.get(&format!("/snapshots/uploads/{name}"));
    arrived("one").assert_error(404, "snapshot_not_found");
    put("one", PART, &file[PART..2 * PART]).assert_error(409, "upload_offset");
    put("a.b", 0, &file[..PART]).assert_error(400, "invalid_request");
    let mut offset = 0;
    // The first part ends within the manifest, others within chunks.
    for length in [170, 1, 4 * PART, PART + 77] {
        let reply = put("one", offset, &file[offset..offset + length]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        offset += length;
        assert_eq!(reply.json()["offset"], offset);
        assert_eq!(arrived("one").json()["offset"], offset);
        put("one", offset - 1, &file[offset - 1..]).assert_error(409, "upload_offset");
    }
    // A part whose client goes away in the middle.
    let mut raw = other.server.raw();
    raw.send(format!(
        "PUT /snapshots/uploads/one?offset={offset} HTTP/1.1\r\nhost: a\r\n\
         content-type: {SNAPSHOT}\r\ncontent-length: {}\r\n\r\n",
        2 * PART
    ));
    raw.send(&file[offset..offset + PART]);
    drop(raw);
    let offset = eventually("what has arrived is counted", || {
        let now = arrived("one").json()["offset"].as_u64()?;
        (now as usize == offset + PART).then_some(offset + PART)
    });
    let reply = put("one", offset, &file[offset..]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    arrived("one").assert_error(404, "snapshot_not_found");
    let restored = other.restore(id(&reply.json()), &json!({}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(other.ask("/f/app/sum/state"), state);
    assert_eq!(other.delete("/functions/app").status, 204);
    let path = format!("/snapshots/{}", id(&reply.json()));
    assert_eq!(other.delete(&path).status, 204);

    // What is damaged is forgotten as a whole.
    let mut damaged = file.clone();
    damaged[2 * PART] ^= 1;
    assert_eq!(put("two", 0, &damaged[..PART]).status, 200);
    put("two", PART, &damaged[PART..4 * PART]).assert_error(422, "invalid_snapshot");
    arrived("two").assert_error(404, "snapshot_not_found");
    assert_eq!((other.snapshots(), other.stored()), (0, 0));

    // The client does the same.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.snapshot");
    fs::write(&path, &file).unwrap();
    let server = other.server.url("");
    let restored = run([
        "snapshot",
        "restore",
        path.to_str().unwrap(),
        "--server",
        &server,
    ]);
    assert_eq!(restored.code, Some(0), "{}", text(&restored));
    assert_eq!(other.ask("/f/app/sum/state"), state);
    assert_eq!(other.snapshots(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_saved_on_one_device_is_restored_on_another() {
    let driver = tensor_wasm_tests::Driver::new("");
    let start = |options: &[&str]| {
        let data = TempDir::new().unwrap();
        let server = Serve::node(data.path())
            .env("LD_LIBRARY_PATH", driver.folder())
            .args(options)
            .start();
        Node { server, data }
    };
    let nodes = [
        start(&["--gpu=cpu"]),
        start(&["--gpu=cpu", "--isolate"]),
        start(&["--gpu=cuda"]),
    ];
    for node in nodes.each_ref() {
        node.deploy("app", "keeps_state");
        node.ask("/f/app/noise/state/2500000/3");
        node.ask("/f/app/noise/small/1/3");
    }
    let expected = nodes[0].ask("/f/app/sum/state");
    for from in nodes.each_ref() {
        assert_eq!(from.ask("/f/app/sum/state"), expected);
        let file = from.download(id(&from.save("app")));
        for to in nodes.each_ref() {
            let uploaded = to.upload(file.clone()).json();
            let restored = to.restore(id(&uploaded), &json!({"name": "copy"}));
            assert_eq!(restored.status, 201, "{}", restored.text());
            assert_eq!(to.ask("/f/copy/sum/state"), expected);
            assert!(to.ask("/f/copy/sum/small").starts_with("1 "));
            assert_eq!(to.delete("/functions/copy").status, 204);
        }
    }
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
fn a_value_does_not_take_the_name_of_a_secret() {
    let node = Node::start(&[]);
    node.deploy("app", "reads_settings");
    let values = json!({"values": {"KEY": "value"}});
    node.send_json(Method::PUT, "/functions/app/config", &values);
    let saved = node.save("app");
    node.send_json(Method::PUT, "/functions/app/config", &json!({"values": {}}));
    node.send_json(
        Method::PUT,
        "/functions/app/secrets/KEY",
        &json!({"value": "hush"}),
    );
    let reply = node.restore(id(&saved), &json!({"over": "app"}));
    reply.assert_error(422, "invalid_snapshot");
    assert!(
        reply.text().contains("`KEY` is a secret"),
        "{}",
        reply.text()
    );
    assert_eq!(node.server.get("/f/app").json()["KEY"], "hush");
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
}

#[test]
fn what_is_not_a_whole_snapshot_changes_nothing() {
    let node = keeping(Node::start(&[]), 1_500_000);
    let saved = node.save("app");
    let file = node.download(id(&saved));
    let other = Node::start(&[]);
    let mut bad: Vec<(Vec<u8>, &str)> = Vec::new();
    for end in [0, 9, 160, 200, file.len() / 2, file.len() - 1] {
        bad.push((file[..end].to_vec(), "cut short"));
    }
    let flipped = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        file
    };
    bad.push((flipped(0), "no snapshot"));
    for at in [12, 40, 100, 170, file.len() - 9] {
        bad.push((flipped(at), "damaged"));
    }
    let mut newer = file.clone();
    newer[8] = 9;
    bad.push((newer, "format version 9"));
    bad.push(([&file[..], b"x"].concat(), "behind its end"));
    bad.push((fs::read(guest("hello")).unwrap(), "no snapshot"));
    for (bad, says) in bad {
        let reply = other.upload(bad);
        reply.assert_error(422, "invalid_snapshot");
        assert!(reply.text().contains(says), "{says}: {}", reply.text());
    }
    let request = other.server.request(Method::POST, "/snapshots");
    other
        .server
        .send(request.body("x"))
        .assert_error(415, "unsupported_media_type");
    assert_eq!((other.snapshots(), other.stored()), (0, 0));
    assert!(other.list().is_empty());

    // A content that is damaged on the disk is not restored, and the function stays.
    let folder = node.data.path().join("components/blake3");
    let largest = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let largest = largest.max_by_key(|path| fs::metadata(path).unwrap().len());
    let largest = largest.unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    bytes[1000] ^= 1;
    fs::write(&largest, bytes).unwrap();
    let state = node.ask("/f/app/sum/state");
    let reply = node.restore(id(&saved), &json!({"over": "app"}));
    reply.assert_error(422, "invalid_snapshot");
    assert_eq!(node.ask("/f/app/sum/state"), state);
    assert_eq!(node.server.get("/functions/app").json()["version"], 1);
}

#[test]
fn another_tenant_s_snapshot_is_refused_and_not_seen() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .start();
    let node = Node { server, data };
    let send = |tenant: &str, method: Method, path: &str, media_type: &str, body: Vec<u8>| {
        let request = node.server.request(method, path);
        let request = request.header("x-tensorwasm-tenant", tenant);
        node.server
            .send(request.header("content-type", media_type).body(body))
    };
    let hello = fs::read(guest("hello")).unwrap();
    let wasm = "application/wasm";
    let deployed = send("7", Method::POST, "/functions?name=app", wasm, hello);
    assert_eq!(deployed.status, 201, "{}", deployed.text());
    let json = "application/json";
    let path = "/functions/app/snapshots";
    let saved = send("7", Method::POST, path, json, b"{}".to_vec()).json();
    let path = format!("/snapshots/{}", id(&saved));
    let file = send("7", Method::GET, &path, json, Vec::new())
        .body
        .to_vec();
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/restore")),
    ] {
        let reply = send("8", method, &path, json, b"{}".to_vec());
        reply.assert_error(404, "snapshot_not_found");
    }
    let list = send("8", Method::GET, "/snapshots", json, Vec::new());
    assert_eq!(list.json()["snapshots"], json!([]));
    let reply = send("8", Method::POST, "/snapshots", SNAPSHOT, file.clone());
    reply.assert_error(403, "snapshot_refused");
    assert!(reply.text().contains("tenant 7"), "{}", reply.text());
    let reply = send("7", Method::POST, "/snapshots", SNAPSHOT, file);
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let node = keeping(Node::start(&[]), 2_000_000);
    let file = node.download(id(&node.save("app")));
    // A device too small for the buffer.
    let small = Node::start(&["--gpu-memory-bytes", "1MiB"]);
    let uploaded = small.upload(file.clone()).json();
    let before = small.stored();
    let reply = small.restore(id(&uploaded), &json!({}));
    reply.assert_error(429, "tenant_capacity_exhausted");
    assert!(reply.text().contains("memory"), "{}", reply.text());
    assert!(small.list().is_empty());
    assert_eq!(small.stored(), before);
    // No device.
    let none = Node::start(&["--gpu", "deny"]);
    let uploaded = none.upload(file.clone()).json();
    none.restore(id(&uploaded), &json!({}))
        .assert_error(503, "device_unavailable");
    // A quota that the file is larger than, and one that the function does not fit beside it.
    let poor = Node::start(&["--tenant-storage-bytes", "1MiB"]);
    poor.upload(file.clone())
        .assert_error(429, "tenant_capacity_exhausted");
    assert_eq!((poor.snapshots(), poor.stored()), (0, 0));
    let bytes = file.len() + 20_000;
    let poor = Node::start(&["--tenant-storage-bytes", &bytes.to_string()]);
    let uploaded = poor.upload(file).json();
    let before = poor.stored();
    poor.restore(id(&uploaded), &json!({}))
        .assert_error(429, "tenant_capacity_exhausted");
    assert!(poor.list().is_empty());
    assert_eq!(poor.stored(), before);
    // As many functions as the tenant may have.
    let full = Node::start(&["--max-functions", "1"]);
    full.deploy("one", "hello");
    let saved = full.save("one");
    full.restore(id(&saved), &json!({"name": "two"}))
        .assert_error(429, "tenant_capacity_exhausted");
    assert_eq!(full.list(), ["one"]);
}

#[test]
fn a_node_that_is_killed_while_it_saves_or_restores_has_all_of_it_or_nothing() {
    let mut node = keeping(Node::start(&[]), 20_000_000);
    let saved = node.save("app");
    let contents = node.stored();
    for round in 0..6 {
        let path = match round % 2 {
            0 => "/functions/app/snapshots".to_owned(),
            _ => format!("/snapshots/{}/restore", id(&saved)),
        };
        node.ask(&format!("/f/app/noise/state/20000000/{round}"));
        let body = match round % 2 {
            0 => json!({}),
            _ => json!({"name": format!("copy-{round}")}),
        };
        let request = node.server.request(Method::POST, &path).json(&body);
        let sending = thread::spawn(move || request.send().map(|reply| reply.status().as_u16()));
        thread::sleep(Duration::from_millis(15 + 30 * round));
        node = node.restart(&[]);
        let _ = sending.join();
        // The first one is whole, whatever became of the other.
        let restored = node.restore(id(&saved), &json!({"over": "app"}));
        assert_eq!(restored.status, 200, "{round}: {}", restored.text());
        for name in node.list() {
            if name != "app" {
                assert_ne!(node.ask(&format!("/f/{name}/touch/other")), "");
                assert_eq!(node.delete(&format!("/functions/{name}")).status, 204);
            }
        }
        let list = node.server.get("/snapshots").json();
        for snapshot in list["snapshots"].as_array().unwrap() {
            if snapshot["id"] != saved["id"] {
                let restored = node.restore(id(snapshot), &json!({"name": "again"}));
                assert_eq!(restored.status, 201, "{round}: {}", restored.text());
                assert_eq!(node.delete("/functions/again").status, 204);
                let path = format!("/snapshots/{}", id(snapshot));
                assert_eq!(node.delete(&path).status, 204);
            }
        }
        assert_eq!(node.stored(), contents, "{round}");
    }
}

#[test]
fn a_function_is_saved_and_restored_while_it_is_invoked_and_deleted() {
    let node = keeping(Node::start(&[]), 1_000_000);
    let saved = node.save("app");
    thread::scope(|scope| {
        let node = &node;
        let invoking = scope.spawn(move || {
            let mut answers = 0;
            for _ in 0..60 {
                let reply = node.server.get("/f/app/touch/state");
                assert!(
                    [200, 404].contains(&reply.status.as_u16()),
                    "{}",
                    reply.text()
                );
                answers += u32::from(reply.status == 200);
            }
            answers
        });
        for round in 0..4 {
            let reply = node.server.post("/functions/app/snapshots", "");
            assert_eq!(reply.status, 201, "{}", reply.text());
            let reply = node.restore(id(&saved), &json!({"over": "app"}));
            assert_eq!(reply.status, 200, "{round}: {}", reply.text());
        }
        assert!(invoking.join().unwrap() > 0);
        // Deleted while it is restored: it is there with all that it had, or not at all.
        for round in 0..4 {
            let restoring = scope.spawn(move || {
                let reply = node.restore(id(&saved_of(node)), &json!({"over": "app"}));
                reply.status.as_u16()
            });
            thread::sleep(Duration::from_millis(10 * round));
            let deleted = node.delete("/functions/app").status.as_u16();
            assert_eq!(deleted, 204);
            let status = restoring.join().unwrap();
            assert!([200, 404].contains(&status), "{status}");
            assert!(node.list().is_empty());
            let reply = node.restore(id(&saved_of(node)), &json!({}));
            assert_eq!(reply.status, 201, "{}", reply.text());
            assert!(node.ask("/f/app/sum/state").starts_with("1000000 "));
        }
    });
}

/// The oldest snapshot of a node.
fn saved_of(node: &Node) -> Value {
    let list = node.server.get("/snapshots").json();
    list["snapshots"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

fn text(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn the_client_saves_verifies_shows_and_restores_files() {
    let node = keeping(Node::start(&[]), 1_500_000);
    let state = node.ask("/f/app/sum/state");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.snapshot");
    let file = path.to_str().unwrap();
    let server = node.server.url("");
    let client = |arguments: &[&str]| {
        let mut all = vec!["snapshot"];
        all.extend_from_slice(arguments);
        if !matches!(arguments[0], "verify" | "inspect") {
            all.extend_from_slice(&["--server", &server]);
        }
        run(all)
    };
    #[track_caller]
    fn done(output: &Output) -> String {
        assert!(output.code == Some(0), "{}", text(output));
        text(output)
    }
    let said = done(&client(&["save", "app", file]));
    assert!(
        said.contains("1 buffers") && said.contains("held back"),
        "{said}"
    );
    // Nothing of it stays on the node.
    assert!(done(&client(&["list"])).contains("no snapshots"));
    let again = client(&["save", "app", file]);
    assert_eq!(again.code, Some(5), "{}", text(&again));
    assert!(text(&again).contains("--force"), "{}", text(&again));
    assert!(done(&client(&["verify", file])).contains("whole"));
    let json: Value = serde_json::from_str(&done(&client(&["verify", file, "--json"]))).unwrap();
    assert_eq!(json["file_bytes"], fs::metadata(&path).unwrap().len());
    let signed = client(&["verify", file, "--require-signature"]);
    assert_eq!(signed.code, Some(3), "{}", text(&signed));
    let said = done(&client(&["inspect", file]));
    for part in ["app (fn_", "version 1", "buffer", "state", "not signed"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let json: Value = serde_json::from_str(&done(&client(&["inspect", file, "--json"]))).unwrap();
    assert_eq!(json["versions"][0]["buffers"][0]["name"], "state");

    node.ask("/f/app/noise/state/1500000/8");
    let said = done(&client(&["restore", file, "--over", "app"]));
    assert!(said.contains("state"), "{said}");
    assert_eq!(node.ask("/f/app/sum/state"), state);
    done(&client(&["restore", file, "--name", "copy", "--keep"]));
    assert_eq!(node.ask("/f/copy/sum/state"), state);
    let json: Value = serde_json::from_str(&done(&client(&["list", "--json"]))).unwrap();
    let kept = id(&json["snapshots"][0]).to_owned();
    done(&client(&["restore", &kept, "--name", "third"]));
    assert_eq!(node.ask("/f/third/sum/state"), state);
    let exists = client(&["restore", &kept]);
    assert_eq!(exists.code, Some(5), "{}", text(&exists));
    done(&client(&["delete", &kept]));
    assert_eq!(client(&["delete", &kept]).code, Some(4));

    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    for command in [
        &["verify", file][..],
        &["restore", file, "--name", "fourth"],
    ] {
        let output = client(command);
        assert_eq!(output.code, Some(5), "{}", text(&output));
        assert!(text(&output).contains("damaged"), "{}", text(&output));
    }
    let missing = client(&["verify", "none.snapshot"]);
    assert_eq!(missing.code, Some(1), "{}", text(&missing));
    assert_eq!(node.list(), ["app", "copy", "third"]);
}

#[test]
fn a_node_says_which_key_of_snapshots_it_can_not_use() {
    let data = TempDir::new().unwrap();
    let refused = Serve::node(data.path())
        .env("TENSOR_WASM_API_SNAPSHOT_HMAC_KEY", "short")
        .refused();
    let said = text(&refused);
    assert!(said.contains("TENSOR_WASM_API_SNAPSHOT_HMAC_KEY"), "{said}");
    assert!(
        said.contains("32 characters") && !said.contains("short\""),
        "{said}"
    );
    let refused = Serve::node(data.path())
        .args(["--snapshot-trusted-key", "abc"])
        .refused();
    assert!(
        text(&refused).contains("64 hexadecimal digits"),
        "{}",
        text(&refused)
    );
}

//! What is refused, and leaves nothing.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, guest};

use super::{SNAPSHOT, id, keeping};
use crate::node::Node;

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

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_nothing_is_saved_or_restored_and_the_function_goes_on() {
    let node = keeping(Node::start(&[]), 1_500_000);
    let state = node.ask("/f/app/sum/state");
    let saved = node.save("app");
    let file = node.download(id(&saved));
    let before = node.stored();
    // The process may make no longer files.
    node.server.limit_file_size(1);
    node.ask("/f/app/noise/state/1500000/8");
    let full = "storage_full";
    node.server
        .post("/functions/app/snapshots", "")
        .assert_error(507, full);
    node.upload(file).assert_error(507, full);
    node.restore(id(&saved), &json!({"over": "app"}))
        .assert_error(507, full);
    node.restore(id(&saved), &json!({"name": "copy"}))
        .assert_error(507, full);
    assert_ne!(node.ask("/f/app/sum/state"), state);
    node.server.limit_file_size(u64::MAX);
    assert_eq!((node.snapshots(), node.stored()), (1, before));
    assert_eq!(node.list(), ["app"]);
    let restored = node.restore(id(&saved), &json!({"over": "app"}));
    assert_eq!(restored.status, 200, "{}", restored.text());
    assert_eq!(node.ask("/f/app/sum/state"), state);
}

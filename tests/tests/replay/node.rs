//! Functions of a node are recorded each in a folder of its own, without their secrets.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

use super::{assert_same, calls, found, recordings};

fn node(data: &TempDir, folder: &TempDir, options: &[&str]) -> Server {
    Serve::node(data.path())
        .arg("--record")
        .arg(folder.path())
        .arg("--record-when=all")
        .args(options)
        .start()
}

#[track_caller]
fn deploy(server: &Server, name: &str, guest_name: &str) -> Value {
    let bytes = fs::read(guest(guest_name)).unwrap();
    let request = server.request(Method::POST, &format!("/functions?name={name}"));
    let request = request.header("content-type", "application/wasm");
    let reply = server.send(request.body(bytes));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()
}

fn put(server: &Server, path: &str, body: &Value) -> Reply {
    let request = server.request(Method::PUT, path);
    let request = request.header("content-type", "application/json");
    server.send(request.body(body.to_string()))
}

#[test]
fn the_requests_of_a_function_are_replayed_and_its_secrets_are_nowhere() {
    let (data, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = node(&data, &folder, &[]);
    let function = deploy(&server, "app", "reads_settings");
    let values = json!({ "values": { "mode": "fast" } });
    assert_eq!(put(&server, "/functions/app/config", &values).status, 200);
    let secret = json!({ "value": "correct horse" });
    assert_eq!(
        put(&server, "/functions/app/secrets/phrase", &secret).status,
        204
    );
    let seen = server.get("/f/app").json();
    assert_eq!(seen, json!({ "mode": "fast", "phrase": "correct horse" }));

    let own = folder.path().join(function["id"].as_str().unwrap());
    let recording = recordings(&own, 1).remove(0);
    let file = fs::read(&recording).unwrap();
    assert!(!file.windows(7).any(|part| part == b"correct"));
    let text = json!(calls(&recording)).to_string();
    assert!(!text.contains("correct"));
    // The guest answers with its secret, which is left out of what is compared.
    let report = assert_same(&recording, &[]);
    assert_eq!(report["redacted"], json!(["setting phrase"]));
    assert_same(&recording, &["--secret=phrase=correct horse"]);
}

#[test]
fn one_function_is_recorded_and_one_that_can_t_be_is_served_all_the_same() {
    let (data, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let options = ["--record-function=chosen", "--record-function=third"];
    let server = node(&data, &folder, &options);
    let chosen = deploy(&server, "chosen", "hello");
    deploy(&server, "other", "hello");
    deploy(&server, "third", "p3_hello");
    server.log_with(&["are not recorded", "build it for WASI 0.2"]);
    for name in ["other", "third", "chosen"] {
        assert_eq!(server.get(&format!("/f/{name}")).status, 200, "{name}");
    }
    let own = folder.path().join(chosen["id"].as_str().unwrap());
    assert_same(&recordings(&own, 1).remove(0), &[]);
    let folders = fs::read_dir(folder.path()).unwrap();
    let others = folders.filter(|entry| !found(&entry.as_ref().unwrap().path()).is_empty());
    assert_eq!(others.count(), 1);
}

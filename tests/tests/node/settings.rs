//! What functions find in `wasi:config/store`: values and secrets.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Serve};

use super::Node;

impl Node {
    fn put(&self, path: &str, body: &Value) -> Reply {
        self.send_json(Method::PUT, path, body)
    }

    #[track_caller]
    fn seen(&self) -> Value {
        let reply = self.server.get("/f/app");
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }
}

#[test]
fn a_function_sees_its_values_and_secrets_and_nobody_reads_secrets_back() {
    let node = Node::start(&[]);
    node.deploy("app", "reads_settings");
    node.deploy("other", "reads_settings");
    let values = json!({"values": {"mode": "fast", "a.b-c_d": ""}});
    let reply = node.put("/functions/app/config", &values);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(node.seen(), json!({"mode": "fast", "a.b-c_d": ""}));
    let secret = json!({"value": "hush-hush"});
    assert_eq!(node.put("/functions/app/secrets/KEY", &secret).status, 204);
    assert_eq!(node.seen()["KEY"], "hush-hush");
    let config = node.server.get("/functions/app/config");
    assert!(!config.text().contains("hush"), "{}", config.text());
    let expected = json!({"values": {"mode": "fast", "a.b-c_d": ""}, "secrets": ["KEY"]});
    assert_eq!(config.json(), expected);

    // Values are replaced, secrets stay; a new version has the same settings.
    let values = json!({"values": {"mode": "slow"}});
    assert_eq!(node.put("/functions/app/config", &values).status, 200);
    node.deploy("app", "reads_settings");
    assert_eq!(node.seen(), json!({"mode": "slow", "KEY": "hush-hush"}));
    assert_eq!(
        node.server.get("/functions/other/config").json()["secrets"],
        json!([])
    );

    let node = node.restart(&[]);
    assert_eq!(node.seen(), json!({"mode": "slow", "KEY": "hush-hush"}));
    assert_eq!(node.delete("/functions/app/secrets/KEY").status, 204);
    assert_eq!(node.seen(), json!({"mode": "slow"}));
    node.delete("/functions/app/secrets/KEY")
        .assert_error(404, "secret_not_found");
}

#[test]
fn secrets_are_sealed_on_the_disk_by_a_key_that_may_be_elsewhere() {
    let folder = tempfile::TempDir::new().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, [7; 32]).unwrap();
    let option = format!("--secrets-key={}", key.display());
    let node = Node::start(&[&option]);
    node.deploy("app", "reads_settings");
    let secret = json!({"value": "a-secret-of-some-length"});
    assert_eq!(node.put("/functions/app/secrets/KEY", &secret).status, 204);
    assert!(!node.data.path().join("secrets.key").exists());
    for entry in fs::read_dir(node.data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(8).any(|bytes| bytes == b"a-secret");
            assert!(!found, "{}", path.display());
        }
    }
    assert!(!node.server.log().contains("a-secret"));
    // Another key opens nothing, and what the log says names the cure.
    fs::write(&key, [8; 32]).unwrap();
    let node = node.restart(&[&option]);
    node.server
        .get("/f/app")
        .assert_error(503, "storage_unavailable");
    node.server.log_with(&["KEY", "set the secret again"]);
    assert_eq!(node.put("/functions/app/secrets/KEY", &secret).status, 204);
    assert_eq!(node.seen()["KEY"], "a-secret-of-some-length");

    fs::write(&key, [8; 31]).unwrap();
    drop(node.server);
    let refused = Serve::node(node.data.path()).arg(&option).refused();
    assert!(refused.stderr.contains("32 bytes"), "{}", refused.stderr);
}

#[test]
fn settings_that_are_wrong_change_nothing() {
    let node = Node::start(&[]);
    node.deploy("app", "reads_settings");
    let value = json!({"value": "x"});
    assert_eq!(node.put("/functions/app/secrets/KEY", &value).status, 204);
    for (path, body) in [
        ("/functions/app/config", json!({"values": {"a b": "x"}})),
        ("/functions/app/config", json!({"values": {"": "x"}})),
        ("/functions/app/config", json!({"values": {"KEY": "x"}})),
        ("/functions/app/config", json!({"values": {"a": 1}})),
        ("/functions/app/config", json!({})),
        ("/functions/app/secrets/a%20b", value.clone()),
        ("/functions/app/secrets/KEY", json!({"value": null})),
    ] {
        node.put(path, &body).assert_error(400, "invalid_request");
    }
    node.put("/functions/none/config", &json!({"values": {}}))
        .assert_error(404, "function_not_found");
    node.put("/functions/none/secrets/KEY", &value)
        .assert_error(404, "function_not_found");
    assert_eq!(node.seen(), json!({"KEY": "x"}));
}

#[test]
fn all_settings_of_a_function_take_so_many_bytes_and_no_more() {
    let node = Node::start(&[]);
    node.deploy("app", "reads_settings");
    let secret = json!({"value": "x".repeat(30_000)});
    for name in ["A", "B"] {
        let path = format!("/functions/app/secrets/{name}");
        assert_eq!(node.put(&path, &secret).status, 204);
    }
    let third = node.put("/functions/app/secrets/C", &secret);
    third.assert_error(400, "invalid_request");
    assert!(third.text().contains("65536 bytes"), "{}", third.text());
    // Another one under a name that is there takes the place of that.
    assert_eq!(node.put("/functions/app/secrets/B", &secret).status, 204);
    let values = json!({"values": {"mode": "x".repeat(10_000)}});
    node.put("/functions/app/config", &values)
        .assert_error(400, "invalid_request");
    assert_eq!(node.delete("/functions/app/secrets/A").status, 204);
    assert_eq!(node.put("/functions/app/config", &values).status, 200);
}

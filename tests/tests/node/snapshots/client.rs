//! The commands of the client, and the options of the node.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Serve, run};

use super::{id, keeping, text};
use crate::node::Node;

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

#[test]
fn all_functions_of_a_tenant_are_exported_and_imported() {
    let node = keeping(Node::start(&[]), 100_000);
    node.deploy("hello", "hello");
    let state = node.ask("/f/app/sum/state");
    let folder = TempDir::new().unwrap();
    let backup = folder.path().join("backup");
    let backup = backup.to_str().unwrap();
    let client = |node: &Node, arguments: &[&str]| {
        let server = node.server.url("");
        let all = [&["snapshot"], arguments, &["--server", &server]].concat();
        run(all)
    };
    let exported = client(&node, &["export", backup]);
    assert_eq!(exported.code, Some(0), "{}", text(&exported));
    assert_eq!(exported.stdout.lines().count(), 2, "{}", text(&exported));
    let again = client(&node, &["export", backup]);
    assert_eq!(again.code, Some(5), "{}", text(&again));
    let forced = client(&node, &["export", backup, "--force", "--json"]);
    assert_eq!(forced.code, Some(0), "{}", text(&forced));
    assert_eq!(node.snapshots(), 0);

    // What is there is not touched, unless that is asked for.
    let there = client(&node, &["import", backup]);
    assert_eq!(there.code, Some(5), "{}", text(&there));
    assert!(text(&there).contains("--over"), "{}", text(&there));
    assert_eq!(node.server.get("/functions/hello").json()["version"], 1);
    node.ask("/f/app/noise/state/100000/8");
    let over = client(&node, &["import", backup, "--over"]);
    assert_eq!(over.code, Some(0), "{}", text(&over));
    assert_eq!(node.ask("/f/app/sum/state"), state);
    assert_eq!(node.server.get("/functions/hello").json()["version"], 2);

    let other = Node::start(&[]);
    let damaged = folder.path().join("backup/other.snapshot");
    fs::write(&damaged, "no snapshot").unwrap();
    let refused = client(&other, &["import", backup]);
    assert_eq!(refused.code, Some(5), "{}", text(&refused));
    assert!(
        text(&refused).contains("other.snapshot"),
        "{}",
        text(&refused)
    );
    assert!(other.list().is_empty());
    fs::remove_file(damaged).unwrap();
    let imported = client(&other, &["import", backup]);
    assert_eq!(imported.code, Some(0), "{}", text(&imported));
    assert_eq!(other.list(), ["app", "hello"]);
    assert_eq!(other.ask("/f/app/sum/state"), state);
    assert_eq!(other.snapshots(), 0);
    let empty = client(&other, &["import", folder.path().to_str().unwrap()]);
    assert_eq!(empty.code, Some(5), "{}", text(&empty));
}

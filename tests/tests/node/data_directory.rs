//! Which data directories a node starts on: of one that is used, damaged, not whole or no node's it changes
//! nothing, and says what is missing.

use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::Serve;

use super::Node;

/// The data directory of a node that has the function `app`, and has ended well.
fn directory() -> TempDir {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    node.server.terminate();
    let Node { server, data } = node;
    assert_eq!(server.wait().code, Some(0));
    data
}

/// No node starts on this directory; what it says has all of these.
#[track_caller]
fn assert_refused(data: &Path, says: &[&str]) {
    let refused = Serve::node(data).refused();
    assert_eq!(refused.code, Some(1));
    for part in says {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
}

/// A node starts, and has its function.
#[track_caller]
fn assert_is_whole(data: &Path) {
    let server = Serve::node(data).start();
    assert_eq!(server.get("/f/app").text(), "hello\n");
}

#[test]
fn a_second_node_on_the_same_folder_does_not_start() {
    let node = Node::start(&[]);
    let path = node.data.path().canonicalize().unwrap();
    assert_refused(node.data.path(), &["another node", path.to_str().unwrap()]);
    node.deploy("app", "hello");
}

#[test]
fn a_folder_that_is_damaged_is_refused_and_stays_as_it_is() {
    let data = TempDir::new().unwrap();
    let database = data.path().join("node.db");
    fs::write(&database, vec![1; 4096]).unwrap();
    assert_refused(data.path(), &["node.db"]);
    assert_eq!(fs::read(&database).unwrap(), vec![1; 4096]);
}

#[test]
fn a_copy_without_its_database_is_refused_and_its_components_stay() {
    let data = directory();
    let database = data.path().join("node.db");
    let kept = data.path().join("elsewhere.db");
    fs::rename(&database, &kept).unwrap();
    assert_refused(data.path(), &["node.db", "backup"]);
    assert!(!database.exists());
    fs::rename(&kept, &database).unwrap();
    assert_is_whole(data.path());
}

#[test]
fn a_database_without_tables_is_refused_where_there_are_components() {
    let data = directory();
    let database = data.path().join("node.db");
    let kept = fs::read(&database).unwrap();
    // As a database is whose tables are in a file that was not copied. The first page has the table of
    // all tables: here one without any rows (SQLite's file format, 1.6).
    let mut without_tables = kept[..4096].to_vec();
    without_tables[28..32].copy_from_slice(&1_u32.to_be_bytes());
    without_tables[100] = 13;
    without_tables[101..108].fill(0);
    without_tables[105..107].copy_from_slice(&4096_u16.to_be_bytes());
    // The other one is as `touch` leaves it.
    for content in [Vec::new(), without_tables] {
        fs::write(&database, content).unwrap();
        assert_refused(data.path(), &["node.db", "backup"]);
        for journal in ["node.db-wal", "node.db-shm"] {
            let _ = fs::remove_file(data.path().join(journal));
        }
    }
    fs::write(&database, kept).unwrap();
    assert_is_whole(data.path());
}

#[test]
fn a_folder_that_is_no_node_s_is_refused_and_what_is_in_it_stays() {
    for file in [
        "components/button.js",
        "components/blake3/notes",
        "mounts/disk/file",
    ] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "of somebody else").unwrap();
        assert_refused(folder.path(), &["node.db", "empty directory"]);
        assert_eq!(fs::read(&file).unwrap(), b"of somebody else");
    }
}

#[test]
fn what_somebody_puts_beside_a_node_s_components_is_left_alone() {
    let data = directory();
    let beside = data.path().join("components/old/notes");
    fs::create_dir_all(beside.parent().unwrap()).unwrap();
    fs::write(&beside, "kept").unwrap();
    assert_is_whole(data.path());
    assert_eq!(fs::read(&beside).unwrap(), b"kept");
}

#[test]
fn a_copy_without_the_key_of_its_secrets_is_refused_and_gets_no_other_key() {
    let data = directory();
    let key = data.path().join("secrets.key");
    let kept = data.path().join("elsewhere.key");
    fs::remove_file(&key).unwrap();
    // Without secrets nothing is lost with the key.
    let server = Serve::node(data.path()).start();
    let node = Node { server, data };
    assert!(key.exists());
    let secret = json!({"value": "hunter2"});
    let reply = node.send_json(Method::PUT, "/functions/app/secrets/PASSWORD", &secret);
    assert_eq!(reply.status, 204, "{}", reply.text());
    let Node { server, data } = node;
    drop(server);
    fs::rename(&key, &kept).unwrap();
    assert_refused(data.path(), &["secrets.key", "backup", "--secrets-key"]);
    assert!(!key.exists());
    fs::rename(&kept, &key).unwrap();
    assert_is_whole(data.path());
}

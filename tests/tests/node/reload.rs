//! SIGHUP: a node reads its configuration again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;
use tensor_wasm_tests::{eventually, guest};

use super::Node;

/// A node with this configuration, and the file of it.
fn configured(text: &str) -> (Node, PathBuf, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("node.toml");
    fs::write(&file, text).unwrap();
    let node = Node::start(&["--config", file.to_str().unwrap()]);
    (node, file, folder)
}

fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

#[test]
fn limits_that_change_in_the_configuration_count_without_a_restart() {
    let (node, file, _folder) = configured("max-functions = 1\n");
    node.deploy("a", "hello");
    let refused = node.post_component("b", guest("hello"));
    refused.assert_error(429, "tenant_capacity_exhausted");
    replace(&file, "max-functions = 2\nmax-loaded-functions = 7\n");
    node.server.hang_up();
    let log = node.server.log_with(&[
        "the configuration was read again: max-functions",
        "changed, and in effect after a restart: max-loaded-functions",
    ]);
    assert!(!log.contains("stays as it was"), "{log}");
    node.deploy("b", "hello");
    let refused = node.post_component("c", guest("hello"));
    refused.assert_error(429, "tenant_capacity_exhausted");
}

#[test]
fn a_configuration_with_a_mistake_changes_nothing_and_the_log_names_the_mistake() {
    let (node, file, _folder) = configured("max-functions = 1\n");
    node.deploy("a", "hello");
    for (text, mistake) in [
        ("max-functions = 2\nmax-versions = 3\n", "node.toml:2:1"),
        ("max-functions = \"many\"\n", "max-functions"),
        ("max-functions = 2\nlog-level = \"=,=\"\n", "log filter"),
    ] {
        replace(&file, text);
        node.server.hang_up();
        node.server
            .log_with(&["the configuration stays as it was", mistake]);
        let refused = node.post_component("b", guest("hello"));
        refused.assert_error(429, "tenant_capacity_exhausted");
    }
    fs::remove_file(&file).unwrap();
    node.server.hang_up();
    node.server.log_with(&["can't read the configuration"]);
    replace(&file, "max-functions = 2\n");
    node.server.hang_up();
    eventually("the limit to be two", || {
        let reply = node.post_component("b", guest("hello"));
        (reply.status == 201).then_some(())
    });
}

#[test]
fn what_is_logged_can_change_without_a_restart() {
    let (node, file, _folder) = configured("log-level = \"error\"\n");
    replace(&file, "log-level = \"info\"\n");
    node.server.hang_up();
    node.server
        .log_with(&["the configuration was read again: log-level"]);
}

#[test]
fn no_request_is_dropped_while_the_configuration_is_read_again() {
    let (node, file, _folder) = configured("max-functions = 1\n");
    node.deploy("app", "hello");
    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = 0;
                    while !stopped.load(Ordering::Relaxed) || answers == 0 {
                        let reply = node.server.get("/f/app");
                        assert_eq!(reply.status.as_u16(), 200);
                        assert_eq!(reply.text(), "hello\n");
                        answers += 1;
                    }
                })
            })
            .collect();
        for functions in 2..12 {
            replace(&file, &format!("max-functions = {functions}\n"));
            node.server.hang_up();
            thread::yield_now();
        }
        replace(&file, "max-functions = 2\nmax-tenant-jobs = 3\n");
        eventually("the last configuration to be read", || {
            node.server.hang_up();
            let log = node.server.log();
            log.contains("max-tenant-jobs").then_some(())
        });
        stopped.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().unwrap();
        }
    });
}

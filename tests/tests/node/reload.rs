//! SIGHUP: a node reads its configuration again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, component, eventually, guest};

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

/// Has the server read its configuration, of which the log then says this.
fn reload(node: &Node, file: &Path, text: &str, says: &str) {
    replace(file, text);
    node.server.hang_up();
    node.server.log_with(&[says]);
}

#[test]
fn grants_of_tenants_that_change_count_for_functions_that_are_deployed_already() {
    let neighbour = Serve::new(guest("hello")).start();
    let server = neighbour.address().to_string();
    let (node, file, _folder) = configured("[tenants.0]\ngpu-memory-bytes = \"1MiB\"\n");
    node.deploy("device", "tenant_device");
    node.deploy("outgoing", "outgoing");
    node.deploy("memory", "holds_memory");
    let get = |path: &str| node.server.get(path).json();
    let asked = || get(&format!("/f/outgoing/{server}"));
    let denied = json!({"error": "ErrorCode::HttpRequestDenied"});
    assert_eq!(get("/f/device")["memory_limit"], json!(1 << 20));
    assert_eq!(get("/f/device/2000000")["error"], "quota_exceeded");
    assert_eq!(asked(), denied);
    assert_eq!(node.server.get("/f/memory/16").text(), "16 MiB");

    let more = format!("[tenants.0]\ngpu-memory-bytes = \"4MiB\"\nallow-http = [\"{server}\"]\n");
    let says = "the configuration was read again: tenants, allow-http of tenants";
    reload(&node, &file, &more, says);
    assert_eq!(get("/f/device/2000000")["memory_limit"], json!(4 << 20));
    assert_eq!(asked()["status"], 200);

    let less = "[tenants.0]\ngpu = \"deny\"\ntenant-memory-bytes = \"8MiB\"\n";
    replace(&file, less);
    node.server.hang_up();
    eventually("the device is denied", || {
        (get("/f/device")["error"] == "denied").then_some(())
    });
    eventually("requests are denied", || (asked() == denied).then_some(()));
    assert_ne!(node.server.get("/f/memory/16").text(), "16 MiB");

    // What cannot be granted changes nothing.
    replace(&file, "[tenants.0]\ngpu = \"maybe\"\n");
    node.server.hang_up();
    node.server
        .log_with(&["the configuration stays as it was", "maybe"]);
    assert_eq!(get("/f/device")["error"], "denied");
    replace(&file, "");
    node.server.hang_up();
    eventually("the device is granted", || {
        get("/f/device")["memory_limit"].is_number().then_some(())
    });
}

#[test]
fn how_many_requests_a_tenant_may_have_can_change_while_some_run() {
    let (node, file, _folder) = configured("max-tenant-requests = 1\n");
    node.deploy("sleep", "sleep");
    let mut busy = Vec::new();
    let refused = eventually("a request runs", || {
        // One that came while the one below had the place was refused.
        busy.push(node.server.begin("/f/sleep/600000"));
        let reply = node.server.get("/f/sleep/1");
        (reply.status == 429).then_some(reply)
    });
    refused.assert_error(429, "tenant_capacity_exhausted");
    let says = "the configuration was read again: max-tenant-requests";
    reload(&node, &file, "max-tenant-requests = 2\n", says);
    assert_eq!(node.server.get("/f/sleep/1").text(), "rested\n");
    replace(&file, "max-tenant-requests = 1\n");
    node.server.hang_up();
    eventually("there is one place again", || {
        (node.server.get("/f/sleep/1").status == 429).then_some(())
    });
    drop(busy);
}

/// The token of a new file, which is valid for tenant 0.
fn token(file: &Path) -> String {
    let file = file.to_str().unwrap();
    let options = ["--name", "alice", "--tenant", "0", "--file", file];
    let made = tensor_wasm_tests::run(["token", "new"].into_iter().chain(options));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    made.stdout.trim().to_owned()
}

#[test]
fn rates_and_other_settings_of_the_policy_change_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let secret = token(&folder.path().join("tokens"));
    let fixed = format!(
        "policy = [{:?}]\ntoken-file = {:?}\n",
        component("policy"),
        folder.path().join("tokens")
    );
    let limited = format!("{fixed}rate-limit-qps = 1\nrate-limit-burst = 1\n");
    let (node, file, _folder) = configured(&limited);
    let list = || {
        let request = node.server.request(reqwest::Method::GET, "/functions");
        node.server.send(request.bearer_auth(&secret))
    };
    let refused = eventually("the rate is reached", || {
        let reply = list();
        (reply.status == 429).then_some(reply)
    });
    refused.assert_error(429, "rate_limited");
    reload(&node, &file, &fixed, "rate limit: none");
    for _ in 0..20 {
        assert_eq!(list().status, 200);
    }
    let strict = format!("{fixed}require-tenant = true\n");
    reload(&node, &file, &strict, "was read again: require-tenant");
    let reply = list();
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert_eq!(reply.json()["error"]["kind"], "missing_tenant");
}

//! `/readyz`: whether a node can do its work, and which part of it can't.

use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Output, eventually, run};

use super::Node;

const ADMIN: &str = "--admin=127.0.0.1:0";

/// Waits until this part is not ready, by the API and by the address for operators.
fn becomes_unready(node: &Node, part: &str) {
    let reply = eventually(part, || {
        let reply = node.server.get("/readyz");
        (reply.status == 503).then_some(reply)
    });
    let expected = json!({"status": "unavailable", "unavailable": [part]});
    assert_eq!(reply.json(), expected);
    let admin = node.server.admin("/readyz");
    assert_eq!(admin.status, 503);
    assert_eq!(admin.text(), format!("not ready: {part}\n"));
    for output in health_checks(node) {
        let said = format!("error: not ready: {part}\n");
        assert_eq!((output.code, output.stderr), (Some(6), said));
    }
    assert_eq!(node.server.get("/healthz").status, 200);
    assert_eq!(node.server.admin("/healthz").status, 200);
}

fn becomes_ready(node: &Node) {
    eventually("all is ready", || {
        (node.server.get("/readyz").status == 200).then_some(())
    });
    assert_eq!(node.server.get("/readyz").json(), json!({"status": "ok"}));
    assert_eq!(node.server.admin("/readyz").text(), "ready\n");
    for output in health_checks(node) {
        assert_eq!((output.code, output.stdout.as_str()), (Some(0), "ready\n"));
    }
}

/// What `tensor-wasm ready` says, of the API and of the address for operators.
fn health_checks(node: &Node) -> [Output; 2] {
    let api = node.server.url("");
    let admin = format!("http://{}", node.server.admin_address());
    let by = |option: &str, address: &str| run(["ready", option, address]);
    [by("--server", &api), by("--admin", &admin)]
}

#[test]
fn a_node_whose_device_has_no_process_is_not_ready_until_it_has_one() {
    let node = Node::start(&[ADMIN, "--isolate", "--gpu-worker-idle=50ms"]);
    becomes_ready(&node);
    node.deploy("device", "tenant_device");
    assert_eq!(node.server.get("/f/device").status, 200);
    eventually("its process has ended", || {
        let page = node.server.admin("/metrics").text();
        page.contains("\ntensor_wasm_device_workers 0\n")
            .then_some(())
    });
    // A process shares memory with the node, which is a file without a name.
    node.server.limit_file_size(1);
    assert_eq!(node.server.get("/f/device").json()["error"], "device_lost");
    becomes_unready(&node, "device");
    node.server.limit_file_size(u64::MAX);
    assert_eq!(node.server.get("/f/device").status, 200);
    becomes_ready(&node);
}

#[test]
fn a_node_that_refuses_changes_since_nothing_can_be_recorded_is_not_ready() {
    let folder = TempDir::new().unwrap();
    let log = format!("--audit-log=file:{}", folder.path().join("log").display());
    let node = Node::start(&[ADMIN, &log]);
    becomes_ready(&node);
    node.server.limit_file_size(1);
    // Of that there is a record.
    node.server.hang_up();
    becomes_unready(&node, "audit");
    node.server.limit_file_size(u64::MAX);
    becomes_ready(&node);
}

#[test]
fn a_node_that_drains_is_not_ready_and_answers_still() {
    let node = Node::start(&[ADMIN, "--drain-delay=10min"]);
    node.deploy("app", "hello");
    node.server.terminate();
    becomes_unready(&node, "server");
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
}

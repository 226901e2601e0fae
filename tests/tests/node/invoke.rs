//! Invocations: what a function sees, and what its client is told where it fails.

use std::thread;

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::eventually;

use super::Node;

#[test]
fn a_function_sees_method_path_query_and_headers_of_its_request() {
    let node = Node::start(&[]);
    let function = node.deploy("app", "reflect");
    let id = function["id"].as_str().unwrap();
    for (path, seen, prefix) in [
        ("/f/app", "/", "/f/app".to_owned()),
        ("/f/app/", "/", "/f/app".to_owned()),
        (
            "/f/app/a/b%2Fc?x=1&y",
            "/a/b%2Fc?x=1&y",
            "/f/app".to_owned(),
        ),
        (
            &*format!("/functions/{id}/invoke/a"),
            "/a",
            format!("/functions/{id}/invoke"),
        ),
        (
            "/functions/app/invoke?q",
            "/?q",
            "/functions/app/invoke".to_owned(),
        ),
    ] {
        let request = node.server.request(Method::PATCH, path);
        let reply = node.server.send(request.header("x-mine", "1"));
        let saw = reply.json();
        assert_eq!(saw["path"], seen, "{path}");
        assert_eq!(saw["method"], "Method::Patch", "{path}");
        assert_eq!(saw["headers"]["x-mine"], "1");
        assert_eq!(saw["headers"]["x-forwarded-prefix"], prefix);
        assert_eq!(
            saw["headers"]["x-request-id"],
            reply.header("x-request-id").unwrap()
        );
    }
}

#[test]
fn bodies_stream_through_in_both_directions() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    let body: Vec<u8> = (0..3_000_000u32).map(|i| i.wrapping_mul(i) as u8).collect();
    let reply = node.server.post("/f/echo", body.clone());
    assert_eq!(reply.status, 200);
    assert!(reply.body == body);
}

#[test]
fn a_function_that_fails_is_a_bad_gateway() {
    let node = Node::start(&["--request-timeout", "2s"]);
    for (name, guest) in [
        ("trap", "trap"),
        ("recursion", "endless-recursion"),
        ("exit", "exit"),
        ("silent", "no-response"),
        ("loop", "endless-loop"),
        ("hello", "hello"),
    ] {
        node.deploy(name, &guest.replace('-', "_"));
    }
    let trap = node.server.get("/f/trap");
    trap.assert_error(502, "guest_trap");
    assert_eq!(trap.json()["error"]["trap"], "unreachable_code_reached");
    let recursion = node.server.get("/f/recursion");
    recursion.assert_error(502, "guest_trap");
    assert_eq!(recursion.json()["error"]["trap"], "stack_overflow");
    node.server.get("/f/exit").assert_error(502, "guest_trap");
    node.server
        .get("/f/silent")
        .assert_error(502, "guest_no_response");
    node.server
        .get("/f/loop")
        .assert_error(504, "invoke_timeout");
    assert_eq!(node.server.get("/f/hello").text(), "hello\n");
}

#[test]
fn a_tenant_with_all_of_its_requests_running_is_told_to_retry() {
    let node = Node::start(&["--max-tenant-requests", "2"]);
    node.deploy("sleep", "sleep");
    let mut busy = Vec::new();
    let reply = eventually("both requests run", || {
        // One that came while the one below had the second place was refused.
        busy.push(node.server.begin("/f/sleep/600000"));
        let reply = node.server.get("/f/sleep/1");
        assert!(
            [200, 429].contains(&reply.status.as_u16()),
            "{}",
            reply.text()
        );
        (reply.status == 429).then_some(reply)
    });
    reply.assert_error(429, "tenant_capacity_exhausted");
    assert!(reply.header("retry-after").is_some());
    // Their clients go away, and so do they.
    drop(busy);
    eventually("a place", || {
        (node.server.get("/f/sleep/1").status == 200).then_some(())
    });
}

#[test]
fn a_request_that_runs_outlives_its_function_and_its_version() {
    let node = Node::start(&[]);
    node.deploy("app", "sleep");
    thread::scope(|scope| {
        let running: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| node.server.get("/f/app/1500").text()))
            .collect();
        // They are on their way, or have begun.
        eventually("the requests run", || (running.len() == 4).then_some(()));
        thread::sleep(std::time::Duration::from_millis(500));
        node.deploy("app", "hello");
        assert_eq!(node.server.get("/f/app").text(), "hello\n");
        assert_eq!(node.delete("/functions/app").status, 204);
        for reply in running {
            assert_eq!(reply.join().unwrap(), "rested\n");
        }
    });
    node.server
        .get("/f/app")
        .assert_error(404, "function_not_found");
}

#[test]
fn endless_loops_of_one_tenant_leave_the_node_answering() {
    let node = Node::start(&["--request-timeout", "20s"]);
    node.deploy("loop", "endless_loop");
    node.deploy("hello", "hello");
    let loops: Vec<_> = (0..16).map(|_| node.server.begin("/f/loop")).collect();
    for _ in 0..20 {
        assert_eq!(node.server.get("/f/hello").text(), "hello\n");
        assert_eq!(node.server.get("/healthz").json(), json!({"status": "ok"}));
        assert_eq!(node.server.get("/readyz").status, 200);
    }
    drop(loops);
}

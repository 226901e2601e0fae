//! What a tenant sees of its functions: what they write, and what they used.

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::eventually;

use super::Node;

#[test]
fn the_last_lines_of_a_function_are_shown_with_their_requests() {
    let node = Node::start(&[]);
    node.deploy("loud", "panics_with_message");
    node.deploy("quiet", "hello");
    let reply = node.server.get("/f/loud");
    reply.assert_error(502, "guest_trap");
    let logs = eventually("the message is there", || {
        let logs = node.server.get("/functions/loud/logs").json();
        (!logs["lines"].as_array().unwrap().is_empty()).then_some(logs)
    });
    let line = &logs["lines"][0];
    assert_eq!(line["stream"], "stderr");
    assert_eq!(line["request_id"], reply.header("x-request-id").unwrap());
    assert!(logs.to_string().contains("panicked"), "{logs}");
    let next = logs["next"].as_u64().unwrap();
    let later = node
        .server
        .get(&format!("/functions/loud/logs?after={next}"))
        .json();
    assert_eq!(later, json!({"lines": [], "next": next}));
    assert_eq!(
        node.server.get("/functions/quiet/logs").json()["lines"],
        json!([])
    );
    node.server
        .get("/functions/loud/logs?after=x")
        .assert_error(400, "invalid_request");
}

#[test]
fn what_functions_used_adds_up_to_what_was_asked_of_them_also_over_a_restart() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    node.deploy("trap", "trap");
    for _ in 0..5 {
        assert_eq!(node.server.post("/f/echo", "0123456789").status, 200);
    }
    for _ in 0..2 {
        node.server.get("/f/trap").assert_error(502, "guest_trap");
    }
    let job = node.server.post("/functions/echo/invoke-async", "01234");
    let job = format!("/jobs/{}", job.json()["job_id"].as_str().unwrap());
    eventually("the job has run", || {
        (node.server.get(&job).json()["state"] == "succeeded").then_some(())
    });
    let sums = |node: &Node, name: &str| {
        let usage = node.server.get("/usage").json();
        let mut sums = (0, 0, 0, 0);
        for record in usage["usage"].as_array().unwrap() {
            if record["function"] == name {
                let number = |key: &str| record[key].as_u64().unwrap();
                sums.0 += number("requests");
                sums.1 += number("failures");
                sums.2 += number("request_bytes");
                sums.3 += number("response_bytes");
                assert!(record["wall_ms"].as_f64().unwrap() > 0.0);
            }
        }
        sums
    };
    assert_eq!(sums(&node, "echo"), (6, 0, 55, 55));
    assert_eq!(sums(&node, "trap"), (2, 2, 0, 0));
    // Asking has stored it.
    let node = node.restart(&[]);
    assert_eq!(sums(&node, "echo"), (6, 0, 55, 55));
    let usage = node.server.get("/usage?to=2020-01-01T00:00:00Z").json();
    assert_eq!(usage["usage"], json!([]));
    node.server
        .get("/usage?from=yesterday")
        .assert_error(400, "invalid_request");
    let put = node.server.request(Method::PUT, "/usage");
    node.server
        .send(put)
        .assert_error(405, "method_not_allowed");
}

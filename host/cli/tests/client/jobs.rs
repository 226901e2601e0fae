//! Jobs: how one is made, and what is heard of it.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::{Answer, Client, Server, cells};

fn job(state: &str) -> Value {
    let has_ended = !matches!(state, "pending" | "running");
    json!({
        "id": "job_1", "function": "image", "function_id": "fn_1",
        "state": state, "attempts": 1, "max_attempts": 3,
        "created_at": "2026-11-30T09:00:00.000Z",
        "started_at": "2026-11-30T09:00:01.000Z",
        "finished_at": has_ended.then_some("2026-11-30T09:00:02.000Z"),
        "status": (state == "succeeded").then_some(200),
        "error": (state == "failed")
            .then(|| json!({"kind": "guest_trap", "message": "it trapped"})),
    })
}

#[test]
fn an_invocation_can_be_a_job() {
    let server = Server::answering(|_| {
        Answer::json(202, &json!({"job_id": "job_1"})).header("location", "/jobs/job_1")
    });
    let run = server.run(&[
        "invoke",
        "image",
        "--async",
        "--path=/blur",
        "--method=PUT",
        "--data=body",
        "--idempotency-key=once",
        "--max-attempts=3",
        "--backoff=90s",
        "--on-restart=lost",
    ]);
    assert_eq!(run.succeeds().text(), "job_1\n");
    let request = server.only();
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/functions/image/invoke-async/blur");
    assert_eq!(request.body, b"body");
    for (name, value) in [
        ("x-tensorwasm-job-method", "PUT"),
        ("x-tensorwasm-job-max-attempts", "3"),
        ("x-tensorwasm-job-backoff", "1m 30s"),
        ("x-tensorwasm-job-on-restart", "lost"),
        ("idempotency-key", "once"),
    ] {
        assert_eq!(request.headers[name], value);
    }
    let run = server.run(&["invoke", "image", "--async", "--json"]);
    assert_eq!(run.succeeds().text(), "{\"job_id\":\"job_1\"}\n");
    let request = &server.received()[1];
    assert_eq!(request.headers["x-tensorwasm-job-method"], "GET");
    assert!(!request.headers.contains_key("idempotency-key"));
}

#[test]
fn jobs_are_listed_shown_and_cancelled() {
    let server = Server::answering(|request| {
        let list = request.target.starts_with("/jobs?");
        Answer::json(
            200,
            &match (request.method.as_str(), list) {
                ("DELETE", _) => job("cancelled"),
                (_, true) => json!({"jobs": [job("running"), job("succeeded")], "next": null}),
                (_, false) => job("failed"),
            },
        )
    });
    let run = server.run(&["jobs", "list", "--function=image", "--state=running"]);
    let lines = cells(run.succeeds().text());
    assert_eq!(lines[0], "ID FUNCTION STATE ATTEMPTS STATUS CREATED");
    let rest = "2026-11-30T09:00:00.000Z";
    assert_eq!(lines[1], format!("job_1 image running 1 of 3 - {rest}"));
    assert_eq!(lines[2], format!("job_1 image succeeded 1 of 3 200 {rest}"));
    let run = server.run(&["jobs", "show", "job_1"]).succeeds();
    let lines = cells(run.text());
    assert!(lines.contains(&"state failed".to_owned()), "{lines:?}");
    let error = "error guest_trap: it trapped".to_owned();
    assert!(lines.contains(&error), "{lines:?}");
    let run = server.run(&["jobs", "cancel", "job_1"]).succeeds();
    assert_eq!(run.text(), "job_1 cancelled\n");
    assert_eq!(
        server.lines(),
        [
            "GET /jobs?function=image&state=running",
            "GET /jobs/job_1",
            "DELETE /jobs/job_1"
        ]
    );
    server
        .run(&["jobs", "list", "--state=odd"])
        .fails(2, &["odd", "running"]);
}

#[test]
fn a_result_is_the_function_s_response() {
    let server = Server::answering(|_| Answer::of_function(200, [0, 1, 255]).header("x-a", "b"));
    let run = server.run(&["jobs", "result", "job_1"]).succeeds();
    assert_eq!(run.out, [0, 1, 255]);
    assert_eq!(server.lines(), ["GET /jobs/job_1/result"]);
    let run = server.run(&["jobs", "result", "job_1", "--include"]);
    assert!(run.succeeds().out.starts_with(b"HTTP/1.1 200 OK\n"));
    let server = Server::answering(|_| Answer::of_function(404, "no such image"));
    let run = server.run(&["jobs", "result", "job_1"]);
    assert_eq!(run.fails(7, &["404"]).text(), "no such image");
    let server = Server::answering(|_| Answer::error(409, "job_not_finished"));
    let run = server.run(&["jobs", "result", "job_1"]);
    run.fails(5, &["tensor-wasm jobs wait"]);
}

#[test]
fn waiting_ends_with_the_job() {
    for (end, code) in [
        ("succeeded", 0),
        ("failed", 7),
        ("cancelled", 1),
        ("lost", 1),
    ] {
        let asked = AtomicU32::new(0);
        let server = Server::answering(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::json(200, &job("pending")),
            1 => Answer::json(200, &job("running")),
            // A node that starts anew.
            2 => Answer::error(503, "storage_unavailable"),
            _ => Answer::json(200, &job(end)),
        });
        let run = server.run(&["jobs", "wait", "job_1", "--json"]);
        assert_eq!(run.status, code, "{}", run.err);
        let shown: Value = serde_json::from_slice(&run.out).unwrap();
        assert_eq!(shown["state"], end);
        assert_eq!(server.received().len(), 4);
        if end == "failed" {
            assert!(run.err.contains("guest_trap: it trapped"), "{}", run.err);
        }
    }
}

#[test]
fn waiting_can_be_limited() {
    let server = Server::answering(|_| Answer::json(200, &job("running")));
    let run = server.run(&["jobs", "wait", "job_1", "--for", "300ms"]);
    run.fails(6, &["job_1 is still running after 300ms"]);
    // Nobody waits for a node that never was there, or for a job that it does not have.
    let nowhere = Client::new(&["jobs", "wait", "job_1", "--server=unix:/nowhere"]);
    nowhere.run().fails(6, &["can't reach"]);
    let server = Server::answering(|_| Answer::error(404, "job_not_found"));
    server
        .run(&["jobs", "wait", "job_1"])
        .fails(4, &["job_not_found"]);
}

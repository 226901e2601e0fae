//! Jobs: invocations that nobody waits for.

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Signal, eventually};

use super::Node;

impl Node {
    fn invoke_async(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut request = self.server.request(Method::POST, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.server.send(request.body(body.to_owned()))
    }

    /// The id of a new job.
    #[track_caller]
    fn job(&self, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let reply = self.invoke_async(path, headers, body);
        assert_eq!(reply.status, 202, "{}", reply.text());
        let id = reply.json()["job_id"].as_str().unwrap().to_owned();
        assert_eq!(reply.header("location"), Some(&*format!("/jobs/{id}")));
        id
    }

    /// A job once it is in this state.
    fn job_in(&self, id: &str, state: &str) -> Value {
        eventually(&format!("{id} is {state}"), || {
            let job = self.server.get(&format!("/jobs/{id}")).json();
            (job["state"] == state).then_some(job)
        })
    }
}

#[test]
fn a_job_runs_behind_its_request_and_its_result_can_be_read_later() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    node.deploy("app", "reflect");
    let id = node.job("/functions/echo/invoke-async", &[], "a body");
    let job = node.job_in(&id, "succeeded");
    assert_eq!(job["status"], 200);
    assert_eq!(job["attempts"], 1);
    assert_eq!(job["function"], "echo");
    assert_eq!(job["error"], Value::Null);
    assert!(
        job["created_at"].as_str() <= job["finished_at"].as_str(),
        "{job}"
    );
    let result = node.server.get(&format!("/jobs/{id}/result"));
    assert_eq!(result.status, 200);
    assert_eq!(result.text(), "a body");
    assert_eq!(
        result.header("content-type"),
        Some("application/octet-stream")
    );

    let method = [("x-tensorwasm-job-method", "DELETE"), ("x-mine", "1")];
    let id = node.job("/functions/app/invoke-async/a/b?c", &method, "");
    node.job_in(&id, "succeeded");
    let saw = node.server.get(&format!("/jobs/{id}/result")).json();
    assert_eq!(saw["method"], "Method::Delete");
    assert_eq!(saw["path"], "/a/b?c");
    assert_eq!(saw["headers"]["x-mine"], "1");
    assert_eq!(saw["headers"]["x-request-id"], id);
    assert_eq!(saw["headers"].get("x-tensorwasm-job-method"), None);

    let jobs = node.server.get("/jobs").json();
    assert_eq!(jobs["jobs"][0]["id"], id);
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 2);
    let of_echo = node
        .server
        .get("/jobs?function=echo&state=succeeded")
        .json();
    assert_eq!(of_echo["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_job_that_fails_is_run_again_as_often_as_was_asked_for() {
    let node = Node::start(&[]);
    node.deploy("trap", "trap");
    node.deploy("status", "status_of_path");
    let thrice = [
        ("x-tensorwasm-job-max-attempts", "3"),
        ("x-tensorwasm-job-backoff", "10ms"),
    ];
    let id = node.job("/functions/trap/invoke-async", &thrice, "");
    let job = node.job_in(&id, "failed");
    assert_eq!(job["attempts"], 3);
    assert_eq!(job["error"]["kind"], "guest_trap");
    node.server
        .get(&format!("/jobs/{id}/result"))
        .assert_error(404, "job_has_no_result");

    let id = node.job("/functions/status/invoke-async/503", &thrice, "");
    let job = node.job_in(&id, "failed");
    assert_eq!((&job["attempts"], &job["status"]), (&json!(3), &json!(503)));
    assert_eq!(node.server.get(&format!("/jobs/{id}/result")).status, 503);

    // What the function refuses is not tried again.
    let id = node.job("/functions/status/invoke-async/404", &thrice, "");
    let job = node.job_in(&id, "succeeded");
    assert_eq!((&job["attempts"], &job["status"]), (&json!(1), &json!(404)));
}

#[test]
fn a_job_can_be_cancelled_while_it_waits_and_while_it_runs() {
    let node = Node::start(&["--max-running-jobs", "1"]);
    node.deploy("sleep", "sleep");
    let running = node.job("/functions/sleep/invoke-async/600000", &[], "");
    let waiting = node.job("/functions/sleep/invoke-async/1", &[], "");
    node.job_in(&running, "running");
    node.job_in(&waiting, "pending");
    node.server
        .get(&format!("/jobs/{running}/result"))
        .assert_error(409, "job_not_finished");
    let behind = node.job("/functions/sleep/invoke-async/1", &[], "");
    for id in [&waiting, &running] {
        let cancelled = node.delete(&format!("/jobs/{id}"));
        assert_eq!(cancelled.status, 200);
        assert_eq!(cancelled.json()["state"], "cancelled");
    }
    // Its place is free.
    node.job_in(&behind, "succeeded");
    let again = node.delete(&format!("/jobs/{behind}"));
    assert_eq!(again.json()["state"], "succeeded");
    node.delete("/jobs/job_0")
        .assert_error(404, "job_not_found");
}

#[test]
fn one_idempotency_key_makes_one_job() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    let key = [("idempotency-key", "k1")];
    let path = "/functions/echo/invoke-async";
    let id = node.job(path, &key, "a");
    assert_eq!(node.job(path, &key, "a"), id);
    node.job_in(&id, "succeeded");
    assert_eq!(node.job(path, &key, "a"), id);
    node.invoke_async(path, &key, "b")
        .assert_error(422, "idempotency_conflict");
    assert_ne!(node.job(path, &[("idempotency-key", "k2")], "a"), id);
}

#[test]
fn jobs_survive_the_end_of_the_node_however_it_ends() {
    let options = ["--max-running-jobs", "2"];
    let node = Node::start(&options);
    node.deploy("sleep", "sleep");
    node.deploy("echo", "echo");
    let done = node.job("/functions/echo/invoke-async", &[], "kept");
    node.job_in(&done, "succeeded");
    let path = "/functions/sleep/invoke-async/2000";
    let again = node.job(path, &[], "");
    let lost = node.job(path, &[("x-tensorwasm-job-on-restart", "lost")], "");
    let waiting: Vec<_> = (0..3)
        .map(|_| node.job("/functions/echo/invoke-async", &[], "later"))
        .collect();
    node.job_in(&again, "running");
    node.job_in(&lost, "running");
    node.server.signal(Signal::KILL);
    let node = node.restart(&options);
    assert_eq!(node.job_in(&lost, "lost")["error"]["kind"], "job_lost");
    let job = node.job_in(&again, "succeeded");
    assert_eq!(job["attempts"], 1);
    for id in &waiting {
        node.job_in(id, "succeeded");
        assert_eq!(
            node.server.get(&format!("/jobs/{id}/result")).text(),
            "later"
        );
    }
    assert_eq!(
        node.server.get(&format!("/jobs/{done}/result")).text(),
        "kept"
    );
}

#[test]
fn a_node_that_drains_leaves_its_jobs_to_the_next_start() {
    let node = Node::start(&["--drain-timeout", "1s", "--max-running-jobs", "1"]);
    node.deploy("sleep", "sleep");
    let long = node.job("/functions/sleep/invoke-async/3000", &[], "");
    let next = node.job("/functions/sleep/invoke-async/1", &[], "");
    node.job_in(&long, "running");
    node.server.terminate();
    let Node { server, data } = node;
    let output = server.wait();
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let node = Node {
        server: tensor_wasm_tests::Serve::node(data.path()).start(),
        data,
    };
    assert_eq!(node.job_in(&long, "succeeded")["attempts"], 1);
    node.job_in(&next, "succeeded");
}

#[test]
fn a_flood_of_jobs_of_one_tenant_lets_those_of_another_run() {
    // Each request names its tenant.
    let data = tempfile::TempDir::new().unwrap();
    let server = tensor_wasm_tests::Serve::node(data.path())
        .args(["--max-running-jobs", "1", "--max-tenant-jobs", "20"])
        .arg("--policy")
        .arg(tensor_wasm_tests::guest("policy_admits_as"))
        .start();
    let send = |tenant: &str, method: Method, path: &str, body: Vec<u8>| {
        let request = server.request(method, path);
        let request = request.header("x-tensorwasm-tenant", tenant);
        let request = request.header("content-type", "application/wasm");
        server.send(request.body(body))
    };
    let sleep = std::fs::read(tensor_wasm_tests::guest("sleep")).unwrap();
    for tenant in ["1", "2"] {
        let reply = send(tenant, Method::POST, "/functions?name=sleep", sleep.clone());
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
    let path = "/functions/sleep/invoke-async/300";
    let reply = eventually("the flood is refused", || {
        let reply = send("1", Method::POST, path, Vec::new());
        (reply.status != 202).then_some(reply)
    });
    reply.assert_error(429, "tenant_capacity_exhausted");
    let quiet = send("2", Method::POST, path, Vec::new()).json()["job_id"].clone();
    let quiet = format!("/jobs/{}", quiet.as_str().unwrap());
    send("1", Method::GET, &quiet, Vec::new()).assert_error(404, "job_not_found");
    eventually("the quiet tenant's job has run", || {
        let job = send("2", Method::GET, &quiet, Vec::new()).json();
        (job["state"] == "succeeded").then_some(())
    });
    let pending = send("1", Method::GET, "/jobs?state=pending", Vec::new()).json();
    assert!(!pending["jobs"].as_array().unwrap().is_empty(), "{pending}");
}

#[test]
fn a_job_that_is_wrong_is_told_how_to_be_right() {
    let node = Node::start(&["--max-job-bytes", "1KiB"]);
    node.deploy("echo", "echo");
    let path = "/functions/echo/invoke-async";
    for (header, value) in [
        ("x-tensorwasm-job-max-attempts", "many"),
        ("x-tensorwasm-job-backoff", "1h"),
        ("x-tensorwasm-job-on-restart", "maybe"),
        ("x-tensorwasm-job-method", "CONNECT"),
    ] {
        let reply = node.invoke_async(path, &[(header, value)], "");
        reply.assert_error(400, "invalid_request");
        assert!(reply.text().contains(header), "{}", reply.text());
    }
    node.invoke_async(path, &[], &"x".repeat(1025))
        .assert_error(413, "body_too_large");
    node.invoke_async("/functions/none/invoke-async", &[], "")
        .assert_error(404, "function_not_found");
    node.server
        .get("/jobs?state=odd")
        .assert_error(400, "invalid_request");
    node.server
        .get("/jobs?limit=0")
        .assert_error(400, "invalid_request");
    assert_eq!(node.server.get("/jobs").json()["jobs"], json!([]));
}

#[test]
fn the_jobs_of_a_function_that_is_gone_fail_by_its_name() {
    let node = Node::start(&["--max-running-jobs", "1"]);
    node.deploy("sleep", "sleep");
    let running = node.job("/functions/sleep/invoke-async/700", &[], "");
    let waiting = node.job("/functions/sleep/invoke-async/1", &[], "");
    node.job_in(&running, "running");
    assert_eq!(node.delete("/functions/sleep").status, 204);
    node.job_in(&running, "succeeded");
    let job = node.job_in(&waiting, "failed");
    assert_eq!(job["error"]["kind"], "function_not_found");
}

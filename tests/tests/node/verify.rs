//! `tensor-wasm verify`: what it sees of nodes that work, and of those that don't.

use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Serve, Server, component, guest, run, tensor_wasm};

use super::Node;

fn verify(server: &Server, options: &[String], token: Option<&str>) -> Output {
    let mut command = tensor_wasm();
    command.arg("verify").args(options);
    command.env("TENSOR_WASM_SERVER", server.url(""));
    if let Some(token) = token {
        command.env("TENSOR_WASM_TOKEN", token);
    }
    let output = command.output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The outcome of each step, by name.
fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            (
                step["name"].as_str().unwrap(),
                step["outcome"].as_str().unwrap(),
            )
        })
        .collect()
}

fn admin_of(server: &Server) -> String {
    format!("--admin=http://{}", server.admin_address())
}

#[test]
fn a_node_behind_a_policy_is_verified_with_metrics_and_audit_log_and_nothing_is_left() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (tokens, log) = (path("tokens"), path("audit.log"));
    let token = run([
        "token", "new", "--name", "alice", "--tenant", "7", "--file", &tokens,
    ]);
    let token = token.stdout.trim().to_owned();
    let server = Serve::node(&folder.path().join("data"))
        .arg("--policy")
        .arg(component("policy"))
        .args(["--token-file", &tokens, "--admin=127.0.0.1:0"])
        .arg(format!("--audit-log=file:{log}"))
        .start();
    let tenant = "--tenant=7".to_owned();
    let file = format!("--audit-log={log}");
    let all = [
        ("ready", "ok"),
        ("deploy", "ok"),
        ("invoke", "ok"),
        ("usage", "ok"),
        ("metrics", "ok"),
        ("audit", "ok"),
        ("remove", "ok"),
    ];
    for options in [
        vec![tenant.clone(), admin_of(&server), "--json".to_owned()],
        vec![
            tenant.clone(),
            admin_of(&server),
            file.clone(),
            "--json".to_owned(),
        ],
    ] {
        let output = verify(&server, &options, Some(&token));
        assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(outcomes(&report), all);
        assert_eq!(report["ok"], true);
    }
    let output = verify(&server, std::slice::from_ref(&tenant), Some(&token));
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    let text = &output.stdout;
    assert!(
        text.contains("skipped  metrics") && text.contains("ok       remove"),
        "{text}"
    );
    let request = server.request(reqwest::Method::GET, "/functions");
    let request = request
        .bearer_auth(&token)
        .header("x-tensorwasm-tenant", "7");
    assert_eq!(server.send(request).json()["functions"], json!([]));
    // Without the token nothing is done, though the policy lets everybody ask whether it is ready.
    let output = verify(&server, &[tenant, "--json".to_owned()], None);
    assert_eq!(output.code, Some(3), "{}{}", output.stdout, output.stderr);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(outcomes(&report), [("ready", "ok"), ("deploy", "failed")]);
}

#[test]
fn a_step_that_fails_is_named_and_the_function_is_removed() {
    let node = Node::start(&["--max-functions=1", "--admin=127.0.0.1:0"]);
    let other = Node::start(&["--admin=127.0.0.1:0"]);
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("audit.log");
    std::fs::write(&empty, "").unwrap();
    let options = |more: String| vec!["--json".to_owned(), more];
    let report = |output: &Output| serde_json::from_str::<Value>(&output.stdout).unwrap();

    // Without a policy the API shows the metrics to everybody.
    let output = verify(&node.server, &["--json".to_owned()], None);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    assert_eq!(outcomes(&report(&output))[4], ("metrics", "ok"));

    // The metrics of another node count none of it.
    let output = verify(&node.server, &options(admin_of(&other.server)), None);
    assert_eq!(output.code, Some(1), "{}{}", output.stdout, output.stderr);
    assert!(
        output.stderr.contains("is it the --admin of this node?"),
        "{}",
        output.stderr
    );
    let seen = report(&output);
    assert_eq!(seen["ok"], false);
    assert_eq!(
        outcomes(&seen)[4..],
        [("metrics", "failed"), ("remove", "ok")]
    );
    assert_eq!(node.list(), Vec::<String>::new());

    let output = verify(
        &node.server,
        &options(format!("--audit-log={}", empty.display())),
        None,
    );
    assert_eq!(output.code, Some(1), "{}{}", output.stdout, output.stderr);
    assert!(
        output.stderr.contains("has no record of function.deploy"),
        "{}",
        output.stderr
    );
    assert_eq!(
        outcomes(&report(&output))[5..],
        [("audit", "failed"), ("remove", "ok")]
    );
    assert_eq!(node.list(), Vec::<String>::new());

    // No address of metrics at all.
    let application = Serve::new(guest("hello")).start();
    let no_metrics = format!("--admin={}", application.url(""));
    let output = verify(&node.server, &options(no_metrics), None);
    assert_eq!(output.code, Some(1), "{}{}", output.stdout, output.stderr);
    assert_eq!(outcomes(&report(&output)), [("ready", "failed")]);

    // The tenant has no room for a function more; the one that it has stays.
    node.deploy("mine", "hello");
    let output = verify(&node.server, &options("--timeout=60s".to_owned()), None);
    assert_eq!(output.code, Some(6), "{}{}", output.stdout, output.stderr);
    let seen = report(&output);
    let steps = outcomes(&seen);
    assert_eq!(steps[1..], [("deploy", "failed")]);
    assert_eq!(node.list(), ["mine"]);
}

//! The client's commands against a node that runs.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Authority, Output, Serve, Server, component, guest, tensor_wasm};

use super::Node;

/// Runs a command of the client against a server.
fn client(server: &Server, arguments: &[&str]) -> Output {
    with_token(server, arguments, None)
}

fn with_token(server: &Server, arguments: &[&str], token: Option<&str>) -> Output {
    let mut command = tensor_wasm();
    command.args(arguments);
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

#[track_caller]
fn succeeds(output: Output) -> String {
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    assert_eq!(output.stderr, "");
    output.stdout
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let text = &output.stderr;
    assert_eq!(output.code, Some(code), "{}{text}", output.stdout);
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn a_component_is_deployed_invoked_rolled_back_and_deleted() {
    let node = Node::start(&[]);
    let run = |arguments: &[&str]| client(&node.server, arguments);
    assert_eq!(succeeds(run(&["list"])), "no functions\n");

    let saxpy = component("saxpy");
    let deployed = succeeds(run(&["deploy", saxpy.to_str().unwrap()]));
    assert!(deployed.starts_with("name          saxpy\n"), "{deployed}");
    let body = r#"{"a": 2, "x": [1, 2], "y": [10, 20]}"#;
    let result = succeeds(run(&["invoke", "saxpy", "--data", body]));
    assert!(result.contains("12") && result.contains("24"), "{result}");

    // Another version of the name, which is another component.
    let reflect = guest("reflect");
    let reflect = reflect.to_str().unwrap();
    let json = succeeds(run(&["deploy", reflect, "--name=saxpy", "--json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["version"], 2);
    let seen = succeeds(run(&[
        "invoke",
        "saxpy",
        "--path=/a/b?c=d",
        "--method=PUT",
        "--header=x-mine: yes",
    ]));
    let seen: Value = serde_json::from_str(&seen).unwrap();
    assert_eq!(seen["path"], "/a/b?c=d", "{seen}");
    assert_eq!(seen["method"], "Method::Put", "{seen}");
    assert_eq!(seen["headers"]["x-mine"], "yes", "{seen}");

    let shown = succeeds(run(&["show", json["id"].as_str().unwrap()]));
    assert!(shown.contains("\n2        100%"), "{shown}");
    assert!(shown.contains("\n1        -"), "{shown}");
    let listed = succeeds(run(&["list"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("2: 100%"), "{listed}");

    let back = succeeds(run(&["rollback", "saxpy"]));
    assert_eq!(back, "saxpy: version 1 gets all requests\n");
    let result = succeeds(run(&["invoke", "saxpy", "--data", body]));
    assert!(result.contains("12"), "{result}");
    fails(
        &run(&["rollback", "saxpy"]),
        5,
        &["no version below", "--to"],
    );
    succeeds(run(&["rollback", "saxpy", "--to=2"]));
    fails(
        &run(&["rollback", "saxpy", "--to=9"]),
        4,
        &["version_not_found"],
    );

    assert_eq!(succeeds(run(&["delete", "saxpy"])), "");
    let words = ["function_not_found", "request id: ", "tensor-wasm list"];
    for command in ["show", "delete", "invoke", "rollback"] {
        fails(&run(&[command, "saxpy"]), 4, &words);
    }
}

#[test]
fn traffic_settings_secrets_and_outgoing_hosts_are_changed_by_the_client() {
    let node = Node::start(&["--allow-http=api.example"]);
    let run = |arguments: &[&str]| client(&node.server, arguments);
    let settings = guest("reads_settings");
    let settings = settings.to_str().unwrap();
    succeeds(run(&[
        "deploy",
        guest("hello").to_str().unwrap(),
        "--name=app",
    ]));
    succeeds(run(&["deploy", settings, "--name=app"]));
    let divided = succeeds(run(&["traffic", "app", "1=99", "2=1"]));
    assert_eq!(divided, "app: 1: 99%, 2: 1%\n");
    fails(
        &run(&["traffic", "app", "1=99"]),
        5,
        &["invalid_request", "100 in all"],
    );
    fails(
        &run(&["traffic", "app", "3=100"]),
        4,
        &["version_not_found"],
    );
    succeeds(run(&["activate", "app", "2"]));

    succeeds(run(&["settings", "set", "app", "mode=fast", "x=y"]));
    succeeds(run(&["settings", "unset", "app", "x"]));
    let folder = TempDir::new().unwrap();
    let key = folder.path().join("key");
    fs::write(&key, "hush\n").unwrap();
    let from = format!("--from={}", key.display());
    succeeds(run(&["secrets", "set", "app", "KEY", &from]));
    let seen: Value = serde_json::from_str(&succeeds(run(&["invoke", "app"]))).unwrap();
    assert_eq!(seen, serde_json::json!({"mode": "fast", "KEY": "hush"}));
    assert_eq!(succeeds(run(&["secrets", "list", "app"])), "KEY\n");
    let shown = succeeds(run(&["settings", "show", "app"]));
    assert!(
        shown.contains("(secret)") && !shown.contains("hush"),
        "{shown}"
    );
    succeeds(run(&["secrets", "delete", "app", "KEY"]));
    fails(
        &run(&["secrets", "delete", "app", "KEY"]),
        4,
        &["secret_not_found"],
    );
    fails(
        &run(&["settings", "set", "app", "a b=c"]),
        5,
        &["invalid_request", "letters, digits"],
    );

    let shown = succeeds(run(&["outgoing", "app", "--none"]));
    assert_eq!(shown, "allowed   none\ngranted   api.example\n");
    fails(
        &run(&["outgoing", "app", "--allow=b.example"]),
        3,
        &["host_not_granted", "api.example"],
    );
}

#[test]
fn a_folder_of_assets_is_deployed_with_its_component_and_only_what_changed_is_sent() {
    let node = Node::start(&[]);
    let run = |arguments: &[&str]| client(&node.server, arguments);
    let component = guest("env_and_dir");
    let component = component.to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let at = |path: &str| folder.path().join(path);
    fs::create_dir(at("weights")).unwrap();
    fs::write(at("weights/a.bin"), "first").unwrap();
    fs::write(at("labels"), "x").unwrap();
    let assets = format!("--assets={}", folder.path().display());
    let deploy = || run(&["deploy", component, "--name=app", &assets]);
    succeeds(deploy());
    let read = |path: &str| {
        let path = format!("--path=/read/assets/{path}");
        let text = succeeds(run(&["invoke", "app", &path]));
        serde_json::from_str::<Value>(&text).unwrap()
    };
    assert_eq!(read("weights/a.bin")["text"], "first");

    fs::write(at("weights/a.bin"), "second").unwrap();
    fs::remove_file(at("labels")).unwrap();
    fs::create_dir(at("labels")).unwrap();
    fs::write(at("labels/en"), "y").unwrap();
    succeeds(deploy());
    assert_eq!(read("weights/a.bin")["text"], "second");
    assert_eq!(read("labels/en")["text"], "y");
    let listed = succeeds(run(&["assets", "list", "app", "--version=1"]));
    assert!(listed.contains("\nlabels         1 B "), "{listed}");
    let listed = succeeds(run(&["assets", "list", "app"]));
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let shown = succeeds(run(&["show", "app"]));
    assert!(shown.contains("2 (7 B)"), "{shown}");

    let one = at("weights/a.bin");
    let one = one.to_str().unwrap();
    succeeds(run(&["assets", "put", "app", "a b", one]));
    succeeds(run(&["assets", "delete", "app", "labels/en"]));
    fails(
        &run(&["assets", "delete", "app", "labels/en"]),
        4,
        &["asset_not_found", "tensor-wasm assets list"],
    );
    fails(
        &run(&["assets", "put", "app", "../a", one]),
        5,
        &["invalid_request"],
    );
    succeeds(run(&["assets", "delete", "app", "--all"]));
    assert_eq!(succeeds(run(&["assets", "list", "app"])), "no assets\n");
}

#[test]
fn list_shows_more_functions_than_a_page_has() {
    let node = Node::start(&[]);
    let names: Vec<String> = (0..103).map(|number| format!("f{number:03}")).collect();
    for name in &names {
        node.deploy(name, "hello");
    }
    let listed = succeeds(client(&node.server, &["list"]));
    let mut listed = listed
        .lines()
        .skip(1)
        .map(|line| line.split(' ').next().unwrap());
    assert!(names.iter().eq(listed.by_ref()), "all, in order");
    assert_eq!(listed.next(), None);
}

#[test]
fn what_a_node_refuses_has_the_exit_code_of_its_kind() {
    let node = Node::start(&["--max-function-bytes=1KiB", "--gpu=deny"]);
    let run = |arguments: &[&str]| client(&node.server, arguments);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("text.wasm");
    fs::write(&path, "no component").unwrap();
    let text = path.to_str().unwrap();
    fails(
        &run(&["deploy", text]),
        5,
        &["invalid_component", "tensor-wasm inspect"],
    );
    fails(&run(&["deploy", text, "--name=_"]), 5, &["invalid_name"]);
    let large = component("saxpy");
    let large = large.to_str().unwrap();
    fails(
        &run(&["deploy", large]),
        5,
        &["body_too_large", "--max-function-bytes"],
    );
    fails(&run(&["invoke", "nothing"]), 4, &["function_not_found"]);
}

#[test]
fn a_function_that_fails_is_told_from_a_node_that_does() {
    let node = Node::start(&["--request-timeout=1s"]);
    for (name, path, words) in [
        ("trap", "/", &["guest_trap", "trap: "][..]),
        (
            "endless_loop",
            "/",
            &["invoke_timeout", "--request-timeout"],
        ),
        ("status_of_path", "/404", &["the function answered 404"]),
    ] {
        let label = name.replace('_', "-");
        node.deploy(&label, name);
        let run = client(&node.server, &["invoke", &label, "--path", path]);
        fails(&run, 7, words);
    }
    // Services of our own have errors of the same form as the node's.
    let image = component("image");
    succeeds(client(&node.server, &["deploy", image.to_str().unwrap()]));
    let run = client(&node.server, &["invoke", "image", "--path=/nothing"]);
    fails(&run, 7, &["the function answered 404"]);
    assert!(
        run.stdout.contains("\"kind\":\"not_found\""),
        "{}",
        run.stdout
    );
    let run = client(&node.server, &["invoke", "nothing"]);
    fails(&run, 4, &["function_not_found"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn a_body_larger_than_any_buffer_goes_through_both_ways() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("body");
    let body: String = (0..1_000_000).map(|number| format!("{number} ")).collect();
    fs::write(&path, &body).unwrap();
    let file = format!("@{}", path.display());
    let back = succeeds(client(&node.server, &["invoke", "echo", "--data", &file]));
    assert!(back == body, "{} bytes of {}", back.len(), body.len());
}

#[test]
fn a_job_is_made_waited_for_and_answered() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    node.deploy("trap", "trap");
    let run = |arguments: &[&str]| client(&node.server, arguments);
    let invoke = [
        "invoke",
        "echo",
        "--async",
        "--data=again and again",
        "--idempotency-key=once",
    ];
    let job = succeeds(run(&invoke));
    assert_eq!(
        succeeds(run(&invoke)),
        job,
        "the key stands for the same job"
    );
    let job = job.trim_end();
    let shown = succeeds(run(&["jobs", "wait", job]));
    assert!(shown.contains("state     succeeded"), "{shown}");
    assert_eq!(succeeds(run(&["jobs", "result", job])), "again and again");
    let head = succeeds(run(&["jobs", "result", job, "--include"]));
    assert!(head.contains("\nx-tensorwasm-function: fn_"), "{head}");
    let other = [&invoke[..3], &["--data=else", "--idempotency-key=once"]].concat();
    fails(&run(&other), 5, &["idempotency_conflict", "a new one"]);

    let attempts = ["--max-attempts=2", "--backoff=10ms"];
    let failing = succeeds(run(
        &[&["invoke", "trap", "--async"], &attempts[..]].concat()
    ));
    let failing = failing.trim_end();
    fails(
        &run(&["jobs", "wait", failing]),
        7,
        &["failed", "guest_trap"],
    );
    let shown = succeeds(run(&["jobs", "show", failing]));
    assert!(shown.contains("attempts  2 of 2"), "{shown}");
    let words = ["job_has_no_result", "tensor-wasm jobs show"];
    fails(&run(&["jobs", "result", failing]), 4, &words);
    let listed = succeeds(run(&["jobs", "list", "--state=failed"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains(failing), "{listed}");
    let cancelled = succeeds(run(&["jobs", "cancel", job]));
    assert_eq!(cancelled, format!("{job} succeeded\n"), "it had ended");
}

#[test]
fn a_token_decides_for_which_tenant_the_client_may_act() {
    let data = TempDir::new().unwrap();
    let policy = component("policy");
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(policy)
        .env("TENSOR_WASM_API_TOKENS", "0Jd9rUq4mW2hX7cT5bYk:tenant=7")
        .start();
    let token = Some("0Jd9rUq4mW2hX7cT5bYk");
    fails(
        &client(&server, &["list"]),
        3,
        &["unauthorized", "TENSOR_WASM_TOKEN"],
    );
    let denied = with_token(&server, &["list"], token);
    fails(&denied, 3, &["tenant_scope_denied", "--tenant"]);
    let hello = guest("hello");
    let deploy = ["deploy", hello.to_str().unwrap(), "--tenant=7"];
    succeeds(with_token(&server, &deploy, token));
    let invoke = ["invoke", "hello", "--tenant=7"];
    assert_eq!(succeeds(with_token(&server, &invoke, token)), "hello\n");
    assert!(!denied.stderr.contains("0Jd9"), "{}", denied.stderr);
}

#[test]
fn a_node_s_certificate_is_checked_against_the_authority_that_is_named() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let authority = Authority::new();
    authority.write(path("ca.pem"));
    let issued = authority.issue("server");
    issued.write(path("cert.pem"), path("key.pem"));
    Authority::new().write(path("other.pem"));
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--tls-cert")
        .arg(path("cert.pem"))
        .arg("--tls-key")
        .arg(path("key.pem"))
        .start();
    let list = |ca: &str| {
        let ca = path(ca);
        client(&server, &["list", "--ca", ca.to_str().unwrap()])
    };
    assert_eq!(succeeds(list("ca.pem")), "no functions\n");
    fails(&list("other.pem"), 1, &["can't speak TLS", "--ca"]);
    fails(&client(&server, &["list"]), 1, &["can't speak TLS", "--ca"]);
    fails(&list("key.pem"), 1, &["key.pem"]);
    let address = format!("http://{}", server.address());
    let plain = client(&server, &["list", "--server", &address]);
    assert_ne!(plain.code, Some(0), "{}", plain.stdout);
}

#[test]
fn what_serve_serves_is_no_node() {
    let server = Server::of(guest("hello"));
    let run = client(&server, &["list"]);
    fails(&run, 1, &["is no node of this version", "--server"]);
}

#[test]
fn what_a_function_wrote_and_used_is_shown() {
    let node = Node::start(&[]);
    let run = |arguments: &[&str]| client(&node.server, arguments);
    let loud = guest("panics_with_message");
    succeeds(run(&["deploy", loud.to_str().unwrap(), "--name=loud"]));
    assert_eq!(succeeds(run(&["logs", "loud"])), "");
    assert_eq!(run(&["invoke", "loud"]).code, Some(7));
    let logs = tensor_wasm_tests::eventually("the message is there", || {
        let logs = succeeds(run(&["logs", "loud"]));
        (!logs.is_empty()).then_some(logs)
    });
    assert!(
        logs.contains(" stderr ") && logs.contains("panicked"),
        "{logs}"
    );
    let lines = succeeds(run(&["logs", "loud", "--json"]));
    let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["number"], &line["stream"]),
        (&1.into(), &"stderr".into())
    );
    fails(&run(&["logs", "quiet"]), 4, &["function_not_found"]);

    let usage = succeeds(run(&["usage"]));
    assert!(usage.starts_with("HOUR"), "{usage}");
    assert!(usage.contains("loud"), "{usage}");
    let usage: Value = serde_json::from_str(&succeeds(run(&["usage", "--json"]))).unwrap();
    let records = usage["usage"].as_array().unwrap();
    let sum = |key: &str| -> u64 {
        records
            .iter()
            .map(|record| record[key].as_u64().unwrap())
            .sum()
    };
    assert_eq!((sum("requests"), sum("failures")), (1, 1));
}

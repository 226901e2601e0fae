//! Capabilities: a component gets what the operator grants, and nothing else.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;

use tempfile::TempDir;
use tensor_wasm_tests::{Serve, guest};

#[test]
fn a_component_sees_no_environment_and_no_files_by_default() {
    let server = Serve::new(guest("env_and_dir"))
        .env("SECRET_OF_THE_HOST", "open sesame")
        .start();
    let seen = server.get("/").json();
    assert_eq!(seen["environment"], serde_json::json!({}));
    assert_eq!(seen["directories"], serde_json::json!([]));
    for path in ["/etc/passwd", "/proc/self/environ", "/Cargo.toml"] {
        let read = server.get(&format!("/read{path}")).json();
        assert!(read["error"].is_string(), "{path}: {read}");
    }
    let written = server.post("/write/tmp/tensor-wasm-escape", "x").json();
    assert!(written["error"].is_string(), "{written}");
}

#[test]
fn the_start_lines_list_granted_and_denied_imports() {
    let server = Serve::new(guest("env_and_dir")).start();
    let start = server.start();
    for interface in ["wasi:filesystem/", "wasi:cli/environment"] {
        assert!(
            start.denied.iter().any(|name| name.starts_with(interface)),
            "{start:?}"
        );
        assert!(
            !start.granted.iter().any(|name| name.starts_with(interface)),
            "{start:?}"
        );
    }
}

#[test]
fn a_component_sees_the_variables_that_it_was_given() {
    let server = Serve::new(guest("env_and_dir"))
        .args(["--env", "MODE=fast", "--env", "EQUATION=a=b"])
        .start();
    assert_eq!(
        server.get("/").json()["environment"],
        serde_json::json!({ "MODE": "fast", "EQUATION": "a=b" })
    );
    let granted = &server.start().granted;
    assert!(
        granted
            .iter()
            .any(|name| name.starts_with("wasi:cli/environment"))
    );
}

#[test]
fn a_component_can_access_only_the_folder_it_was_given() {
    let folder = TempDir::new().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("note"), "hello file").unwrap();
    fs::write(folder.path().join("secret"), "not yours").unwrap();
    std::os::unix::fs::symlink(folder.path().join("secret"), inner.join("link")).unwrap();

    let server = Serve::new(guest("env_and_dir"))
        .arg("--dir")
        .arg(format!("{}::/data", inner.display()))
        .start();
    assert_eq!(
        server.get("/").json()["directories"],
        serde_json::json!(["/data"])
    );
    assert_eq!(server.get("/read/data/note").json()["text"], "hello file");
    assert_eq!(
        server.post("/write/data/new", "written").json()["written"],
        true
    );
    assert_eq!(fs::read_to_string(inner.join("new")).unwrap(), "written");
    for outside in ["/data/link", "/data/%2e%2e/secret", "/secret"] {
        let mut raw = server.begin(&format!("/read{outside}"));
        assert!(!raw.read_until("}").contains("not yours"), "{outside}");
    }
    let mut raw = server.begin("/read/data/../secret");
    assert!(raw.read_until("}").contains("error"));
}

#[test]
fn a_missing_folder_is_reported_at_start() {
    let output = Serve::new(guest("env_and_dir"))
        .args(["--dir", "/no/such/folder::/data"])
        .refused();
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("/no/such/folder"),
        "{}",
        output.stderr
    );
}

/// A server on this machine that must not be reached.
fn forbidden() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn assert_unreached(listener: &TcpListener) {
    let error = listener.accept().expect_err("somebody connected");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_component_reaches_no_other_server_over_http() {
    let (listener, address) = forbidden();
    let server = Serve::new(guest("outgoing")).start();
    let seen = server.get(&format!("/{address}")).json();
    assert!(seen["error"].is_string(), "{seen}");
    assert_unreached(&listener);
    assert!(
        server
            .start()
            .denied
            .iter()
            .any(|name| name.starts_with("wasi:http/outgoing"))
    );
}

#[test]
fn a_component_reaches_the_server_that_it_was_granted_and_no_other() {
    let (listener, elsewhere) = forbidden();
    let neighbour = Serve::new(guest("hello")).start();
    let granted = neighbour.address().to_string();
    let server = Serve::new(guest("outgoing"))
        .arg("--allow-http")
        .arg(&granted)
        .start();
    assert_eq!(server.get(&format!("/{granted}")).json()["status"], 200);
    let seen = server.get(&format!("/{elsewhere}")).json();
    assert!(seen["error"].is_string(), "{seen}");
    assert_unreached(&listener);
    assert!(
        server
            .start()
            .granted
            .iter()
            .any(|name| name.starts_with("wasi:http/outgoing"))
    );
    let wrong = Serve::new(guest("outgoing"))
        .args(["--allow-http", "http://a/b"])
        .refused();
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("HOST:PORT"), "{}", wrong.stderr);
}

#[test]
fn a_component_has_no_more_connections_than_its_limit() {
    // Nobody accepts, so that no request ends.
    let (_listener, address) = forbidden();
    let server = Serve::new(guest("outgoing"))
        .args(["--allow-http", &address])
        .start();
    let path = format!("/hold/40/8/{address}");
    for _ in 0..2 {
        let seen = server.get(&path).json();
        assert_eq!(seen["open"], 32, "{seen}");
        let errors = seen["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 8);
        for error in errors {
            let error = error.as_str().unwrap();
            assert!(error.contains("ConnectionLimitReached"), "{error}");
        }
    }
    // A tenant may have fewer than an instance.
    let server = Serve::new(guest("outgoing"))
        .args(["--allow-http", &address, "--max-http-connections=5"])
        .start();
    let seen = server.get(&format!("/hold/6/1/{address}")).json();
    assert_eq!(seen["open"], 5, "{seen}");
}

#[test]
fn a_url_with_a_user_in_it_reaches_nobody() {
    let (listener, address) = forbidden();
    let server = Serve::new(guest("outgoing"))
        .args(["--allow-http", &address])
        .start();
    let seen = server.get(&format!("/user@{address}")).json();
    let error = seen["error"].as_str().unwrap();
    assert!(error.contains("UriInvalid"), "{error}");
    assert_unreached(&listener);
    for user in ["user@a", "user:password@a:80"] {
        let wrong = Serve::new(guest("outgoing"))
            .args(["--allow-http", user])
            .refused();
        assert_eq!(wrong.code, Some(2));
        assert!(wrong.stderr.contains("HOST:PORT"), "{}", wrong.stderr);
    }
}

#[test]
fn a_component_opens_no_sockets() {
    let (listener, address) = forbidden();
    let server = Serve::new(guest("tcp_client")).start();
    let seen = server.get(&format!("/{address}")).json();
    assert!(seen["error"].is_string(), "{seen}");
    assert_unreached(&listener);
    assert!(
        server
            .start()
            .denied
            .iter()
            .any(|name| name.starts_with("wasi:sockets/tcp"))
    );
}

#[test]
fn a_denied_gpu_answers_each_call_that_it_is_denied() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--gpu", "deny"])
        .start();
    for scenario in [
        "/info",
        "/increment",
        "/own-module",
        "/residency-lookup",
        "/gemm",
    ] {
        let reply = server.get(scenario);
        assert_eq!(reply.json()["error"]["kind"], "denied", "{}", reply.text());
    }
    let start = server.start();
    assert!(
        start
            .denied
            .iter()
            .any(|name| name == "tensor:gpu/kernels@0.1.0"),
        "{start:?}"
    );
    assert!(
        !start
            .granted
            .iter()
            .any(|name| name.starts_with("tensor:gpu"))
    );
}

#[test]
fn a_component_that_imports_a_refused_gpu_is_not_served() {
    let output = Serve::new(guest("gpu_scenarios"))
        .args(["--gpu", "refuse"])
        .refused();
    assert_eq!(output.code, Some(1));
    for text in [
        "tensor:gpu/kernels",
        "tensor:gpu/residency",
        "tensor:gpu/linear-algebra",
        "--gpu deny",
    ] {
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

#[test]
fn a_component_that_does_not_import_the_gpu_is_served_where_the_gpu_is_refused() {
    let server = Serve::new(guest("hello")).args(["--gpu", "refuse"]).start();
    assert_eq!(server.get("/").text(), "hello\n");
}

#[test]
fn the_processor_can_be_chosen_as_the_gpu_by_name() {
    let server = Serve::new(guest("gpu_scenarios"))
        .args(["--gpu", "cpu"])
        .start();
    assert_eq!(server.get("/increment").json()["ok"][0], 42);
    let start = server.start();
    assert!(
        start
            .granted
            .iter()
            .any(|name| name == "tensor:gpu/kernels@0.1.0")
    );
    assert!(start.device.starts_with("cpu: "));
}

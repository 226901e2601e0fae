//! Code that runs while a component is instantiated. It belongs to no request, so it has no
//! tenant, and gets nothing that a tenant is granted.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, component, guest, run};

const DENIED: &str = "at instantiation: denied";
const OPENED: &str = "at instantiation: opened";

fn tokens(folder: &TempDir, token: &str) -> PathBuf {
    let path = folder.path().join("tokens");
    fs::write(&path, format!("{token}\n")).unwrap();
    path
}

fn composed(folder: &TempDir, policy: PathBuf) -> PathBuf {
    let composite = folder.path().join("composite.wasm");
    let output = run([
        "compose".as_ref(),
        policy.as_os_str(),
        guest("acts_at_instantiation").as_os_str(),
        "-o".as_ref(),
        composite.as_os_str(),
    ]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    composite
}

fn assert_denied_in_log(server: Server) {
    server.log_with(&[DENIED]);
    let log = server.stop().stderr;
    assert!(!log.contains(OPENED), "{log}");
}

#[test]
fn the_device_is_denied_until_there_is_a_request() {
    for options in [&[][..], &["--reuse=1000"]] {
        let server = Serve::new(guest("acts_at_instantiation"))
            .args(options)
            .start();
        for _ in 0..3 {
            let outcomes = server.get("/").json();
            assert_eq!(outcomes["instantiation"], "denied", "{outcomes}");
            assert_eq!(outcomes["request"], "opened", "{outcomes}");
        }
        assert_denied_in_log(server);
    }
}

#[test]
fn a_denied_tenants_component_has_no_device_at_any_time() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, "[tenants.8]\ngpu = \"deny\"\n").unwrap();
    let composite = composed(&folder, guest("policy_admits_as"));
    for serve in [
        Serve::new(guest("acts_at_instantiation"))
            .arg("--policy")
            .arg(guest("policy_admits_as")),
        Serve::new(&composite),
    ] {
        let server = serve.arg("--config").arg(&file).arg("--reuse=1000").start();
        for (tenant, outcome) in [("8", "denied"), ("1", "opened"), ("8", "denied")] {
            let request = server.request(Method::GET, "/");
            let reply = server.send(request.header("x-tensorwasm-tenant", tenant));
            let outcomes = reply.json();
            assert_eq!(outcomes["instantiation"], "denied", "{outcomes}");
            assert_eq!(outcomes["request"], outcome, "{outcomes}");
        }
        assert_denied_in_log(server);
    }
}

#[test]
fn a_request_without_a_token_computes_nothing_in_a_composite() {
    let folder = TempDir::new().unwrap();
    let composite = composed(&folder, component("policy"));
    let server = Serve::new(composite)
        .arg("--token-file")
        .arg(tokens(&folder, "known"))
        .start();
    server.get("/").assert_error(401, "unauthorized");
    let request = server.request(Method::GET, "/").bearer_auth("known");
    let outcomes = server.send(request).json();
    assert_eq!(outcomes["request"], "opened", "{outcomes}");
    assert_denied_in_log(server);
}

#[test]
fn a_policy_learns_nothing_of_tokens_and_limits_until_there_is_a_request() {
    let folder = TempDir::new().unwrap();
    let server = Serve::new(guest("policy_acts_at_instantiation"))
        .arg("--token-file")
        .arg(tokens(&folder, "known"))
        .start();
    let outcomes = server.get("/").json();
    assert_eq!(outcomes["instantiation"], serde_json::json!([false, false]));
    assert_eq!(outcomes["request"], serde_json::json!([true, true]));
}

//! What an application behind a policy sees of a request's head: the tenant of the policy's
//! decision, and not the caller's credentials.

use std::fs;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, component, guest, run};

const TOKEN: &str = "correct-horse-battery-staple";
const TENANT: &str = "x-tensorwasm-tenant";

/// A server with the project's policy in front of a guest that shows what it sees, apart or
/// composed, and its folder.
fn behind_the_policy(composed: bool, options: &[&str]) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, format!("alice:{TOKEN}\n")).unwrap();
    let serve = if composed {
        let composite = folder.path().join("composite.wasm");
        let output = run([
            "compose".as_ref(),
            component("policy").as_os_str(),
            guest("reflect").as_os_str(),
            "-o".as_ref(),
            composite.as_os_str(),
        ]);
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        Serve::new(composite)
    } else {
        Serve::new(guest("reflect"))
            .arg("--policy")
            .arg(component("policy"))
    };
    let server = serve
        .arg("--token-file")
        .arg(tokens)
        .arg("--setting=public-paths=/healthz")
        .args(options)
        .start();
    (server, folder)
}

/// What the application sees of a request of this path, which names this tenant.
fn seen(server: &Server, path: &str, tenant: Option<&str>) -> Value {
    let mut request = server
        .request(Method::GET, path)
        .bearer_auth(TOKEN)
        .header("x-mark", "kept");
    if let Some(tenant) = tenant {
        request = request.header(TENANT, tenant);
    }
    let reply = server.send(request);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = reply.json();
    assert_eq!(seen["path"], path, "{seen}");
    assert_eq!(seen["headers"]["x-mark"], "kept", "{seen}");
    assert_eq!(seen["authority"], server.address().to_string(), "{seen}");
    assert!(seen["headers"]["x-request-id"].is_string(), "{seen}");
    seen["headers"].clone()
}

#[test]
fn an_application_sees_the_decisions_tenant_and_no_credentials() {
    for composed in [false, true] {
        let (server, _folder) = behind_the_policy(composed, &[]);
        for (named, decided) in [(None, "0"), (Some("7"), "7"), (Some(" 7 "), "7")] {
            let headers = seen(&server, "/", named);
            assert_eq!(headers[TENANT], decided, "{headers}");
            assert_eq!(headers["authorization"], Value::Null, "{headers}");
        }
    }
}

#[test]
fn a_public_path_gets_the_decisions_tenant_and_not_the_clients() {
    for composed in [false, true] {
        let (server, _folder) = behind_the_policy(composed, &[]);
        // Whoever has a token is known here too.
        assert_eq!(seen(&server, "/healthz", Some("7"))[TENANT], "7");
        for named in [&["7"][..], &["no number"], &["7", "8"], &[]] {
            let mut request = server.request(Method::GET, "/healthz");
            for tenant in named {
                request = request.header(TENANT, *tenant);
            }
            for request in [request.try_clone().unwrap().bearer_auth("unknown"), request] {
                let headers = server.send(request).json()["headers"].clone();
                assert_eq!(headers[TENANT], "0", "{headers}");
                assert_eq!(headers["authorization"], Value::Null, "{headers}");
            }
        }
    }
}

#[test]
fn an_operator_can_leave_the_credentials_to_the_application() {
    for composed in [false, true] {
        let (server, _folder) = behind_the_policy(composed, &["--keep-authorization"]);
        let headers = seen(&server, "/", Some("7"));
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(headers[TENANT], "7");
    }
}

#[test]
fn a_policy_behind_a_policy_sees_the_credentials_and_the_application_does_not() {
    let policy = component("policy");
    let (server, _folder) = behind_the_policy(false, &["--policy", &policy.display().to_string()]);
    let headers = seen(&server, "/", Some("7"));
    assert_eq!(headers["authorization"], Value::Null, "{headers}");
    assert_eq!(headers[TENANT], "7");
}

#[test]
fn without_a_policy_a_request_is_passed_on_as_it_came() {
    let server = Server::of(guest("reflect"));
    let headers = seen(&server, "/", Some("7"));
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(headers[TENANT], "7");
}

//! Tenants of a node: what one deploys, the others do not see.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, eventually, guest};

fn start(options: &[&str]) -> (Server, TempDir) {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(options)
        .start();
    (server, data)
}

fn send(server: &Server, tenant: &str, method: Method, path: &str, body: Vec<u8>) -> Reply {
    let request = server.request(method, path);
    let request = request.header("x-tensorwasm-tenant", tenant);
    let request = request.header("content-type", "application/wasm");
    server.send(request.body(body))
}

#[test]
fn each_tenant_has_functions_of_its_own() {
    let (server, _data) = start(&[]);
    let hello = fs::read(guest("hello")).unwrap();
    let reflect = fs::read(guest("reflect")).unwrap();
    let largest = u64::MAX.to_string();
    let mut ids = Vec::new();
    for (tenant, component) in [("7", &hello), (&largest, &reflect)] {
        let reply = send(
            &server,
            tenant,
            Method::POST,
            "/functions?name=app",
            component.clone(),
        );
        assert_eq!(reply.status, 201, "{}", reply.text());
        ids.push(reply.json()["id"].as_str().unwrap().to_owned());
    }
    let get = |tenant: &str, path: &str| send(&server, tenant, Method::GET, path, Vec::new());
    assert_eq!(get("7", "/f/app").text(), "hello\n");
    assert_eq!(get(&largest, "/f/app").json()["path"], "/");
    for (path, kind) in [
        (format!("/functions/{}", ids[1]), "function_not_found"),
        (
            format!("/functions/{}/invoke", ids[1]),
            "function_not_found",
        ),
        (format!("/f/{}", ids[1]), "function_not_found"),
    ] {
        get("7", &path).assert_error(404, kind);
    }
    let delete = format!("/functions/{}", ids[1]);
    send(&server, "7", Method::DELETE, &delete, Vec::new()).assert_error(404, "function_not_found");
    assert_eq!(
        get("8", "/functions").json()["functions"],
        serde_json::json!([])
    );
    assert_eq!(get(&largest, "/f/app").status, 200);
}

#[test]
fn the_policy_decides_who_deploys_and_the_audit_log_says_what_was_done() {
    let data = TempDir::new().unwrap();
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    let log = folder.path().join("audit.log");
    let secret = tensor_wasm_tests::run([
        "token",
        "new",
        "--name",
        "alice",
        "--tenant",
        "7",
        "--file",
        tokens.to_str().unwrap(),
    ]);
    assert_eq!(secret.code, Some(0), "{}", secret.stderr);
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(component("policy"))
        .arg("--token-file")
        .arg(&tokens)
        .arg(format!("--audit-log=file:{}", log.display()))
        // So that a record is in the file when its answer is there.
        .arg("--audit-sync")
        .start();
    let hello = fs::read(guest("hello")).unwrap();
    let post = |token: Option<&str>, name: &str| {
        let request = server.request(Method::POST, &format!("/functions?name={name}"));
        let request = request.header("content-type", "application/wasm");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let request = request.header("x-tensorwasm-tenant", "7");
        server.send(request.body(hello.clone()))
    };
    assert_eq!(post(None, "app").status, 401);
    let token = secret.stdout.trim();
    let reply = post(Some(token), "app");
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(reply.json()["versions"][0]["created_by"], "alice");
    post(Some(token), "No_Name").assert_error(400, "invalid_name");
    let request = server.request(Method::GET, "/f/app").bearer_auth(token);
    let reply = server.send(request.header("x-tensorwasm-tenant", "7"));
    assert_eq!(reply.text(), "hello\n");
    let records = fs::read_to_string(&log).unwrap();
    let records: Vec<serde_json::Value> = records
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let found = |action: &str, status: u16| {
        let mut records = records.iter();
        records
            .find(|record| record["action"] == action && record["outcome"]["status_code"] == status)
    };
    let deployed = found("function.deploy", 201).unwrap();
    assert_eq!(deployed["actor"]["id"], "alice");
    assert_eq!(deployed["tenant"], 7);
    let misnamed = found("function.deploy", 400).unwrap();
    assert_eq!(misnamed["outcome"]["error_kind"], "invalid_name");
    assert!(found("function.invoke", 200).is_some());
    assert!(found("http.post", 401).is_some());
}

#[test]
fn slow_uploads_of_some_tenants_leave_others_a_place() {
    let (server, _data) = start(&[]);
    let mut slow = Vec::new();
    let refused = eventually("as many components in JSON as may be in memory", || {
        for tenant in 1..=4 {
            let mut raw = server.raw();
            raw.send(format!(
                "POST /functions HTTP/1.1\r\nhost: test\r\nx-tensorwasm-tenant: {tenant}\r\n\
                 content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
            ));
            slow.push(raw);
        }
        let request = server.request(Method::POST, "/functions");
        let request = request.header("x-tensorwasm-tenant", "9");
        let body = serde_json::json!({"name": "app", "wasm_b64": ""});
        let reply = server.send(request.json(&body));
        (reply.status == 503).then_some(reply)
    });
    refused.assert_error(503, "capacity_exhausted");
    let hello = fs::read(guest("hello")).unwrap();
    let reply = send(&server, "9", Method::POST, "/functions?name=app", hello);
    assert_eq!(reply.status, 201, "{}", reply.text());
    drop(slow);
}

//! Requests that are wrong: each is told what is wrong, in the one envelope.

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::guest;

use super::Node;

#[test]
fn every_path_and_method_has_an_answer_in_the_envelope() {
    let node = Node::start(&[]);
    for path in [
        "/",
        "/nothing",
        "/functions/",
        "/f",
        "/f/",
        "/functions/a/b",
    ] {
        node.server.get(path).assert_error(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/functions", "GET, HEAD, POST"),
        (Method::PUT, "/functions/a", "GET, HEAD, DELETE"),
        (Method::GET, "/functions/a/versions/1/activate", "POST"),
        (Method::POST, "/functions/a/traffic", "PUT"),
        (Method::POST, "/healthz", "GET, HEAD"),
    ] {
        let reply = node.server.send(node.server.request(method, path));
        reply.assert_error(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some(allow), "{path}");
    }
    for path in ["/functions/a", "/f/a", "/functions/fn_0/invoke/x"] {
        node.server
            .get(path)
            .assert_error(404, "function_not_found");
    }
}

#[test]
fn a_deployment_that_is_wrong_is_told_how_to_be_right() {
    let node = Node::start(&[]);
    let send = |path: &str, content_type: Option<&str>, body: &str| {
        let request = node.server.request(Method::POST, path);
        let request = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        node.server.send(request.body(body.to_owned()))
    };
    let (wasm, json) = (
        Some("application/wasm"),
        Some("application/json; charset=utf-8"),
    );
    for (path, content_type, body, status, kind, words) in [
        (
            "/functions?name=a",
            None,
            "x",
            415,
            "unsupported_media_type",
            "application/wasm",
        ),
        (
            "/functions?name=a",
            Some("text/plain"),
            "x",
            415,
            "unsupported_media_type",
            "text/plain",
        ),
        (
            "/functions",
            wasm,
            "x",
            400,
            "invalid_request",
            "?name=NAME",
        ),
        ("/functions?name=A", wasm, "x", 400, "invalid_name", "`A`"),
        ("/functions?name=", wasm, "x", 400, "invalid_name", "63"),
        (
            "/functions?nmae=a",
            wasm,
            "x",
            400,
            "invalid_request",
            "`nmae`",
        ),
        (
            "/functions?name=a&name=b",
            wasm,
            "x",
            400,
            "invalid_request",
            "more than once",
        ),
        ("/functions", json, "{", 400, "invalid_request", "line 1"),
        ("/functions", json, "{}", 400, "invalid_request", "`name`"),
        (
            "/functions?name=a",
            json,
            "{}",
            400,
            "invalid_request",
            "not in both",
        ),
        (
            "/functions",
            json,
            r#"{"name":"a","wasm_b64":"?"}"#,
            400,
            "invalid_request",
            "base64",
        ),
        (
            "/functions",
            json,
            r#"{"name":"a","wasm_b64":"","x":1}"#,
            400,
            "invalid_request",
            "`x`",
        ),
        (
            "/functions",
            json,
            r#"{"name":"a_","wasm_b64":""}"#,
            400,
            "invalid_name",
            "a_",
        ),
    ] {
        let reply = send(path, content_type, body);
        reply.assert_error(status, kind);
        assert!(
            reply.text().contains(words),
            "{path} {body}: {}",
            reply.text()
        );
    }
    assert_eq!(node.list(), [""; 0]);
}

#[test]
fn a_change_of_traffic_that_is_wrong_changes_nothing() {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    node.deploy("app", "reflect");
    for (body, status, kind) in [
        (
            json!({"versions": {"1": 50, "2": 49}}),
            400,
            "invalid_request",
        ),
        (
            json!({"versions": {"1": 100, "2": 0}}),
            400,
            "invalid_request",
        ),
        (json!({"versions": {}}), 400, "invalid_request"),
        (json!({"versions": {"x": 100}}), 400, "invalid_request"),
        (json!({"versions": {"1": 300}}), 400, "invalid_request"),
        (json!({"versions": {"3": 100}}), 404, "version_not_found"),
    ] {
        let reply = node.send_json(Method::PUT, "/functions/app/traffic", &body);
        reply.assert_error(status, kind);
    }
    let activate = |version: &str| {
        let path = format!("/functions/app/versions/{version}/activate");
        node.server.post(&path, "")
    };
    activate("3").assert_error(404, "version_not_found");
    activate("x").assert_error(400, "invalid_request");
    activate("99999999999").assert_error(400, "invalid_request");
    let traffic = node.server.get("/functions/app").json()["traffic"].clone();
    assert_eq!(traffic, json!({"2": 100}));
}

#[test]
fn the_document_of_the_api_names_each_route() {
    let node = Node::start(&[]);
    let document = node.server.get("/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for path in ["/functions", "/functions/{id}", "/f/{id}/{path}", "/readyz"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

#[test]
fn two_deployments_of_one_name_at_once_are_two_versions() {
    let node = Node::start(&[]);
    let versions: Vec<u64> = std::thread::scope(|scope| {
        let deployments: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| node.post_component("app", guest("hello"))))
            .collect();
        let replies = deployments.into_iter().map(|reply| reply.join().unwrap());
        let versions = replies.map(|reply| {
            assert_eq!(reply.status, 201, "{}", reply.text());
            reply.json()["version"].as_u64().unwrap()
        });
        versions.collect()
    });
    let mut sorted = versions.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 2, 3, 4]);
    assert_eq!(node.list(), ["app"]);
}

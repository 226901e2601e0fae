//! The OpenAPI document of a node's API: what is answered is what it says.

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::Reply;

use super::Node;

/// Checks a reply against the document's schema of this operation and the reply's status.
#[track_caller]
fn assert_documented(document: &Value, path: &str, method: &str, reply: &Reply) {
    let responses = &document["paths"][path][method]["responses"];
    let status = reply.status.as_u16().to_string();
    let response = &responses[&status];
    assert!(
        response.is_object(),
        "{method} {path} answers {status}: {responses}"
    );
    let schema = &response["content"]["application/json"]["schema"];
    // References lead into the document.
    let mut whole = document.clone();
    whole["$ref"] = schema["$ref"].clone();
    let validator = jsonschema::validator_for(&whole).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&reply.json())
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{method} {path}: {errors:?}\n{}",
        reply.text()
    );
}

#[test]
fn what_is_answered_is_what_the_document_says() {
    let node = Node::start(&[]);
    node.deploy("echo", "echo");
    node.deploy("echo", "hello");
    let document = node.server.get("/openapi.json").json();
    let get = |path: &str| node.server.get(path);
    let id = get("/functions/echo").json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let job = node.server.post("/functions/echo/invoke-async", "x");
    let job_path = job.header("location").unwrap().to_owned();
    let traffic = json!({"versions": {"1": 40, "2": 60}});
    let traffic = node.send_json(Method::PUT, "/functions/echo/traffic", &traffic);
    let put = |path: &str| {
        node.server
            .send(node.server.request(Method::PUT, path).body("x"))
    };
    let asset = put("/functions/echo/assets/a/b");
    let outgoing = json!({"hosts": []});
    let outgoing = node.send_json(Method::PUT, "/functions/echo/outgoing-http", &outgoing);
    let assets = "/functions/{id}/assets";
    let one_asset = "/functions/{id}/assets/{path}";
    for (path, method, reply) in [
        (one_asset, "put", asset),
        (one_asset, "put", put("/functions/echo/assets/a")),
        (one_asset, "delete", node.delete("/functions/echo/assets/c")),
        (assets, "get", get("/functions/echo/assets")),
        (assets, "get", get("/functions/echo/assets?version=1")),
        (assets, "get", get("/functions/echo/assets?version=9")),
        ("/functions/{id}/outgoing-http", "put", outgoing),
        (
            "/functions/{id}/outgoing-http",
            "get",
            get("/functions/echo/outgoing-http"),
        ),
        ("/usage", "get", get("/usage")),
        ("/functions", "get", get("/functions")),
        ("/functions", "get", get("/functions?limit=0")),
        ("/functions/{id}", "get", get(&format!("/functions/{id}"))),
        ("/functions/{id}", "get", get("/functions/none")),
        ("/functions/{id}/traffic", "put", traffic),
        ("/functions/{id}/invoke-async", "post", job),
        ("/jobs", "get", get("/jobs")),
        ("/jobs/{id}", "get", get(&job_path)),
        ("/jobs/{id}", "get", get("/jobs/none")),
        ("/healthz", "get", get("/healthz")),
        ("/readyz", "get", get("/readyz")),
    ] {
        assert_documented(&document, path, method, &reply);
    }
}

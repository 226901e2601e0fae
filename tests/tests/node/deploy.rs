//! Deployments, versions and traffic.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;
use tensor_wasm_tests::{component, guest};

use super::Node;

/// The files in a folder, at every depth.
fn files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

#[test]
fn a_component_that_is_posted_answers_requests() {
    let node = Node::start(&[]);
    let reply = node.post_component("saxpy", component("saxpy"));
    assert_eq!(reply.status, 201, "{}", reply.text());
    let function = reply.json();
    let id = function["id"].as_str().unwrap();
    assert_eq!(
        reply.header("location"),
        Some(format!("/functions/{id}").as_str())
    );
    let bytes = fs::read(component("saxpy")).unwrap();
    let digest = format!("blake3:{}", blake3::hash(&bytes).to_hex());
    assert_eq!(function["name"], "saxpy");
    assert_eq!(function["version"], 1);
    assert_eq!(function["digest"], digest);
    assert_eq!(function["size_bytes"], bytes.len());
    assert_eq!(function["traffic"], json!({"1": 100}));
    let capabilities = function["capabilities"].as_array().unwrap();
    assert!(capabilities.contains(&json!("gpu")), "{function}");
    let granted = function["imports"]["granted"].as_array().unwrap();
    assert!(
        granted.contains(&json!("tensor:gpu/kernels@0.1.0")),
        "{function}"
    );
    // By name and by id, computed by its kernel.
    for path in ["/f/saxpy".to_owned(), format!("/functions/{id}/invoke/")] {
        let reply = node
            .server
            .post(&path, r#"{"a": 2, "x": [1, 2], "y": [10, 20]}"#);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(reply.text().contains("12"), "{}", reply.text());
        assert!(reply.text().contains("24"), "{}", reply.text());
    }
    assert_eq!(node.list(), ["saxpy"]);
}

#[test]
fn a_component_can_be_deployed_as_base64_in_json() {
    use base64::Engine as _;
    let node = Node::start(&[]);
    let bytes = fs::read(guest("hello")).unwrap();
    let body = json!({
        "name": "hello",
        "wasm_b64": base64::engine::general_purpose::STANDARD.encode(bytes),
    });
    let reply = node.send_json(Method::POST, "/functions", &body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    assert_eq!(node.server.get("/f/hello").text(), "hello\n");
}

#[test]
fn a_deployment_under_a_known_name_is_a_version_that_gets_all_requests_until_another_is_activated()
{
    let node = Node::start(&[]);
    let first = node.deploy("app", "hello");
    let second = node.deploy("app", "reflect");
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second["version"], 2);
    assert_eq!(second["versions"].as_array().unwrap().len(), 2);
    assert_eq!(second["versions"][0]["version"], 2);
    assert_eq!(node.server.get("/f/app").json()["path"], "/");

    let reply = node.server.post("/functions/app/versions/1/activate", "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["version"], 1);
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
    assert_eq!(node.list(), ["app"]);
}

#[test]
fn requests_are_divided_among_two_versions_by_weight() {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    node.deploy("app", "reflect");
    let body = json!({"versions": {"1": 75, "2": 25}});
    let reply = node.send_json(Method::PUT, "/functions/app/traffic", &body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["traffic"], json!({"1": 75, "2": 25}));
    let mut counts = BTreeMap::new();
    for _ in 0..100 {
        let is_first = node.server.get("/f/app").text() == "hello\n";
        *counts.entry(is_first).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(true, 75), (false, 25)]));
}

#[test]
fn equal_components_are_stored_once_and_go_with_the_last_function_that_has_them() {
    let node = Node::start(&[]);
    let components = node.data.path().join("components");
    node.deploy("one", "hello");
    node.deploy("other", "hello");
    node.deploy("other", "hello");
    assert_eq!(files(&components), 1);
    assert_eq!(node.delete("/functions/one").status, 204);
    assert_eq!(node.server.get("/f/other").text(), "hello\n");
    assert_eq!(node.delete("/functions/other").status, 204);
    assert_eq!(files(&components), 0);
    node.delete("/functions/other")
        .assert_error(404, "function_not_found");
    node.server
        .get("/f/other")
        .assert_error(404, "function_not_found");
}

#[test]
fn what_is_no_component_is_refused_by_name_and_nothing_of_it_stays() {
    let node = Node::start(&["--max-function-bytes", "1MiB"]);
    let components = node.data.path().join("components");
    let post = |body: Vec<u8>| {
        let request = node.server.request(Method::POST, "/functions?name=a");
        let request = request.header("content-type", "application/wasm");
        node.server.send(request.body(body))
    };
    let core = wat::parse_str("(module)").unwrap();
    let no_handler = wat::parse_str("(component)").unwrap();
    for (body, words) in [
        (Vec::new(), "empty"),
        (b"hello".to_vec(), "asm"),
        (core, "core module"),
        (no_handler, "incoming-handler"),
        (
            fs::read(guest("hello")).unwrap()[..5000].to_vec(),
            "compiled",
        ),
    ] {
        let reply = post(body);
        reply.assert_error(422, "invalid_component");
        assert!(reply.text().contains(words), "{}", reply.text());
    }
    post(vec![0; (1 << 20) + 1]).assert_error(413, "body_too_large");
    assert_eq!(node.list(), [""; 0]);
    assert_eq!(files(&components), 0);
}

#[test]
fn a_component_that_asks_for_a_refused_gpu_is_refused_by_the_name_of_the_import() {
    let node = Node::start(&["--gpu", "refuse"]);
    let reply = node.post_component("saxpy", component("saxpy"));
    reply.assert_error(403, "gpu_refused");
    assert!(
        reply.text().contains("tensor:gpu/kernels"),
        "{}",
        reply.text()
    );

    let node = Node::start(&["--gpu", "deny"]);
    let reply = node.post_component("saxpy", component("saxpy"));
    assert_eq!(reply.status, 201, "{}", reply.text());
    let denied = reply.json()["imports"]["denied"].clone();
    let denied = denied.as_array().unwrap();
    assert!(
        denied.contains(&json!("tensor:gpu/kernels@0.1.0")),
        "{denied:?}"
    );
}

#[test]
fn functions_are_listed_in_pages() {
    let node = Node::start(&[]);
    for name in ["c", "a", "b"] {
        node.deploy(name, "hello");
    }
    let first = node.server.get("/functions?limit=2").json();
    assert_eq!(first["functions"][0]["name"], "a");
    assert_eq!(first["functions"].as_array().unwrap().len(), 2);
    assert!(first["functions"][0].get("versions").is_none(), "{first}");
    let next = first["next"].as_str().unwrap();
    let last = node
        .server
        .get(&format!("/functions?limit=2&after={next}"))
        .json();
    assert_eq!(last["functions"][0]["name"], "c");
    assert_eq!(last["next"], json!(null));
}

#[test]
fn a_tenant_has_as_many_functions_as_it_may() {
    let node = Node::start(&["--max-functions", "2"]);
    node.deploy("a", "hello");
    node.deploy("b", "hello");
    let reply = node.post_component("c", guest("hello"));
    reply.assert_error(429, "tenant_capacity_exhausted");
    assert!(reply.header("retry-after").is_some());
    // A version of one that is there is no new function.
    node.deploy("b", "reflect");
    assert_eq!(node.delete("/functions/a").status, 204);
    node.deploy("c", "hello");
}

//! Assets: read-only files that are uploaded beside a component, and mounted for it.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};
use tensor_wasm_tests::{Reply, Serve, guest};

use super::Node;

impl Node {
    fn stage(&self, function: &str, path: &str, content: impl Into<Vec<u8>>) -> Reply {
        let path = format!("/functions/{function}/assets/{path}");
        let request = self.server.request(Method::PUT, &path);
        let body: Vec<u8> = content.into();
        self.server.send(request.body(body))
    }

    #[track_caller]
    fn staged(&self, function: &str, path: &str, content: &str) {
        let reply = self.stage(function, path, content);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// What the function `app` reads of a file.
    fn reads(&self, path: &str) -> Value {
        let reply = self.server.get(&format!("/f/app/read/assets/{path}"));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The files in the store.
    fn contents(&self) -> Vec<PathBuf> {
        let folder = self.data.path().join("components/blake3");
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }
}

fn content(text: &str) -> Value {
    json!({ "text": text })
}

#[test]
fn a_version_finds_what_was_staged_when_it_was_deployed_and_can_not_change_it() {
    let node = Node::start(&[]);
    // Before there is such a function.
    node.staged("app", "weights/one.bin", "first");
    node.staged("app", "labels.txt", "seven");
    let deployed = node.deploy("app", "env_and_dir");
    let version = &deployed["versions"][0];
    assert_eq!(
        (&version["asset_files"], &version["asset_bytes"]),
        (&json!(2), &json!(10))
    );
    assert_eq!(node.reads("weights/one.bin"), content("first"));
    assert_eq!(node.reads("labels.txt"), content("seven"));
    let directories = node.server.get("/f/app").json()["directories"].clone();
    assert_eq!(directories, json!(["/assets"]));
    for path in ["weights/one.bin", "new.txt", "weights/new.txt"] {
        let written = node
            .server
            .post(&format!("/f/app/write/assets/{path}"), "x");
        assert!(written.json()["error"].is_string(), "{}", written.text());
    }

    // What is staged then is the next version's.
    node.staged("app", "weights/one.bin", "second");
    let removed = node.delete("/functions/app/assets/labels.txt");
    assert_eq!(removed.status, 204, "{}", removed.text());
    assert_eq!(node.reads("weights/one.bin"), content("first"));
    node.deploy("app", "env_and_dir");
    assert_eq!(node.reads("weights/one.bin"), content("second"));
    assert!(node.reads("labels.txt")["error"].is_string());
    let list = |query: &str| {
        let list = node
            .server
            .get(&format!("/functions/app/assets{query}"))
            .json();
        let paths = list["assets"].as_array().unwrap().iter();
        let paths: Vec<_> = paths.map(|asset| asset["path"].clone()).collect();
        (list["version"].clone(), paths, list["size_bytes"].clone())
    };
    let one = json!("weights/one.bin");
    assert_eq!(list(""), (Value::Null, vec![one.clone()], json!(6)));
    assert_eq!(list("?version=2"), (json!(2), vec![one.clone()], json!(6)));
    let both = vec![json!("labels.txt"), one];
    assert_eq!(list("?version=1"), (json!(1), both, json!(10)));

    // Also for requests that are directed back, and after a restart.
    let node = node.restart(&[]);
    assert_eq!(node.reads("weights/one.bin"), content("second"));
    let back = node.server.post("/functions/app/versions/1/activate", "");
    assert_eq!(back.status, 200);
    assert_eq!(node.reads("weights/one.bin"), content("first"));
    assert_eq!(node.reads("labels.txt"), content("seven"));

    // Another function has none of them.
    node.deploy("other", "env_and_dir");
    let other = node
        .server
        .get("/f/other/read/assets/weights/one.bin")
        .json();
    assert!(other["error"].is_string(), "{other}");
}

#[test]
fn assets_go_with_their_function_and_equal_ones_are_there_once() {
    let node = Node::start(&[]);
    let large = "x".repeat(3_000_000);
    for (function, path) in [("app", "a"), ("app", "b"), ("other", "a")] {
        node.staged(function, path, &large);
    }
    assert_eq!(node.contents().len(), 1);
    node.deploy("app", "env_and_dir");
    node.deploy("other", "env_and_dir");
    assert_eq!(node.reads("b"), content(&large));
    assert_eq!(node.contents().len(), 2, "the component and the asset");
    assert_eq!(node.delete("/functions/app").status, 204);
    let other = node.server.get("/f/other/read/assets/a").json();
    assert_eq!(other, content(&large));
    // A killed node leaves nothing mounted.
    let node = node.restart(&[]);
    assert_eq!(
        fs::read_dir(node.data.path().join("mounts"))
            .unwrap()
            .count(),
        0
    );
    assert_eq!(node.contents().len(), 2);
    assert_eq!(node.delete("/functions/other").status, 204);
    assert_eq!(node.contents(), Vec::<PathBuf>::new());
    node.staged("app", "a", "1");
    assert_eq!(node.delete("/functions/app/assets").status, 204);
    assert_eq!(node.contents(), Vec::<PathBuf>::new());
    node.server
        .get("/functions/app/assets")
        .assert_error(404, "function_not_found");
}

#[test]
fn an_asset_that_is_missing_or_damaged_is_named_and_can_be_uploaded_again() {
    let node = Node::start(&[]);
    node.staged("app", "weights.bin", "12345");
    let asset = node.contents().pop().unwrap();
    node.deploy("app", "env_and_dir");
    assert_eq!(node.reads("weights.bin"), content("12345"));
    let mut node = node;
    for damage in ["12", "54321", ""] {
        match damage {
            "" => fs::remove_file(&asset).unwrap(),
            damage => fs::write(&asset, damage).unwrap(),
        }
        node = node.restart(&[]);
        let reply = node.server.get("/f/app");
        reply.assert_error(500, "asset_damaged");
        assert!(reply.text().contains("weights.bin"), "{}", reply.text());
        let file = asset.file_name().unwrap().to_str().unwrap();
        node.server.log_with(&["weights.bin", file]);
    }
    // Another function is not affected.
    node.deploy("other", "hello");
    assert_eq!(node.server.get("/f/other").text(), "hello\n");
    node.staged("app", "weights.bin", "12345");
    assert_eq!(node.reads("weights.bin"), content("12345"));
}

#[test]
fn paths_that_lead_elsewhere_and_other_mistakes_are_refused() {
    let size = fs::metadata(guest("hello")).unwrap().len();
    let option = format!("--max-body-bytes={size}");
    let node = Node::start(&[&option]);
    for path in [
        "..%2Fa",
        "a%2F..%2Fb",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "a%0Ab",
        "%FF",
        "a%5Cb",
        "a%2F",
    ] {
        node.stage("app", path, "x")
            .assert_error(400, "invalid_request");
    }
    let long = "a/".repeat(16) + "a";
    node.stage("app", &long, "x")
        .assert_error(400, "invalid_request");
    node.stage("NoName", "a", "x")
        .assert_error(400, "invalid_name");
    let unknown = "fn_00000000000000000000000000000000";
    node.stage(unknown, "a", "x")
        .assert_error(404, "function_not_found");
    node.stage("app", "a", "x".repeat(usize::try_from(size).unwrap() + 1))
        .assert_error(413, "body_too_large");
    node.staged("app", "a/b", "x");
    node.staged("app", "gr%C3%B6%C3%9Fe%20%21", "x");
    let listed = node.server.get("/functions/app/assets").json();
    assert_eq!(listed["assets"][1]["path"], "größe !");
    let conflict = node.stage("app", "a", "x");
    conflict.assert_error(400, "invalid_request");
    assert!(conflict.text().contains("`a/b`"), "{}", conflict.text());
    node.stage("app", "a/b/c", "x")
        .assert_error(400, "invalid_request");
    node.delete("/functions/app/assets/none")
        .assert_error(404, "asset_not_found");
    for path in ["/functions/none/assets", "/functions/app/assets?version=1"] {
        node.server
            .get(path)
            .assert_error(404, "function_not_found");
    }
    node.deploy("app", "hello");
    node.server
        .get("/functions/app/assets?version=2")
        .assert_error(404, "version_not_found");
    node.server
        .get("/functions/app/assets?version=x")
        .assert_error(400, "invalid_request");
    let outside = node.data.path().parent().unwrap().join("passwd");
    assert!(!outside.exists());
    assert_eq!(node.contents().len(), 2, "what was refused is gone");
}

#[test]
fn assets_count_among_what_a_tenant_may_store() {
    let size = fs::metadata(guest("hello")).unwrap().len();
    let option = format!("--tenant-storage-bytes={}", size + 1000);
    let node = Node::start(&[&option]);
    node.deploy("app", "hello");
    node.staged("app", "a", &"x".repeat(900));
    node.staged("app", "same", &"x".repeat(900));
    node.stage("app", "b", "y".repeat(200))
        .assert_error(429, "tenant_capacity_exhausted");
    node.stage(
        "app",
        "b",
        "y".repeat(usize::try_from(size).unwrap() + 2000),
    )
    .assert_error(429, "tenant_capacity_exhausted");
    assert_eq!(node.contents().len(), 2);
    assert_eq!(node.delete("/functions/app/assets").status, 204);
    node.staged("app", "b", &"y".repeat(200));
}

#[test]
fn tenants_with_a_function_of_one_name_have_assets_of_their_own() {
    let data = tempfile::TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .arg("--audit-log=none")
        .start();
    let send = |tenant: u64, method: Method, path: &str, body: Vec<u8>| {
        let request = server.request(method, path);
        let request = request.header("x-tensorwasm-tenant", tenant.to_string());
        let request = request.header("content-type", "application/wasm");
        server.send(request.body(body))
    };
    for tenant in [1, 2] {
        let put = send(
            tenant,
            Method::PUT,
            "/functions/app/assets/a",
            vec![b'0' + tenant as u8],
        );
        assert_eq!(put.status, 200, "{}", put.text());
        let component = fs::read(guest("env_and_dir")).unwrap();
        let deployed = send(tenant, Method::POST, "/functions?name=app", component);
        assert_eq!(deployed.status, 201, "{}", deployed.text());
    }
    for tenant in [1, 2] {
        let read = send(tenant, Method::GET, "/f/app/read/assets/a", Vec::new());
        assert_eq!(read.json(), content(&tenant.to_string()));
    }
    let others = send(3, Method::GET, "/functions/app/assets", Vec::new());
    others.assert_error(404, "function_not_found");
}

#[test]
fn the_files_of_a_function_are_in_so_many_folders_and_no_more() {
    let node = Node::start(&[]);
    let folders = |number: usize| {
        (0..15)
            .map(|n| format!("{number}-{n}/"))
            .collect::<String>()
    };
    for number in 0..17 {
        node.staged("app", &format!("{}file", folders(number)), "x");
    }
    let refused = node.stage("app", &format!("{}file", folders(17)), "x");
    refused.assert_error(400, "invalid_request");
    assert!(refused.text().contains("256 folders"), "{}", refused.text());
    node.staged("app", &format!("{}other", folders(3)), "x");
}

//! What one tenant can take of a node, and what it leaves when it goes away in the middle.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::json;
use tensor_wasm_tests::{eventually, guest};

use super::Node;

/// The bytes of the files in a folder, at every depth.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap();
    let sizes = entries.map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => bytes_in(&path),
            // One that is removed meanwhile has none.
            false => fs::metadata(&path).map_or(0, |file| file.len()),
        }
    });
    sizes.sum()
}

/// The head of a deployment of so many bytes.
fn head(name: &str, bytes: usize) -> String {
    format!(
        "POST /functions?name={name} HTTP/1.1\r\nhost: test\r\ncontent-type: application/wasm\r\n\
         content-length: {bytes}\r\n\r\n"
    )
}

#[test]
fn a_tenant_has_a_few_deployments_at_one_time_and_its_functions_go_on() {
    let node = Node::start(&[]);
    node.deploy("app", "hello");
    let mut slow = Vec::new();
    let refused = eventually("all deployments run", || {
        // One that came while the one below had the last place was refused.
        let mut raw = node.server.raw();
        raw.send(head("slow", 1000));
        raw.send("x");
        slow.push(raw);
        let reply = node.post_component("more", guest("hello"));
        (reply.status != 201).then_some(reply)
    });
    refused.assert_error(429, "tenant_capacity_exhausted");
    assert!(refused.header("retry-after").is_some());
    let body = json!({"name": "more", "wasm_b64": ""});
    node.send_json(reqwest::Method::POST, "/functions", &body)
        .assert_error(429, "tenant_capacity_exhausted");
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
    drop(slow);
    eventually("a place", || {
        (node.post_component("more", guest("hello")).status == 201).then_some(())
    });
}

#[test]
fn a_client_that_goes_away_in_the_middle_of_a_deployment_leaves_nothing() {
    let node = Node::start(&[]);
    let components = node.data.path().join("components");
    let hello = fs::read(guest("hello")).unwrap();
    let mut raw = node.server.raw();
    raw.send(head("half", 20_000_000));
    // More than is written at once.
    raw.send(vec![0; 12_000_000]);
    eventually("something has arrived", || {
        (bytes_in(&components) > 0).then_some(())
    });
    drop(raw);
    eventually("it is removed", || {
        (bytes_in(&components) == 0).then_some(())
    });
    assert_eq!(node.list(), [""; 0]);

    // All of it is there, and nobody waits for the answer.
    for number in 0..8 {
        let mut raw = node.server.raw();
        raw.send(head("whole", hello.len()));
        raw.send(&hello);
        thread::sleep(Duration::from_millis(number * 3));
        drop(raw);
    }
    eventually("it is a function, or nothing is left", || {
        let expected = match node.list().is_empty() {
            true => 0,
            false => hello.len() as u64,
        };
        (bytes_in(&components) == expected).then_some(())
    });
}

#[test]
fn a_tenant_stores_as_much_as_it_may() {
    let hello = fs::metadata(guest("hello")).unwrap().len();
    let limit = 3 * hello + 3000;
    let node = Node::start(&[&format!("--tenant-storage-bytes={limit}")]);
    for name in ["a", "b", "c"] {
        node.deploy(name, "hello");
    }
    let refused = node.post_component("d", guest("hello"));
    refused.assert_error(429, "tenant_capacity_exhausted");
    assert!(
        refused.text().contains("delete functions"),
        "{}",
        refused.text()
    );
    // Jobs count too.
    let path = "/functions/a/invoke-async";
    assert_eq!(node.server.post(path, vec![0; 1000]).status, 202);
    node.server
        .post(path, vec![0; 2000])
        .assert_error(429, "tenant_capacity_exhausted");
    assert_eq!(node.delete("/functions/c").status, 204);
    node.deploy("d", "hello");
    assert_eq!(node.list(), ["a", "b", "d"]);
}

#[test]
fn a_function_keeps_its_newest_versions_and_the_one_that_it_comes_from() {
    let node = Node::start(&["--max-function-versions", "2"]);
    for _ in 0..3 {
        node.deploy("app", "hello");
    }
    let function = node.deploy("app", "reflect");
    let versions = function["versions"].as_array().unwrap();
    let numbers: Vec<_> = versions.iter().map(|version| &version["version"]).collect();
    assert_eq!(numbers, [4, 3]);
    let back = node.server.post("/functions/app/versions/3/activate", "");
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(node.server.get("/f/app").text(), "hello\n");
}

/// There is room for fewer instances than there are functions, each of which keeps one for its next
/// request.
#[test]
fn an_instance_that_waits_for_requests_gives_way_to_one_that_has_a_request() {
    let node = Node::start(&["--max-concurrent-requests=4", "--reuse=1000"]);
    let names: Vec<String> = (0..20).map(|number| format!("app-{number}")).collect();
    for name in &names {
        node.deploy(name, "hello");
    }
    for _ in 0..3 {
        for name in &names {
            let reply = node.server.get(&format!("/f/{name}"));
            assert_eq!(reply.text(), "hello\n", "{name}");
        }
    }
}

//! Nodes that are killed, and functions that are invoked and deleted, while they are saved and restored.

use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{SNAPSHOT, id, keeping};
use crate::node::Node;

#[test]
fn a_node_that_is_killed_while_it_saves_or_restores_has_all_of_it_or_nothing() {
    let mut node = keeping(Node::start(&[]), 20_000_000);
    let saved = node.save("app");
    let contents = node.stored();
    for round in 0..6 {
        let path = match round % 2 {
            0 => "/functions/app/snapshots".to_owned(),
            _ => format!("/snapshots/{}/restore", id(&saved)),
        };
        node.ask(&format!("/f/app/noise/state/20000000/{round}"));
        let body = match round % 2 {
            0 => json!({}),
            _ => json!({"name": format!("copy-{round}")}),
        };
        let request = node.server.request(Method::POST, &path).json(&body);
        let sending = thread::spawn(move || request.send().map(|reply| reply.status().as_u16()));
        thread::sleep(Duration::from_millis(15 + 30 * round));
        node = node.restart(&[]);
        let _ = sending.join();
        // The first one is whole, whatever became of the other.
        let restored = node.restore(id(&saved), &json!({"over": "app"}));
        assert_eq!(restored.status, 200, "{round}: {}", restored.text());
        for name in node.list() {
            if name != "app" {
                assert_ne!(node.ask(&format!("/f/{name}/touch/other")), "");
                assert_eq!(node.delete(&format!("/functions/{name}")).status, 204);
            }
        }
        let list = node.server.get("/snapshots").json();
        for snapshot in list["snapshots"].as_array().unwrap() {
            if snapshot["id"] != saved["id"] {
                let restored = node.restore(id(snapshot), &json!({"name": "again"}));
                assert_eq!(restored.status, 201, "{round}: {}", restored.text());
                assert_eq!(node.delete("/functions/again").status, 204);
                let path = format!("/snapshots/{}", id(snapshot));
                assert_eq!(node.delete(&path).status, 204);
            }
        }
        assert_eq!(node.stored(), contents, "{round}");
    }
}

#[test]
fn what_has_arrived_of_an_upload_is_there_after_a_node_was_killed() {
    const PART: usize = 3 << 20;
    let source = keeping(Node::start(&[]), 20_000_000);
    let state = source.ask("/f/app/sum/state");
    let file = source.download(id(&source.save("app")));
    let mut node = Node::start(&[]);
    let put = |node: &Node, offset: usize, end: usize| {
        let path = format!("/snapshots/uploads/one?offset={offset}");
        let request = node.server.request(Method::PUT, &path);
        let request = request.header("content-type", SNAPSHOT);
        node.server.send(request.body(file[offset..end].to_vec()))
    };
    let arrived = |node: &Node| {
        let reply = node.server.get("/snapshots/uploads/one");
        (reply.status == 200).then(|| reply.json()["offset"].as_u64().unwrap() as usize)
    };
    // Nothing is kept before the manifest is there, and then whole chunks.
    assert_eq!(put(&node, 0, 100).status, 200);
    node = node.restart(&[]);
    assert_eq!(arrived(&node), None);
    assert_eq!(put(&node, 0, PART).status, 200);
    let (mut offset, mut restarts) = (PART, 0);
    let whole = loop {
        node = node.restart(&[]);
        restarts += 1;
        let kept = arrived(&node).unwrap();
        assert!(
            kept <= offset && offset - kept <= 2 << 20,
            "{kept} {offset}"
        );
        // The wrong place is refused, and changes nothing.
        put(&node, offset + 1, offset + 2).assert_error(409, "upload_offset");
        offset = (kept + PART).min(file.len());
        let reply = put(&node, kept, offset);
        if reply.status == 201 {
            break reply.json();
        }
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["offset"], offset);
    };
    assert!(restarts > 5);
    assert_eq!(arrived(&node), None);
    let stored = node.stored();
    node = node.restart(&[]);
    assert_eq!(node.stored(), stored);
    let restored = node.restore(id(&whole), &json!({"name": "copy"}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(node.ask("/f/copy/sum/state"), state);

    // One that is damaged after a restart leaves nothing.
    let other = Node::start(&[]);
    assert_eq!(put(&other, 0, PART).status, 200);
    let other = other.restart(&[]);
    let kept = arrived(&other).unwrap();
    assert!(other.stored() > 1);
    let path = format!("/snapshots/uploads/one?offset={kept}");
    let request = other.server.request(Method::PUT, &path);
    let damaged = request
        .header("content-type", SNAPSHOT)
        .body(vec![7; 2 << 20]);
    other
        .server
        .send(damaged)
        .assert_error(422, "invalid_snapshot");
    assert_eq!((arrived(&other), other.stored()), (None, 0));
}

#[test]
fn a_function_is_saved_and_restored_while_it_is_invoked_and_deleted() {
    let node = keeping(Node::start(&[]), 1_000_000);
    let saved = node.save("app");
    thread::scope(|scope| {
        let node = &node;
        let invoking = scope.spawn(move || {
            let mut answers = 0;
            for _ in 0..60 {
                let reply = node.server.get("/f/app/touch/state");
                assert!(
                    [200, 404].contains(&reply.status.as_u16()),
                    "{}",
                    reply.text()
                );
                answers += u32::from(reply.status == 200);
            }
            answers
        });
        for round in 0..4 {
            let reply = node.server.post("/functions/app/snapshots", "");
            assert_eq!(reply.status, 201, "{}", reply.text());
            let reply = node.restore(id(&saved), &json!({"over": "app"}));
            assert_eq!(reply.status, 200, "{round}: {}", reply.text());
        }
        assert!(invoking.join().unwrap() > 0);
        // Deleted while it is restored: it is there with all that it had, or not at all.
        for round in 0..4 {
            let restoring = scope.spawn(move || {
                let reply = node.restore(id(&saved_of(node)), &json!({"over": "app"}));
                reply.status.as_u16()
            });
            thread::sleep(Duration::from_millis(10 * round));
            let deleted = node.delete("/functions/app").status.as_u16();
            assert_eq!(deleted, 204);
            let status = restoring.join().unwrap();
            assert!([200, 404].contains(&status), "{status}");
            assert!(node.list().is_empty());
            let reply = node.restore(id(&saved_of(node)), &json!({}));
            assert_eq!(reply.status, 201, "{}", reply.text());
            assert!(node.ask("/f/app/sum/state").starts_with("1000000 "));
        }
    });
}

/// The oldest snapshot of a node.
fn saved_of(node: &Node) -> Value {
    let list = node.server.get("/snapshots").json();
    list["snapshots"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone()
}

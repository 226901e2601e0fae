//! Nodes that are killed, and functions that are invoked and deleted, while they are saved and restored.

use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{id, keeping};
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

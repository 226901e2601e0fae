//! Files: downloaded, and uploaded to another node, whose device may be another.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, eventually, run};

use super::{KEY, SNAPSHOT, id, keeping, text};
use crate::node::Node;

#[test]
fn a_snapshot_is_restored_on_another_node_that_has_the_key() {
    let node = keeping(Node::with_key(KEY, &[]), 2_500_000);
    let state = node.ask("/f/app/sum/state");
    let saved = node.save("app");
    let key = saved["signed_by"].as_str().unwrap();
    assert!(key.starts_with("hmac:"), "{key}");
    let file = node.download(id(&saved));
    assert_eq!(saved["file_bytes"], file.len());
    // A download that broke off goes on.
    let request = node
        .server
        .request(Method::GET, &format!("/snapshots/{}", id(&saved)));
    let rest = node.server.send(request.header("range", "bytes=1000000-"));
    assert_eq!(rest.status, 206);
    assert_eq!(rest.body[..], file[1_000_000..]);
    let request = node
        .server
        .request(Method::GET, &format!("/snapshots/{}", id(&saved)));
    let range = format!("bytes={}-", file.len());
    node.server
        .send(request.header("range", range))
        .assert_error(416, "range_not_satisfiable");

    let other = Node::with_key(KEY, &[]);
    let uploaded = other.upload(file.clone());
    assert_eq!(uploaded.status, 201, "{}", uploaded.text());
    let uploaded = uploaded.json();
    assert_eq!(uploaded["signed_by"], key);
    let restored = other.restore(id(&uploaded), &json!({"name": "copy"}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    let restored = restored.json();
    let original = node.server.get("/functions/app").json();
    assert_eq!(restored["function"]["digest"], original["digest"]);
    assert_ne!(restored["function"]["id"], original["id"]);
    assert_eq!(other.ask("/f/copy/sum/state"), state);

    let stranger = Node::with_key("another key, which is as long as a key has to be", &[]);
    stranger
        .upload(file.clone())
        .assert_error(403, "snapshot_refused");
    let nobody = Node::start(&[]);
    let taken = nobody.upload(file);
    assert_eq!(taken.status, 201, "{}", taken.text());
    nobody.deploy("hello", "hello");
    let unsigned = nobody.download(id(&nobody.save("hello")));
    other.upload(unsigned).assert_error(403, "snapshot_refused");
    assert_eq!((stranger.snapshots(), stranger.stored()), (0, 0));
    assert_eq!(other.snapshots(), 1);
}

#[test]
fn of_two_first_parts_of_one_upload_one_is_taken() {
    const PART: usize = 1 << 20;
    let node = keeping(Node::start(&[]), 4_000_000);
    let file = node.download(id(&node.save("app")));
    let other = Node::start(&[]);
    for round in 0..8 {
        let put = |offset: usize, part: &[u8]| {
            let path = format!("/snapshots/uploads/round-{round}?offset={offset}");
            let request = other.server.request(Method::PUT, &path);
            let request = request.header("content-type", SNAPSHOT);
            other.server.send(request.body(part.to_vec()))
        };
        let first = || put(0, &file[..PART]);
        let replies = std::thread::scope(|scope| {
            let both = [scope.spawn(first), scope.spawn(first)];
            both.map(|reply| reply.join().unwrap())
        });
        let mut statuses = replies.map(|reply| reply.status.as_u16());
        statuses.sort();
        assert_eq!(statuses, [200, 409]);
        let whole = put(PART, &file[PART..]);
        assert_eq!(whole.status, 201, "{}", whole.text());
    }
    assert_eq!(other.snapshots(), 8);
}

#[test]
fn a_file_that_is_longer_than_a_request_may_be_is_uploaded_in_parts() {
    const PART: usize = 1 << 20;
    let node = keeping(Node::start(&[]), 20_000_000);
    let state = node.ask("/f/app/sum/state");
    let file = node.download(id(&node.save("app")));
    let other = Node::start(&["--max-body-bytes", "17MiB"]);
    other
        .upload(file.clone())
        .assert_error(413, "body_too_large");
    let put = |name: &str, offset: usize, part: &[u8]| {
        let path = format!("/snapshots/uploads/{name}?offset={offset}");
        let request = other.server.request(Method::PUT, &path);
        let request = request.header("content-type", SNAPSHOT);
        other.server.send(request.body(part.to_vec()))
    };
    let arrived = |name: &str| other.server.get(&format!("/snapshots/uploads/{name}"));
    arrived("one").assert_error(404, "snapshot_not_found");
    put("one", PART, &file[PART..2 * PART]).assert_error(409, "upload_offset");
    put("a.b", 0, &file[..PART]).assert_error(400, "invalid_request");
    let mut offset = 0;
    // The first part ends within the manifest, others within chunks.
    for length in [170, 1, 4 * PART, PART + 77] {
        let reply = put("one", offset, &file[offset..offset + length]);
        assert_eq!(reply.status, 200, "{}", reply.text());
        offset += length;
        assert_eq!(reply.json()["offset"], offset);
        assert_eq!(arrived("one").json()["offset"], offset);
        put("one", offset - 1, &file[offset - 1..offset]).assert_error(409, "upload_offset");
    }
    // A part whose client goes away in the middle.
    let mut raw = other.server.raw();
    raw.send(format!(
        "PUT /snapshots/uploads/one?offset={offset} HTTP/1.1\r\nhost: a\r\n\
         content-type: {SNAPSHOT}\r\ncontent-length: {}\r\n\r\n",
        2 * PART
    ));
    raw.send(&file[offset..offset + PART]);
    drop(raw);
    let offset = eventually("what has arrived is counted", || {
        let now = arrived("one").json()["offset"].as_u64()?;
        (now as usize == offset + PART).then_some(offset + PART)
    });
    let reply = put("one", offset, &file[offset..]);
    assert_eq!(reply.status, 201, "{}", reply.text());
    arrived("one").assert_error(404, "snapshot_not_found");
    let restored = other.restore(id(&reply.json()), &json!({}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(other.ask("/f/app/sum/state"), state);
    assert_eq!(other.delete("/functions/app").status, 204);
    let path = format!("/snapshots/{}", id(&reply.json()));
    assert_eq!(other.delete(&path).status, 204);

    // What is damaged is forgotten as a whole.
    let mut damaged = file.clone();
    damaged[2 * PART] ^= 1;
    assert_eq!(put("two", 0, &damaged[..PART]).status, 200);
    put("two", PART, &damaged[PART..4 * PART]).assert_error(422, "invalid_snapshot");
    arrived("two").assert_error(404, "snapshot_not_found");
    assert_eq!((other.snapshots(), other.stored()), (0, 0));

    // The client does the same.
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("app.snapshot");
    fs::write(&path, &file).unwrap();
    let server = other.server.url("");
    let restored = run([
        "snapshot",
        "restore",
        path.to_str().unwrap(),
        "--server",
        &server,
    ]);
    assert_eq!(restored.code, Some(0), "{}", text(&restored));
    assert_eq!(other.ask("/f/app/sum/state"), state);
    assert_eq!(other.snapshots(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_saved_on_one_device_is_restored_on_another() {
    let driver = tensor_wasm_tests::Driver::new("");
    let start = |options: &[&str]| {
        let data = TempDir::new().unwrap();
        let server = Serve::node(data.path())
            .env("LD_LIBRARY_PATH", driver.folder())
            .args(options)
            .start();
        Node { server, data }
    };
    let nodes = [
        start(&["--gpu=cpu"]),
        start(&["--gpu=cpu", "--isolate"]),
        start(&["--gpu=cuda"]),
    ];
    for node in nodes.each_ref() {
        node.deploy("app", "keeps_state");
        node.ask("/f/app/noise/state/2500000/3");
        node.ask("/f/app/noise/small/1/3");
    }
    let expected = nodes[0].ask("/f/app/sum/state");
    for from in nodes.each_ref() {
        assert_eq!(from.ask("/f/app/sum/state"), expected);
        let file = from.download(id(&from.save("app")));
        for to in nodes.each_ref() {
            let uploaded = to.upload(file.clone()).json();
            let restored = to.restore(id(&uploaded), &json!({"name": "copy"}));
            assert_eq!(restored.status, 201, "{}", restored.text());
            assert_eq!(to.ask("/f/copy/sum/state"), expected);
            assert!(to.ask("/f/copy/sum/small").starts_with("1 "));
            assert_eq!(to.delete("/functions/copy").status, 204);
        }
    }
}

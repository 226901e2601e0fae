//! Invocations: what the function gets, and what comes of its response.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::thread;

use serde_json::json;

use super::{Answer, Client, Server};

#[test]
fn the_request_is_the_caller_s() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body");
    fs::write(&path, "from a file").unwrap();
    let file = format!("@{}", path.display());
    let server = Server::answering(|_| Answer::of_function(200, ""));
    server.run(&["invoke", "a"]).succeeds();
    server
        .run(&["invoke", "a", "--path", "/b/c?d=%20e f", "--data", "text"])
        .succeeds();
    server
        .run(&["invoke", "a", "--path=b", "--method=PATCH", "--data", &file])
        .succeeds();
    Client::new(&["invoke", "a", "--data", "-", "--header", "Accept: x/y"])
        .at(&server)
        .input("from standard input")
        .run()
        .succeeds();
    assert_eq!(
        server.lines(),
        [
            "GET /functions/a/invoke",
            "POST /functions/a/invoke/b/c?d=%20e%20f",
            "PATCH /functions/a/invoke/b",
            "POST /functions/a/invoke",
        ]
    );
    let received = server.received();
    assert_eq!(received[1].body, b"text");
    assert_eq!(received[1].headers["content-length"], "4");
    assert_eq!(received[2].body, b"from a file");
    assert_eq!(received[2].headers["content-length"], "11");
    assert_eq!(received[3].body, b"from standard input");
    assert_eq!(received[3].headers["accept"], "x/y");
}

#[test]
fn what_can_not_be_sent_is_refused_before_anything_is() {
    let server = Server::answering(|_| Answer::of_function(200, ""));
    for (arguments, word) in [
        (&["--path", "/../b"][..], "--path"),
        (&["--path", "/a#b"], "%23"),
        (&["--header", "authorization: hush"], "TENSOR_WASM_TOKEN"),
        (&["--header", "accept"], "NAME:VALUE"),
        (&["--method", "a b"], "--method"),
        (&["--idempotency-key", "a"], "--async"),
        (&["--async", "--max-attempts", "21"], "21"),
        (&["--async", "--include"], "--include"),
    ] {
        let run = server.run(&[&["invoke", "a"], arguments].concat());
        run.fails(2, &[word]);
    }
    let missing = server.run(&["invoke", "a", "--data", "@nowhere"]);
    missing.fails(1, &["can't read nowhere"]);
    assert!(server.received().is_empty());
}

#[test]
fn the_response_goes_to_standard_output_as_it_is() {
    let bytes: Vec<u8> = (0..=255u8).cycle().take(300_000).collect();
    let body = bytes.clone();
    let server = Server::answering(move |_| {
        Answer::of_function(201, body.clone()).header("x-answer", "yes")
    });
    let run = server.run(&["invoke", "a"]).succeeds();
    assert!(run.out == bytes, "{} bytes of another body", run.out.len());
    let run = server.run(&["invoke", "a", "--include"]).succeeds();
    let head = run.out.len() - bytes.len();
    let (head, body) = run.out.split_at(head);
    assert!(body == bytes, "the body is another one");
    let head = std::str::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 201 Created\n"), "{head}");
    assert!(head.contains("\nx-answer: yes\n"), "{head}");
    assert!(head.ends_with("\n\n"), "{head}");
}

#[test]
fn a_function_s_own_error_is_told_from_the_node_s_by_its_head() {
    let like_a_node = json!({
        "error": {"kind": "function_not_found", "message": "no", "request_id": "abc"}
    });
    for (status, body) in [
        (404, "not here".to_owned()),
        (500, String::new()),
        (404, like_a_node.to_string()),
        (503, "x".repeat(200_000)),
    ] {
        let answer = body.clone();
        let server = Server::answering(move |_| Answer::of_function(status, answer.clone()));
        let run = server.run(&["invoke", "a"]);
        let run = run.fails(7, &[&format!("error: the function answered {status}")]);
        assert!(run.text() == body, "{status}: the body is the function's");
    }
    // Also where it claims success, what no function answers is no result.
    for (status, code) in [(404, 4), (200, 1)] {
        let body = like_a_node.to_string();
        let server = Server::answering(move |_| Answer::new(status, body.clone()));
        let run = server.run(&["invoke", "a"]);
        assert_eq!(run.fails(code, &[]).text(), "");
    }
}

/// A connection to a server that sends what it is told, and then goes on as it is told.
fn raw_server(serve: impl FnOnce(std::net::TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        serve(stream);
    });
    format!("http://{address}")
}

#[test]
fn a_response_is_passed_on_while_it_comes() {
    let (go_on, told) = std::sync::mpsc::channel();
    let address = raw_server(move |mut stream| {
        let head =
            b"HTTP/1.1 200 OK\r\nx-tensorwasm-function: fn_1\r\ncontent-length: 10\r\n\r\nfirst";
        stream.write_all(head).unwrap();
        told.recv().unwrap();
        stream.write_all(b"later").unwrap();
    });
    let mut client = Client::new(&["invoke", "a", "--server", &address]);
    let child = client.command.stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap();
    let mut out = child.stdout.take().unwrap();
    let mut first = [0; 5];
    out.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"first");
    go_on.send(()).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "later");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_ends_an_endless_response() {
    let address = raw_server(|mut stream| {
        let head =
            b"HTTP/1.1 200 OK\r\nx-tensorwasm-function: a\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head).unwrap();
        while stream.write_all(b"5\r\nagain\r\n").is_ok() {}
    });
    let mut client = Client::new(&["invoke", "a", "--server", &address]);
    let child = client.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 5]).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_response_that_breaks_off_is_an_error_after_what_came_of_it() {
    let address = raw_server(|mut stream| {
        let head =
            b"HTTP/1.1 200 OK\r\nx-tensorwasm-function: fn_1\r\ncontent-length: 10\r\n\r\nfirst";
        stream.write_all(head).unwrap();
    });
    let run = Client::new(&["invoke", "a", "--server", &address]).run();
    let run = run.fails(6, &["broke off"]);
    assert_eq!(run.text(), "first");
}

/// A server may refuse a body by its length, and read none of it.
#[test]
fn an_answer_that_comes_before_the_body_is_sent_is_heard() {
    let address = raw_server(|mut stream| {
        let error = r#"{"error":{"kind":"body_too_large","message":"no","request_id":"a"}}"#;
        let head = format!(
            "HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            error.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(error.as_bytes()).unwrap();
        // As long as the client sends, in part.
        stream.read_exact(&mut [0; 1000]).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.wasm");
    fs::write(&path, vec![0; 32 << 20]).unwrap();
    let run = Client::new(&["deploy", path.to_str().unwrap(), "--server", &address]).run();
    run.fails(5, &["body_too_large", "--max-function-bytes"]);
}

//! How a node is reached: its address, the token, and what becomes of a node that can't be.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use serde_json::json;

use super::{Answer, Client, Server};

#[test]
fn a_node_that_is_not_there_can_be_started() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let port = port.unwrap().port();
    let address = format!("http://127.0.0.1:{port}");
    for command in [&["list"][..], &["invoke", "a"], &["jobs", "wait", "a"]] {
        let run = Client::new(command).env("TENSOR_WASM_SERVER", &address);
        run.run().fails(
            6,
            &[
                &format!("can't reach the node at {address}"),
                "refused",
                "tensor-wasm node --data-dir DIR",
                "TENSOR_WASM_SERVER",
            ],
        );
    }
    let nowhere = Client::new(&["list", "--server=http://nowhere.invalid"]);
    nowhere.run().fails(6, &["http://nowhere.invalid"]);
}

#[test]
fn an_address_that_is_none_is_wrong_usage() {
    for (address, word) in [
        ("127.0.0.1:8080", "http://HOST:PORT"),
        ("ftp://node", "http://HOST:PORT"),
        ("http://user:hush@node", "user"),
    ] {
        let run = Client::new(&["list", "--server", address]).run();
        run.fails(2, &["--server", word]);
    }
}

#[test]
fn an_address_may_have_a_path_or_be_a_unix_socket() {
    let page = || Answer::json(200, &json!({"functions": [], "next": null}));
    let server = Server::answering(move |_| page());
    let address = format!("http://localhost:{}/a/b/", server.address.port());
    Client::new(&["list", "--server", &address])
        .run()
        .succeeds();
    assert_eq!(server.lines(), ["GET /a/b/functions"]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let thread = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let count = stream.read(&mut request).unwrap();
        let body = r#"{"functions":[],"next":null}"#;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + body).as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    let address = format!("unix:{}", path.display());
    Client::new(&["list", "--server", &address])
        .run()
        .succeeds();
    let request = thread.join().unwrap();
    assert!(
        request.starts_with("GET /functions HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn the_token_comes_from_the_environment_or_a_file_and_is_never_shown() {
    let server = Server::answering(|_| Answer::error(401, "unauthorized"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "hush-file\r\nanother line\n").unwrap();
    let file = path.to_str().unwrap();
    let with = |arguments: &[&str]| {
        Client::new(arguments)
            .at(&server)
            .env("TENSOR_WASM_TOKEN", "hush-variable")
            .run()
    };
    for (command, token) in [
        (&["list"][..], "Bearer hush-variable"),
        (&["list", "--token-from", file], "Bearer hush-file"),
    ] {
        let run = with(command).fails(3, &["unauthorized"]);
        assert!(!run.err.contains("hush"), "{}", run.err);
        let request = server.received().pop().unwrap();
        assert_eq!(request.headers["authorization"], token);
    }
    let help = with(&["list", "--help"]).succeeds();
    assert!(help.text().contains("TENSOR_WASM_TOKEN"), "{}", help.text());
    assert!(!help.text().contains("hush"), "{}", help.text());
    with(&["list", "--token", "a"]).fails(2, &["--token"]);
}

#[test]
fn what_is_no_token_is_refused_and_not_shown() {
    let server = Server::answering(|_| Answer::error(401, "unauthorized"));
    for token in ["hush hush", "hush\u{7}", "hüsh", " "] {
        let client = Client::new(&["list"]).at(&server);
        let run = client.env("TENSOR_WASM_TOKEN", token).run();
        let run = run.fails(5, &["TENSOR_WASM_TOKEN", "tensor-wasm token new"]);
        assert!(!run.err.contains("sh"), "{}", run.err);
    }
    let run = server.run(&["list", "--token-from", "/dev/null"]);
    run.fails(5, &["/dev/null holds no token"]);
    let run = server.run(&["list", "--token-from", "nowhere"]);
    run.fails(1, &["can't read nowhere"]);
    assert!(server.received().is_empty());
}

#[test]
fn a_node_that_says_nothing_is_given_up() {
    // It accepts, by its backlog, and that is all.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let run = Client::new(&["list", "--server", &address, "--timeout", "200ms"]).run();
    run.fails(6, &["said nothing for 200ms", "--timeout"]);
}

#[test]
fn what_speaks_no_http_is_no_node() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.example ready\r\n").unwrap();
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    let run = Client::new(&["list", "--server", &address]).run();
    run.fails(1, &["is no node", "HTTP"]);
}

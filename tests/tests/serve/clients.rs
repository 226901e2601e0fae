//! Clients that misbehave: too many requests, slow or oversized ones, disconnects, and
//! bytes that are not HTTP.

use std::io::Cursor;

use reqwest::Method;
use reqwest::blocking::Body;
use tensor_wasm_tests::{Serve, Server, eventually, guest};

use super::{COUNT_BODY, ECHO, HELLO};

#[test]
fn a_request_over_the_concurrency_limit_gets_503_with_retry_after() {
    let server = Serve::new(guest("sleep"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .start();
    // Repeated, since the probe may have taken the only slot before the request did.
    let (held, refused) = eventually("the server to be full", || {
        let held = server.begin("/600000");
        let reply = server.get("/0");
        (reply.status == 503).then_some((held, reply))
    });
    refused.assert_error(503, "overloaded");
    let after: u32 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(after >= 1);
    drop(held);
    eventually("room after the client left", || {
        (server.get("/0").status == 200).then_some(())
    });
}

#[test]
fn a_guest_in_an_endless_loop_is_stopped_when_its_client_disconnects() {
    let server = Serve::new(guest("misbehaves"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .start();
    // Repeated, since the probe may have taken the only slot before the request did.
    let held = eventually("the loop to run", || {
        let held = server.begin("/loop");
        (server.get("/").status == 503).then_some(held)
    });
    drop(held);
    eventually("the loop to end", || {
        (server.get("/").status == 200).then_some(())
    });
}

#[test]
fn a_response_stream_ends_when_its_client_disconnects() {
    let server = Serve::new(guest("endless_response"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .start();
    for _ in 0..3 {
        let mut client = eventually("a place", || {
            let mut client = server.begin("/");
            client
                .read_until("\r\n\r\n")
                .starts_with("HTTP/1.1 200")
                .then_some(client)
        });
        assert!(client.read_until("....").contains("...."));
    }
}

#[test]
fn a_client_that_disconnects_during_its_request_body_does_not_affect_others() {
    let server = ECHO.get();
    for _ in 0..10 {
        let mut client = server.raw();
        client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\nhalf");
        client.read_until("half");
        drop(client);
        assert_eq!(server.post("/", "whole").text(), "whole");
    }
}

#[test]
fn a_body_exactly_at_the_size_limit_is_accepted() {
    let server = COUNT_BODY.get();
    assert_eq!(server.post("/", vec![b'x'; 1000]).text(), "1000");
    let chunked = server
        .request(Method::POST, "/")
        .body(Body::new(Cursor::new(vec![b'x'; 1000])));
    assert_eq!(server.send(chunked).text(), "1000");
}

#[test]
fn a_content_length_over_the_limit_is_a_413() {
    COUNT_BODY
        .get()
        .post("/", vec![b'x'; 1001])
        .assert_error(413, "body_too_large");
}

#[test]
fn a_chunked_body_over_the_limit_is_a_413() {
    let server = COUNT_BODY.get();
    let chunked = server
        .request(Method::POST, "/")
        .body(Body::new(Cursor::new(vec![b'x'; 5000])));
    server.send(chunked).assert_error(413, "body_too_large");
    assert_eq!(server.post("/", "short").text(), "5");
}

/// An HTTP client that writes whenever it can takes a connection that is closed meanwhile for a
/// failure, and does not look whether there is an answer.
#[test]
fn a_client_that_looks_for_an_answer_only_where_it_can_write_no_more_gets_it() {
    let server = COUNT_BODY.get();
    let mut client = server.raw();
    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000000\r\n\r\n");
    assert!(client.send_until_full(1_000_000_000));
    let answer = client.read_until("}}\n");
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}

#[test]
fn a_client_that_does_not_finish_its_request_head_is_disconnected() {
    let server = COUNT_BODY.get();
    let mut slow = server.raw();
    slow.send("GET / HTTP/1.1\r\nhost: te");
    assert_eq!(server.post("/", "quick").text(), "5");
    let answer = slow.read_to_end();
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
        "{answer}"
    );
}

#[test]
fn a_client_that_stalls_in_its_request_body_gets_408_and_is_disconnected() {
    let server = COUNT_BODY.get();
    let mut slow = server.raw();
    slow.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nabc");
    assert_eq!(server.post("/", "quick").text(), "5");
    let answer = slow.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body_stalled"), "{answer}");
}

#[test]
fn bytes_that_are_not_http_are_rejected_without_affecting_other_clients() {
    let server = HELLO.get();
    let endless_header = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    for nonsense in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"\0\0\0\0\0\0\0\0\0\0\0\0\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame, but long enough to be one",
        endless_header.as_bytes(),
    ] {
        let mut client = server.raw();
        client.send(nonsense);
        client.end();
        client.read_to_end();
        assert_eq!(server.get("/").text(), "hello\n");
    }
}

#[test]
fn a_client_that_closes_its_sending_side_after_its_request_gets_its_response() {
    let server = Server::of(guest("sleep"));
    // The second one waits long enough to be asked whether it is still there.
    for pause in ["200", "2500"] {
        let mut client = server.begin(&format!("/{pause}"));
        client.end();
        let answer = client.read_to_end();
        assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("rested\n"), "{answer}");
    }
}

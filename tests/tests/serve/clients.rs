//! Clients that are too many, too slow, too long, gone, or talk nonsense.

use std::io::Cursor;

use reqwest::Method;
use reqwest::blocking::Body;
use tensor_wasm_tests::{Serve, eventually, guest};

use super::{COUNT_BODY, ECHO, HELLO};

#[test]
fn past_the_limit_of_requests_a_client_is_asked_to_come_back() {
    let server = Serve::new(guest("sleep"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .start();
    // Begun anew where the look at the server took the only place before it.
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
fn a_client_that_goes_away_takes_its_looping_guest_with_it() {
    let server = Serve::new(guest("misbehaves"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .start();
    // Begun anew where the look at the server took the only place before it.
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
fn a_client_that_goes_away_in_the_middle_of_an_answer_ends_it() {
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
fn a_client_that_goes_away_in_the_middle_of_its_body_disturbs_nobody() {
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
fn a_body_as_long_as_the_limit_is_let_through() {
    let server = COUNT_BODY.get();
    assert_eq!(server.post("/", vec![b'x'; 1000]).text(), "1000");
    let chunked = server
        .request(Method::POST, "/")
        .body(Body::new(Cursor::new(vec![b'x'; 1000])));
    assert_eq!(server.send(chunked).text(), "1000");
}

#[test]
fn a_body_that_announces_too_much_is_a_413() {
    COUNT_BODY
        .get()
        .post("/", vec![b'x'; 1001])
        .assert_error(413, "body_too_large");
}

#[test]
fn a_body_that_turns_out_too_long_is_a_413() {
    let server = COUNT_BODY.get();
    let chunked = server
        .request(Method::POST, "/")
        .body(Body::new(Cursor::new(vec![b'x'; 5000])));
    server.send(chunked).assert_error(413, "body_too_large");
    assert_eq!(server.post("/", "short").text(), "5");
}

#[test]
fn a_client_that_never_finishes_its_head_is_hung_up_on() {
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
fn a_client_that_stops_in_the_middle_of_its_body_is_told_and_hung_up_on() {
    let server = COUNT_BODY.get();
    let mut slow = server.raw();
    slow.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nabc");
    assert_eq!(server.post("/", "quick").text(), "5");
    let answer = slow.read_to_end();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("body_stalled"), "{answer}");
}

#[test]
fn what_is_no_http_is_refused_and_disturbs_nobody() {
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

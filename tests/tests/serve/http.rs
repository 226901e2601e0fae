//! HTTP/1.1 and HTTP/2, bodies, request ids, and what the guest sees of them.

use std::collections::BTreeSet;
use std::thread;

use reqwest::Method;
use tensor_wasm_tests::{Server, guest};

use super::{ECHO, HELLO, REFLECT};

#[test]
fn a_component_answers_over_http_1() {
    let reply = HELLO.get().get("/");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), "hello\n");
}

#[test]
fn a_component_answers_over_http_2() {
    let server = HELLO.get();
    let response = server.http2().get(server.url("/")).send().unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.status(), 200);
    assert!(response.headers().contains_key("x-request-id"));
    assert_eq!(response.text().unwrap(), "hello\n");
}

#[test]
fn many_streams_of_one_http_2_connection_each_get_their_own_answer() {
    let server = ECHO.get();
    let client = server.http2();
    thread::scope(|scope| {
        for index in 0..32 {
            let request = client.post(server.url("/")).body(format!("stream {index}"));
            scope.spawn(move || {
                let text = request.send().unwrap().text().unwrap();
                assert_eq!(text, format!("stream {index}"));
            });
        }
    });
}

#[test]
fn a_component_of_wasi_0_3_is_served_as_well() {
    let server = Server::of(guest("p3_hello"));
    let reply = server.get("/");
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (200, "hello from 0.3\n")
    );
    let http2 = server.http2().get(server.url("/")).send().unwrap();
    assert_eq!(http2.text().unwrap(), "hello from 0.3\n");
}

#[test]
fn a_large_body_comes_back_byte_for_byte() {
    let body: Vec<u8> = (0..3_000_000u32).map(|i| ((i * 31) >> 3) as u8).collect();
    let reply = ECHO.get().post("/", body.clone());
    assert_eq!(reply.status, 200);
    assert!(reply.body == body, "{} bytes came back", reply.body.len());
}

#[test]
fn a_body_streams_both_ways_before_it_is_complete() {
    let server = ECHO.get();
    let mut client = server.raw();
    client.send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send("5\r\nfirst\r\n");
    assert!(client.read_until("first").starts_with("HTTP/1.1 200"));
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    assert!(client.read_until("0\r\n\r\n").contains("second"));
}

#[test]
fn the_guest_sees_the_request_as_it_was_sent() {
    let server = REFLECT.get();
    let reply = server.send(
        server
            .request(Method::PATCH, "/a%20path?and=a+query")
            .header("x-of-mine", "1"),
    );
    let seen = reply.json();
    assert_eq!(seen["path"], "/a%20path?and=a+query");
    assert!(seen["method"].as_str().unwrap().contains("Patch"), "{seen}");
    assert_eq!(seen["authority"], server.address().to_string());
    assert_eq!(seen["headers"]["x-of-mine"], "1");
}

#[test]
fn a_request_id_of_the_client_reaches_guest_and_answer() {
    let server = REFLECT.get();
    let reply = server.send(
        server
            .request(Method::GET, "/")
            .header("x-request-id", "My-id_1.2"),
    );
    assert_eq!(reply.header("x-request-id"), Some("My-id_1.2"));
    assert_eq!(reply.json()["headers"]["x-request-id"], "My-id_1.2");
}

#[test]
fn a_request_without_an_id_gets_one_of_its_own() {
    let server = REFLECT.get();
    let ids: BTreeSet<String> = (0..20)
        .map(|_| {
            let reply = server.get("/");
            let id = reply.header("x-request-id").unwrap().to_owned();
            assert_eq!(reply.json()["headers"]["x-request-id"], id.as_str());
            id
        })
        .collect();
    assert_eq!(ids.len(), 20);
}

#[test]
fn a_request_id_that_could_forge_a_log_is_replaced() {
    let server = REFLECT.get();
    for forged in [
        "two words",
        "a=\"b\"",
        "{\"json\":1}",
        "ä",
        &"x".repeat(129),
        "",
    ] {
        let reply = server.send(
            server
                .request(Method::GET, "/")
                .header("x-request-id", forged.as_bytes()),
        );
        let id = reply.header("x-request-id").unwrap();
        assert!(!id.is_empty() && id.len() <= 128 && id != forged, "{id}");
        assert_eq!(reply.json()["headers"]["x-request-id"], id);
    }
}

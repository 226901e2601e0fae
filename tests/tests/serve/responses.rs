//! The framing of responses: those without content, and those that are cut short.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use tensor_wasm_tests::{Serve, Server, SharedServer, guest};

static CONTENT_LENGTH: SharedServer = SharedServer::new(|| Serve::new(guest("content_length")));

/// Method, status, and the length that the response may announce.
const WITHOUT_CONTENT: [(Method, u16, Option<&str>); 6] = [
    (Method::HEAD, 200, Some("7")),
    (Method::HEAD, 404, Some("7")),
    (Method::HEAD, 204, None),
    (Method::GET, 204, None),
    (Method::POST, 204, None),
    (Method::GET, 205, Some("0")),
];

#[test]
fn a_response_that_can_have_no_content_has_none_over_http_2() {
    let server = CONTENT_LENGTH.get();
    let client = server.http2();
    let not_modified = (Method::GET, 304, Some("7"));
    for (method, status, length) in WITHOUT_CONTENT.into_iter().chain([not_modified]) {
        let request = client.request(method.clone(), server.url(&format!("/{status}")));
        let response = request.send().unwrap();
        assert_eq!(response.status(), status);
        let announced = response.headers().get("content-length").cloned();
        let announced = announced.as_ref().map(|value| value.to_str().unwrap());
        assert_eq!(announced, length, "{method} {status}");
        assert_eq!(response.bytes().unwrap(), "", "{method} {status}");
    }
}

#[test]
fn a_response_that_can_have_no_content_has_none_over_http_1() {
    let server = CONTENT_LENGTH.get();
    let mut client = server.raw();
    for (method, status, length) in WITHOUT_CONTENT {
        client.send(format!("{method} /{status} HTTP/1.1\r\nhost: test\r\n\r\n"));
        let head = client.read_until("\r\n\r\n");
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(announced, length, "{method} {status}: {head}");
        // What follows is the next response.
        client.send("GET /200 HTTP/1.1\r\nhost: test\r\n\r\n");
        let next = client.read_until("\r\n\r\ncontent");
        assert!(
            next.starts_with("HTTP/1.1 200"),
            "{method} {status}: {next}"
        );
    }
}

#[test]
fn the_hosts_own_responses_to_head_have_no_content() {
    let server = Server::of(guest("trap"));
    let response = server.http2().head(server.url("/")).send().unwrap();
    assert_eq!(response.status(), 500);
    assert!(response.headers().contains_key("content-length"));
    assert_eq!(response.bytes().unwrap(), "");
}

#[test]
fn a_response_of_http_1_0_that_breaks_off_is_reset() {
    let server = Server::of(guest("half_a_response"));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream
        .write_all(b"GET / HTTP/1.0\r\nhost: test\r\n\r\n")
        .unwrap();
    let end = stream.read_to_end(&mut Vec::new());
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

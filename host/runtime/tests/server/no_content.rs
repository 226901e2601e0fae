//! Responses that can't have content: to HEAD, and with the statuses 204, 205 and 304 (RFC
//! 9110, sections 8.6, 9.3.2, 15.3.5, 15.3.6, 15.4.5; RFC 9113, section 8.1.1).

use bytes::Bytes;
use http::{Method, Request, Response};
use hyper::body::Body;
use tensor_wasm_runtime::server::Limits;
use tokio::net::TcpStream;

use super::{NEVER, Running, requests};

/// Each request whose response can't have content, and the length that it may announce.
const EXCHANGES: [(&str, &str, Option<&str>); 9] = [
    ("HEAD", "/status/200", Some("7")),
    ("HEAD", "/status/404", Some("7")),
    ("HEAD", "/", None),
    ("HEAD", "/broken", None),
    ("HEAD", "/status/204", None),
    ("HEAD", "/status/205", Some("0")),
    ("GET", "/status/204", None),
    ("GET", "/status/205", Some("0")),
    ("POST", "/status/204", None),
];

async fn over_http_2(
    server: &Running,
    method: &str,
    path: &str,
) -> Response<hyper::body::Incoming> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (executor, io) = (
        hyper_util::rt::TokioExecutor::new(),
        hyper_util::rt::TokioIo::new(stream),
    );
    let handshake = hyper::client::conn::http2::handshake(executor, io);
    let (mut send, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("http://test{path}"))
        .body(http_body_util::Empty::<Bytes>::new())
        .unwrap();
    send.send_request(request).await.unwrap()
}

fn length<B>(response: &Response<B>) -> Option<&str> {
    let length = response.headers().get("content-length")?;
    Some(length.to_str().unwrap())
}

#[tokio::test]
async fn over_http_2_the_head_ends_the_stream() {
    let server = Running::start(Limits::default()).await;
    let not_modified = ("GET", "/status/304", Some("7"));
    for (method, path, announced) in EXCHANGES.into_iter().chain([not_modified]) {
        let response = over_http_2(&server, method, path).await;
        assert!(
            response.body().is_end_stream(),
            "{method} {path}: {response:?}"
        );
        assert_eq!(length(&response), announced, "{method} {path}");
    }
    // The host's own responses.
    let response = over_http_2(&server, "HEAD", "/trap").await;
    assert_eq!(response.status(), 500);
    assert!(response.body().is_end_stream(), "{response:?}");
    let whole = over_http_2(&server, "GET", "/trap").await;
    // The ids have equal lengths.
    assert_eq!(length(&response), length(&whole));
}

#[tokio::test]
async fn over_http_1_nothing_follows_the_head_and_the_connection_goes_on() {
    let server = Running::start(Limits::default()).await;
    let mut client = server.connect().await;
    for (method, path, announced) in EXCHANGES {
        client
            .send(&format!("{method} {path} HTTP/1.1\r\nhost: test\r\n\r\n"))
            .await;
        let head = client.until("\r\n\r\n").await;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(length, announced, "{method} {path}: {head}");
        assert!(
            !head.contains("transfer-encoding"),
            "{method} {path}: {head}"
        );
        // What follows is the next response, and nothing else.
        client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
        let next = client.until("hello").await;
        assert!(next.starts_with("HTTP/1.1 200"), "{method} {path}: {next}");
    }
}

#[tokio::test]
async fn a_handler_that_sends_content_without_end_in_response_to_head_is_stopped() {
    let server = Running::start(requests(1)).await;
    let response = over_http_2(&server, "HEAD", "/endless").await;
    assert_eq!(response.status(), 200);
    let dropped = server.handler.dropped.notified();
    tokio::time::timeout(NEVER, dropped)
        .await
        .expect("the handler sends for ever");
}

//! Connections that end on one side: clients that close their sending side after the request,
//! clients that are gone, and responses that are cut short.

use std::io::ErrorKind;
use std::time::Duration;

use tensor_wasm_runtime::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Client, NEVER, Running};

/// Sends a request and closes the sending side.
async fn half_closed(server: &Running, request: &str) -> Client {
    let mut client = server.connect().await;
    client.send(request).await;
    client.0.shutdown().await.unwrap();
    client
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_gets_its_response() {
    let server = Running::start(Limits::default()).await;
    for request in [
        "GET /gate HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /gate HTTP/1.0\r\nhost: test\r\n\r\n",
    ] {
        let mut client = half_closed(&server, request).await;
        server.handler.arrived.notified().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.handler.gate.notify_one();
        assert!(client.rest().await.ends_with("through"));
    }
    let request = "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nbody";
    let mut client = half_closed(&server, request).await;
    assert!(client.rest().await.ends_with("body"));
}

#[tokio::test]
async fn a_client_that_waits_long_on_a_half_closed_connection_is_asked_whether_it_is_there() {
    let server = Running::start(Limits::default()).await;
    let mut client = half_closed(&server, "GET /gate HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let interim = client.until("\r\n\r\n").await;
    assert_eq!(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    server.handler.gate.notify_one();
    let answer = client.rest().await;
    let answer = answer.replace("HTTP/1.1 100 Continue\r\n\r\n", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("through"), "{answer}");
}

#[tokio::test]
async fn a_client_of_http_1_0_that_is_gone_drops_its_request_in_the_end() {
    let server = Running::start(Limits {
        body_idle_timeout: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let client = half_closed(&server, "GET /gate HTTP/1.0\r\nhost: test\r\n\r\n").await;
    server.handler.arrived.notified().await;
    drop(client);
    let dropped = server.handler.dropped.notified();
    tokio::time::timeout(NEVER, dropped)
        .await
        .expect("the request ran on");
}

#[tokio::test]
async fn a_response_of_http_1_0_that_breaks_off_is_reset() {
    let server = Running::start(Limits::default()).await;
    let mut client = server.connect().await;
    client
        .send("GET /broken HTTP/1.0\r\nhost: test\r\n\r\n")
        .await;
    let mut bytes = Vec::new();
    let end = client.0.read_to_end(&mut bytes).await;
    // Its end is the connection's end: an orderly one would make half of it the whole.
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_response_of_http_1_0_that_the_end_of_draining_cuts_off_is_reset() {
    let server = Running::start_with_drain(Limits::default(), Duration::from_millis(50)).await;
    let mut client = server.connect().await;
    client
        .send("GET /endless HTTP/1.0\r\nhost: test\r\n\r\n")
        .await;
    client.until("xxxx").await;
    server.stop.send(()).unwrap();
    let mut bytes = Vec::new();
    let end = client.0.read_to_end(&mut bytes).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

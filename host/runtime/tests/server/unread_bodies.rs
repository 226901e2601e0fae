//! Bodies of requests that nobody reads: what they cost the connection, and whether the client
//! still reads the response.

use tensor_wasm_runtime::server::Limits;

use super::{Running, assert_refused};

const LAST: &str = "GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_short_body_that_nobody_reads_costs_the_connection_in_neither_framing() {
    let server = Running::start(Limits::default()).await;
    let long = format!("{:x}\r\n{}\r\n0\r\n\r\n", 40_000, "x".repeat(40_000));
    for body in [
        "content-length: 4\r\n\r\nbody",
        "transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\na: trailer\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        &format!("transfer-encoding: chunked\r\n\r\n{long}"),
    ] {
        for path in ["/", "/status/204", "/trap"] {
            let post = format!("POST {path} HTTP/1.1\r\nhost: test\r\n{body}");
            let answers = server.exchange(&format!("{post}{post}{LAST}")).await;
            let count = answers.matches("HTTP/1.1 ").count();
            assert_eq!(count, 3, "{path} {:.60}: {answers}", body);
        }
    }
}

#[tokio::test]
async fn a_body_that_comes_after_its_response_costs_no_connection_either() {
    let server = Running::start(Limits::default()).await;
    let mut client = server.connect().await;
    client
        .send("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbo")
        .await;
    client.until("hello").await;
    client.send("dy\r\n0\r\n\r\n").await;
    client.send(LAST).await;
    assert!(client.rest().await.contains("hello"));
}

#[tokio::test]
async fn a_client_that_sends_what_nobody_reads_still_reads_a_response_without_content() {
    let server = Running::start(Limits::default()).await;
    let body = "x".repeat(4 << 20);
    let head = format!(
        "POST /status/204 HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = server.exchange(&(head + &body)).await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_its_body_is_not_asked_for_what_nobody_reads() {
    let server = Running::start(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let post = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let unread = server.exchange(&post("/", 4)).await;
    assert!(unread.starts_with("HTTP/1.1 200"), "{unread}");
    assert!(unread.contains("connection: close"), "{unread}");
    let mut client = server.connect().await;
    client.send(&post("/echo", 11)).await;
    assert_refused(&client.until("}}").await, 413, "body_too_large");
    // One that is read is asked for.
    let mut client = server.connect().await;
    client.send(&post("/echo", 4)).await;
    let interim = client.until("\r\n\r\n").await;
    assert!(interim.starts_with("HTTP/1.1 100"), "{interim}");
    client.send("body").await;
    assert!(client.until("body").await.contains("HTTP/1.1 200"));
}

//! Connections over TLS have the limits, the patience and the end of any other.

use std::num::NonZeroU32;

use tensor_wasm_runtime::server::{Drained, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::authority::Files;
use super::client::{get, get_and_stay, hello, rest};
use super::server::{NEVER, Running, quick};

#[tokio::test]
async fn clients_that_never_end_their_handshake_hold_up_nobody() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let hello = hello(&files.authority);
    let mut held = Vec::new();
    for sent in [0, 1, 5, hello.len() / 2, hello.len() - 1, hello.len()] {
        for _ in 0..8 {
            let mut client = TcpStream::connect(server.address).await.unwrap();
            client.write_all(&hello[..sent]).await.unwrap();
            held.push(client);
        }
    }
    let answer = files.authority.client().ask(server.address).await.unwrap();
    assert!(answer.ends_with("nobody."), "{answer}");
    drop(held);
}

#[tokio::test]
async fn a_client_that_never_ends_its_handshake_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let hello = hello(&files.authority);
    for sent in [0, 1, hello.len() / 2, hello.len()] {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        client.write_all(&hello[..sent]).await.unwrap();
        rest(&mut client).await;
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_client_that_shook_hands_and_never_asks_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    for sent in ["", "GET / HTTP/1.1\r\nhost:", "PRI * HT"] {
        let client = files.authority.client();
        let mut connection = client.connect(server.address).await.unwrap();
        connection.send(sent).await.unwrap();
        // However it closes: with an error for HTTP, with a word of TLS, or without.
        let answer = connection.rest().await.unwrap_or_default();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{sent:?}: {answer}"
        );
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn a_handshake_counts_as_a_connection() {
    let files = Files::new();
    let limits = Limits {
        connections: NonZeroU32::MIN,
        ..Limits::default()
    };
    let server = Running::start_with(files.load().unwrap(), limits).await;
    let half = TcpStream::connect(server.address).await.unwrap();
    let asking = {
        let (client, address) = (files.authority.client(), server.address);
        tokio::spawn(async move { client.ask(address).await })
    };
    // The second one's turn comes with the end of the first, and not before.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!asking.is_finished());
    drop(half);
    assert!(asking.await.unwrap().unwrap().ends_with("nobody."));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let client = files.authority.client();
    let mut connection = client.connect(server.address).await.unwrap();
    connection.send(&get_and_stay("/")).await.unwrap();
    connection.until("nobody.").await;
    // The HTTP library hangs up without a last word of TLS, which is no loss where
    // nothing is under way.
    assert_eq!(connection.rest().await.unwrap_or_default(), "");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_disconnected() {
    let files = Files::new();
    let server = Running::start_with(files.load().unwrap(), quick()).await;
    let client = files.authority.client();
    let mut connection = client.connect(server.address).await.unwrap();
    connection.send(&get("/endless")).await.unwrap();
    server.handler.arrived.notified().await;
    tokio::time::timeout(NEVER, server.handler.dropped.notified())
        .await
        .expect("the answer is held for ever");
}

#[tokio::test]
async fn draining_lets_a_running_request_end_and_closes_the_rest_at_once() {
    let files = Files::new();
    let server = Running::start(files.load().unwrap()).await;
    let client = files.authority.client();
    let mut idle = client.connect(server.address).await.unwrap();
    idle.send(&get_and_stay("/")).await.unwrap();
    idle.until("nobody.").await;
    server.handler.arrived.notified().await;
    let mut busy = client.connect(server.address).await.unwrap();
    busy.send(&get_and_stay("/gate")).await.unwrap();
    server.handler.arrived.notified().await;
    // One that is in the middle of its handshake: it has answered the first message.
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&hello(&files.authority)).await.unwrap();
    half.read_u8().await.unwrap();

    server.stop.send(()).unwrap();
    assert_eq!(idle.rest().await.expect("it closes with a word"), "");
    rest(&mut half).await;
    server.handler.gate.notify_one();
    assert!(busy.rest().await.unwrap().ends_with("nobody."));
    assert_eq!(server.served.await.unwrap(), Drained { cut_off: 0 });
}

//! Clients that take or send little or nothing, over HTTP/1 and HTTP/2, and how many places
//! one client can hold.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tensor_wasm_runtime::server::{Limits, PeerLimit};
use tokio::net::TcpStream;

use super::{NEVER, Running, assert_refused, get, requests};

/// How long a client may do nothing, in these tests.
const IDLE: Duration = Duration::from_millis(100);

/// An HTTP/2 connection, whose streams have a window of so many bytes.
async fn http_2(server: &Running, window: u32) -> h2::client::SendRequest<Bytes> {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let handshake = builder
        .initial_window_size(window)
        .handshake::<_, Bytes>(stream);
    let (send, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    send
}

/// Sends a request, and gives its response once the head is there.
async fn request(
    send: &h2::client::SendRequest<Bytes>,
    path: &str,
) -> http::Response<h2::RecvStream> {
    let mut send = send.clone().ready().await.unwrap();
    let request = Request::get(format!("http://test{path}")).body(()).unwrap();
    let (response, _) = send.send_request(request, true).unwrap();
    let response = tokio::time::timeout(NEVER, response).await;
    response.expect("no head came").unwrap()
}

/// Takes the body of a response, and gives room for what it took.
async fn take(body: &mut h2::RecvStream) -> Result<usize, h2::Error> {
    let mut taken = 0;
    while let Some(data) = tokio::time::timeout(NEVER, body.data())
        .await
        .expect("nothing came")
    {
        let bytes = data?.len();
        taken += bytes;
        body.flow_control().release_capacity(bytes)?;
    }
    Ok(taken)
}

fn assert_reset(outcome: Result<usize, h2::Error>) {
    let error = outcome.expect_err("the response came to its end");
    assert!(error.is_reset() && error.is_remote(), "{error}");
    assert_eq!(error.reason(), Some(h2::Reason::CANCEL));
}

#[tokio::test]
async fn a_stream_whose_client_gives_no_window_is_reset_and_its_place_used_again() {
    let server = Running::start(Limits {
        body_idle_timeout: IDLE,
        ..requests(2)
    })
    .await;
    let send = http_2(&server, 0).await;
    let mut held = [request(&send, "/").await, request(&send, "/endless").await];
    assert_refused(&server.exchange(&get("/")).await, 503, "overloaded");
    for response in &mut held {
        assert_reset(take(response.body_mut()).await);
    }
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
    // The connection goes on.
    assert_eq!(request(&send, "/").await.status(), 200);
}

#[tokio::test]
async fn a_busy_connection_does_not_save_its_stream_that_takes_nothing() {
    let server = Running::start(Limits {
        body_idle_timeout: IDLE,
        ..Limits::default()
    })
    .await;
    let send = http_2(&server, 16 << 10).await;
    let mut stalled = request(&send, "/endless").await;
    let busy = tokio::spawn(async move {
        loop {
            take(request(&send, "/").await.body_mut()).await.unwrap();
        }
    });
    let ended = async {
        while stalled
            .body_mut()
            .data()
            .await
            .is_some_and(|data| data.is_ok())
        {}
    };
    let ended = tokio::time::timeout(NEVER, ended).await;
    ended.expect("the response is held for ever");
    busy.abort();
}

#[tokio::test]
async fn a_response_is_cut_off_at_its_deadline_however_fast_it_is_taken() {
    let server = Running::start(Limits {
        response_timeout: Duration::from_millis(300),
        ..Limits::default()
    })
    .await;
    let send = http_2(&server, 1 << 20).await;
    let mut response = request(&send, "/endless").await;
    assert_reset(take(response.body_mut()).await);
    assert_eq!(request(&send, "/").await.status(), 200);

    let mut client = server.connect().await;
    client.send(&get("/endless")).await;
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{} bytes", answer.len());
    assert!(!answer.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn where_no_place_is_left_a_request_that_waits_for_its_client_gives_way() {
    let server = Running::start(Limits {
        body_idle_timeout: NEVER * 10,
        give_way_after: IDLE,
        ..requests(1)
    })
    .await;
    let mut sends = server.connect().await;
    sends
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\n\r\nbegin")
        .await;
    let send = http_2(&server, 0).await;
    let mut takes = loop {
        // Over time, each of them is the one that has waited for its client.
        let response = request(&send, "/").await;
        if response.status() == 200 {
            break response;
        }
        assert_eq!(response.status(), 503);
    };
    assert_refused(&sends.until("}}").await, 408, "body_stalled");
    let answer = loop {
        let answer = server.exchange(&get("/")).await;
        if !answer.starts_with("HTTP/1.1 503") {
            break answer;
        }
    };
    assert!(answer.ends_with("hello"), "{answer}");
    assert_reset(take(takes.body_mut()).await);
}

#[tokio::test]
async fn a_client_that_takes_its_response_byte_by_byte_is_disconnected() {
    let server = Running::start(Limits {
        body_idle_timeout: IDLE,
        ..requests(1)
    })
    .await;
    let mut client = server.connect().await;
    client.send(&get("/endless")).await;
    let slowly = async {
        loop {
            client.until("x").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let dropped = tokio::time::timeout(NEVER, server.handler.dropped.notified());
    tokio::select! {
        () = slowly => {}
        dropped = dropped => dropped.expect("the response is held for ever"),
    }
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_request_body_that_comes_byte_by_byte_is_given_up() {
    let server = Running::start(Limits {
        body_idle_timeout: IDLE,
        ..Limits::default()
    })
    .await;
    for head in [
        "POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n",
        "POST /echo HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n",
    ] {
        let mut client = server.connect().await;
        client.send(head).await;
        let drip = if head.contains("chunked") {
            "1\r\nx\r\n"
        } else {
            "x"
        };
        let mut answer = Vec::new();
        loop {
            client.send(drip).await;
            let reading = client.read_until("}}", &mut answer);
            if tokio::time::timeout(IDLE / 5, reading).await.is_ok() {
                break;
            }
        }
        assert_refused(&String::from_utf8_lossy(&answer), 408, "body_stalled");
    }
}

#[tokio::test]
async fn without_a_minimum_rate_a_client_may_send_as_slowly_as_it_likes() {
    let server = Running::start(Limits {
        body_idle_timeout: Duration::from_secs(5),
        body_bytes_per_second: 0,
        ..Limits::default()
    })
    .await;
    let mut client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 3\r\n\r\n")
        .await;
    for byte in ["a", "b", "c"] {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.send(byte).await;
    }
    assert!(client.rest().await.ends_with("abc"));
}

#[tokio::test]
async fn a_response_that_is_complete_holds_no_place() {
    let server = Running::start(requests(1)).await;
    let send = http_2(&server, 0).await;
    let refused = request(&send, "/refused").await;
    assert_eq!(refused.status(), 403);
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
    // Nor do the host's own responses.
    let trapped = request(&send, "/trap").await;
    assert_eq!(trapped.status(), 500);
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_peer_over_its_own_limit_is_asked_to_retry() {
    let server = Running::start(Limits {
        requests_per_peer: PeerLimit::All(NonZeroUsize::MIN),
        ..Limits::default()
    })
    .await;
    let mut first = server.connect().await;
    first.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    let second = server.exchange(&get("/")).await;
    assert_refused(&second, 429, "too_many_requests");
    assert!(second.contains("retry-after: 1\r\n"), "{second}");
    server.handler.gate.notify_one();
    assert!(first.rest().await.ends_with("through"));
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_connection_has_as_many_streams_as_it_may_have_requests() {
    let server = Running::start(Limits {
        requests_per_connection: NonZeroU32::new(3).unwrap(),
        ..Limits::default()
    })
    .await;
    let send = http_2(&server, 1 << 16).await;
    // One exchange, so that the server's settings have come.
    take(request(&send, "/").await.body_mut()).await.unwrap();
    assert_eq!(send.current_max_send_streams(), 3);
}

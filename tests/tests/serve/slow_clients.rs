//! Clients that take or send next to nothing, and what they leave to others.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use reqwest::blocking::Client;
use tensor_wasm_tests::{Raw, Serve, Server, eventually, guest};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

/// A client that got the head of its response, and reads no further.
fn without_reading(server: &Server) -> Option<Raw> {
    let mut client = server.begin("/");
    let head = client.read_until("\r\n\r\n");
    head.starts_with("HTTP/1.1 200").then_some(client)
}

#[test]
fn a_client_that_takes_nothing_of_its_response_loses_its_place() {
    let server = Serve::new(guest("endless_response"))
        .args(["--max-concurrent-requests=2", "--request-timeout=10m"])
        .arg("--client-timeout=500ms")
        .start();
    let _held: Vec<Raw> = (0..2)
        .map(|_| eventually("a place", || without_reading(&server)))
        .collect();
    eventually("a place of one that does not read", || {
        without_reading(&server)
    });
}

#[test]
fn a_response_is_cut_off_at_the_request_timeout_and_not_ended() {
    let server = Serve::new(guest("endless_response"))
        .args(["--request-timeout=500ms", "--max-concurrent-requests=1"])
        .start();
    for _ in 0..2 {
        let mut client = eventually("a place", || without_reading(&server));
        assert!(!client.read_to_end().ends_with("0\r\n\r\n"));
    }
}

#[test]
fn clients_that_send_a_byte_now_and_then_do_not_keep_others_out() {
    let server = Serve::new(guest("count_body"))
        .args(["--max-concurrent-requests=4", "--request-timeout=10m"])
        .arg("--client-timeout=1s")
        .start();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let done = SetWhenDropped(&done);
        for _ in 0..8 {
            let done = done.0;
            let server = &server;
            scope.spawn(move || {
                // Again and again, so that it does not matter when somebody looks.
                while !done.load(Ordering::Relaxed) {
                    let mut client = server.raw();
                    client.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n");
                    while client.send("x") && !done.load(Ordering::Relaxed) {
                        thread::sleep(Duration::from_millis(100));
                    }
                }
            });
        }
        eventually("the server to be full", || {
            (server.post("/", "body").status == 503).then_some(())
        });
        let reply = eventually("a place of one that is too slow", || {
            let reply = server.post("/", "body");
            (reply.status == 200).then_some(reply)
        });
        assert_eq!(reply.text(), "4");
    });
}

/// Ends the threads of a test that failed, too.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sends requests on one HTTP/2 connection whose streams have no window, and gives the
/// statuses of the responses, whose bodies can't come.
async fn without_window(server: &Server, requests: usize) -> Vec<http::StatusCode> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (mut send, connection) = builder
        .initial_window_size(0)
        .handshake::<_, Bytes>(stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let mut statuses = Vec::new();
    let mut responses = Vec::new();
    for _ in 0..requests {
        send = send.ready().await.unwrap();
        let request = http::Request::get("http://test/").body(()).unwrap();
        let (response, _) = send.send_request(request, true).unwrap();
        let response = response.await.unwrap();
        statuses.push(response.status());
        responses.push(response);
    }
    // Nothing else has come of them, and they are still open.
    for response in &responses {
        assert!(!response.body().is_end_stream());
    }
    statuses
}

#[test]
fn a_request_that_a_policy_refused_holds_no_place() {
    let server = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(guest("policy_refuses"))
        .args(["--max-concurrent-requests=1", "--request-timeout=10m"])
        .args(["--client-timeout=10m", "--audit-log=none"])
        .start();
    // Each would be answered with 503 while the one before holds the place.
    let statuses = Runtime::new().unwrap().block_on(without_window(&server, 8));
    assert_eq!(
        statuses,
        [403; 8].map(|code| http::StatusCode::from_u16(code).unwrap())
    );
}

/// A client at another address of this machine.
fn client_at(address: [u8; 4]) -> Client {
    Client::builder()
        .local_address(IpAddr::from(address))
        .no_proxy()
        .build()
        .unwrap()
}

#[test]
fn a_client_over_its_own_limit_leaves_places_to_others() {
    let server = Serve::new(guest("sleep"))
        .args(["--max-requests-per-peer=2", "--request-timeout=10m"])
        .start();
    let (held, refused) = eventually("both places of the address to be taken", || {
        let held = [server.begin("/600000"), server.begin("/600000")];
        let reply = server.get("/0");
        (reply.status == 429).then_some((held, reply))
    });
    refused.assert_error(429, "too_many_requests");
    assert!(refused.header("retry-after").is_some());
    let other = client_at([127, 0, 0, 2])
        .get(server.url("/0"))
        .send()
        .unwrap();
    assert_eq!(other.status(), 200);
    drop(held);
    eventually("places after the clients left", || {
        (server.get("/0").status == 200).then_some(())
    });
}

#[test]
fn addresses_of_this_machine_have_no_limit_of_their_own_by_default() {
    let server = Serve::new(guest("sleep"))
        .args(["--max-concurrent-requests=2", "--request-timeout=10m"])
        .start();
    let held = eventually("the server to be full", || {
        let held = [server.begin("/600000"), server.begin("/600000")];
        let reply = server.get("/0");
        // The limit of an address would be one request, and be reported with 429.
        assert_ne!(reply.status, 429);
        (reply.status == 503).then_some(held)
    });
    drop(held);
}

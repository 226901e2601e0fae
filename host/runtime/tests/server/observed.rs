//! An observer learns of each request once, whatever becomes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tensor_wasm_runtime::server::{HandleError, Limits};
use tensor_wasm_runtime::{EndedRequest, Observer};

use super::{NEVER, Running, get};

/// Notes what it is told.
#[derive(Default)]
pub struct Notes(Mutex<ObservedState>);

#[derive(Default)]
struct ObservedState {
    running: i64,
    /// Method and status, in the order of the ends.
    ended: Vec<(String, u16)>,
    failed: Vec<&'static str>,
}

impl Observer for Notes {
    fn request_began(&self) {
        self.0.lock().unwrap().running += 1;
    }

    fn request_ended(&self, request: EndedRequest<'_>) {
        let mut state = self.0.lock().unwrap();
        state.running -= 1;
        let method = request.method.map_or("-", |method| method.as_str());
        let status = request.status.map_or(0, |status| status.as_u16());
        assert_eq!(request.route, None);
        state.ended.push((method.to_owned(), status));
    }

    fn failed(&self, error: HandleError) {
        self.0.lock().unwrap().failed.push(error.kind());
    }
}

impl Notes {
    /// Waits until so many requests have ended, and none runs.
    async fn after(&self, number: usize) -> Vec<(String, u16)> {
        for _ in 0..NEVER.as_millis() {
            {
                let state = self.0.lock().unwrap();
                assert!(state.ended.len() <= number, "{:?}", state.ended);
                if state.ended.len() == number && state.running == 0 {
                    return state.ended.clone();
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("{:?}", self.0.lock().unwrap().ended);
    }

    fn failed(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().failed.clone()
    }
}

#[tokio::test]
async fn each_request_begins_and_ends_once_with_method_and_status() {
    let notes = Arc::new(Notes::default());
    let server = Running::start_observed(Limits::default(), notes.clone()).await;
    let head = |method: &str, path: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
    };
    let mut expected = Vec::new();
    for (request, method, status) in [
        (get("/"), "GET", 200),
        (head("HEAD", "/"), "HEAD", 200),
        (head("BREW", "/status/404"), "BREW", 404),
        (get("/trap"), "GET", 500),
        (get("/late"), "GET", 504),
        (get("/broken"), "GET", 200),
        // Without a host, and a head that the library can't read.
        (
            "GET / HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
            "GET",
            400,
        ),
        ("bad head\r\n\r\n".to_owned(), "-", 400),
    ] {
        server.exchange(&request).await;
        expected.push((method.to_owned(), status));
        assert_eq!(notes.after(expected.len()).await, expected, "{request}");
    }
    assert_eq!(
        notes.failed(),
        ["trap", "timeout", "bad_request", "bad_request"]
    );
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request_too() {
    let notes = Arc::new(Notes::default());
    let server = Running::start_observed(Limits::default(), notes.clone()).await;
    let mut client = server.connect().await;
    client.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    drop(client);
    server.handler.dropped.notified().await;
    assert_eq!(notes.after(1).await, [("GET".to_owned(), 0)]);
    // In the middle of its response.
    let mut client = server.connect().await;
    client.send(&get("/endless")).await;
    client.until("200 OK").await;
    drop(client);
    let ended = notes.after(2).await;
    assert_eq!(ended.last(), Some(&("GET".to_owned(), 200)));
}

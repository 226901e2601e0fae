//! What the client's commands send, print and end with: the real binary against a small HTTP
//! server that answers as a node does. With a real node: `tests/tests/node/client.rs`.

mod connection;
mod errors;
mod functions;
mod invoke;
mod jobs;
mod settings;
mod snapshots;

use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A request that a server got.
#[derive(Clone, Debug)]
struct Received {
    method: String,
    target: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// What a server answers.
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// A function's answer.
    fn of_function(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, body).header("x-tensorwasm-function", "fn_1")
    }

    fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).header("content-type", "application/json")
    }

    /// An error as a node tells it.
    fn error(status: u16, kind: &str) -> Self {
        let error = json!({"kind": kind, "message": "what is wrong", "request_id": "abc"});
        Self::json(status, &json!({ "error": error })).header("x-request-id", "abc")
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// A server on a free port, that keeps what it was sent.
struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    _runtime: Runtime,
}

impl Server {
    /// One that answers each request so.
    fn answering(answer: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (log, answer) = (received.clone(), Arc::new(answer));
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (log, answer) = (log.clone(), answer.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (log, answer) = (log.clone(), answer.clone());
                    async move {
                        let request = read(request).await?;
                        let Answer {
                            status,
                            headers,
                            body,
                        } = answer(&request);
                        log.lock().unwrap().push(request);
                        let mut response = Response::builder().status(status);
                        for (name, value) in headers {
                            response = response.header(name, value);
                        }
                        let body = Full::new(Bytes::from(body));
                        Ok::<_, hyper::Error>(response.body(body).unwrap())
                    }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self {
            address,
            received,
            _runtime: runtime,
        }
    }

    /// Runs a command of the client against it.
    fn run(&self, arguments: &[&str]) -> Run {
        Client::new(arguments).at(self).run()
    }

    /// What it was sent.
    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The only request that it was sent.
    #[track_caller]
    fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }

    fn lines(&self) -> Vec<String> {
        let received = self.received();
        let line = |request: &Received| format!("{} {}", request.method, request.target);
        received.iter().map(line).collect()
    }
}

async fn read(request: Request<Incoming>) -> Result<Received, hyper::Error> {
    let (head, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
    let headers = head.headers.iter();
    Ok(Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: body.collect().await?.to_bytes().to_vec(),
    })
}

/// One run of the binary: its status, and what it wrote.
struct Run {
    status: i32,
    out: Vec<u8>,
    err: String,
}

impl Run {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    #[track_caller]
    fn succeeds(self) -> Self {
        let out = String::from_utf8_lossy(&self.out);
        assert_eq!(self.status, 0, "{out}{}", self.err);
        assert_eq!(self.err, "");
        self
    }

    #[track_caller]
    fn fails(self, status: i32, words: &[&str]) -> Self {
        let out = String::from_utf8_lossy(&self.out);
        assert_eq!(self.status, status, "{out}{}", self.err);
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert!(!self.err.contains("panicked"), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        self
    }
}

/// A command of the client to be.
struct Client {
    command: Command,
    input: Vec<u8>,
}

impl Client {
    fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"));
        // A developer's own settings must not change what a test sees.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TENSOR_WASM_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).env_remove("RUST_LOG");
        Self {
            command,
            input: Vec::new(),
        }
    }

    fn at(self, server: &Server) -> Self {
        self.env("TENSOR_WASM_SERVER", &format!("http://{}", server.address))
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    fn run(mut self) -> Run {
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        // A program that ends early reads none of it.
        let _ = input.write_all(&self.input);
        drop(input);
        let output = child.wait_with_output().unwrap();
        Run {
            status: output.status.code().unwrap(),
            out: output.stdout,
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A function as a node shows it, in so many versions, of which this one gets all requests.
fn function(name: &str, versions: u32, active: u32) -> Value {
    let version = |number: u32| {
        json!({
            "version": number,
            "digest": format!("blake3:{number}"),
            "size_bytes": 2048,
            "created_at": "2026-11-30T09:00:00.123Z",
            "created_by": (number == 1).then_some("alice"),
        })
    };
    json!({
        "id": format!("fn_{name}"),
        "name": name,
        "version": active,
        "digest": format!("blake3:{active}"),
        "size_bytes": 2048,
        "imports": {"granted": ["tensor:gpu/kernels@0.1.0"], "denied": []},
        "capabilities": ["gpu"],
        "created_at": "2026-11-30T09:00:00.123Z",
        "updated_at": "2026-11-30T09:00:01.000Z",
        "traffic": {active.to_string(): 100},
        "versions": (1..=versions).rev().map(version).collect::<Vec<_>>(),
    })
}

/// The lines of a table, with single blanks between the cells.
fn cells(text: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

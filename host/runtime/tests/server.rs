//! What the HTTP front promises, whatever handler stands behind it. The clients are
//! mostly plain sockets, so that each byte of an exchange stands in the test.

mod half_close;
mod no_content;
mod observed;
mod slow_clients;
mod unread_bodies;

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use tensor_wasm_runtime::Observer;
use tensor_wasm_runtime::server::{
    Admin, CompleteResponse, Drained, HandleError, Handler, Limits, ListenError, MetricsPage,
    MetricsText, RequestInfo, Server,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use wasmtime_wasi_http::{Error, WasiBody};

/// Long enough that reaching it means a failure.
const NEVER: Duration = Duration::from_secs(30);

/// Behaves as the path says. What must not depend on time, the test opens by hand.
#[derive(Default)]
struct Paths {
    /// Lets one request to `/gate` go on.
    gate: Notify,
    /// Requests to `/gate` that arrived.
    arrived: Notify,
    /// Requests whose future was dropped before its end.
    dropped: Arc<Notify>,
    calls: AtomicUsize,
}

struct OnDrop(Arc<Notify>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

fn text(text: impl Into<Bytes>) -> WasiBody {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

impl Handler for Paths {
    async fn handle(
        &self,
        request: Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<Response<WasiBody>, HandleError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match request.uri().path() {
            "/id" => {
                let header = request.headers()["x-request-id"].to_str().unwrap();
                assert_eq!(header, info.request_id.as_str());
                Ok(Response::new(text(header.to_owned())))
            }
            "/echo" => match request.into_body().collect().await {
                Ok(body) => Ok(Response::new(text(body.to_bytes()))),
                Err(Error::HttpRequestBodySize(_) | Error::ConnectionReadTimeout) => {
                    Err(HandleError::Trapped)
                }
                Err(_) => Err(HandleError::NoResponse),
            },
            "/gate" => {
                let on_drop = OnDrop(self.dropped.clone());
                self.arrived.notify_one();
                self.gate.notified().await;
                std::mem::forget(on_drop);
                Ok(Response::new(text("through")))
            }
            "/trap" => Err(HandleError::Trapped),
            "/late" => Err(HandleError::TimedOut),
            "/broken" => {
                let frames = [
                    Ok(Frame::data(Bytes::from_static(b"half"))),
                    Err(Error::HttpProtocolError),
                ];
                let body = StreamBody::new(futures::stream::iter(frames));
                Ok(Response::new(BodyExt::boxed_unsync(body)))
            }
            "/endless" => {
                let on_drop = OnDrop(self.dropped.clone());
                self.arrived.notify_one();
                let frame = Bytes::from(vec![b'x'; 64 << 10]);
                let frames = futures::stream::repeat_with(move || {
                    let _ = &on_drop;
                    Ok(Frame::data(frame.clone()))
                });
                Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
            }
            "/refused" => {
                let mut response = Response::new(text("refused"));
                *response.status_mut() = http::StatusCode::FORBIDDEN;
                response.extensions_mut().insert(CompleteResponse);
                Ok(response)
            }
            path => Ok(match path.strip_prefix("/status/") {
                Some(status) => with_content(status),
                None => Response::new(text("hello")),
            }),
        }
    }
}

/// A response that has content and says how much, whether its status allows that or not.
fn with_content(status: &str) -> Response<WasiBody> {
    let frames = [Ok(Frame::data(Bytes::from_static(b"content")))];
    let body = StreamBody::new(futures::stream::iter(frames));
    let mut response = Response::new(BodyExt::boxed_unsync(body));
    *response.status_mut() = status.parse().unwrap();
    let length = http::HeaderValue::from_static("7");
    response.headers_mut().insert("content-length", length);
    response
}

/// A page without metrics.
struct NoMetrics;

impl MetricsPage for NoMetrics {
    fn text(&self, accept: Option<&http::HeaderValue>) -> MetricsText {
        MetricsText {
            content_type: "text/plain; version=0.0.4",
            text: format!("# {accept:?}\n"),
        }
    }
}

fn admin(server: &Running) -> Admin {
    let address = ([127, 0, 0, 1], 0).into();
    Admin::start(address, server.ready.clone(), Arc::new(NoMetrics)).unwrap()
}

struct Running {
    address: std::net::SocketAddr,
    handler: Arc<Paths>,
    ready: tensor_wasm_runtime::server::Readiness,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Drained>,
}

impl Running {
    async fn start(limits: Limits) -> Self {
        Self::start_with_drain(limits, NEVER).await
    }

    async fn start_with_drain(limits: Limits, drain: Duration) -> Self {
        Self::start_as(limits, drain, None).await
    }

    async fn start_observed(limits: Limits, observer: Arc<dyn Observer>) -> Self {
        Self::start_as(limits, NEVER, Some(observer)).await
    }

    async fn start_as(
        limits: Limits,
        drain: Duration,
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into(), limits)
            .await
            .unwrap()
            .with_observer(observer);
        let (address, ready) = (server.address(), server.readiness());
        let handler = Arc::new(Paths::default());
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let served = tokio::spawn(server.serve(handler.clone(), stopped, drain));
        Self {
            address,
            handler,
            ready,
            stop,
            served,
        }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// One exchange on a connection of its own.
    async fn exchange(&self, request: &str) -> String {
        let mut client = self.connect().await;
        client.send(request).await;
        client.rest().await
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Whatever comes until the server closes.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        tokio::time::timeout(NEVER, read)
            .await
            .expect("the server never closed")
            .ok();
        String::from_utf8(bytes).unwrap()
    }

    /// Whatever comes until it holds `end`.
    async fn until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        self.read_until(end, &mut bytes).await;
        String::from_utf8(bytes).unwrap()
    }

    /// Adds whatever comes until it holds `end`. What has come stays where this is given up.
    async fn read_until(&mut self, end: &str, bytes: &mut Vec<u8>) {
        while !String::from_utf8_lossy(bytes).contains(end) {
            let byte = tokio::time::timeout(NEVER, self.0.read_u8()).await;
            bytes.push(byte.expect("nothing came").expect("the server closed"));
        }
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
}

fn assert_refused(answer: &str, status: u16, kind: &str) {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    assert!(answer.contains("x-request-id: "), "{answer}");
    assert!(answer.contains(&format!("\"kind\":\"{kind}\"")), "{answer}");
}

fn requests(limit: usize) -> Limits {
    Limits {
        concurrent_requests: NonZeroUsize::new(limit).unwrap(),
        ..Limits::default()
    }
}

#[tokio::test]
async fn several_requests_use_one_connection() {
    let server = Running::start(Limits::default()).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
        assert!(client.until("hello").await.starts_with("HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn http_2_is_spoken_to_those_who_begin_with_it() {
    let server = Running::start(Limits::default()).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut send, http) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(http);
    for _ in 0..2 {
        let request = Request::get(format!("http://{}/", server.address));
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let response = send.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("x-request-id"));
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
    }
}

#[tokio::test]
async fn a_clients_request_id_reaches_the_guest_and_comes_back() {
    let server = Running::start(Limits::default()).await;
    let request =
        "GET /id HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-request-id: mine-1\r\n\r\n";
    let answer = server.exchange(request).await;
    assert!(answer.contains("x-request-id: mine-1\r\n"), "{answer}");
    assert!(answer.ends_with("mine-1"), "{answer}");
}

#[tokio::test]
async fn a_request_id_that_could_forge_a_log_line_is_replaced() {
    let server = Running::start(Limits::default()).await;
    let request =
        "GET /id HTTP/1.1\r\nhost: test\r\nconnection: close\r\nx-request-id: a b=c\r\n\r\n";
    let answer = server.exchange(request).await;
    assert!(!answer.contains("a b=c"), "{answer}");
    let (_, id) = answer.rsplit_once("\r\n\r\n").unwrap();
    assert_eq!(id.len(), 32, "{answer}");
    assert!(
        answer.contains(&format!("x-request-id: {id}\r\n")),
        "{answer}"
    );
}

#[tokio::test]
async fn each_failure_of_a_handler_is_answered_with_its_status_and_kind() {
    let server = Running::start(Limits::default()).await;
    assert_refused(&server.exchange(&get("/trap")).await, 500, "trap");
    assert_refused(&server.exchange(&get("/late")).await, 504, "timeout");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_off_as_a_whole_one() {
    let server = Running::start(Limits::default()).await;
    let answer = server.exchange(&get("/broken")).await;
    // A whole chunked body ends with a chunk of length zero.
    assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn one_request_too_many_is_asked_to_retry_and_a_place_given_back_is_used_again() {
    let server = Running::start(requests(1)).await;
    let mut first = server.connect().await;
    first.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    let second = server.exchange(&get("/")).await;
    assert_refused(&second, 503, "overloaded");
    assert!(second.contains("retry-after: 1\r\n"), "{second}");
    assert_eq!(server.handler.calls.load(Ordering::Relaxed), 1);
    server.handler.gate.notify_one();
    assert!(first.rest().await.ends_with("through"));
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_place_is_held_until_the_answer_is_sent_and_not_longer() {
    let server = Running::start(requests(1)).await;
    let mut first = server.connect().await;
    first.send(&get("/endless")).await;
    first.until("xxxx").await;
    assert_refused(&server.exchange(&get("/")).await, 503, "overloaded");
    drop(first);
    server.handler.dropped.notified().await;
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_client_that_goes_away_drops_its_request() {
    let server = Running::start(requests(1)).await;
    let mut client = server.connect().await;
    client.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    drop(client);
    let dropped = server.handler.dropped.notified();
    tokio::time::timeout(NEVER, dropped)
        .await
        .expect("the request ran on");
}

#[tokio::test]
async fn a_body_announced_as_too_long_is_refused_without_the_guest() {
    let server = Running::start(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let head =
        "POST /echo HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 11\r\n\r\n";
    assert_refused(
        &server.exchange(&format!("{head}01234567890")).await,
        413,
        "body_too_large",
    );
    assert_eq!(server.handler.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_refusal_of_a_long_body_comes_before_the_body_is_sent() {
    let server = Running::start(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let mut client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000\r\n\r\n")
        .await;
    assert_refused(&client.until("}}").await, 413, "body_too_large");
}

#[tokio::test]
async fn a_client_that_sends_its_whole_long_body_still_reads_the_refusal() {
    let server = Running::start(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let body = "x".repeat(4 << 20);
    let head = format!(
        "POST /echo HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    assert_refused(
        &server.exchange(&(head + &body)).await,
        413,
        "body_too_large",
    );
}

#[tokio::test]
async fn a_client_that_sends_what_nobody_reads_still_reads_the_answer_and_that_it_is_the_last() {
    let server = Running::start(Limits::default()).await;
    let body = "x".repeat(4 << 20);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = server.exchange(&(head + &body)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close") && answer.contains("hello"));
}

#[tokio::test]
async fn a_short_body_that_nobody_reads_costs_no_connection() {
    let server = Running::start(Limits::default()).await;
    let post = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\nbody";
    let last = "GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    let answers = server.exchange(&format!("{post}{post}{last}")).await;
    assert_eq!(answers.matches("hello").count(), 3, "{answers}");
}

#[tokio::test]
async fn a_streamed_body_that_grows_too_long_is_refused_whatever_the_guest_says() {
    let server = Running::start(Limits {
        body_bytes: 10,
        ..Limits::default()
    })
    .await;
    let head = "POST /echo HTTP/1.1\r\nhost: test\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let long = format!("{head}8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n");
    assert_refused(&server.exchange(&long).await, 413, "body_too_large");
    let short = format!("{head}5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
    assert!(server.exchange(&short).await.ends_with("0123456789"));
}

#[tokio::test]
async fn a_body_that_stops_halfway_is_given_up() {
    let limits = Limits {
        body_idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Running::start(limits).await;
    let mut client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n01234")
        .await;
    assert_refused(&client.until("}}").await, 408, "body_stalled");
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_is_disconnected() {
    let limits = Limits {
        head_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Running::start(limits).await;
    // Nothing at all, half a head, and the beginning of HTTP/2's greeting.
    for sent in ["", "GET / HTTP/1.1\r\nhost:", "PRI * HT"] {
        let mut client = server.connect().await;
        client.send(sent).await;
        let answer = client.rest().await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
            "{sent:?}: {answer}"
        );
    }
    assert_eq!(server.handler.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_the_end() {
    let limits = Limits {
        head_timeout: Duration::from_millis(50),
        idle_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let server = Running::start(limits).await;
    let mut client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    assert!(client.rest().await.contains("hello"));
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_disconnected() {
    let limits = Limits {
        body_idle_timeout: Duration::from_millis(50),
        ..requests(1)
    };
    let server = Running::start(limits).await;
    let mut client = server.connect().await;
    client.send(&get("/endless")).await;
    server.handler.arrived.notified().await;
    let dropped = server.handler.dropped.notified();
    tokio::time::timeout(NEVER, dropped)
        .await
        .expect("the answer is held for ever");
}

#[tokio::test]
async fn a_slow_guest_is_not_taken_for_an_idle_connection() {
    let limits = Limits {
        head_timeout: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Running::start(limits).await;
    let mut client = server.connect().await;
    client.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.handler.gate.notify_one();
    assert!(client.rest().await.ends_with("through"));
}

#[tokio::test]
async fn what_is_no_http_is_answered_with_400() {
    let server = Running::start(Limits::default()).await;
    for request in [
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    ] {
        assert_refused(&server.exchange(request).await, 400, "bad_request");
    }
    assert!(server.exchange(&get("/")).await.ends_with("hello"));
}

#[tokio::test]
async fn a_request_with_no_host_or_with_two_is_malformed() {
    let server = Running::start(Limits::default()).await;
    let none = "GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert_refused(&server.exchange(none).await, 400, "bad_request");
    let two = "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n";
    assert_refused(&server.exchange(two).await, 400, "bad_request");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = Running::start(Limits::default()).await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: test\r\nbig: {}\r\n\r\n",
        "x".repeat(100 << 10)
    );
    assert_refused(&server.exchange(&head).await, 431, "head_too_large");
    assert_eq!(server.handler.calls.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn one_connection_too_many_waits_for_another_to_close() {
    let limits = Limits {
        connections: NonZeroU32::MIN,
        ..Limits::default()
    };
    let server = Running::start(limits).await;
    let mut first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    first.until("hello").await;
    let mut second = server.connect().await;
    second.send(&get("/")).await;
    drop(first);
    assert!(second.rest().await.ends_with("hello"));
}

#[tokio::test]
async fn a_busy_port_is_an_error_that_says_what_to_do() {
    let server = Running::start(Limits::default()).await;
    let Err(error) = Server::bind(server.address, Limits::default()).await else {
        panic!("two servers on one address");
    };
    assert!(matches!(error, ListenError::InUse { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "address {} is in use: choose another with --addr, or stop the program that holds it",
            server.address
        )
    );
    let Err(error) = Admin::start(server.address, server.ready.clone(), Arc::new(NoMetrics)) else {
        panic!("two servers on one address");
    };
    assert!(error.to_string().contains("--admin"), "{error}");
}

#[tokio::test]
async fn draining_lets_a_running_request_end_and_takes_no_new_connection() {
    let server = Running::start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n").await;
    idle.until("hello").await;
    let mut client = server.connect().await;
    client
        .send("GET /gate HTTP/1.1\r\nhost: test\r\n\r\n")
        .await;
    server.handler.arrived.notified().await;
    assert!(server.ready.get());

    server.stop.send(()).unwrap();
    assert_eq!(
        idle.rest().await,
        "",
        "an idle connection is closed at once"
    );
    assert!(!server.ready.get());
    assert!(TcpStream::connect(server.address).await.is_err());
    server.handler.gate.notify_one();
    assert!(client.rest().await.ends_with("through"));
    assert_eq!(server.served.await.unwrap(), Drained { cut_off: 0 });
}

#[tokio::test]
async fn draining_has_an_end_and_counts_what_it_cut_off() {
    let server = Running::start_with_drain(Limits::default(), Duration::from_millis(50)).await;
    let mut client = server.connect().await;
    client.send(&get("/gate")).await;
    server.handler.arrived.notified().await;
    server.stop.send(()).unwrap();
    assert_eq!(server.served.await.unwrap(), Drained { cut_off: 1 });
    assert_eq!(client.rest().await, "");
    server.handler.dropped.notified().await;
}

#[tokio::test]
async fn the_health_routes_tell_living_from_ready() {
    let server = Running::start(Limits::default()).await;
    // One request, so that the server certainly serves.
    server.exchange(&get("/")).await;
    let admin = admin(&server);
    let ask = async |path: &str| {
        let mut client = Client(TcpStream::connect(admin.address()).await.unwrap());
        client.send(&get(path)).await;
        client.rest().await
    };
    assert!(ask("/livez").await.ends_with("\r\n\r\nok\n"));
    assert!(ask("/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(ask("/other").await.starts_with("HTTP/1.1 404"));
    let metrics = ask("/metrics").await;
    assert!(
        metrics.contains("content-type: text/plain; version=0.0.4\r\n"),
        "{metrics}"
    );
    assert!(metrics.ends_with("\r\n\r\n# None\n"), "{metrics}");
    server.stop.send(()).unwrap();
    server.served.await.unwrap();
    assert!(ask("/livez").await.starts_with("HTTP/1.1 200"));
    assert!(ask("/readyz").await.starts_with("HTTP/1.1 503"));
}

#[tokio::test(flavor = "current_thread")]
async fn the_health_routes_answer_while_every_thread_of_the_server_is_occupied() {
    let server = Running::start(Limits::default()).await;
    let admin = admin(&server);
    // This blocks the one thread that the runtime has.
    let answer = std::thread::scope(|scope| {
        let client = scope.spawn(|| {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(admin.address()).unwrap();
            stream.set_read_timeout(Some(NEVER)).unwrap();
            stream.write_all(get("/livez").as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        });
        client.join().unwrap()
    });
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn slow_connections_keep_no_monitor_from_the_health_routes() {
    let server = Running::start(Limits::default()).await;
    let admin = admin(&server);
    let mut slow = Vec::new();
    // As many as there may be.
    for _ in 0..64 {
        let mut client = Client(TcpStream::connect(admin.address()).await.unwrap());
        client.send("GET /livez HTTP/1.1\r\nhost:").await;
        slow.push(client);
    }
    let mut monitor = Client(TcpStream::connect(admin.address()).await.unwrap());
    monitor.send(&get("/livez")).await;
    assert!(monitor.rest().await.ends_with("\r\n\r\nok\n"));
    // It did not wait until they were closed for their slowness.
    let last = slow.last_mut().unwrap();
    last.send(" test\r\n\r\n").await;
    assert!(last.rest().await.ends_with("\r\n\r\nok\n"));
}

//! The routes for operators, on an address of their own: `/livez` and `/healthz` answer that
//! the process runs, `/readyz` whether it accepts requests, and `/metrics` what it counts.
//!
//! A thread with a runtime of its own serves them, so that a monitor gets an answer
//! also while guests occupy every thread of the server. Nor do other clients of the address
//! keep it waiting: where there are too many connections, an old one gives way.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tensor_wasm_device::spawn_essential;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{AbortHandle, yield_now};
use tokio::time::{sleep, timeout};

use super::error::ListenError;
use super::readiness::Readiness;

/// Connections at one time. One more closes the oldest of the client that has the most.
const CONNECTIONS: usize = 64;

/// How long a connection may last, which is for one request: a monitor sends it at once.
const CONNECTION_TIME: Duration = Duration::from_secs(5);

/// What `/metrics` answers. Called on the thread that serves the address.
pub trait MetricsPage: Send + Sync + 'static {
    /// The metrics as they are now, in a format that this header `Accept` allows.
    fn text(&self, accept: Option<&HeaderValue>) -> MetricsText;
}

/// Metrics in a text format.
#[derive(Clone, Debug)]
pub struct MetricsText {
    /// The format.
    pub content_type: &'static str,
    /// The metrics.
    pub text: String,
}

/// The routes for operators, served until this is dropped.
pub struct Admin {
    address: SocketAddr,
    stop: watch::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Listens on an address and starts to answer.
    ///
    /// # Errors
    ///
    /// [`ListenError`] where another program holds the address, or it can't be had.
    pub fn start(
        address: SocketAddr,
        readiness: Readiness,
        metrics: Arc<dyn MetricsPage>,
    ) -> Result<Self, ListenError> {
        let error = |cause| ListenError::new(address, "--admin", cause);
        let listener = TcpListener::bind(address).map_err(error)?;
        listener.set_nonblocking(true).map_err(error)?;
        let bound = listener.local_addr().map_err(error)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(error)?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(error)?
        };
        let (stop, stopped) = watch::channel(());
        let thread = spawn_essential("admin", move || {
            runtime.block_on(serve(listener, Routes { readiness, metrics }, stopped));
        })
        .map_err(error)?;
        Ok(Self {
            address: bound,
            stop,
            thread: Some(thread),
        })
    }

    /// The address that monitors reach it at, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.stop.send_replace(());
        if let Some(thread) = self.thread.take() {
            // The thread ends at once, and has nothing to say if it panicked.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: tokio::net::TcpListener,
    routes: Routes,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = Connections::default();
    let mut stopped = pin!(stopped.changed());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = &mut stopped => return,
        };
        let Ok((stream, peer)) = accepted else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let connection = tokio::spawn(serve_connection(stream, routes.clone()));
        connections.add(peer.ip(), connection.abort_handle());
        // The connection's request may be there already: it is answered before so many
        // others are accepted that this connection gives way to them.
        yield_now().await;
    }
}

/// What answers requests.
#[derive(Clone)]
struct Routes {
    readiness: Readiness,
    metrics: Arc<dyn MetricsPage>,
}

/// The connections that are open, oldest first.
#[derive(Default)]
struct Connections(VecDeque<(IpAddr, AbortHandle)>);

impl Connections {
    /// Adds a connection, for which another may have to be closed.
    fn add(&mut self, peer: IpAddr, connection: AbortHandle) {
        self.0.retain(|(_, connection)| !connection.is_finished());
        self.0.push_back((peer, connection));
        if self.0.len() > CONNECTIONS
            && let Some((_, oldest)) = self.oldest_of_busiest().and_then(|at| self.0.remove(at))
        {
            oldest.abort();
        }
    }

    /// Where the oldest connection is of the client that has the most.
    fn oldest_of_busiest(&self) -> Option<usize> {
        let mut counts = HashMap::new();
        for (peer, _) in &self.0 {
            *counts.entry(*peer).or_insert(0) += 1;
        }
        let most = counts.values().copied().max();
        self.0
            .iter()
            .position(|(peer, _)| counts.get(peer).copied() == most)
    }
}

async fn serve_connection(stream: TcpStream, routes: Routes) {
    let service = service_fn(move |request| {
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.answer(&request).await) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .half_close(true)
        .max_buf_size(8 << 10)
        .serve_connection(TokioIo::new(stream), service);
    // A monitor may close its connection early.
    let _ = timeout(CONNECTION_TIME, http).await;
}

impl Routes {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let is_read = request.method() == Method::GET || request.method() == Method::HEAD;
        match request.uri().path() {
            "/livez" | "/healthz" | "/readyz" | "/metrics" if !is_read => {
                let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
                let allowed = HeaderValue::from_static("GET, HEAD");
                response.headers_mut().insert(ALLOW, allowed);
                response
            }
            "/livez" | "/healthz" => text(StatusCode::OK, "ok\n"),
            "/readyz" => match &self.readiness.unready().await[..] {
                [] => text(StatusCode::OK, "ready\n"),
                unready => {
                    let parts = format!("not ready: {}\n", unready.join(", "));
                    text(StatusCode::SERVICE_UNAVAILABLE, parts)
                }
            },
            "/metrics" => {
                let page = self.metrics.text(request.headers().get(ACCEPT));
                let content_type = HeaderValue::from_static(page.content_type);
                let mut response = text(StatusCode::OK, page.text);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                response
            }
            _ => text(
                StatusCode::NOT_FOUND,
                "try /livez, /healthz, /readyz or /metrics\n",
            ),
        }
    }
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn a_connection_too_many_closes_the_oldest_of_the_client_that_has_the_most() {
        let mut connections = Connections::default();
        let add = |connections: &mut Connections, peer: u8| {
            let task = tokio::spawn(pending::<()>());
            connections.add([192, 0, 2, peer].into(), task.abort_handle());
            task
        };
        let monitor = add(&mut connections, 1);
        let mut others: VecDeque<_> = (0..CONNECTIONS).map(|_| add(&mut connections, 2)).collect();
        for _ in 0..3 {
            let oldest = others.pop_front().unwrap();
            assert!(oldest.await.unwrap_err().is_cancelled());
            assert_eq!(connections.0.len(), CONNECTIONS);
            others.push_back(add(&mut connections, 2));
        }
        assert!(!monitor.is_finished());
        assert!(!others.back().unwrap().is_finished());
    }
}

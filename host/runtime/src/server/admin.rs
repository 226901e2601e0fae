//! The health routes, on an address of their own: `/livez` answers that the process
//! runs, `/readyz` whether it accepts requests.
//!
//! A thread with a runtime of its own serves them, so that a monitor gets an answer
//! also while guests occupy every thread of the server.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::error::ListenError;
use super::shutdown::Readiness;

/// Connections at one time.
const CONNECTIONS: usize = 64;

/// How long a client may take for a request's head, or between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may last: one that is never closed must not keep others out,
/// and a monitor can connect again.
const CONNECTION_TIME: Duration = Duration::from_secs(60);

/// The health routes, served until this is dropped.
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
    pub fn start(address: SocketAddr, readiness: Readiness) -> Result<Self, ListenError> {
        let error = |cause| ListenError::new(address, "--admin", cause);
        let listener = TcpListener::bind(address).map_err(error)?;
        listener.set_nonblocking(true).map_err(error)?;
        let bound = listener.local_addr().map_err(error)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(error)?;
        let (stop, stopped) = watch::channel(());
        let thread = std::thread::Builder::new()
            .name("admin".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, readiness, stopped)) {
                    tracing::error!(%error, "the health routes failed");
                }
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
    listener: TcpListener,
    readiness: Readiness,
    mut stopped: watch::Receiver<()>,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stopped = pin!(stopped.changed());
    loop {
        let accepted = async {
            let permit = permits.clone().acquire_owned().await;
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            accepted = accepted => accepted,
            _ = &mut stopped => return Ok(()),
        };
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let readiness = readiness.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let response = answer(&request, readiness.get());
                async move { Ok::<_, Infallible>(response) }
            });
            let http = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .max_buf_size(8 << 10)
                .serve_connection(TokioIo::new(stream), service);
            // A monitor may close its connection early.
            let _ = timeout(CONNECTION_TIME, http).await;
            drop(permit);
        });
    }
}

fn answer(request: &Request<Incoming>, ready: bool) -> Response<Full<Bytes>> {
    let (status, text) = match (request.uri().path(), request.method()) {
        ("/livez" | "/readyz", method) if method != Method::GET && method != Method::HEAD => {
            (StatusCode::METHOD_NOT_ALLOWED, "use GET\n")
        }
        ("/livez", _) => (StatusCode::OK, "ok\n"),
        ("/readyz", _) if ready => (StatusCode::OK, "ready\n"),
        ("/readyz", _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
        _ => (StatusCode::NOT_FOUND, "try /livez or /readyz\n"),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

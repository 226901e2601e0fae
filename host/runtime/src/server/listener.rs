//! The socket: accepts connections, speaks HTTP/1.1 or HTTP/2 on each, over TLS
//! where it is asked to, and drains them at the end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::connection::{Connection, Shared, Standing};
use super::error::ListenError;
use super::front;
use super::handler::Handler;
use super::limits::Limits;
use super::shutdown::{Phase, Readiness, Shutdown, Signal};
use super::tls::Tls;

/// Streams at one time on one HTTP/2 connection.
const STREAMS: u32 = 256;

/// After this long without a frame, an HTTP/2 peer is asked whether it is there.
const PING: Duration = Duration::from_secs(20);

/// How long to leave the socket alone after it could not accept, which is mostly
/// for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that listens; what answers comes later, with [`Server::serve`].
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    readiness: Readiness,
    tls: Option<Tls>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Requests that were running when the time for draining was over.
    pub cut_off: usize,
}

impl Server {
    /// Listens on an address. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`ListenError`] where another program holds the address, or it can't be had.
    pub async fn bind(address: SocketAddr, limits: Limits) -> Result<Self, ListenError> {
        let error = |cause| ListenError::new(address, "--addr", cause);
        let listener = TcpListener::bind(address).await.map_err(error)?;
        Ok(Self {
            address: listener.local_addr().map_err(error)?,
            listener,
            limits,
            readiness: Readiness::default(),
            tls: None,
        })
    }

    /// Speaks TLS on each connection, and nothing else.
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<Option<Tls>>) -> Self {
        self.tls = tls.into();
        self
    }

    /// The address that clients reach it at, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL: `https` where it speaks TLS, else `http`.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Whether it serves: true from the call of [`Server::serve`] until it drains.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Answers requests until `shutdown` is done. Then accepts no more, lets what
    /// runs come to its end for as long as `drain`, and closes the rest.
    pub async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Drained {
        let limits = self.limits;
        let shared = Arc::new(Shared::new(limits));
        let builder = Arc::new(builder(&limits));
        // A permit for each connection: they bound the number of connections, and
        // when all of them are back, all connections are closed.
        let places = Arc::new(Semaphore::new(limits.connections.get() as usize));
        let phases = Shutdown::default();
        let mut shutdown = pin!(shutdown);

        self.readiness.set(true);
        loop {
            let (stream, peer, place) = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = &mut shutdown => break,
            };
            let (builder, handler) = (builder.clone(), handler.clone());
            let (shared, signal) = (shared.clone(), phases.signal());
            match self.tls.clone() {
                None => {
                    let connection = Arc::new(Connection::new(shared, peer, None));
                    tokio::spawn(async move {
                        run(stream, &builder, handler, connection, signal).await;
                        drop(place);
                    });
                }
                // In a task of its own, since it waits for the client.
                Some(tls) => {
                    tokio::spawn(async move {
                        let greeted = greet(&tls, stream, peer, &limits, &signal).await;
                        if let Some((stream, certificate)) = greeted {
                            let connection = Arc::new(Connection::new(shared, peer, certificate));
                            run(stream, &builder, handler, connection, signal).await;
                        }
                        drop(place);
                    });
                }
            }
        }

        self.readiness.set(false);
        drop(self.listener);
        phases.enter(Phase::Draining);
        let all_closed = places.acquire_many(limits.connections.get());
        let cut_off = match timeout(drain, all_closed).await {
            Ok(_) => 0,
            Err(_) => shared.running(),
        };
        phases.enter(Phase::Closed);
        Drained { cut_off }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    let head_bytes = limits.head_bytes.get().max(8 << 10);
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(head_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(head_bytes);
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            // Nothing ever closes the semaphore.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole: waiting to fill a packet only adds delay.
                let _ = stream.set_nodelay(true);
                return (stream, peer, place);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "can't accept connections");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a client went away before it was accepted, which is no fault of ours.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Shakes hands with a client, which has as long for it as for the head of a request,
/// and no longer than the server accepts connections. Gives the stream, and who the
/// client is by its certificate.
async fn greet(
    tls: &Tls,
    stream: TcpStream,
    peer: SocketAddr,
    limits: &Limits,
    signal: &Signal,
) -> Option<(TlsStream<TcpStream>, Option<Arc<str>>)> {
    let outcome = tokio::select! {
        outcome = timeout(limits.head_timeout, tls.accept(stream)) => outcome,
        () = signal.reached(Phase::Draining) => return None,
    };
    match outcome {
        Ok(Ok(greeted)) => return Some(greeted),
        // Scanners and clients that distrust the certificate are everyday events.
        Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
    }
    None
}

/// Serves one connection until it ends, or has to.
async fn run<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    builder: &auto::Builder<TokioExecutor>,
    handler: Arc<H>,
    connection: Arc<Connection>,
    signal: Signal,
) {
    let limits = &connection.shared.limits;
    let service = {
        let connection = connection.clone();
        service_fn(move |request| front::answer(handler.clone(), connection.clone(), request))
    };
    let mut http = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut draining = pin!(signal.reached(Phase::Draining));
    let mut closed = pin!(signal.reached(Phase::Closed));
    // A connection on which nothing ever began has only the time for a head.
    let first_look = Instant::now() + limits.head_timeout;
    let mut looks = interval_at(first_look, limits.idle_timeout);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = 0;
    let mut ending = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut http => {
                if let Err(error) = outcome {
                    tracing::debug!(peer = %connection.peer, error = &*error, "connection ended");
                }
                return;
            }
            () = &mut draining, if !ending => {
                http.as_mut().graceful_shutdown();
                ending = true;
            }
            () = &mut closed, if ending => return,
            _ = looks.tick() => match connection.look(&mut seen) {
                Standing::Busy => {}
                Standing::Idle if !ending => {
                    http.as_mut().graceful_shutdown();
                    ending = true;
                }
                Standing::Idle | Standing::Stalled => {
                    tracing::debug!(peer = %connection.peer, "closed a connection that stood still");
                    return;
                }
            },
        }
    }
}

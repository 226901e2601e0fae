//! The listening socket: accepts connections, speaks HTTP/1.1 or HTTP/2 on each, over
//! TLS where it is configured, and drains them at shutdown.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::{Authority, Scheme};
use hyper_util::rt::TokioTimer;
use hyper_util::server::conn::auto;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::address::ListenAddress;
use super::authority;
use super::connection::{Connection, ListenerState};
use super::connection_task;
use super::error::ListenError;
use super::exchange::StreamExecutor;
use super::handler::Handler;
use super::limits::Limits;
use super::readiness::Readiness;
use super::request_head::Origin;
use super::service::ConnectionService;
use super::shutdown::{Phase, Shutdown, Signal};
use super::socket::{Listener, PassedSocket, Socket};
use super::tls::Tls;
use crate::log_throttle::LogThrottle;
use crate::request::{Observer, Tracer};

/// Streams at one time on one HTTP/2 connection, at most.
const STREAMS: u32 = 256;

/// After this long without a frame, an HTTP/2 peer is sent a ping.
const PING: Duration = Duration::from_secs(20);

/// How long to wait after accepting failed, mostly since there are no file descriptors
/// left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The permissions of a Unix socket where nothing else is said: the server's user and group.
const SOCKET_MODE: u32 = 0o660;

/// A listening socket. The handler that answers is given later, to [`Server::serve`].
pub struct Server {
    listener: Listener,
    address: SocketAddr,
    drain_delay: Duration,
    limits: Limits,
    readiness: Readiness,
    tls: Option<Tls>,
    trusts_forwarded: bool,
    observer: Option<Arc<dyn Observer>>,
    tracer: Option<Arc<dyn Tracer>>,
}

/// How a server ended.
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
        Self::listen(&address.into(), SOCKET_MODE, limits).await
    }

    /// Listens on an address of any kind. A Unix socket has these permissions, and is removed
    /// when the server no longer listens; one that a server left behind is replaced.
    ///
    /// # Errors
    ///
    /// [`ListenError`] where another program holds the address, or it can't be had.
    pub async fn listen(
        address: &ListenAddress,
        socket_mode: u32,
        limits: Limits,
    ) -> Result<Self, ListenError> {
        let listener = Listener::open(address, socket_mode).await;
        let listener =
            listener.map_err(|cause| ListenError::new(address.clone(), "--addr", cause))?;
        Ok(Self::of(listener, limits))
    }

    /// Serves on a socket that another program listened on before, and passed on. To be
    /// called in the context of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`ListenError::Passed`]
    pub fn on(socket: PassedSocket, limits: Limits) -> Result<Self, ListenError> {
        let listener = Listener::passed(socket).map_err(ListenError::Passed)?;
        Ok(Self::of(listener, limits))
    }

    fn of(listener: Listener, limits: Limits) -> Self {
        Self {
            address: listener.address(),
            listener,
            drain_delay: Duration::ZERO,
            limits,
            readiness: Readiness::default(),
            tls: None,
            trusts_forwarded: false,
            observer: None,
            tracer: None,
        }
    }

    /// How long it goes on accepting connections after it is told to end, while it is
    /// no longer ready: as long as a load balancer takes to send it no more requests.
    #[must_use]
    pub fn with_drain_delay(mut self, delay: Duration) -> Self {
        self.drain_delay = delay;
        self
    }

    /// Speaks TLS on each connection, and nothing else.
    #[must_use]
    pub fn with_tls(mut self, tls: impl Into<Option<Tls>>) -> Self {
        self.tls = tls.into();
        self
    }

    /// Takes the scheme of each request from the header `Forwarded` (RFC 7239), where it
    /// names one: for a server whose clients are all proxies that set it. Of several
    /// elements the last one counts.
    #[must_use]
    pub fn with_trusted_forwarded(mut self, trusts: bool) -> Self {
        self.trusts_forwarded = trusts;
        self
    }

    /// Tells an observer of each request.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Into<Option<Arc<dyn Observer>>>) -> Self {
        self.observer = observer.into();
        self
    }

    /// Gives the spans of requests to a tracer.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Option<Arc<dyn Tracer>>) -> Self {
        self.tracer = tracer;
        self
    }

    /// The address that clients reach it at, with the port that it got; of a Unix socket
    /// [`UNIX_CLIENT`](super::UNIX_CLIENT).
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a URL: `https` where it speaks TLS, else `http`; a Unix socket as
    /// `unix:` and its path.
    pub fn url(&self) -> String {
        if let Some(path) = self.listener.path() {
            return ListenAddress::Unix(path.to_owned()).to_string();
        }
        format!("{}://{}", self.scheme(), self.address)
    }

    fn scheme(&self) -> Scheme {
        match self.tls {
            Some(_) => Scheme::HTTPS,
            None => Scheme::HTTP,
        }
    }

    fn origin(&self) -> Origin {
        // A Unix socket has a path and no authority: its clients are on this machine.
        let authority = match self.listener.path() {
            Some(_) => Authority::from_static("localhost"),
            None => authority::of(self.address),
        };
        Origin {
            scheme: self.scheme(),
            authority,
            trusts_forwarded: self.trusts_forwarded,
        }
    }

    /// Whether it serves: true from the call of [`Server::serve`] until it drains.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Answers requests until `shutdown` is done and the delay after it is over. Then
    /// accepts no more, lets what runs come to its end for as long as `drain`, and closes the
    /// rest.
    pub async fn serve<H: Handler>(
        self,
        handler: Arc<H>,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Drained {
        let limits = self.limits;
        let state = Arc::new(ListenerState::new(
            limits,
            self.observer.clone(),
            self.tracer.clone(),
        ));
        let builder = Arc::new(builder(&limits));
        let origin = Arc::new(self.origin());
        // A permit for each connection: they bound the number of connections, and
        // when all of them are released, all connections are closed.
        let permits = Arc::new(Semaphore::new(limits.connections.get() as usize));
        let phases = Shutdown::default();
        let (readiness, delay) = (self.readiness.clone(), self.drain_delay);
        let mut shutdown = pin!(async move {
            shutdown.await;
            readiness.set(false);
            sleep(delay).await;
        });
        let throttle = LogThrottle::default();

        self.readiness.set(true);
        loop {
            let (stream, peer, permit) = tokio::select! {
                accepted = accept(&self.listener, &permits, &throttle) => accepted,
                () = &mut shutdown => break,
            };
            let (builder, handler) = (builder.clone(), handler.clone());
            let (state, signal) = (state.clone(), phases.signal());
            let origin = origin_of(&stream, self.address, &origin);
            match self.tls.clone() {
                None => {
                    let connection = Arc::new(Connection::new(state, peer, None));
                    tokio::spawn(async move {
                        let service = ConnectionService::new(handler, connection, origin);
                        connection_task::run(stream, &builder, service, &signal).await;
                        drop(permit);
                    });
                }
                // In a task of its own, since it waits for the client.
                Some(tls) => {
                    tokio::spawn(async move {
                        let accepted = handshake(&tls, stream, peer, &limits, &signal).await;
                        if let Some((stream, certificate)) = accepted {
                            let connection = Arc::new(Connection::new(state, peer, certificate));
                            let service = ConnectionService::new(handler, connection, origin);
                            connection_task::run(stream, &builder, service, &signal).await;
                        }
                        drop(permit);
                    });
                }
            }
        }

        drop(self.listener);
        phases.enter(Phase::Draining);
        let all_closed = permits.acquire_many(limits.connections.get());
        let cut_off = match timeout(drain, all_closed).await {
            Ok(_) => 0,
            Err(_) => state.places.running(),
        };
        phases.enter(Phase::Closed);
        Drained { cut_off }
    }
}

fn builder(limits: &Limits) -> auto::Builder<StreamExecutor> {
    let mut builder = auto::Builder::new(StreamExecutor);
    let head_bytes = limits.head_bytes.get().max(8 << 10);
    // The library answers a head that is larger than its limit without a body and an id. So
    // it gets some room, and the service checks the limit.
    let http2_head_bytes = head_bytes.saturating_mul(2);
    builder
        .http1()
        .timer(TokioTimer::new())
        .half_close(true)
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(head_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_concurrent_streams(limits.requests_per_connection.get().min(STREAMS))
        .max_header_list_size(http2_head_bytes);
    builder
}

async fn accept(
    listener: &Listener,
    permits: &Arc<Semaphore>,
    throttle: &LogThrottle,
) -> (Socket, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else {
            // Nothing ever closes the semaphore.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) if client_went_away(&error) => {}
            Err(error) => {
                if throttle.due() {
                    tracing::warn!(%error, "can't accept connections");
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether a client went away before it was accepted: no failure of this host.
fn client_went_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Does the TLS handshake with a client, which may take as long as the head of a request
/// may, and no longer than the server accepts connections. Returns the stream, and the
/// subject of the client's certificate.
async fn handshake(
    tls: &Tls,
    stream: Socket,
    peer: SocketAddr,
    limits: &Limits,
    signal: &Signal,
) -> Option<(TlsStream<Socket>, Option<Arc<str>>)> {
    let outcome = tokio::select! {
        outcome = timeout(limits.head_timeout, tls.accept(stream)) => outcome,
        () = signal.reached(Phase::Draining) => return None,
    };
    match outcome {
        Ok(Ok(accepted)) => return Some(accepted),
        // Scanners and clients that don't trust the certificate are everyday events.
        Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
    }
    None
}

/// What is known of the URIs of a connection's requests. A server that listens on every
/// address has none of its own: the one that the client connected to counts.
fn origin_of(stream: &Socket, listens_on: SocketAddr, origin: &Arc<Origin>) -> Arc<Origin> {
    if !listens_on.ip().is_unspecified() {
        return origin.clone();
    }
    Arc::new(Origin {
        authority: authority::of(stream.local_address().unwrap_or(listens_on)),
        ..Origin::clone(origin)
    })
}

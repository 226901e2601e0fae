//! The task of one connection: it serves the connection's requests one after another or, over
//! HTTP/2, hands each to a task of its own, until the connection ends or has to be closed.
//!
//! The task runs several times for each request. What is rare (the connection is idle, the
//! client may have gone, the server ends) is therefore waited for apart, and looked at only once
//! it has happened.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, Stream};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

use super::client_stream::{ClientStream, Transport};
use super::connection::{Connection, ConnectionState};
use super::exchange::{CutOff, StreamExecutor};
use super::handler::Handler;
use super::library_refusal;
use super::peer_watch::CHECK;
use super::repoll::Repoll;
use super::service::ConnectionService;
use super::shutdown::{Phase, Signal};
use super::when_woken::WhenWoken;

/// Serves one connection, and ends it with an error response where the HTTP library can't
/// read a request's head.
pub(super) async fn run<H: Handler>(
    stream: impl Transport + Send + 'static,
    builder: &auto::Builder<StreamExecutor>,
    service: ConnectionService<H>,
    signal: &Signal,
) {
    let service = Arc::new(service);
    let stream = ClientStream::new(stream, service.connection().clone());
    let (stream, refusal) = library_refusal::watch(stream);
    let outcome = drive(stream, builder, &service, signal).await;
    if let (Some(refusal), Some(outcome)) = (refusal.take(), outcome) {
        let (handler, connection) = (service.handler(), service.connection());
        refusal.finish(outcome, handler, connection).await;
    }
}

/// How a connection ended, as the HTTP library sees it.
type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// What happens to a connection.
enum Event {
    /// It has ended.
    Ended(Outcome),
    /// The client takes the response too slowly.
    TooSlow,
    /// The client is gone.
    ClientGone,
    /// It is time to look whether the client is gone.
    LookAtClient,
    /// It is time to look whether the connection is used.
    LookAtUse,
    /// The server is in this phase.
    Phase(Phase),
}

/// What a connection waits for beside its requests.
struct Rare {
    waiting: WhenWoken<FuturesUnordered<BoxFuture<'static, Event>>>,
    looks_at_client: bool,
}

impl Rare {
    fn new(signal: &Signal) -> Self {
        let mut rare = Self {
            waiting: WhenWoken::new(FuturesUnordered::new()),
            looks_at_client: false,
        };
        for phase in [Phase::Draining, Phase::Closed] {
            rare.add(signal.reached(phase), Event::Phase(phase));
        }
        rare
    }

    fn add(&mut self, when: impl Future<Output = ()> + Send + 'static, event: Event) {
        self.waiting.change().push(when.map(|()| event).boxed());
    }

    fn add_after(&mut self, time: Duration, event: Event) {
        self.add(sleep(time), event);
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Event> {
        let poll = self.waiting.poll(cx, Stream::poll_next);
        match poll {
            Poll::Ready(Some(event)) => Poll::Ready(event),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

/// Serves one connection until it ends, or has to be closed. Returns how it ended where it
/// was not closed.
async fn drive<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    builder: &auto::Builder<StreamExecutor>,
    service: &Arc<ConnectionService<H>>,
    signal: &Signal,
) -> Option<Outcome> {
    let connection = service.connection();
    let limits = &connection.listener.limits;
    let service = {
        let service = service.clone();
        service_fn(move |request| service.clone().serve(request))
    };
    let mut http = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut repoll = Repoll::default();
    let mut cut_off = CutOff::default();
    let mut rare = Rare::new(signal);
    // A connection without a first request has only the time for a head.
    rare.add_after(limits.head_timeout, Event::LookAtUse);
    let mut seen = 0;
    let mut ending = false;
    loop {
        let event = poll_fn(|cx| match repoll.poll(cx, |cx| http.as_mut().poll(cx)) {
            Poll::Ready(outcome) => Poll::Ready(Event::Ended(outcome)),
            Poll::Pending => poll_rest(connection, &mut cut_off, &mut rare, cx),
        });
        match event.await {
            Event::Ended(outcome) => {
                if let Err(error) = &outcome {
                    tracing::debug!(peer = %connection.peer, error = &**error, "connection ended");
                }
                return Some(outcome);
            }
            Event::TooSlow => {
                tracing::debug!(peer = %connection.peer, "reset a connection whose client takes its response too slowly");
                return None;
            }
            Event::ClientGone => {
                tracing::debug!(peer = %connection.peer, "the client has closed the connection");
                return None;
            }
            Event::LookAtClient => {
                rare.looks_at_client = false;
                if connection.exchange.is_running() {
                    connection.peer_watch.ask();
                }
            }
            Event::Phase(Phase::Closed) => return None,
            Event::Phase(_) => {
                if !ending {
                    http.as_mut().graceful_shutdown();
                    ending = true;
                }
            }
            Event::LookAtUse => match connection.check(&mut seen) {
                ConnectionState::Busy => rare.add_after(limits.idle_timeout, Event::LookAtUse),
                ConnectionState::Idle if !ending => {
                    rare.add_after(limits.idle_timeout, Event::LookAtUse);
                    http.as_mut().graceful_shutdown();
                    ending = true;
                }
                ConnectionState::Idle => {
                    tracing::debug!(peer = %connection.peer, "closed a connection without requests");
                    return None;
                }
            },
        }
    }
}

/// Looks at everything but the requests. To be polled after them, which change what is waited
/// for.
fn poll_rest(
    connection: &Connection,
    cut_off: &mut CutOff,
    rare: &mut Rare,
    cx: &mut Context<'_>,
) -> Poll<Event> {
    let exchange = &connection.exchange;
    if cut_off.poll(exchange, cx).is_ready() {
        return Poll::Ready(Event::TooSlow);
    }
    if exchange.is_running() {
        let patience = connection.listener.limits.body_idle_timeout;
        if connection.peer_watch.is_gone(exchange, patience) {
            return Poll::Ready(Event::ClientGone);
        }
        if !std::mem::replace(&mut rare.looks_at_client, true) {
            rare.add_after(CHECK, Event::LookAtClient);
        }
    }
    rare.poll(cx)
}

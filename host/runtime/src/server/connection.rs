//! One connection, as its requests and its task see it: the places that its requests
//! take, and whether anything happens on it.
//!
//! A client can hold a connection without using it in several ways: by never sending a
//! request, by opening a second protocol and stopping there, by being quiet between two
//! requests. No single timer of the HTTP library sees all of them. So the connection counts
//! its requests, and its task checks the count periodically. A client that takes nothing of
//! a response is seen by the response's own timer ([`super::exchange`]).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, Version, header};
use tokio::time::Instant;

use super::exchange::Exchange;
use super::limits::Limits;
use super::pace::MinimumPace;
use super::peer_watch::PeerWatch;
use super::places::{ConnectionPlaces, Places, RequestPermit, RequestPlace};
use super::server_span;
use crate::request::trace::Recording;
use crate::request::{
    EndedRequest, HandleError, Observer, RequestId, RequestInfo, RequestTrace, Route, Tracer,
};

/// What all connections of a listener share: its limits, and how many requests run.
pub(super) struct ListenerState {
    pub(super) limits: Limits,
    pub(super) places: Arc<Places>,
    observer: Option<Arc<dyn Observer>>,
    /// Who takes the spans of requests.
    pub(super) tracer: Option<Arc<dyn Tracer>>,
}

impl ListenerState {
    pub(super) fn new(
        limits: Limits,
        observer: Option<Arc<dyn Observer>>,
        tracer: Option<Arc<dyn Tracer>>,
    ) -> Self {
        Self {
            places: Arc::new(Places::new(&limits)),
            limits,
            observer,
            tracer,
        }
    }

    /// A request gets this error.
    pub(super) fn failed(&self, error: HandleError) {
        if let Some(observer) = &self.observer {
            observer.failed(error);
        }
    }

    /// A request whose head the library could not read got this response.
    pub(super) fn refused_by_library(&self, error: HandleError) {
        if let Some(observer) = &self.observer {
            observer.request_began();
            observer.failed(error);
            observer.request_ended(EndedRequest {
                method: None,
                status: Some(error.status()),
                route: None,
                duration: Duration::ZERO,
            });
        }
    }
}

/// One connection, as its requests see it.
pub(super) struct Connection {
    pub(super) listener: Arc<ListenerState>,
    pub(super) peer: SocketAddr,
    /// The subject of the client's certificate, if it presented one.
    pub(super) certificate: Option<Arc<str>>,
    /// The exchange that runs on an HTTP/1 connection.
    pub(super) exchange: Exchange,
    /// Whether the client has closed its side.
    pub(super) peer_watch: PeerWatch,
    places: Arc<ConnectionPlaces>,
    /// Counts requests that start.
    started: AtomicU64,
    /// Requests whose response has not ended.
    running: AtomicUsize,
}

/// What a periodic check of a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// A request runs, or one did since the last check.
    Busy,
    /// No request runs, and none did since the last check.
    Idle,
}

impl Connection {
    pub(super) fn new(
        listener: Arc<ListenerState>,
        peer: SocketAddr,
        certificate: Option<Arc<str>>,
    ) -> Self {
        Self {
            places: listener.places.of_peer(peer.ip()),
            listener,
            peer,
            certificate,
            exchange: Exchange::default(),
            peer_watch: PeerWatch::default(),
            started: AtomicU64::new(0),
            running: AtomicUsize::new(0),
        }
    }

    /// What is known of a request on this connection.
    pub(super) fn info(
        &self,
        request_id: RequestId,
        trace: RequestTrace,
        received: Instant,
    ) -> RequestInfo {
        RequestInfo {
            request_id,
            trace,
            received: received.into_std(),
            peer: self.peer,
            certificate: self.certificate.clone(),
            body: None,
            guests: None,
        }
    }

    /// A request has come on this connection.
    pub(super) fn begin<B>(self: &Arc<Self>, request: &Request<B>) -> RunningExchange {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Relaxed);
        if let Some(observer) = &self.listener.observer {
            observer.request_began();
        }
        let exchange = RunningExchange {
            connection: self.clone(),
            of_stream: Exchange::of_stream(),
            method: request.method().clone(),
            status: None,
            route: None,
            recording: None,
            expects_continue: request.headers().contains_key(header::EXPECT),
            version: request.version(),
            received: Instant::now(),
        };
        exchange.exchange().begin(exchange.version);
        exchange
    }

    /// A place for one more request.
    ///
    /// # Errors
    ///
    /// Those of [`ConnectionPlaces::take`].
    pub(super) fn admit(&self) -> Result<RequestPermit, HandleError> {
        self.places.take()
    }

    /// The state of the connection. `seen` is the number of requests at the caller's last
    /// check.
    pub(super) fn check(&self, seen: &mut u64) -> ConnectionState {
        let started = self.started.load(Ordering::Relaxed);
        let before = std::mem::replace(seen, started);
        if before != started || self.running.load(Ordering::Relaxed) > 0 {
            ConnectionState::Busy
        } else {
            ConnectionState::Idle
        }
    }
}

/// A request on a connection, until its response has ended.
pub(super) struct RunningExchange {
    connection: Arc<Connection>,
    /// `None` where it is the connection's.
    of_stream: Option<Arc<Exchange>>,
    method: Method,
    /// Of the response, once there is one.
    status: Option<StatusCode>,
    route: Option<&'static str>,
    /// Where its spans are recorded.
    recording: Option<Arc<Recording>>,
    /// Whether the client waits to be asked for its body (RFC 9110, section 10.1.1).
    pub(super) expects_continue: bool,
    pub(super) version: Version,
    /// When the request's head had arrived.
    pub(super) received: Instant,
}

impl RunningExchange {
    fn exchange(&self) -> &Exchange {
        self.of_stream
            .as_deref()
            .unwrap_or(&self.connection.exchange)
    }

    /// The request's method.
    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// The request belongs to this trace.
    pub(super) fn follow(&mut self, trace: &RequestTrace) {
        self.recording = trace.recording().cloned();
    }

    /// The head of the response is known.
    pub(super) fn responds<B>(&mut self, response: &mut Response<B>) {
        self.status = Some(response.status());
        let route = response.extensions_mut().remove::<Route>();
        self.route = route.map(|Route(name)| name);
    }

    /// When the response of a guest has to be sent to the last byte.
    pub(super) fn deadline(&self) -> Instant {
        self.received + self.connection.listener.limits.response_timeout
    }

    /// The head of the response is known. The response is cut off at `deadline`, or where
    /// `place` is given to another request.
    pub(super) fn respond(&self, deadline: Option<Instant>, place: Option<Arc<RequestPlace>>) {
        let limits = &self.connection.listener.limits;
        let minimum = MinimumPace {
            idle: limits.body_idle_timeout,
            bytes_per_second: limits.body_bytes_per_second,
        };
        self.exchange().respond(minimum, deadline, place);
    }

    /// The client has room for more, and so has taken these bytes. `given` says whether it has
    /// got another part.
    pub(super) fn taken(&self, bytes: u64, given: bool) {
        self.exchange().taken(bytes, given);
    }

    /// The response breaks off. HTTP/1.0 ends a response with the connection (RFC 9112,
    /// section 6.3), so that only a reset tells half of one from a whole one.
    pub(super) fn break_off(&self) {
        if self.version <= Version::HTTP_10 {
            self.exchange().break_off();
        }
    }
}

impl Drop for RunningExchange {
    fn drop(&mut self) {
        self.exchange().end();
        self.connection.running.fetch_sub(1, Ordering::Relaxed);
        if let Some(recording) = &self.recording {
            server_span::end(recording, &self.method, self.status);
        }
        if let Some(observer) = &self.connection.listener.observer {
            observer.request_ended(EndedRequest {
                method: Some(&self.method),
                status: self.status,
                route: self.route,
                duration: self.received.elapsed(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Arc<Connection> {
        let listener = Arc::new(ListenerState::new(Limits::default(), None, None));
        let peer = ([127, 0, 0, 1], 1).into();
        Arc::new(Connection::new(listener, peer, None))
    }

    #[test]
    fn a_connection_without_requests_is_idle_at_the_second_check() {
        let connection = connection();
        let mut seen = 0;
        drop(connection.begin(&Request::new(())));
        assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        assert_eq!(connection.check(&mut seen), ConnectionState::Idle);
    }

    #[test]
    fn a_connection_with_a_request_is_busy() {
        let connection = connection();
        let mut seen = 0;
        let running = connection.begin(&Request::new(()));
        for _ in 0..3 {
            assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        }
        running.respond(None, None);
        assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        drop(running);
        assert_eq!(connection.check(&mut seen), ConnectionState::Idle);
    }
}

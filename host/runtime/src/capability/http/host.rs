//! What a guest's outgoing request goes through: it is sent to an allowed server, or
//! denied.

use super::addresses::Reach;
use super::client_span;
use super::connections::{Connections, InstanceConnections};
use super::limits::HttpLimits;
use super::send::{Sent, send};
use super::settings::Allowed;
use super::trust::HttpTrust;
use crate::request::RequestTask;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use wasmtime_wasi_http::p2::bindings::http::types as p2;
use wasmtime_wasi_http::p3::bindings::http::types as p3;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What all instances of an application share.
#[derive(Debug)]
pub(super) struct OutgoingShared {
    pub(super) allowed: Allowed,
    /// `None` where the application speaks no TLS to anybody.
    pub(super) trust: Option<HttpTrust>,
    pub(super) connections: Connections,
}

/// Sends the requests of one instance, or denies them.
pub(crate) struct Outgoing {
    shared: Arc<OutgoingShared>,
    /// Made for the first request, since most instances send none.
    connections: Option<InstanceConnections>,
    limits: HttpLimits,
    /// The task that the instance works on.
    task: Option<Arc<RequestTask>>,
    /// Whether the instance's request is replayed.
    sends_nothing: bool,
}

impl Outgoing {
    pub(super) fn new(shared: Arc<OutgoingShared>, limits: HttpLimits) -> Outgoing {
        Outgoing {
            shared,
            connections: None,
            limits,
            task: None,
            sends_nothing: false,
        }
    }

    /// From now on requests go nowhere: their responses come from a recording.
    pub(crate) fn send_nothing(&mut self) {
        self.sends_nothing = true;
    }

    pub(crate) fn limits(&self) -> HttpLimits {
        self.limits
    }

    /// Begins a task. The next connections are those of its request's tenant, as far as that
    /// is known when they are opened; else those of nobody.
    pub(crate) fn begin(&mut self, task: Arc<RequestTask>) {
        self.task = Some(task);
    }

    /// The instance works on no task.
    pub(crate) fn rest(&mut self) {
        self.task = None;
    }

    /// What a request needs to be sent.
    fn admit(
        &mut self,
        request: &http::Request<WasiBody>,
    ) -> Result<impl FnOnce(http::Request<WasiBody>, RequestOptions) -> Sending + use<>, Error>
    {
        let uri = request.uri();
        let scheme = uri.scheme().unwrap_or(&Scheme::HTTPS);
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        // Of `user@allowed` or `allowed@elsewhere` different readers make different hosts.
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let tenant = self.task.as_ref().and_then(|task| task.context().tenant());
        if !self.shared.allowed.allows(tenant, scheme, authority) {
            return Err(Error::HttpRequestDenied);
        }
        let tls = match *scheme == Scheme::HTTP {
            true => None,
            false => {
                let trust = self.shared.trust.as_ref();
                Some(trust.ok_or(Error::ConfigurationError)?.client_config())
            }
        };
        let connections = self.connections.get_or_insert_default();
        let permit = self.shared.connections.permit(connections, tenant)?;
        Ok(move |request, options| -> Sending {
            Box::new(send(request, options, tls, permit, Reach::OfGuest))
        })
    }
}

/// How an exchange with a server failed.
enum Failed {
    TimedOut,
    Incomplete,
    TooLarge,
    Terminated,
    Protocol,
}

impl Failed {
    fn of(error: &hyper::Error) -> Failed {
        tracing::debug!(%error, "an exchange with a server failed");
        let cause = error.source().and_then(|cause| cause.downcast_ref());
        match cause {
            _ if error.is_timeout() => Failed::TimedOut,
            _ if error.is_incomplete_message() => Failed::Incomplete,
            _ if error.is_parse_too_large() => Failed::TooLarge,
            Some(cause) if io::Error::kind(cause) == io::ErrorKind::UnexpectedEof => {
                Failed::Incomplete
            }
            Some(_) => Failed::Terminated,
            None if error.is_closed() || error.is_canceled() => Failed::Terminated,
            None => Failed::Protocol,
        }
    }
}

pub(super) type Sending = Box<dyn Future<Output = Result<Sent, Error>> + Send>;

/// Takes all of a body, and has no response.
async fn swallow(mut body: WasiBody) -> Result<Sent, Error> {
    while let Some(Ok(_)) = body.frame().await {}
    std::future::pending().await
}

impl WasiHttpHooks for Outgoing {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.limits.chunk_bytes()
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        self.limits.chunk_bytes()
    }

    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        if self.sends_nothing {
            return Box::new(swallow(request.into_body()));
        }
        match self.admit(&request) {
            Ok(send) => {
                let task = self.task.as_deref();
                let span = task.and_then(|task| client_span::begin(task, &mut request));
                let sending = send(request, options.unwrap_or_default());
                match span {
                    None => sending,
                    Some(span) => Box::new(client_span::follow(span, Box::into_pin(sending))),
                }
            }
            Err(error) => Box::new(std::future::ready(Err(error))),
        }
    }

    fn p2_error_from_hyper(&mut self, error: &hyper::Error) -> p2::ErrorCode {
        match Failed::of(error) {
            Failed::TimedOut => p2::ErrorCode::HttpResponseTimeout,
            Failed::Incomplete => p2::ErrorCode::HttpResponseIncomplete,
            Failed::TooLarge => p2::ErrorCode::HttpResponseHeaderSectionSize(None),
            Failed::Terminated => p2::ErrorCode::ConnectionTerminated,
            Failed::Protocol => p2::ErrorCode::HttpProtocolError,
        }
    }

    fn p3_error_from_hyper(&mut self, error: &hyper::Error) -> p3::ErrorCode {
        match Failed::of(error) {
            Failed::TimedOut => p3::ErrorCode::HttpResponseTimeout,
            Failed::Incomplete => p3::ErrorCode::HttpResponseIncomplete,
            Failed::TooLarge => p3::ErrorCode::HttpResponseHeaderSectionSize(None),
            Failed::Terminated => p3::ErrorCode::ConnectionTerminated,
            Failed::Protocol => p3::ErrorCode::HttpProtocolError,
        }
    }
}

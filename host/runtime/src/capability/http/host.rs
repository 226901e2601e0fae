//! What a guest's outgoing request goes through: it is sent to an allowed server, or
//! denied.

use super::limits::HttpLimits;
use super::settings::Destination;
use http::uri::Scheme;
use http_body_util::BodyExt;
use std::sync::Arc;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

/// Sends the requests of one instance, or denies them.
pub(crate) struct Outgoing {
    allowed: Arc<[Destination]>,
    limits: HttpLimits,
}

impl Outgoing {
    pub(super) fn new(allowed: Arc<[Destination]>, limits: HttpLimits) -> Outgoing {
        Outgoing { allowed, limits }
    }

    pub(crate) fn limits(&self) -> HttpLimits {
        self.limits
    }
}

type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Outgoing {
    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        self.limits.chunk_bytes()
    }

    fn p3_outgoing_body_chunk_size(&mut self) -> usize {
        self.limits.chunk_bytes()
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _done: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let scheme = request.uri().scheme().unwrap_or(&Scheme::HTTPS);
        let allowed = request.uri().authority().is_some_and(|authority| {
            self.allowed
                .iter()
                .any(|destination| destination.matches(scheme, authority))
        });
        if !allowed {
            return Box::new(std::future::ready(Err(Error::HttpRequestDenied)));
        }
        Box::new(async move {
            let (response, done) = default_send_request(request, options).await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(done);
            Ok((response.map(BodyExt::boxed_unsync), done))
        })
    }
}

//! What is recorded of a request that a policy decides on, as the host sees it.
//!
//! A 0.2 middleware can't see the response, so the host finishes the record. The
//! runtime writes nothing itself: whoever embeds it brings an [`Auditor`].

use super::Decision;
use crate::exchange::Exchange;
use crate::server::{HandleError, RequestId, RequestInfo};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// One request that a policy stood in front of, at the moment when its answer's
/// head is known and not yet sent.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// When the request's head had arrived.
    pub time: SystemTime,
    /// The request's name in answers and logs.
    pub request_id: RequestId,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The subject of the client's certificate, where it showed one that was checked.
    pub certificate: Option<Arc<str>>,
    /// The method.
    pub method: http::Method,
    /// The path, without the query: queries hold what nobody should keep.
    pub path: String,
    /// What the policy decided; `None` where it failed before it did.
    pub decision: Option<Decision>,
    /// The answer's status.
    pub status: http::StatusCode,
    /// Why it is no answer of the application: a policy's reason, or the kind of
    /// the host's own error, for example `rate_limited` or `timeout`.
    pub error_kind: Option<String>,
    /// From the request's head to the answer's.
    pub latency: Duration,
}

/// Keeps what happened.
///
/// Called in the middle of requests, on the threads that serve HTTP: it may not
/// block.
pub trait Auditor: Send + Sync {
    /// Whether a request that could change state may go on. `false` where records
    /// can't be kept at present and the operator wants nothing done without one.
    fn ready(&self) -> bool;

    /// Takes a record. The answer is held back until what comes back is done.
    fn record(&self, record: RequestRecord) -> Kept;
}

/// A record on its way.
#[derive(Debug, Default)]
pub struct Kept(Option<oneshot::Receiver<()>>);

impl Kept {
    /// Nobody has to wait for it.
    pub fn later() -> Kept {
        Kept(None)
    }

    /// Done once the other end is used, or dropped.
    pub fn when(done: oneshot::Receiver<()>) -> Kept {
        Kept(Some(done))
    }

    /// Waits until the answer may be sent.
    pub(crate) async fn wait(self) {
        if let Some(done) = self.0 {
            // A writer that is gone has said so in the log.
            let _ = done.await;
        }
    }
}

/// The status that is recorded where the client went away before there was any, as
/// the logs of other servers have it.
const CLIENT_GONE: u16 = 499;

/// The record of a request that is being answered. Where the client goes away, and
/// the request with it, it is kept all the same.
pub(crate) struct PendingRecord<'a> {
    auditor: &'a dyn Auditor,
    exchange: Arc<Exchange>,
    time: SystemTime,
    start: Instant,
    /// Taken out when the record is kept.
    head: Option<(http::Method, String, RequestInfo)>,
}

impl<'a> PendingRecord<'a> {
    pub(crate) fn new<B>(
        auditor: &'a dyn Auditor,
        request: &http::Request<B>,
        info: RequestInfo,
        exchange: Arc<Exchange>,
    ) -> PendingRecord<'a> {
        let path = request.uri().path().to_owned();
        PendingRecord {
            auditor,
            exchange,
            time: SystemTime::now(),
            start: Instant::now(),
            head: Some((request.method().clone(), path, info)),
        }
    }

    /// Keeps the record of an answer.
    pub(crate) fn finish<B>(mut self, outcome: &Result<http::Response<B>, HandleError>) -> Kept {
        match outcome {
            Ok(response) => self.keep(response.status(), None),
            Err(error) => self.keep(error.status(), Some(error.kind())),
        }
    }

    fn keep(&mut self, status: http::StatusCode, error: Option<&str>) -> Kept {
        let Some((method, path, info)) = self.head.take() else {
            return Kept::later();
        };
        let decision = self.exchange.decision().cloned();
        let refused = match &decision {
            Some(Decision::Refused { kind, .. }) => Some(kind.clone()),
            Some(Decision::Admitted { .. }) | None => None,
        };
        self.auditor.record(RequestRecord {
            time: self.time,
            request_id: info.request_id,
            peer: info.peer,
            certificate: info.certificate,
            method,
            path,
            decision,
            status,
            error_kind: error.map(str::to_owned).or(refused),
            latency: self.start.elapsed(),
        })
    }
}

impl Drop for PendingRecord<'_> {
    fn drop(&mut self) {
        if self.head.is_some() {
            let status = http::StatusCode::from_u16(CLIENT_GONE).unwrap_or_default();
            // Nobody is there to wait for it.
            drop(self.keep(status, Some("client_gone")));
        }
    }
}

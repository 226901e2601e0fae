//! Auditing: the record of a request that a policy decides on.
//!
//! A policy component of WASI 0.2 can't see the response, so the host completes the
//! record. The runtime writes nothing itself: whoever embeds it brings an [`Auditor`].

use crate::request::{
    Decision, HandleError, RefusedRequest, RequestId, RequestInfo, RequestTask, TraceId, Usage,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::oneshot;

/// One request that a policy decided on, or that the server refused before, when the head
/// of its response is known and not yet sent.
#[derive(Clone, Debug)]
pub struct RequestRecord {
    /// When the request's head had arrived.
    pub time: SystemTime,
    /// The request's name in responses and logs.
    pub request_id: RequestId,
    /// The trace that it belongs to.
    pub trace_id: TraceId,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The subject of the client's certificate, where the client presented one and it
    /// was verified.
    pub certificate: Option<Arc<str>>,
    /// The method; `None` where the request's head can't be read.
    pub method: Option<http::Method>,
    /// The path, without the query, which may hold secrets.
    pub path: String,
    /// What the request does, where code of the embedder answers it and says so; else the
    /// method says it.
    pub action: Option<&'static str>,
    /// What the policy decided; `None` where it failed before it did, or never saw the
    /// request.
    pub decision: Option<Decision>,
    /// The status of the response.
    pub status: http::StatusCode,
    /// Why it is not the application's response: a policy's reason, or the kind of
    /// the host's own error, for example `rate_limited` or `timeout`.
    pub error_kind: Option<String>,
    /// From the head of the request to the head of the response.
    pub latency: Duration,
    /// What the request has used until then, when the head of its response is known; `None`
    /// where no component saw it.
    pub usage: Option<Usage>,
}

impl RequestRecord {
    /// The record of a request that the server refused before a policy saw it.
    pub(crate) fn refused(request: RefusedRequest) -> RequestRecord {
        let RefusedRequest {
            info,
            method,
            path,
            error,
        } = request;
        RequestRecord {
            time: SystemTime::now(),
            request_id: info.request_id,
            trace_id: info.trace.id(),
            peer: info.peer,
            certificate: info.certificate,
            method,
            path,
            action: None,
            decision: None,
            status: error.status(),
            error_kind: Some(error.kind().to_owned()),
            latency: Duration::ZERO,
            usage: None,
        }
    }
}

/// Keeps records of requests.
///
/// Called in the middle of requests, on the threads that serve HTTP: it may not
/// block.
pub trait Auditor: Send + Sync {
    /// Whether a request that could change state may go on. `false` where records can't
    /// be kept at present and the operator wants no such request without a record.
    fn ready(&self) -> bool;

    /// Takes a record. The response is held back until the receipt is complete.
    fn record(&self, record: RequestRecord) -> RecordReceipt;
}

/// Tells when a record is kept, so that the response may be sent.
#[derive(Debug, Default)]
pub struct RecordReceipt(Option<oneshot::Receiver<()>>);

impl RecordReceipt {
    /// The response need not wait for the record.
    pub fn immediate() -> RecordReceipt {
        RecordReceipt(None)
    }

    /// Complete once the sender is used, or dropped.
    pub fn when(kept: oneshot::Receiver<()>) -> RecordReceipt {
        RecordReceipt(Some(kept))
    }

    /// Waits until the response may be sent.
    pub(crate) async fn wait(self) {
        if let Some(kept) = self.0 {
            // A writer that has ended has logged why.
            let _ = kept.await;
        }
    }
}

/// The status that is recorded where the client went away before the response, as in the
/// logs of other servers.
const CLIENT_GONE: u16 = 499;

/// The record of a request that is being answered. It is kept also where the client goes
/// away, which drops it unfinished.
pub(crate) struct PendingRecord<'a> {
    auditor: &'a dyn Auditor,
    task: Arc<RequestTask>,
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
        task: Arc<RequestTask>,
    ) -> PendingRecord<'a> {
        let path = request.uri().path().to_owned();
        PendingRecord {
            auditor,
            task,
            time: SystemTime::now(),
            start: info.received,
            head: Some((request.method().clone(), path, info)),
        }
    }

    /// Completes the record with the response.
    pub(crate) fn finish<B>(
        mut self,
        outcome: &Result<http::Response<B>, HandleError>,
    ) -> RecordReceipt {
        match outcome {
            Ok(response) => self.keep(response.status(), None),
            Err(error) => self.keep(error.status(), Some(error.kind())),
        }
    }

    fn keep(&mut self, status: http::StatusCode, error: Option<&str>) -> RecordReceipt {
        let Some((method, path, info)) = self.head.take() else {
            return RecordReceipt::immediate();
        };
        let decision = self.task.context().decision().cloned();
        let refused = match &decision {
            Some(Decision::Refused { kind, .. }) => Some(kind.clone()),
            Some(Decision::Admitted { .. }) | None => None,
        };
        self.auditor.record(RequestRecord {
            time: self.time,
            request_id: info.request_id,
            trace_id: info.trace.id(),
            peer: info.peer,
            certificate: info.certificate,
            method: Some(method),
            path,
            action: self.task.context().action(),
            decision,
            status,
            error_kind: error
                .or(self.task.context().error_kind())
                .map(str::to_owned)
                .or(refused),
            latency: self.start.elapsed(),
            usage: Some(self.task.context().usage().until_now()),
        })
    }
}

impl Drop for PendingRecord<'_> {
    fn drop(&mut self) {
        if self.head.is_some() {
            let status = http::StatusCode::from_u16(CLIENT_GONE)
                .unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
            // Nobody waits for the response any more.
            drop(self.keep(status, Some("client_gone")));
        }
    }
}

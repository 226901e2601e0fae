//! What is recorded of a request that a policy decides on, as the host sees it.
//!
//! A 0.2 middleware can't see the response, so the host finishes the record. The
//! runtime writes nothing itself: whoever embeds it brings an [`Auditor`].

use super::Decision;
use crate::server::RequestId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
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

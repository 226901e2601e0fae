//! What the server knows of a request beside the request itself, and of a request that it
//! refused by its head.

use super::error::HandleError;
use super::guest_count::GuestCount;
use super::id::RequestId;
use super::trace::RequestTrace;
use super::usage::BytesRead;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// What the server knows of a request beside the request itself.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// The name of this request in logs and responses. The guest finds the same in
    /// its `x-request-id` header.
    pub request_id: RequestId,
    /// The trace that the request belongs to. The guest finds it in its header
    /// `traceparent`.
    pub trace: RequestTrace,
    /// When the request's head had arrived.
    pub received: Instant,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The subject of the client's certificate, where the client presented one and it
    /// was verified.
    pub certificate: Option<Arc<str>>,
    /// How much of the request's body has been read; `None` where it has none.
    pub body: Option<BytesRead>,
    /// Who counts the guests that work on it, which may be longer than until its response is sent.
    pub guests: Option<GuestCount>,
}

/// A request that the server has refused before any handler saw it.
#[derive(Clone, Debug)]
pub struct RefusedRequest {
    /// What the server knows of it.
    pub info: RequestInfo,
    /// The method; `None` where the head can't be read.
    pub method: Option<http::Method>,
    /// The path, without the query; empty where the head can't be read.
    pub path: String,
    /// Why it was refused.
    pub error: HandleError,
}

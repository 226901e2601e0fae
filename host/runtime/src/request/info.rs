//! What the server knows of a request beside the request itself.

use super::id::RequestId;
use std::net::SocketAddr;
use std::sync::Arc;

/// What the server knows of a request beside the request itself.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// The name of this request in logs and responses. The guest finds the same in
    /// its `x-request-id` header.
    pub request_id: RequestId,
    /// The other end of the connection.
    pub peer: SocketAddr,
    /// The subject of the client's certificate, where the client presented one and it
    /// was verified.
    pub certificate: Option<Arc<str>>,
}

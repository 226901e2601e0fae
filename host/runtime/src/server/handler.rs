//! What the HTTP server asks of an application.
//!
//! The server knows sockets, limits and error responses; it knows no components. A
//! [`Handler`] is a loaded application, or in a test a few lines of code.

use crate::request::{HandleError, RefusedRequest, RequestInfo};
use wasmtime_wasi_http::WasiBody;

/// Marks a response, in its extensions, whose whole body is in memory: nothing runs for it any
/// more, so that its place is free before the client has taken it.
#[derive(Clone, Copy, Debug)]
pub struct CompleteResponse;

/// Answers requests. Called once per request, on the threads that serve HTTP.
///
/// The server drops the future when the client goes away: whatever runs for the
/// request has to stop then. It may not block its thread.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request, up to the response's head; the body streams after it.
    fn handle(
        &self,
        request: http::Request<WasiBody>,
        info: RequestInfo,
    ) -> impl Future<Output = Result<http::Response<WasiBody>, HandleError>> + Send;

    /// Takes note of a request that the server has refused by itself, for example since its
    /// head is malformed. The response is sent when the future is done.
    fn refused(&self, request: RefusedRequest) -> impl Future<Output = ()> + Send {
        drop(request);
        std::future::ready(())
    }
}

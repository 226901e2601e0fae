//! Shared code of the guests of the end-to-end tests: reading a request and sending a
//! response. Each scenario is one component under `examples/`, named by what it does.

pub mod policy;
pub mod policy_p3;
pub mod set_up;

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// The most bytes that one call of `blocking-write-and-flush` accepts.
const MAX_WRITE: usize = 4096;

/// The path of a request, without its query.
#[must_use]
pub fn path(request: &IncomingRequest) -> String {
    let mut path = request.path_with_query().unwrap_or_default();
    if let Some(query) = path.find('?') {
        path.truncate(query);
    }
    path
}

/// The whole body of a request. It is incomplete if the client or a limit of the host ends it
/// early.
#[must_use]
pub fn body(request: &IncomingRequest) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Ok(body) = request.consume()
        && let Ok(stream) = body.stream()
    {
        while let Ok(mut chunk) = stream.blocking_read(64 * 1024) {
            bytes.append(&mut chunk);
        }
    }
    bytes
}

/// Sends a response with this body.
pub fn respond(response_out: ResponseOutparam, status: u16, content_type: &str, bytes: &[u8]) {
    if let Some((body, stream)) = begin_response(response_out, status, content_type) {
        // A write fails only if the client has closed the connection.
        let _ = write_all(&stream, bytes);
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Sends the head of a response, and returns the body with the stream to write to it. The
/// stream has to be dropped before the body is finished.
#[must_use]
pub fn begin_response(
    response_out: ResponseOutparam,
    status: u16,
    content_type: &str,
) -> Option<(OutgoingBody, OutputStream)> {
    let headers = Fields::new();
    headers
        .append("content-type", content_type.as_bytes())
        .ok()?;
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).ok()?;
    let body = response.body().ok()?;
    ResponseOutparam::set(response_out, Ok(response));
    let stream = body.write().ok()?;
    Some((body, stream))
}

/// Writes and flushes all bytes.
///
/// # Errors
/// If the client has closed the connection.
pub fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(MAX_WRITE)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Copies from a stream to another until the input ends.
///
/// # Errors
/// If the client has closed the connection, or the input ends with an error.
pub fn copy_all(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match input.blocking_read(64 * 1024) {
            Ok(chunk) => write_all(output, &chunk)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Exports a function `fn(IncomingRequest, ResponseOutparam)` as the HTTP handler.
#[macro_export]
macro_rules! service {
    ($handle:path) => {
        struct Service;

        impl ::wasip2::exports::http::incoming_handler::Guest for Service {
            fn handle(
                request: ::wasip2::http::types::IncomingRequest,
                response_out: ::wasip2::http::types::ResponseOutparam,
            ) {
                $handle(request, response_out);
            }
        }

        ::wasip2::http::proxy::export!(Service);
    };
}

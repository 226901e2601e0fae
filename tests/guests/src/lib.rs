//! What the guests of the end-to-end tests share: reading a request and
//! answering it. Each scenario is one component under `examples/`, named by
//! what it does.

pub mod policy;

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

/// The most that `blocking-write-and-flush` takes in one call, in bytes.
const WRITE_AT_MOST: usize = 4096;

/// The path of a request, without its query.
#[must_use]
pub fn path(request: &IncomingRequest) -> String {
    let mut path = request.path_with_query().unwrap_or_default();
    if let Some(query) = path.find('?') {
        path.truncate(query);
    }
    path
}

/// The whole body of a request. It ends early where the client or a limit of
/// the host ends it.
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

/// Answers with a whole body.
pub fn answer(response_out: ResponseOutparam, status: u16, content_type: &str, bytes: &[u8]) {
    if let Some((body, stream)) = begin(response_out, status, content_type) {
        // A write fails only where the client is gone, and then nobody cares.
        let _ = write_all(&stream, bytes);
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}

/// Sends a response's head, and hands out its body to write to. The stream has
/// to be dropped before the body is finished.
#[must_use]
pub fn begin(
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

/// Writes and flushes all of the bytes.
///
/// # Errors
/// Where the other side is gone.
pub fn write_all(stream: &OutputStream, bytes: &[u8]) -> Result<(), StreamError> {
    bytes
        .chunks(WRITE_AT_MOST)
        .try_for_each(|chunk| stream.blocking_write_and_flush(chunk))
}

/// Copies until the input ends.
///
/// # Errors
/// Where the output's other side is gone, or the input breaks off.
pub fn copy_all(input: &InputStream, output: &OutputStream) -> Result<(), StreamError> {
    loop {
        match input.blocking_read(64 * 1024) {
            Ok(chunk) => write_all(output, &chunk)?,
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Exports a function `fn(IncomingRequest, ResponseOutparam)` as the service.
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

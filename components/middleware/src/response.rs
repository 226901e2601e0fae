//! Responses of a middleware to requests that it does not pass on, in the JSON format of the
//! host's own error responses.

use crate::error_body;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// Name and value of a response header.
pub type Header<'a> = (&'a str, &'a [u8]);

/// Sends an error response. `kind` is a stable word for programs, and `message` says what
/// to do.
pub fn send_error(
    request: &IncomingRequest,
    out: ResponseOutparam,
    status: u16,
    headers: &[Header<'_>],
    kind: &str,
    message: &str,
) {
    let id = request.headers().get("x-request-id").into_iter().next();
    let body = error_body::json(kind, message, id.as_deref());
    let fields = fields(headers);
    let _ = fields.append("content-type", b"application/json");
    // If the client has closed the connection, nobody needs the response.
    let _ = send(out, status, fields, &body);
}

/// Sends a response with these headers, and with a body unless that is empty.
pub fn send_with(out: ResponseOutparam, status: u16, headers: &[Header<'_>], body: &[u8]) {
    // If the client has closed the connection, nobody needs the response.
    let _ = send(out, status, fields(headers), body);
}

/// Omits headers that HTTP does not allow.
fn fields(headers: &[Header<'_>]) -> Fields {
    let fields = Fields::new();
    for (name, value) in headers {
        let _ = fields.append(name, value);
    }
    fields
}

fn send(out: ResponseOutparam, status: u16, fields: Fields, body: &[u8]) -> Option<()> {
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).ok()?;
    let outgoing = response.body().ok()?;
    ResponseOutparam::set(out, Ok(response));
    if !body.is_empty() {
        // A stream is a child of its body, which cannot be finished before it.
        let stream = outgoing.write().ok()?;
        stream.blocking_write_and_flush(body).ok()?;
    }
    OutgoingBody::finish(outgoing, None).ok()
}

//! The answer to a request that does not go through, in the envelope that the
//! host's own errors have.

use crate::bindings::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// Answers 401. The message is ours, and needs no escapes in JSON.
pub fn unauthorized(request: &IncomingRequest, out: ResponseOutparam, message: &str) {
    let id = request.headers().get("x-request-id").into_iter().next();
    // A client that went away is no error: what cannot be sent is dropped.
    let _ = send(out, &envelope(message, id.as_deref()));
}

fn send(out: ResponseOutparam, body: &[u8]) -> Option<()> {
    let headers = Fields::new();
    let _ = headers.append("content-type", b"application/json");
    let _ = headers.append("www-authenticate", b"Bearer");
    let response = OutgoingResponse::new(headers);
    response.set_status_code(401).ok()?;
    let outgoing = response.body().ok()?;
    ResponseOutparam::set(out, Ok(response));
    let stream = outgoing.write().ok()?;
    stream.blocking_write_and_flush(body).ok()?;
    // A stream is a child of its body, which cannot be finished before it.
    drop(stream);
    OutgoingBody::finish(outgoing, None).ok()
}

/// The id is the host's, but a host may pass on a client's: one that JSON would
/// have to escape is left out.
fn envelope(message: &str, id: Option<&[u8]>) -> Vec<u8> {
    let plain = |id: &&[u8]| {
        id.len() <= 128
            && id
                .iter()
                .all(|c| c.is_ascii_graphic() && *c != b'"' && *c != b'\\')
    };
    let mut body = Vec::with_capacity(256);
    body.extend_from_slice(br#"{"error":{"kind":"unauthorized","message":""#);
    body.extend_from_slice(message.as_bytes());
    if let Some(id) = id.filter(plain) {
        body.extend_from_slice(br#"","request_id":""#);
        body.extend_from_slice(id);
    }
    body.extend_from_slice(b"\"}}\n");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_names_kind_message_and_request() {
        assert_eq!(
            String::from_utf8_lossy(&envelope("no", Some(b"a1-b2"))),
            "{\"error\":{\"kind\":\"unauthorized\",\"message\":\"no\",\"request_id\":\"a1-b2\"}}\n"
        );
    }

    #[test]
    fn an_id_that_would_break_the_envelope_is_left_out() {
        for id in [&b"a\"b"[..], b"a\\b", b"a b", b"\xff", &[b'a'; 129]] {
            assert_eq!(
                String::from_utf8_lossy(&envelope("no", Some(id))),
                "{\"error\":{\"kind\":\"unauthorized\",\"message\":\"no\"}}\n"
            );
        }
    }
}

//! The answer to a request that does not go through, in the envelope that the
//! host's own errors have.

use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

/// A header of an answer.
pub type Header<'a> = (&'a str, &'a [u8]);

/// Answers with an error: a stable word for machines, and a message that says what
/// to do. Closes what it answers.
pub fn error(
    request: &IncomingRequest,
    out: ResponseOutparam,
    status: u16,
    headers: &[Header<'_>],
    kind: &str,
    message: &str,
) {
    let id = request.headers().get("x-request-id").into_iter().next();
    let body = envelope(kind, message, id.as_deref());
    let fields = fields(headers);
    let _ = fields.append("content-type", b"application/json");
    // A client that went away is no error: what cannot be sent is dropped.
    let _ = send(out, status, fields, &body);
}

/// Answers with headers alone.
pub fn empty(out: ResponseOutparam, status: u16, headers: &[Header<'_>]) {
    let _ = send(out, status, fields(headers), &[]);
}

/// A header that HTTP does not allow fails here, and the answer goes without it.
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

/// The id is the host's, but a host may pass on a client's: one that JSON would
/// have to escape is left out.
fn envelope(kind: &str, message: &str, id: Option<&[u8]>) -> Vec<u8> {
    let plain = |id: &&[u8]| {
        id.len() <= 128
            && id
                .iter()
                .all(|c| c.is_ascii_graphic() && *c != b'"' && *c != b'\\')
    };
    let mut body = Vec::with_capacity(384);
    body.extend_from_slice(br#"{"error":{"kind":""#);
    push_text(&mut body, kind);
    body.extend_from_slice(br#"","message":""#);
    push_text(&mut body, message);
    if let Some(id) = id.filter(plain) {
        body.extend_from_slice(br#"","request_id":""#);
        body.extend_from_slice(id);
    }
    body.extend_from_slice(b"\"}}\n");
    body
}

/// Adds a text to a string of JSON. A control character becomes a space.
fn push_text(body: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => body.extend_from_slice(&[b'\\', byte]),
            0..0x20 => body.push(b' '),
            _ => body.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn the_envelope_names_kind_message_and_request() {
        assert_eq!(
            String::from_utf8_lossy(&envelope("closed", "no", Some(b"a1-b2"))),
            "{\"error\":{\"kind\":\"closed\",\"message\":\"no\",\"request_id\":\"a1-b2\"}}\n"
        );
    }

    #[test]
    fn an_id_that_would_break_the_envelope_is_left_out() {
        for id in [&b"a\"b"[..], b"a\\b", b"a b", b"\xff", &[b'a'; 129]] {
            assert_eq!(
                String::from_utf8_lossy(&envelope("closed", "no", Some(id))),
                "{\"error\":{\"kind\":\"closed\",\"message\":\"no\"}}\n"
            );
        }
    }

    proptest! {
        #[test]
        fn an_error_response_is_valid_json_for_any_message(
            kind: String,
            message in "[^\\x00-\\x1f]*",
            id: Option<Vec<u8>>,
        ) {
            let body = envelope(&kind, &message, id.as_deref());
            let value: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(value["error"]["message"].as_str(), Some(&*message));
            prop_assert!(value["error"]["kind"].is_string());
        }
    }
}

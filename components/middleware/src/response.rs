//! Responses of a middleware to requests that it does not pass on, in the JSON format of the
//! host's own error responses.

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
    let body = error_body(kind, message, id.as_deref());
    let fields = fields(headers);
    let _ = fields.append("content-type", b"application/json");
    // If the client has closed the connection, nobody needs the response.
    let _ = send(out, status, fields, &body);
}

/// Sends a response without a body.
pub fn send_empty(out: ResponseOutparam, status: u16, headers: &[Header<'_>]) {
    let _ = send(out, status, fields(headers), &[]);
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

/// The JSON body of an error response. The request id may come from the client; one that
/// would have to be escaped in JSON is omitted.
fn error_body(kind: &str, message: &str, id: Option<&[u8]>) -> Vec<u8> {
    let needs_no_escape = |id: &&[u8]| {
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
    if let Some(id) = id.filter(needs_no_escape) {
        body.extend_from_slice(br#"","request_id":""#);
        body.extend_from_slice(id);
    }
    body.extend_from_slice(b"\"}}\n");
    body
}

/// Appends the characters of a JSON string. Control characters are replaced by spaces.
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
    fn the_body_contains_kind_message_and_request_id() {
        assert_eq!(
            String::from_utf8_lossy(&error_body("closed", "no", Some(b"a1-b2"))),
            "{\"error\":{\"kind\":\"closed\",\"message\":\"no\",\"request_id\":\"a1-b2\"}}\n"
        );
    }

    #[test]
    fn an_id_that_would_have_to_be_escaped_is_omitted() {
        for id in [&b"a\"b"[..], b"a\\b", b"a b", b"\xff", &[b'a'; 129]] {
            assert_eq!(
                String::from_utf8_lossy(&error_body("closed", "no", Some(id))),
                "{\"error\":{\"kind\":\"closed\",\"message\":\"no\"}}\n"
            );
        }
    }

    proptest! {
        #[test]
        fn the_body_is_json_for_any_kind_message_and_id(
            kind: String,
            message in "[^\\x00-\\x1f]*",
            id: Option<Vec<u8>>,
        ) {
            let body = error_body(&kind, &message, id.as_deref());
            let value: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(value["error"]["message"].as_str(), Some(&*message));
            prop_assert!(value["error"]["kind"].is_string());
        }
    }
}

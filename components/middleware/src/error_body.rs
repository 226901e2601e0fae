//! The body of a middleware's error response, in the JSON format of the host's own.

/// The JSON body of an error response. The request id may come from the client; one that
/// would have to be escaped in JSON is omitted.
#[must_use]
pub fn json(kind: &str, message: &str, id: Option<&[u8]>) -> Vec<u8> {
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
            String::from_utf8_lossy(&json("closed", "no", Some(b"a1-b2"))),
            "{\"error\":{\"kind\":\"closed\",\"message\":\"no\",\"request_id\":\"a1-b2\"}}\n"
        );
    }

    #[test]
    fn an_id_that_would_have_to_be_escaped_is_omitted() {
        for id in [&b"a\"b"[..], b"a\\b", b"a b", b"\xff", &[b'a'; 129]] {
            assert_eq!(
                String::from_utf8_lossy(&json("closed", "no", Some(id))),
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
            let body = json(&kind, &message, id.as_deref());
            let value: Value = serde_json::from_slice(&body).unwrap();
            prop_assert_eq!(value["error"]["message"].as_str(), Some(&*message));
            prop_assert!(value["error"]["kind"].is_string());
        }
    }
}

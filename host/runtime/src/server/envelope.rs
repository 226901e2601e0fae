//! The error responses of the host: one JSON shape for all of them.
//!
//! ```json
//! {"error":{"kind":"timeout","message":"…","request_id":"…"}}
//! ```

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::request::{HandleError, REQUEST_ID, RequestId};

#[derive(Serialize)]
struct Envelope<'a> {
    error: Body<'a>,
}

#[derive(Serialize)]
struct Body<'a> {
    kind: &'a str,
    message: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<&'a str>,
}

/// The body of an error response: a word that a client's code may act on, a sentence for
/// people, and what trapped, where a guest did.
pub fn error_body(kind: &str, message: &str, trap: Option<&str>, id: &RequestId) -> Bytes {
    let envelope = Envelope {
        error: Body {
            kind,
            message,
            request_id: id.as_str(),
            trap,
        },
    };
    // Strings always serialize. If they didn't, the status would say enough.
    let mut text = serde_json::to_vec(&envelope).unwrap_or_default();
    text.push(b'\n');
    Bytes::from(text)
}

/// What a client gets in place of a response of the guest.
pub(super) fn response(error: &HandleError, id: &RequestId) -> Response<Bytes> {
    let mut response = Response::new(error_body(error.kind(), &error.to_string(), None, id));
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REQUEST_ID, id.to_header());
    let status = error.status();
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn an_error_response_names_kind_message_and_request() {
        let id = RequestId::from_client(&HeaderValue::from_static("abc")).unwrap();
        let response = response(&HandleError::Trapped, &id);
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["x-request-id"], "abc");
        assert_eq!(response.headers()["content-type"], "application/json");
        let json: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(json["error"]["kind"], "trap");
        assert_eq!(json["error"]["request_id"], "abc");
        assert!(json["error"]["message"].as_str().unwrap().contains("log"));
    }

    #[test]
    fn only_an_overloaded_server_asks_to_retry() {
        let id = RequestId::random();
        let overloaded = response(&HandleError::Overloaded, &id);
        assert_eq!(overloaded.status(), 503);
        assert_eq!(overloaded.headers()["retry-after"], "1");
        let late = response(&HandleError::TimedOut, &id);
        assert_eq!(late.status(), 504);
        assert!(!late.headers().contains_key("retry-after"));
    }
}

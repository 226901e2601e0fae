//! HTTP responses.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

use super::{BodyError, Request};
use crate::error::Error;
use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// An HTTP response. Its header `content-length` is set automatically.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Cow<'static, [u8]>,
}

impl Response {
    /// A response with this content type, for example `image/png`.
    pub fn new(
        status: u16,
        content_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Response {
        Response {
            status,
            headers: vec![("content-type", content_type.into())],
            body: body.into(),
        }
    }

    /// A response in plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Response {
        Response::new(
            status,
            "text/plain; charset=utf-8",
            body.into().into_bytes(),
        )
    }

    /// An error response, in the JSON format of the host's own error responses:
    /// `{"error":{"kind":"...","message":"...","request_id":"..."}}`. The kind is a stable
    /// word for programs; the message is for people, and says what to do.
    pub fn error(request: &Request, status: u16, kind: &str, message: &str) -> Response {
        let mut body = String::from(r#"{"error":{"kind":"#);
        push_json(&mut body, kind);
        body.push_str(r#","message":"#);
        push_json(&mut body, message);
        if let Some(id) = request.header("x-request-id") {
            body.push_str(r#","request_id":"#);
            push_json(&mut body, &id);
        }
        body.push_str("}}\n");
        Response::new(status, "application/json", body.into_bytes())
    }

    /// The error response for an error of the device: 503 if the device is denied, lost or
    /// full, or a limit of the tenant is reached; 504 if a kernel exceeded its time limit;
    /// 500 for all other errors, which are the service's own.
    pub fn device_error(request: &Request, error: &Error) -> Response {
        let status = match error {
            Error::Denied(_)
            | Error::DeviceLost(_)
            | Error::QuotaExceeded { .. }
            | Error::OutOfMemory { .. } => 503,
            Error::DeadlineExceeded(_) => 504,
            _ => 500,
        };
        Response::error(request, status, error.kind(), &error.to_string())
    }

    /// The error response for a body that could not be read: 413 if it is too large, else
    /// 400.
    pub fn body_error(request: &Request, error: &BodyError) -> Response {
        let (status, kind) = match error {
            BodyError::TooLarge { .. } => (413, "body_too_large"),
            BodyError::Taken | BodyError::Broken(_) => (400, "bad_request"),
        };
        Response::error(request, status, kind, &error.to_string())
    }

    /// Adds a header. Control characters in the value are replaced by spaces.
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
        let mut value = value.into();
        if value.contains(|c: char| c.is_control()) {
            value = value.replace(|c: char| c.is_control(), " ").into();
        }
        self.headers.push((name, value));
        self
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    #[doc(hidden)]
    pub fn send(self, out: ResponseOutparam) {
        // If the client has closed the connection, this is not an error of the service, and
        // the rest of the response is dropped.
        let _ = self.try_send(out);
    }

    fn try_send(self, out: ResponseOutparam) -> Option<()> {
        let headers = Fields::new();
        for (name, value) in &self.headers {
            // A name that HTTP does not allow fails here, and the response omits the header.
            let _ = headers.append(name, value.as_bytes());
        }
        let length = self.body.len().to_string();
        let _ = headers.append("content-length", length.as_bytes());

        let response = OutgoingResponse::new(headers);
        // If HTTP does not allow the status, the response would keep its initial 200.
        if response.set_status_code(self.status).is_err() {
            let _ = response.set_status_code(500);
        }
        let body = response.body().ok()?;
        ResponseOutparam::set(out, Ok(response));
        let mut stream = body.write().ok()?;
        stream.write_all(&self.body).ok()?;
        // A stream is a child of its body, which cannot be finished before it.
        drop(stream);
        OutgoingBody::finish(body, None).ok()
    }
}

/// Appends a text as a JSON string.
fn push_json(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_becomes_a_valid_json_string() {
        let mut json = String::new();
        push_json(&mut json, "a \"b\" \\ c\nd\u{1}\u{7f}é");
        assert_eq!(json, r#""a \"b\" \\ c\nd\u0001\u007fé""#);
    }
}

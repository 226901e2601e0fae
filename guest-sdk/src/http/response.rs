//! What a service answers.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

use super::{BodyError, Request};
use crate::error::Error;
use wasip2::http::types::{Fields, OutgoingBody, OutgoingResponse, ResponseOutparam};

/// An answer to a request. Its `content-length` is set by itself.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Cow<'static, [u8]>,
}

impl Response {
    /// An answer of this type of content, for example `image/png`.
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

    /// An answer in plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Response {
        Response::new(
            status,
            "text/plain; charset=utf-8",
            body.into().into_bytes(),
        )
    }

    /// An error, in the envelope that the host's own errors have:
    /// `{"error":{"kind":"...","message":"...","request_id":"..."}}`. The kind is a
    /// stable word for machines, the message says what to do.
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

    /// What the device answered, as an error: 503 where it is denied, lost or
    /// full, 504 where a kernel ran too long, 500 where the service is to blame.
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

    /// A body that could not be read, as an error: 413 or 400.
    pub fn body_error(request: &Request, error: &BodyError) -> Response {
        let (status, kind) = match error {
            BodyError::TooLarge { .. } => (413, "body_too_large"),
            BodyError::Taken | BodyError::Broken(_) => (400, "bad_request"),
        };
        Response::error(request, status, kind, &error.to_string())
    }

    /// Adds a header. Characters that a header cannot hold become spaces.
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
        // A client that went away is no error of the service: what cannot be
        // sent any more is dropped.
        let _ = self.try_send(out);
    }

    fn try_send(self, out: ResponseOutparam) -> Option<()> {
        let headers = Fields::new();
        for (name, value) in &self.headers {
            // A name that HTTP does not allow fails here; the answer goes without it.
            let _ = headers.append(name, value.as_bytes());
        }
        let length = self.body.len().to_string();
        let _ = headers.append("content-length", length.as_bytes());

        let response = OutgoingResponse::new(headers);
        // A status that HTTP does not allow leaves the 200 that is there; say 500 instead.
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

/// Adds a string as JSON has it.
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
    fn the_error_envelope_is_valid_json_for_any_message() {
        let mut json = String::new();
        push_json(&mut json, "a \"b\" \\ c\nd\u{1}\u{7f}é");
        assert_eq!(json, r#""a \"b\" \\ c\nd\u0001\u007fé""#);
    }
}

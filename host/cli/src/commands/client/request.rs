//! A request to a node: its path, and a body that is in memory or read from a file as it is
//! sent.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// How much of a file is read at once.
const PIECE: usize = 128 << 10;

/// All but what RFC 3986 calls unreserved (section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What can't stand in the target of a request, whose author has encoded the rest.
const TARGET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b'#');

/// A path on the node, with its query.
pub struct Target(String);

impl Target {
    /// The path of these segments, each encoded.
    pub fn of(segments: &[&str]) -> Self {
        let mut text = String::new();
        for segment in segments {
            text.push('/');
            // Whole segments of dots would be resolved by what is on the way.
            match *segment {
                "." => text += "%2E",
                ".." => text += "%2E%2E",
                segment => text.extend(utf8_percent_encode(segment, SEGMENT)),
            }
        }
        Self(text)
    }

    /// With a path and a query that are encoded already, as a URL has them.
    pub fn with_path(mut self, path: &str) -> Self {
        if !path.starts_with('/') && !path.starts_with('?') && !path.is_empty() {
            self.0.push('/');
        }
        self.0.extend(utf8_percent_encode(path, TARGET));
        self
    }

    /// With a parameter of the query, where it has a value.
    pub fn with_query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0 += name;
            self.0.push('=');
            let value = value.to_string();
            self.0.extend(utf8_percent_encode(&value, SEGMENT));
        }
        self
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A body on its way to a node.
pub type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

/// A request to a node.
pub struct Call {
    pub method: Method,
    pub target: Target,
    pub headers: HeaderMap,
    pub body: RequestBody,
    /// How many bytes of the body were read, where they come from a file.
    pub sent: Arc<AtomicU64>,
}

impl Call {
    /// One without a body.
    pub fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            headers: HeaderMap::new(),
            body: in_memory(Bytes::new()),
            sent: Arc::default(),
        }
    }

    /// One without a body that changes nothing.
    pub fn get(target: Target) -> Self {
        Self::new(Method::GET, target)
    }

    /// With this body.
    pub fn with_bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = in_memory(body.into());
        self
    }

    /// With a body of JSON.
    pub fn with_json(mut self, value: &Value) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(CONTENT_TYPE, json);
        self.with_bytes(value.to_string())
    }

    /// With a body that is read as it is sent. `length` is how long it is, where that is
    /// known.
    pub fn with_reader(mut self, reader: impl Read + Send + 'static, length: Option<u64>) -> Self {
        let sent = self.sent.clone();
        let pieces = stream::unfold(Some(reader), move |reader| {
            let sent = sent.clone();
            async move {
                let mut reader = reader?;
                // Standard input may block for long.
                let read = tokio::task::spawn_blocking(move || {
                    let mut piece = Vec::with_capacity(PIECE);
                    let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece);
                    (read.map(|_| piece), reader)
                });
                match read.await {
                    Ok((Ok(piece), reader)) if !piece.is_empty() => {
                        sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                        Some((Ok(Frame::data(Bytes::from(piece))), Some(reader)))
                    }
                    Ok((Ok(_), _)) => None,
                    Ok((Err(error), _)) => Some((Err(error), None)),
                    Err(error) => Some((Err(io::Error::other(error)), None)),
                }
            }
        });
        self.body = StreamBody::new(pieces).boxed_unsync();
        if let Some(length) = length {
            self.headers
                .insert(http::header::CONTENT_LENGTH, length.into());
        }
        self
    }
}

fn in_memory(bytes: Bytes) -> RequestBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_leave_its_segment() {
        let target = Target::of(&["functions", "../a/b?c=d"]);
        assert_eq!(target.as_str(), "/functions/..%2Fa%2Fb%3Fc%3Dd");
        assert_eq!(
            Target::of(&["functions", ".."]).as_str(),
            "/functions/%2E%2E"
        );
    }

    #[test]
    fn a_path_and_a_query_stay_as_they_were_written() {
        let invoke = || Target::of(&["f", "a"]);
        assert_eq!(invoke().with_path("x/y?a=%20b").as_str(), "/f/a/x/y?a=%20b");
        assert_eq!(invoke().with_path("?a=b").as_str(), "/f/a?a=b");
        assert_eq!(invoke().with_path("/ö b").as_str(), "/f/a/%C3%B6%20b");
        assert_eq!(invoke().with_path("").as_str(), "/f/a");
    }

    #[test]
    fn a_query_has_the_parameters_that_have_a_value() {
        let target = Target::of(&["jobs"])
            .with_query("function", Some("a b&c"))
            .with_query("state", None::<&str>)
            .with_query("limit", Some(7));
        assert_eq!(target.as_str(), "/jobs?function=a%20b%26c&limit=7");
    }
}

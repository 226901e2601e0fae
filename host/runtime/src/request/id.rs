//! The id of a request, the same in the response, the guest's headers and the host's log.
//!
//! A client may choose it, so that one id follows a call through several servers. An id
//! that could forge a log line or a header is not accepted.

use super::trace::{TraceId, hexadecimal};
use std::fmt;

use http::{HeaderName, HeaderValue};

/// The header that carries the id, in both directions.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is accepted from a client, in characters.
const LONGEST: usize = 128;

/// A request's id: 1 to 128 characters of `A-Z a-z 0-9 . _ -`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// Thirty-two random hexadecimal digits. They are not a secret, so the generator only
    /// has to be fast.
    pub fn random() -> Self {
        Self::of_trace(TraceId::random())
    }

    /// The id of a request for which the client chose no id and no trace: both are the same.
    pub fn of_trace(trace: TraceId) -> Self {
        let number = trace.number().to_be_bytes();
        let text: [[u8; 2]; 16] = number.map(|byte| [hexadecimal(byte >> 4), hexadecimal(byte)]);
        // Hexadecimal digits are always a valid header value.
        let value = HeaderValue::from_bytes(text.as_flattened());
        Self(value.unwrap_or(HeaderValue::from_static("-")))
    }

    /// The id that a client sent, or `None` where it is empty, too long, or has a character
    /// that an id can't have.
    pub fn from_client(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=LONGEST).contains(&bytes.len())
            && bytes
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        fits.then(|| Self(value.clone()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        // Both constructors admit only ASCII.
        self.0.to_str().unwrap_or_default()
    }

    /// The id as the value of [`REQUEST_ID`].
    pub fn to_header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn client(text: &str) -> Option<RequestId> {
        RequestId::from_client(&HeaderValue::from_bytes(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_random_id_is_thirty_two_hexadecimal_digits_and_differs_each_time() {
        let (one, other) = (RequestId::random(), RequestId::random());
        assert_eq!(one.as_str().len(), 32);
        assert!(one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_ne!(one, other);
    }

    #[test]
    fn a_random_id_is_accepted_from_a_client() {
        let id = RequestId::random();
        assert_eq!(RequestId::from_client(&id.to_header()), Some(id));
    }

    #[test]
    fn a_clients_id_of_safe_characters_is_accepted() {
        assert_eq!(client("build-7_a.B").unwrap().as_str(), "build-7_a.B");
        assert!(client(&"x".repeat(128)).is_some());
    }

    #[test]
    fn a_clients_id_that_could_forge_a_log_line_is_not_accepted() {
        for text in ["", "a b", "a\tb", "{\"a\"}", "a=b", "é", &"x".repeat(129)] {
            assert_eq!(client(text), None, "{text:?}");
        }
    }
}

//! HTTP requests.

use wasip2::http::types::{IncomingRequest, Method};
use wasip2::io::streams::StreamError;

/// The number of bytes of a body that one call to the host requests.
const CHUNK: u64 = 64 * 1024;

/// An HTTP request to this service.
#[derive(Debug)]
pub struct Request {
    inner: IncomingRequest,
    method: String,
    /// Path and query (the request target), as the client sent them.
    target: String,
}

impl Request {
    #[doc(hidden)]
    pub fn new(inner: IncomingRequest) -> Request {
        let method = match inner.method() {
            Method::Get => "GET".into(),
            Method::Head => "HEAD".into(),
            Method::Post => "POST".into(),
            Method::Put => "PUT".into(),
            Method::Delete => "DELETE".into(),
            Method::Connect => "CONNECT".into(),
            Method::Options => "OPTIONS".into(),
            Method::Trace => "TRACE".into(),
            Method::Patch => "PATCH".into(),
            Method::Other(method) => method,
        };
        let target = inner.path_with_query().unwrap_or_else(|| "/".into());
        Request {
            inner,
            method,
            target,
        }
    }

    /// The method, in upper case.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, without the query, as the client sent it (percent-encoded).
    pub fn path(&self) -> &str {
        match self.target.split_once('?') {
            Some((path, _)) => path,
            None => &self.target,
        }
    }

    /// The value of the first query parameter with this name, as the client sent it
    /// (percent-encoded). Empty if the parameter has no value.
    pub fn query(&self, name: &str) -> Option<&str> {
        query_value(&self.target, name)
    }

    /// The first value of a header, if it is UTF-8. The case of the name does not matter.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.inner.headers().get(name).into_iter().next()?;
        String::from_utf8(value).ok()
    }

    /// Reads the whole body, which must not be longer than `limit` bytes. It can be read
    /// only once.
    ///
    /// # Errors
    /// See [`BodyError`].
    pub fn body(&self, limit: usize) -> Result<Vec<u8>, BodyError> {
        let announced = self
            .header("content-length")
            .and_then(|length| length.trim().parse::<u64>().ok());
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(BodyError::TooLarge { limit });
        }
        let body = self.inner.consume().map_err(|()| BodyError::Taken)?;
        let stream = body.stream().map_err(|()| BodyError::Taken)?;
        // The limit above bounds this. It is only a hint, since a client can announce a wrong
        // length.
        let mut bytes = Vec::with_capacity(announced.unwrap_or(0) as usize);
        loop {
            match stream.blocking_read(CHUNK) {
                Ok(chunk) if chunk.len() > limit - bytes.len() => {
                    return Err(BodyError::TooLarge { limit });
                }
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(BodyError::Broken(error.to_debug_string()));
                }
            }
        }
    }
}

/// Why a body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// The body is longer than the limit of the service.
    #[error("the body is longer than {limit} bytes, which is the most that this service takes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body was read before.
    #[error("the body was already read")]
    Taken,
    /// The connection ended, or the framing of the body is invalid.
    #[error("the body broke off: {0}")]
    Broken(String),
}

fn query_value<'a>(target: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = target.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_several_query_parameters_with_the_same_name_is_returned() {
        assert_eq!(query_value("/a?n=1&n=2", "n"), Some("1"));
        assert_eq!(query_value("/a?m=1&n", "n"), Some(""));
        assert_eq!(query_value("/a?nn=1", "n"), None);
        assert_eq!(query_value("/a", "n"), None);
    }
}

//! The request of a job: what of it is kept, and how it becomes a request again.

use std::str::FromStr;
use std::time::Duration;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Uri};
use tensor_wasm_runtime::server::REQUEST_ID;
use wasmtime_wasi_http::WasiBody;

use crate::storage::jobs::{Job, OnRestart, StoredHeaders};

/// A key by which a client may send a request again ("The Idempotency-Key HTTP Header Field",
/// draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest such key, in bytes.
const LONGEST_KEY: usize = 255;

const METHOD: HeaderName = HeaderName::from_static("x-tensorwasm-job-method");
const MAX_ATTEMPTS: HeaderName = HeaderName::from_static("x-tensorwasm-job-max-attempts");
const BACKOFF: HeaderName = HeaderName::from_static("x-tensorwasm-job-backoff");
const ON_RESTART: HeaderName = HeaderName::from_static("x-tensorwasm-job-on-restart");

/// The most attempts.
const MOST_ATTEMPTS: u32 = 20;
/// The longest pause before the second attempt.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// What belongs to a connection and not to what is sent on it (RFC 9110, section 7.6.1; RFC
/// 9112, section 6).
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// How a client wants its job to be run.
#[derive(Debug)]
pub(crate) struct JobOptions {
    pub(crate) method: Method,
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Duration,
    pub(crate) on_restart: OnRestart,
    pub(crate) idempotency_key: Option<String>,
}

impl JobOptions {
    /// Takes the options out of the headers of a request.
    ///
    /// # Errors
    ///
    /// A sentence that names the header and what it takes.
    pub(crate) fn take(headers: &mut HeaderMap) -> Result<JobOptions, String> {
        let method = match one(headers, &METHOD)? {
            None => Method::POST,
            Some(text) => Method::from_bytes(text.as_bytes())
                .ok()
                .filter(|method| method != Method::CONNECT)
                .ok_or_else(|| format!("{METHOD} is a method such as GET"))?,
        };
        let max_attempts = match one(headers, &MAX_ATTEMPTS)? {
            None => 1,
            Some(text) => u32::from_str(&text)
                .ok()
                .filter(|number| (1..=MOST_ATTEMPTS).contains(number))
                .ok_or_else(|| format!("{MAX_ATTEMPTS} is a number from 1 to {MOST_ATTEMPTS}"))?,
        };
        let backoff = match one(headers, &BACKOFF)? {
            None => Duration::from_secs(1),
            Some(text) => humantime::parse_duration(&text)
                .ok()
                .filter(|backoff| *backoff <= LONGEST_BACKOFF)
                .ok_or_else(|| format!("{BACKOFF} is a time such as 500ms or 10s, at most 5min"))?,
        };
        let on_restart = match one(headers, &ON_RESTART)?.as_deref() {
            None | Some("run") => OnRestart::Run,
            Some("lost") => OnRestart::Lost,
            Some(_) => return Err(format!("{ON_RESTART} is run or lost")),
        };
        let idempotency_key = one(headers, &IDEMPOTENCY_KEY)?;
        if let Some(key) = &idempotency_key
            && !(1..=LONGEST_KEY).contains(&key.len())
        {
            return Err(format!("{IDEMPOTENCY_KEY} has 1 to {LONGEST_KEY} bytes"));
        }
        Ok(JobOptions {
            method,
            max_attempts,
            backoff,
            on_restart,
            idempotency_key,
        })
    }
}

/// Takes a header that may be there once.
fn one(headers: &mut HeaderMap, name: &HeaderName) -> Result<Option<String>, String> {
    if headers.get_all(name).iter().count() > 1 {
        return Err(format!("{name} is there more than once"));
    }
    let Some(value) = headers.remove(name) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| format!("{name} is no text"))?;
    Ok(Some(text.trim().to_owned()))
}

/// Whether a header belongs to a connection.
fn hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// The headers that are kept of a request or response.
pub(crate) fn stored(headers: &HeaderMap) -> StoredHeaders {
    let kept = headers
        .iter()
        .filter(|(name, _)| !hop_by_hop(name) && **name != REQUEST_ID);
    let pairs = kept.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    StoredHeaders(pairs.collect())
}

/// The headers as they were.
pub(crate) fn headers_of(stored: &StoredHeaders) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &stored.0 {
        if let (Ok(name), Ok(value)) = (HeaderName::from_str(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

/// The request of a job; `None` where what was kept is none.
pub(super) fn restored(job: &Job, length: usize, body: WasiBody) -> Option<Request<WasiBody>> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(job.method.as_bytes()).ok()?;
    *request.uri_mut() = Uri::from_str(&job.uri).ok()?;
    *request.headers_mut() = headers_of(&job.headers);
    let headers = request.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::from_str(&job.id).ok()?);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Some(request)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn options_are_headers_that_the_function_does_not_see() {
        let mut sent = headers(&[
            ("x-tensorwasm-job-method", "PUT"),
            ("x-tensorwasm-job-max-attempts", "3"),
            ("x-tensorwasm-job-backoff", "250ms"),
            ("x-tensorwasm-job-on-restart", "lost"),
            ("idempotency-key", "k"),
            ("content-type", "text/plain"),
        ]);
        let options = JobOptions::take(&mut sent).unwrap();
        assert_eq!(options.method, Method::PUT);
        assert_eq!(options.max_attempts, 3);
        assert_eq!(options.backoff, Duration::from_millis(250));
        assert_eq!(options.on_restart, OnRestart::Lost);
        assert_eq!(options.idempotency_key.as_deref(), Some("k"));
        assert_eq!(sent, headers(&[("content-type", "text/plain")]));
    }

    #[test]
    fn an_option_that_is_wrong_is_named_with_what_it_takes() {
        for (name, value) in [
            ("x-tensorwasm-job-method", "G T"),
            ("x-tensorwasm-job-method", "CONNECT"),
            ("x-tensorwasm-job-max-attempts", "0"),
            ("x-tensorwasm-job-max-attempts", "21"),
            ("x-tensorwasm-job-backoff", "soon"),
            ("x-tensorwasm-job-backoff", "6min"),
            ("x-tensorwasm-job-on-restart", "maybe"),
            ("idempotency-key", ""),
        ] {
            let error = JobOptions::take(&mut headers(&[(name, value)])).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
        let mut twice = headers(&[("idempotency-key", "a"), ("idempotency-key", "b")]);
        assert!(JobOptions::take(&mut twice).is_err());
    }

    #[test]
    fn what_belongs_to_a_connection_is_not_kept() {
        let sent = headers(&[
            ("a", "1"),
            ("a", "2"),
            ("content-length", "7"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
            ("x-request-id", "x"),
        ]);
        let kept = headers_of(&stored(&sent));
        assert_eq!(kept, headers(&[("a", "1"), ("a", "2")]));
    }
}

//! Responses that have no content, whatever their handler sends: to HEAD, and those with the
//! statuses 204, 205 and 304 (RFC 9110, sections 9.3.2, 15.3.5, 15.3.6 and 15.4.5). HTTP/2
//! says so with the head itself (RFC 9113, section 8.1.1): a frame of data would be an error.

use std::pin::Pin;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::WasiBody;

use super::connection::RunningExchange;
use super::places::RequestPermit;
use super::response_body::ResponseBody;

/// How much of what a guest sends is discarded. One that sends more is stopped.
const DISCARDED_BYTES: usize = 1 << 20;

/// Whether a response has content.
pub(crate) fn has_content(method: &Method, status: StatusCode) -> bool {
    let never = [
        StatusCode::NO_CONTENT,
        StatusCode::RESET_CONTENT,
        StatusCode::NOT_MODIFIED,
    ];
    method != Method::HEAD && !never.contains(&status)
}

/// Leaves the content out of a response that can't have any, and makes its head say so.
pub(super) fn enforce(
    response: Response<ResponseBody>,
    exchange: &RunningExchange,
) -> Response<ResponseBody> {
    let status = response.status();
    if has_content(exchange.method(), status) {
        return response;
    }
    let (mut head, mut body) = response.into_parts();
    match status {
        // A length is not allowed (section 8.6).
        StatusCode::NO_CONTENT => drop(head.headers.remove(CONTENT_LENGTH)),
        StatusCode::RESET_CONTENT => {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(0));
        }
        // The length of what a GET would have had.
        StatusCode::NOT_MODIFIED => {}
        _ => {
            if let Some(length) = body.host_length() {
                head.headers
                    .insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
        }
    }
    head.headers.remove(TRANSFER_ENCODING);
    if let Some((content, permit)) = body.take_content() {
        discard(content, permit, exchange.deadline());
    }
    Response::from_parts(head, body)
}

/// Takes what a guest sends and nobody gets, so that the guest comes to its own end as with
/// any other request. It keeps its place until then, at most until `deadline`.
fn discard(mut body: WasiBody, permit: Option<RequestPermit>, deadline: Instant) {
    tokio::spawn(async move {
        let rest = async {
            let mut left = DISCARDED_BYTES;
            while let Some(Ok(frame)) = Pin::new(&mut body).frame().await {
                let bytes = frame.data_ref().map_or(0, bytes::Bytes::len);
                match left.checked_sub(bytes) {
                    Some(less) => left = less,
                    None => return,
                }
            }
        };
        // Past the deadline the guest is stopped, as the body is dropped.
        let _ = timeout_at(deadline, rest).await;
        drop(body);
        drop(permit);
    });
}

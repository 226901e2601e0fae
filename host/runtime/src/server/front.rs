//! What happens to each request before and after its handler: a place among those
//! that run, an id, the limits of its body, and an error answer where none came.
//!
//! This is the path that each request takes: no task is spawned on it, nothing is
//! boxed but what the guest's interface wants boxed, and nothing is logged unless
//! something went wrong.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version, header};
use hyper::body::Incoming;

use super::answer::Answer;
use super::connection::Connection;
use super::envelope;
use super::handler::{HandleError, Handler, RequestInfo};
use super::request_body::{self, Reading};
use super::request_id::{REQUEST_ID, RequestId};

/// Answers one request. Never fails: what goes wrong becomes an answer.
pub(super) async fn answer<H: Handler>(
    handler: Arc<H>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    let (mut head, incoming) = request.into_parts();
    let id = head
        .headers
        .get(REQUEST_ID)
        .and_then(RequestId::from_client)
        .unwrap_or_else(RequestId::random);
    let Some(mut pass) = connection.enter() else {
        return Ok(refuse(HandleError::Overloaded, &id, Some(incoming)));
    };
    if let Err(error) = check(head.version, &head.uri, &head.headers) {
        return Ok(refuse(error, &id, Some(incoming)));
    }
    let limits = &connection.shared.limits;
    let (body, watch) = match request_body::limit(incoming, limits) {
        Ok(limited) => limited,
        Err(incoming) => {
            let limit = limits.body_bytes;
            let error = HandleError::BodyTooLarge { limit };
            return Ok(refuse(error, &id, Some(incoming)));
        }
    };

    let version = head.version;
    head.headers.insert(REQUEST_ID, id.to_header());
    let info = RequestInfo {
        request_id: id.clone(),
        peer: connection.peer,
        certificate: connection.certificate.clone(),
    };
    let outcome = handler.handle(Request::from_parts(head, body), info).await;

    // The client's own mistake explains whatever the guest made of it.
    if let Some((error, rest)) = watch.failure() {
        return Ok(refuse(error, &id, rest));
    }
    Ok(match outcome {
        Ok(response) => {
            pass.step(false);
            let reading = poll_fn(|cx| Poll::Ready(watch.poll_reading(cx))).await;
            let watch = (reading != Reading::Over).then_some(watch);
            let mut response = response.map(|body| Answer::guest(body, pass, watch));
            let headers = response.headers_mut();
            headers.insert(REQUEST_ID, id.to_header());
            // Behind a request that nobody reads to its end there is no next one on the
            // same connection, and the client had better know.
            if reading == Reading::LeftAlone && version < Version::HTTP_2 {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
        Err(error) => refuse(error, &id, None),
    })
}

fn refuse(error: HandleError, id: &RequestId, request: Option<Incoming>) -> Response<Answer> {
    tracing::debug!(request_id = %id, kind = error.kind(), "answered without the guest");
    envelope::response(&error, id).map(|text| Answer::host(text, request))
}

/// What HTTP/1.1 asks of a request and the library leaves open. Guests take the
/// authority for granted, and two of them would let two servers disagree on it.
fn check(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<(), HandleError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(HandleError::BadRequest("it has more than one Host header"));
    }
    if host.is_none() && uri.authority().is_none() && version >= Version::HTTP_11 {
        return Err(HandleError::BadRequest("it has no Host header"));
    }
    Ok(())
}

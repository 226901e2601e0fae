//! The service of each request, before and after its handler: a permit among those that
//! may run, an id, the limits of its body, and an error response where the handler gave
//! none.
//!
//! Every request takes this path: no task is spawned on it, nothing is boxed but what
//! the guest's interface needs boxed, and nothing is logged unless something went wrong.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http::{HeaderMap, HeaderValue, Request, Response, Uri, Version, header};
use hyper::body::Incoming;

use super::connection::Connection;
use super::envelope;
use super::handler::Handler;
use super::request_body::{self, Reading};
use super::response_body::ResponseBody;
use crate::request::{HandleError, REQUEST_ID, RequestId, RequestInfo};

/// Serves one request. Never fails: an error becomes a response.
pub(super) async fn serve<H: Handler>(
    handler: Arc<H>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let (mut head, incoming) = request.into_parts();
    let id = head
        .headers
        .get(REQUEST_ID)
        .and_then(RequestId::from_client)
        .unwrap_or_else(RequestId::random);
    let Some(mut permit) = connection.admit() else {
        return Ok(refuse(HandleError::Overloaded, &id, Some(incoming)));
    };
    if let Err(error) = check(head.version, &head.uri, &head.headers) {
        return Ok(refuse(error, &id, Some(incoming)));
    }
    let limits = &connection.listener.limits;
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

    // What the client did wrong explains whatever the guest made of it.
    if let Some((error, rest)) = watch.failure() {
        return Ok(refuse(error, &id, rest));
    }
    Ok(match outcome {
        Ok(response) => {
            permit.progress(false);
            let reading = poll_fn(|cx| Poll::Ready(watch.poll_reading(cx))).await;
            let watch = (reading != Reading::Complete).then_some(watch);
            let mut response = response.map(|body| ResponseBody::guest(body, permit, watch));
            let headers = response.headers_mut();
            headers.insert(REQUEST_ID, id.to_header());
            // The connection can't carry another request after one whose body nobody
            // reads to its end: tell the client.
            if reading == Reading::Abandoned && version < Version::HTTP_2 {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
        Err(error) => refuse(error, &id, None),
    })
}

fn refuse(error: HandleError, id: &RequestId, request: Option<Incoming>) -> Response<ResponseBody> {
    tracing::debug!(request_id = %id, kind = error.kind(), "answered without the guest");
    envelope::response(&error, id).map(|text| ResponseBody::host(text, request))
}

/// Checks what HTTP/1.1 asks of a request and the library leaves open. Guests rely on
/// the authority, and with two of them two servers could disagree which one counts.
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

//! The service of each request, before and after its handler: a permit among those that
//! may run, an id, the limits of its body, and an error response where the handler gave
//! none.
//!
//! Every request takes this path: no task is spawned on it, unless a body is left that nobody
//! takes; nothing is boxed but what the guest's interface needs boxed; and nothing is logged
//! unless something went wrong.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http::request::Parts;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;

use super::authority::FirstAuthority;
use super::connection::{Connection, RunningExchange};
use super::envelope;
use super::handler::{CompleteResponse, Handler};
use super::no_content;
use super::request_body::{self, Reading};
use super::request_head::{self, Origin};
use super::response_body::{ResponseBody, Unread};
use crate::request::{HandleError, REQUEST_ID, RefusedRequest, RequestId, RequestInfo};

/// What the requests of one connection share.
pub(super) struct ConnectionService<H> {
    handler: Arc<H>,
    connection: Arc<Connection>,
    origin: Arc<Origin>,
    authority: FirstAuthority,
}

impl<H: Handler> ConnectionService<H> {
    pub(super) fn new(handler: Arc<H>, connection: Arc<Connection>, origin: Arc<Origin>) -> Self {
        Self {
            handler,
            connection,
            origin,
            authority: FirstAuthority::default(),
        }
    }

    pub(super) fn handler(&self) -> &H {
        &self.handler
    }

    pub(super) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }

    /// Serves one request. Never fails: an error becomes a response.
    pub(super) async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody>, Infallible> {
        let mut exchange = self.connection.begin(&request);
        let response = respond(&self, &exchange, request).await;
        let mut response = no_content::enforce(response, &exchange);
        // The connection can't carry another request after one whose body nobody reads to its
        // end: tell the client.
        if exchange.version < Version::HTTP_2
            && response.body().costs_connection(exchange.expects_continue)
        {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        exchange.responds(&mut response);
        response.body_mut().begin(exchange);
        Ok(response)
    }
}

async fn respond<H: Handler>(
    service: &ConnectionService<H>,
    exchange: &RunningExchange,
    request: Request<Incoming>,
) -> Response<ResponseBody> {
    let ConnectionService {
        handler,
        connection,
        origin,
        authority,
    } = service;
    let (mut head, incoming) = request.into_parts();
    let id = head
        .headers
        .get(REQUEST_ID)
        .and_then(RequestId::from_client)
        .unwrap_or_else(RequestId::random);
    let permit = match connection.admit() {
        Ok(permit) => permit,
        Err(error) => return refuse(connection, error, &id, Some(incoming)),
    };
    let limits = &connection.listener.limits;
    if let Err(error) = request_head::complete(&mut head, origin, authority, limits) {
        report(service, exchange, &id, &head, error).await;
        return refuse(connection, error, &id, Some(incoming));
    }
    let (body, read, watch) = match request_body::limit(incoming, limits, &permit) {
        Ok(limited) => limited,
        Err(incoming) => {
            let limit = limits.body_bytes;
            let error = HandleError::BodyTooLarge { limit };
            report(service, exchange, &id, &head, error).await;
            return refuse(connection, error, &id, Some(incoming));
        }
    };

    head.headers.insert(REQUEST_ID, id.to_header());
    let info = RequestInfo {
        body: read,
        ..connection.info(id.clone(), exchange.received)
    };
    let outcome = handler.handle(Request::from_parts(head, body), info).await;

    // What the client did wrong explains whatever the guest made of it.
    if let Some((error, rest)) = watch.failure() {
        return refuse(connection, error, &id, rest);
    }
    match outcome {
        Ok(mut response) => {
            let is_complete = response.extensions_mut().remove::<CompleteResponse>();
            let permit = is_complete.is_none().then_some(permit);
            let reading = poll_fn(|cx| Poll::Ready(watch.poll_reading(cx))).await;
            let unread = (reading != Reading::Complete).then_some(watch);
            let mut response = response.map(|body| ResponseBody::guest(body, permit, unread));
            response.headers_mut().insert(REQUEST_ID, id.to_header());
            response
        }
        Err(error) => refuse(connection, error, &id, watch),
    }
}

fn refuse(
    connection: &Connection,
    error: HandleError,
    id: &RequestId,
    unread: impl Into<Unread>,
) -> Response<ResponseBody> {
    connection.listener.failed(error);
    tracing::debug!(request_id = %id, kind = error.kind(), "answered without the guest");
    envelope::response(&error, id).map(|text| ResponseBody::host(text, unread))
}

/// Tells the handler of a request that it will not see.
async fn report<H: Handler>(
    service: &ConnectionService<H>,
    exchange: &RunningExchange,
    id: &RequestId,
    head: &Parts,
    error: HandleError,
) {
    let request = RefusedRequest {
        info: service.connection.info(id.clone(), exchange.received),
        method: Some(head.method.clone()),
        path: head.uri.path().to_owned(),
        error,
    };
    service.handler.refused(request).await;
}

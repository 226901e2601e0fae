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
use super::server_span;
use crate::request::trace::ERROR_KIND;
use crate::request::{
    GuestCount, HandleError, REQUEST_ID, RefusedRequest, RequestId, RequestInfo, RequestTrace,
    TraceId,
};

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
        let (head, incoming) = request.into_parts();
        let response = respond(&self, &mut exchange, head, incoming).await;
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
    exchange: &mut RunningExchange,
    mut head: Parts,
    incoming: Incoming,
) -> Response<ResponseBody> {
    let ConnectionService {
        handler,
        connection,
        origin,
        authority,
    } = service;
    let of_client = head
        .headers
        .get(REQUEST_ID)
        .and_then(RequestId::from_client);
    let random = TraceId::random();
    let id = of_client.unwrap_or_else(|| RequestId::of_trace(random));
    let tracer = connection.listener.tracer.as_ref();
    let trace = RequestTrace::begin(&mut head.headers, random, tracer);
    server_span::begin(&trace, id.as_str(), &head, connection.peer);
    exchange.follow(&trace);
    let name = Name { id, trace };
    let permit = match connection.admit() {
        Ok(permit) => permit,
        Err(error) => return refuse(connection, error, &name, Some(incoming)),
    };
    let limits = &connection.listener.limits;
    if let Err(error) = request_head::complete(&mut head, origin, authority, limits) {
        Box::pin(report(service, exchange, &name, &head, error)).await;
        return refuse(connection, error, &name, Some(incoming));
    }
    server_span::complete(&name.trace, &head);
    let (body, read, watch) = match request_body::limit(incoming, limits, &permit) {
        Ok(limited) => limited,
        Err(incoming) => {
            let limit = limits.body_bytes;
            let error = HandleError::BodyTooLarge { limit };
            Box::pin(report(service, exchange, &name, &head, error)).await;
            return refuse(connection, error, &name, Some(incoming));
        }
    };

    head.headers.insert(REQUEST_ID, name.id.to_header());
    name.trace.put(&mut head.headers);
    let info = RequestInfo {
        body: read,
        guests: Some(GuestCount::new(permit.place())),
        ..name.info(connection, exchange)
    };
    let outcome = handler.handle(Request::from_parts(head, body), info).await;

    // What the client did wrong explains whatever the guest made of it.
    if let Some((error, rest)) = watch.failure() {
        return refuse(connection, error, &name, rest);
    }
    match outcome {
        Ok(mut response) => {
            let is_complete = response.extensions_mut().remove::<CompleteResponse>();
            let permit = is_complete.is_none().then_some(permit);
            let reading = poll_fn(|cx| Poll::Ready(watch.poll_reading(cx))).await;
            let unread = (reading != Reading::Complete).then_some(watch);
            let mut response = response.map(|body| ResponseBody::guest(body, permit, unread));
            response
                .headers_mut()
                .insert(REQUEST_ID, name.id.to_header());
            response
        }
        Err(error) => refuse(connection, error, &name, watch),
    }
}

/// What a request is called: by itself, and together with others.
struct Name {
    id: RequestId,
    trace: RequestTrace,
}

impl Name {
    /// What is known of the request.
    fn info(&self, connection: &Connection, exchange: &RunningExchange) -> RequestInfo {
        connection.info(self.id.clone(), self.trace.clone(), exchange.received)
    }
}

fn refuse(
    connection: &Connection,
    error: HandleError,
    name: &Name,
    unread: impl Into<Unread>,
) -> Response<ResponseBody> {
    connection.listener.failed(error);
    let Name { id, trace } = name;
    let kind = error.kind();
    trace.annotate(ERROR_KIND, || kind.into());
    tracing::debug!(request_id = %id, trace_id = %trace.id(), kind, "answered without the guest");
    envelope::response(&error, id).map(|text| ResponseBody::host(text, unread))
}

/// Tells the handler of a request that it will not see.
async fn report<H: Handler>(
    service: &ConnectionService<H>,
    exchange: &RunningExchange,
    name: &Name,
    head: &Parts,
    error: HandleError,
) {
    let request = RefusedRequest {
        info: name.info(&service.connection, exchange),
        method: Some(head.method.clone()),
        path: head.uri.path().to_owned(),
        error,
    };
    service.handler.refused(request).await;
}

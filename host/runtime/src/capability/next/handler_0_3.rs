//! `wasi:http/handler` of WASI 0.3, as a policy imports it: a request goes out, and its response
//! comes back to the policy, which may change both or make others.
//!
//! Bodies are streams. One that the policy passes on unread is the client's or the application's
//! own, and is polled without the policy; one that it makes goes through a channel of one chunk,
//! so that the slower side holds the faster one up. Trailers and errors go with the body. Where
//! the policy cancels its call, or drops the response, the component behind is stopped.

use super::context::NextView;
use super::forward::{Forwarding, forward};
use super::observed_body::{self, ObservedBody};
use crate::request::{HandleError, REQUEST_ID};
use http::header::HOST;
use http::uri::{self, Authority, PathAndQuery, Scheme, Uri};
use http::{Method, Request};
use http_body_util::BodyExt;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::p3;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// What the function returns to the policy.
type Handled = Result<Resource<p3::Response>, ErrorCode>;

/// Adds the interface to a linker.
pub(super) fn add_to_linker<T: NextView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker
        .instance("wasi:http/handler@0.3.0")?
        .func_wrap_concurrent(
            "handle",
            |accessor: &Accessor<T>, (request,): (Resource<p3::Request>,)| {
                Box::pin(async move { Ok((handle(accessor, request).await?,)) })
            },
        )
}

async fn handle<T: NextView + 'static>(
    accessor: &Accessor<T>,
    request: Resource<p3::Request>,
) -> wasmtime::Result<Handled> {
    let forwarding = match accessor.with(|mut access| begin(access.as_context_mut(), request))? {
        Ok(forwarding) => forwarding,
        Err(error) => return Ok(Err(error)),
    };
    // Whoever runs the policy polls what it has forwarded, beside it.
    let response = forwarding.response.await;
    match response.unwrap_or(Err(HandleError::Internal)) {
        Ok(response) => accessor.with(|mut access| {
            let http = access.data_mut().http();
            // The policy has no use for what becomes of the response at the application.
            let (response, _taken) = p3::Response::from_http(http.hooks, response);
            Ok(Ok(http.table.push(response)?))
        }),
        Err(error) => {
            forwarding.task.fail(error);
            Ok(Err(ErrorCode::InternalError(None)))
        }
    }
}

/// Takes the request from the policy, and forwards it.
fn begin<T: NextView + 'static>(
    mut store: StoreContextMut<'_, T>,
    request: Resource<p3::Request>,
) -> wasmtime::Result<Result<Forwarding, ErrorCode>> {
    let request = store.data_mut().http().table.delete(request)?;
    let request = match into_http(store.as_context_mut(), request)? {
        Ok(request) => request,
        Err(error) => return Ok(Err(error)),
    };
    forward(&store.data_mut().next(), |_| Some(request)).map(Ok)
}

/// The request as the component behind gets it. What the policy has left out of the target is the
/// client's.
fn into_http<T: NextView + 'static>(
    mut store: StoreContextMut<'_, T>,
    mut request: p3::Request,
) -> wasmtime::Result<Result<Request<WasiBody>, ErrorCode>> {
    let task = store.data_mut().next().task.cloned();
    let client = task.as_ref().map(|task| task.context());
    let mut target = uri::Parts::default();
    target.scheme = request.scheme.take();
    target.authority = request.authority.take();
    if let Some(client) = client {
        target.scheme = target.scheme.or_else(|| client.scheme().cloned());
        target.authority = target.authority.or_else(|| client.authority().cloned());
    }
    target.path_and_query = request.path_with_query.take();
    if request.method == Method::CONNECT {
        target.scheme = None;
        target.path_and_query = None;
    } else if target.path_and_query.is_none() {
        target.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    // The library makes requests to other servers of them: it wants a whole target, and adds `Host`.
    request.scheme = Some(Scheme::HTTP);
    request.authority = Some(Authority::from_static("next"));
    request.path_with_query = Some(PathAndQuery::from_static("/"));
    let (observed, taken) = observed_body::observer();
    let (mut head, body) = match request.into_http(store, taken) {
        Ok((request, _options)) => request.into_parts(),
        Err(error) => return error.downcast().map(Err),
    };
    head.headers.remove(HOST);
    if let Some(client) = client {
        // One that the policy made has whatever the policy gave it.
        let id = client.request_id().to_header();
        head.headers.insert(REQUEST_ID, id);
    }
    head.uri = match Uri::from_parts(target) {
        Ok(target) => target,
        Err(_) => return Ok(Err(ErrorCode::HttpRequestUriInvalid)),
    };
    let body = ObservedBody::new(body, observed).boxed_unsync();
    Ok(Ok(Request::from_parts(head, body)))
}

//! The request that a composite handles, as it lies in the instance's table: policy and
//! application share it, so that only the host can change it between the two.

use crate::request::REQUEST_ID;
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Empty};
use std::any::Any;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi_http::p2::bindings::http::types::{self, HostIncomingRequest as _};
use wasmtime_wasi_http::p2::types::HostIncomingRequest;
use wasmtime_wasi_http::{Error, FieldMap, WasiHttpCtxView, p3};

/// Changes the headers of the request that the instance handles. Handles to its headers
/// that the guest took before still show what it was.
///
/// # Errors
///
/// Where the request cannot be made anew: nothing of it may be seen then.
pub(super) fn rewrite(
    http: &mut WasiHttpCtxView<'_>,
    change: impl Fn(&mut HeaderMap),
) -> wasmtime::Result<()> {
    if let Some(request) = find(http.table) {
        let mut made = changed(http, &request, &change)?;
        let existing = http.table.get_mut(&request)?;
        made.body = existing.body.take();
        *existing = made;
        return Ok(());
    }
    for entry in http.table.iter_mut() {
        // A guest of WASI 0.3 makes requests of the same type itself. The host's has an id.
        if let Some(request) = entry.downcast_mut::<p3::Request>()
            && request.headers.contains_key(REQUEST_ID)
        {
            let mut headers = HeaderMap::clone(&request.headers);
            change(&mut headers);
            request.headers = FieldMap::new_immutable(http.hooks, headers);
        }
    }
    Ok(())
}

/// The request of WASI 0.2 in the table. There is at most one, since an instance handles one
/// request at a time, and no guest can make one.
fn find(table: &mut ResourceTable) -> Option<Resource<HostIncomingRequest>> {
    // Its entries are few, and its numbers may be many.
    let is_request = |entry: &mut (dyn Any + Send)| entry.is::<HostIncomingRequest>();
    if !table.iter_mut().any(is_request) {
        return None;
    }
    (0..u32::try_from(table.max_capacity()).ok()?)
        .map(Resource::new_borrow)
        .find(|candidate| table.get(candidate).is_ok())
}

/// The same request with other headers, and without its body.
fn changed(
    http: &mut WasiHttpCtxView<'_>,
    request: &Resource<HostIncomingRequest>,
    change: impl Fn(&mut HeaderMap),
) -> wasmtime::Result<HostIncomingRequest> {
    let borrow = || Resource::new_borrow(request.rep());
    let method: Method = http.method(borrow())?.try_into()?;
    let path = http.path_with_query(borrow())?;
    let authority = http.authority(borrow())?.unwrap_or_default();
    let scheme = http.scheme(borrow())?.unwrap_or(types::Scheme::Http);
    let headers = types::HostIncomingRequest::headers(http, borrow())?;
    let mut headers = HeaderMap::from(http.table.delete(headers)?);
    change(&mut headers);

    let mut uri = http::uri::Parts::default();
    uri.path_and_query = path.map(PathAndQuery::try_from).transpose()?;
    // What is no authority came from the header `Host`, and does so again.
    uri.authority = Authority::try_from(authority).ok();
    if uri.authority.is_some() && uri.path_and_query.is_some() {
        // The guest is told the other one.
        uri.scheme = Some(Scheme::HTTP);
    }
    let body = Empty::<Bytes>::new().map_err(|never| -> Error { match never {} });
    let mut made = http::Request::new(body);
    *made.method_mut() = method;
    *made.uri_mut() = Uri::from_parts(uri)?;
    *made.headers_mut() = headers;
    let made = http.new_incoming_request(scheme, made)?;
    Ok(http.table.delete(made)?)
}

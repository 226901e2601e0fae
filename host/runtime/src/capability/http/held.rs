//! How many bytes the host holds for the resources in an instance's table, about.

use super::limits::HttpLimits;
use http::HeaderMap;
use std::any::Any;
use wasmtime::component::ResourceTable;
use wasmtime_wasi_http::p2::bindings::http::types::{Method, Scheme};
use wasmtime_wasi_http::p2::types::{
    HostIncomingResponse, HostOutgoingRequest, HostOutgoingResponse,
};
use wasmtime_wasi_http::{FieldMap, p3};

/// What any resource takes: its place in the table, and what most have on the heap.
pub(super) const RESOURCE_BYTES: usize = 256;

/// What a header takes beside its name and value: its entry, its place in the index, and the
/// room that a growing list keeps free.
const HEADER_BYTES: usize = 128;

/// What is held for all resources of a table.
pub(super) fn by_table(table: &mut ResourceTable, limits: HttpLimits) -> usize {
    let resources = table.iter_mut();
    let bytes = resources.map(|resource| RESOURCE_BYTES + by_resource(resource, limits));
    bytes.fold(0, usize::saturating_add)
}

/// What is held for a resource beside [`RESOURCE_BYTES`]. A list that others share counts for
/// each of them. A body counts for the request or response that it belongs to, until that is
/// sent: an instance sends one response, and requests as far as it may have connections.
fn by_resource(resource: &(dyn Any + Send), limits: HttpLimits) -> usize {
    if let Some(fields) = resource.downcast_ref::<FieldMap>() {
        return of_fields(fields);
    }
    let body = |present: bool| match present {
        true => limits.body_bytes(),
        false => 0,
    };
    if let Some(request) = resource.downcast_ref::<HostOutgoingRequest>() {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        return of_fields(&request.headers)
            + of_method(&request.method)
            + of_scheme(request.scheme.as_ref())
            + text(&request.authority)
            + text(&request.path_with_query)
            + body(request.body.is_some());
    }
    if let Some(response) = resource.downcast_ref::<HostOutgoingResponse>() {
        return of_fields(&response.headers) + body(response.body.is_some());
    }
    if let Some(response) = resource.downcast_ref::<HostIncomingResponse>() {
        return of_fields(&response.headers);
    }
    if let Some(request) = resource.downcast_ref::<p3::Request>() {
        let authority = request.authority.as_ref().map_or(0, |it| it.as_str().len());
        let path = request.path_with_query.as_ref();
        return of_fields(&request.headers)
            + request.method.as_str().len()
            + request.scheme.as_ref().map_or(0, |it| it.as_str().len())
            + authority
            + path.map_or(0, |it| it.as_str().len());
    }
    if let Some(response) = resource.downcast_ref::<p3::Response>() {
        return of_fields(&response.headers);
    }
    0
}

/// What a list of header fields takes.
pub(super) fn of_fields(fields: &HeaderMap) -> usize {
    let texts = fields
        .iter()
        .map(|(name, value)| of_field(name.as_str(), value.as_bytes()));
    texts.sum::<usize>() + fields.capacity() * HEADER_BYTES
}

/// What a field adds to a list of them.
pub(super) fn of_field(name: &str, value: &[u8]) -> usize {
    name.len() + value.len() + HEADER_BYTES
}

pub(super) fn of_method(method: &Method) -> usize {
    match method {
        Method::Other(name) => name.capacity(),
        _ => 0,
    }
}

pub(super) fn of_scheme(scheme: Option<&Scheme>) -> usize {
    match scheme {
        Some(Scheme::Other(name)) => name.capacity(),
        _ => 0,
    }
}

//! The span of a request, from its head to the end of its response, by OpenTelemetry's semantic
//! conventions for HTTP servers. Query and headers are left out: they may hold secrets.

use std::borrow::Cow;
use std::net::SocketAddr;

use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::socket::UNIX_CLIENT;
use crate::request::trace::{ERROR_KIND, Recording, known_method};
use crate::request::{RequestTrace, SpanKind, SpanValue};

/// The attribute for the path of the route that a request takes, with its parameters in braces.
const ROUTE: &str = "http.route";

/// What is known of a request by its head.
pub(super) fn begin(trace: &RequestTrace, id: &str, head: &Parts, peer: SocketAddr) {
    let Some(recording) = trace.recording() else {
        return;
    };
    let set = |name, value| recording.annotate(name, value);
    set("http.request.method", known_method(&head.method).into());
    set("url.path", SpanValue::of_text(head.uri.path()));
    let version = match head.version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    set("network.protocol.version", version.into());
    if peer != UNIX_CLIENT {
        set("client.address", SpanValue::of_text(&peer.ip().to_string()));
    }
    set("tensor_wasm.request_id", SpanValue::of_text(id));
}

/// The target of the request is known as a whole.
pub(super) fn complete(trace: &RequestTrace, head: &Parts) {
    let Some(recording) = trace.recording() else {
        return;
    };
    let set = |name, value| recording.annotate(name, value);
    if let Some(scheme) = head.uri.scheme_str() {
        set("url.scheme", SpanValue::of_text(scheme));
    }
    if let Some(authority) = head.uri.authority() {
        set("server.address", SpanValue::of_text(authority.host()));
        if let Some(port) = authority.port_u16() {
            set("server.port", SpanValue::of_number(port));
        }
    }
}

/// The response has ended. `status` is `None` where the client went away before there was one.
pub(super) fn end(recording: &Recording, method: &Method, status: Option<StatusCode>) {
    let failed = status.is_none_or(|status| status.is_server_error());
    if let Some(status) = status {
        let number = SpanValue::of_number(status.as_u16());
        recording.annotate("http.response.status_code", number);
    }
    if failed {
        let kind = recording.known(ERROR_KIND).unwrap_or(match status {
            None => "client_gone".into(),
            Some(status) => SpanValue::of_text(status.as_str()),
        });
        recording.annotate("error.type", kind);
    }
    let method = match known_method(method) {
        "_OTHER" => "HTTP",
        method => method,
    };
    let name = match recording.known(ROUTE) {
        Some(SpanValue::Text(route)) => format!("{method} {route}").into(),
        _ => Cow::Borrowed(method),
    };
    recording.end(SpanKind::Server, name, failed);
}

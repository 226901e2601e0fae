//! The trace of a guest's outgoing request: its header, and its span, by OpenTelemetry's semantic
//! conventions for HTTP clients. Its path and query are left out: they may hold secrets of the guest.

use super::send::Sent;
use crate::request::trace::{OpenSpan, TRACE_PARENT, known_method};
use crate::request::{RequestTask, SpanKind, SpanValue};
use http::Request;
use http::uri::Scheme;
use std::pin::Pin;
use wasmtime_wasi_http::{Error, WasiBody};

/// Names the trace in a request that the guest has not named one in, and begins the request's span
/// where the task's request is recorded. A guest that passes on the header that it got is taken for
/// one that has named none.
pub(super) fn begin(task: &RequestTask, request: &mut Request<WasiBody>) -> Option<OpenSpan> {
    let trace = task.trace();
    let current = match trace {
        Some(trace) => trace.context(),
        None => task.context().trace().context().clone(),
    };
    let named = request.headers().get(TRACE_PARENT);
    let is_own = named.is_none_or(|named| *named == current.parent());
    let span = trace.and_then(|trace| {
        let method = known_method(request.method());
        let mut span = trace.child(SpanKind::Client, method)?;
        span.set("http.request.method", method);
        if let Some(authority) = request.uri().authority() {
            span.set("server.address", SpanValue::of_text(authority.host()));
            let is_plain = request.uri().scheme() == Some(&Scheme::HTTP);
            let port = authority
                .port_u16()
                .unwrap_or(if is_plain { 80 } else { 443 });
            span.set("server.port", SpanValue::of_number(port));
        }
        Some(span)
    });
    if is_own {
        let context = span.as_ref().map_or(current, OpenSpan::context);
        context.put(request.headers_mut());
    }
    span
}

/// Ends a request's span when the head of its response is there.
pub(super) async fn follow(
    mut span: OpenSpan,
    sending: Pin<Box<dyn Future<Output = Result<Sent, Error>> + Send>>,
) -> Result<Sent, Error> {
    let outcome = sending.await;
    match &outcome {
        Ok((response, _)) => {
            let status = response.status();
            let number = SpanValue::of_number(status.as_u16());
            span.set("http.response.status_code", number);
            if status.is_client_error() || status.is_server_error() {
                span.fail(SpanValue::of_text(status.as_str()));
            }
        }
        Err(error) => {
            // The variant's name, without what is in it.
            let text = format!("{error:?}");
            let name = text.split(|c: char| !c.is_ascii_alphanumeric()).next();
            span.fail(SpanValue::of_text(name.unwrap_or_default()));
        }
    }
    span.end();
    outcome
}

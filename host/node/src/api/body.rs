//! Bodies of requests and responses: what the API reads and writes as a whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tensor_wasm_runtime::server::CompleteResponse;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::error::{BODY_TOO_LARGE, INTERNAL, INVALID_REQUEST, NodeError, UNSUPPORTED_MEDIA_TYPE};
use crate::functions::HeldBody;

/// What JSON is sent as.
pub(super) const JSON: &str = "application/json";

/// The longest body of a request that names things, in bytes.
pub(super) const LONGEST_JSON: usize = 64 << 10;

/// A response whose body is these bytes.
pub(super) fn complete(status: StatusCode, text: impl Into<Bytes>) -> Response<WasiBody> {
    let body = Full::new(text.into()).map_err(|never| match never {});
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response.extensions_mut().insert(CompleteResponse);
    response
}

/// A body whose memory is held until it is sent or dropped.
pub(super) fn held(body: WasiBody, held: HeldBody) -> WasiBody {
    HoldingBody { body, _held: held }.boxed_unsync()
}

struct HoldingBody {
    body: WasiBody,
    _held: HeldBody,
}

impl Body for HoldingBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response in JSON.
pub(super) fn json<T: Serialize>(
    status: StatusCode,
    value: &T,
) -> Result<Response<WasiBody>, NodeError> {
    let mut text = serde_json::to_vec(value).map_err(|error| {
        tracing::error!("a response can't be written as JSON: {error}");
        NodeError::new(&INTERNAL, "the node failed to write its response")
    })?;
    text.push(b'\n');
    let mut response = complete(status, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    Ok(response)
}

/// The type of a body, in lower case and without parameters (RFC 9110, section 8.3.1).
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

/// Reads a whole body of JSON, at most so many bytes.
pub(super) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: WasiBody,
    longest: usize,
) -> Result<T, NodeError> {
    match media_type(headers).as_deref() {
        Some(JSON) => {}
        _ => {
            return Err(NodeError::new(
                &UNSUPPORTED_MEDIA_TYPE,
                "send the body with Content-Type: application/json",
            ));
        }
    }
    let bytes = match Limited::new(body, longest).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(NodeError::new(
                &BODY_TOO_LARGE,
                format_args!("the body is longer than {longest} bytes"),
            ));
        }
        Err(error) => return Err(broken(error)),
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| NodeError::new(&INVALID_REQUEST, format_args!("the body: {error}")))
}

/// The client stopped sending. What it is told is mostly the server's own error.
pub(super) fn broken(error: impl std::fmt::Display) -> NodeError {
    NodeError::new(
        &INVALID_REQUEST,
        format_args!("the body ended before it was complete: {error}"),
    )
}

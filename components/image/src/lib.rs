//! A service that filters pictures on the device. It responds with a PNG to a POST of a PNG to
//! `/gaussian`, `/sobel` or `/grayscale`. `/gaussian?passes=N` blurs N times.
//!
//! The response header `x-tensor-wasm-device` names the device. If the host does not grant one,
//! the service computes the same result, bit for bit, in WebAssembly, and the header is
//! `fallback`.

mod device;
mod filter;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod parity;
mod picture;
mod scalar;

use filter::Filter;
use picture::{Picture, PictureError};
use tensor_wasm_guest::Error;
use tensor_wasm_guest::http::{self, Request, Response};

http::service!(handle);

/// The longest request body, in bytes.
const MAX_BODY: usize = 32 * 1024 * 1024;

fn handle(request: Request) -> Response {
    let filter = match Filter::from_request(request.path(), request.query("passes")) {
        Some(Ok(filter)) => filter,
        Some(Err(message)) => return Response::error(&request, 400, "bad_request", &message),
        None => {
            let message = format!(
                "nothing at {}; POST a PNG to /gaussian, /sobel or /grayscale",
                request.path()
            );
            return Response::error(&request, 404, "not_found", &message);
        }
    };
    if request.method() != "POST" {
        let message = format!("POST a PNG to {}", request.path());
        return Response::error(&request, 405, "method_not_allowed", &message)
            .header("allow", "POST");
    }
    if let Some(other) = unsupported_type(request.header("content-type").as_deref()) {
        let message = format!("this service accepts image/png, but not {other}");
        return Response::error(&request, 415, "unsupported_media_type", &message);
    }
    let body = match request.body(MAX_BODY) {
        Ok(body) => body,
        Err(error) => return Response::body_error(&request, &error),
    };
    let picture = match Picture::decode(&body) {
        Ok(picture) => picture,
        Err(error) => return picture_error(&request, &error),
    };
    drop(body);

    let (picture, device, time) = match device::apply(filter, &picture) {
        Ok(filtered) => (filtered.picture, filtered.device, Some(filtered.time)),
        Err(Error::Denied(_)) => (scalar::apply(filter, &picture), "fallback".to_owned(), None),
        Err(error) => return Response::device_error(&request, &error),
    };
    match picture.encode() {
        Ok(png) => {
            let response =
                Response::new(200, "image/png", png).header("x-tensor-wasm-device", device);
            match time {
                // The unit of the header is milliseconds.
                Some(time) => response.header(
                    "server-timing",
                    format!("device;dur={:.3}", time.as_secs_f64() * 1e3),
                ),
                None => response,
            }
        }
        Err(error) => picture_error(&request, &error),
    }
}

/// The content type of a request, if it says that the body is not a PNG. A missing or generic
/// content type is accepted, since decoding checks the body anyway.
fn unsupported_type(content_type: Option<&str>) -> Option<&str> {
    let essence = content_type?.split(';').next()?.trim();
    let is_supported = essence.is_empty()
        || essence.eq_ignore_ascii_case("image/png")
        || essence.eq_ignore_ascii_case("application/octet-stream")
        // The default of curl for a body.
        || essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    (!is_supported).then_some(essence)
}

fn picture_error(request: &Request, error: &PictureError) -> Response {
    let (status, kind) = match error {
        PictureError::NotPng => (415, "unsupported_media_type"),
        PictureError::Broken(_) => (400, "bad_request"),
        PictureError::TooLarge { .. } => (413, "picture_too_large"),
        PictureError::Encode(_) => (500, "internal"),
    };
    Response::error(request, status, kind, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_content_type_of_something_else_is_unsupported() {
        for supported in [None, Some("image/png"), Some("IMAGE/PNG; q=1"), Some("")] {
            assert_eq!(unsupported_type(supported), None);
        }
        assert_eq!(
            unsupported_type(Some("image/jpeg; q=1")),
            Some("image/jpeg")
        );
    }
}

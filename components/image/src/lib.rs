//! A service that filters pictures on the device: POST a PNG to `/gaussian`,
//! `/sobel` or `/grayscale`, get a PNG. `/gaussian?passes=N` blurs N times.
//!
//! The header `x-tensor-wasm-device` of the answer names the device. Where the
//! host does not grant one, the service computes the same on its own processor,
//! bit by bit, and the header says `fallback`.

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

http::service!(answer);

/// In bytes, compressed.
const MAX_BODY: usize = 32 * 1024 * 1024;

fn answer(request: Request) -> Response {
    let filter = match Filter::of(request.path(), request.query("passes")) {
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
    if let Some(other) = other_type(request.header("content-type").as_deref()) {
        let message = format!("this service takes image/png, and not {other}");
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
        Ok(done) => (done.picture, done.device, Some(done.time)),
        Err(Error::Denied(_)) => (scalar::apply(filter, &picture), "fallback".to_owned(), None),
        Err(error) => return Response::device_error(&request, &error),
    };
    match picture.encode() {
        Ok(png) => {
            let response =
                Response::new(200, "image/png", png).header("x-tensor-wasm-device", device);
            match time {
                // In milliseconds, as the header has it.
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

/// The type of a body that says that it is no PNG. Clients that say nothing, or
/// nothing more than that it is bytes, are taken at the body's word.
fn other_type(content_type: Option<&str>) -> Option<&str> {
    let essence = content_type?.split(';').next()?.trim();
    let fits = essence.is_empty()
        || essence.eq_ignore_ascii_case("image/png")
        || essence.eq_ignore_ascii_case("application/octet-stream")
        // What curl says of every body that it is not told about.
        || essence.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    (!fits).then_some(essence)
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
    fn a_body_is_taken_for_a_png_unless_it_says_otherwise() {
        for fits in [None, Some("image/png"), Some("IMAGE/PNG; q=1"), Some("")] {
            assert_eq!(other_type(fits), None);
        }
        assert_eq!(other_type(Some("image/jpeg; q=1")), Some("image/jpeg"));
    }
}

//! A middleware that refuses requests that are too large, before the service receives them.
//!
//! | setting | meaning | default |
//! |---|---|---|
//! | `max-request-bytes` | bytes of the body, according to `Content-Length` | 1 MiB |
//! | `max-header-count` | number of headers | 100 |
//! | `max-path-bytes` | bytes of path and query | 8 KiB |
//!
//! It imports only WASI, so it runs on every host that provides `wasi:http` and
//! `wasi:config`. Place it *behind* a policy, not in front: if a composite contains a policy,
//! the host sends no response without a decision, and this component makes none.
//!
//! Hosts may hide `Transfer-Encoding` from components, and HTTP/2 has no such header.
//! Therefore a POST, PUT or PATCH without a length is refused as well. The host has to limit
//! the body of a request with another method and without a length.

mod bindings;
mod limits;

use bindings::{IncomingRequest, Method, ResponseOutparam, store};
use limits::Limits;
use tensor_wasm_middleware::response;

struct RequestLimit;

impl bindings::Guest for RequestLimit {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let limits = match limits() {
            Ok(limits) => limits,
            Err(message) => {
                return response::send_error(
                    &request,
                    out,
                    500,
                    &[],
                    "limit_misconfigured",
                    &message,
                );
            }
        };
        let excess = limits.excess(
            &request.path_with_query().unwrap_or_default(),
            &request.headers().entries(),
            matches!(request.method(), Method::Post | Method::Put | Method::Patch),
        );
        match excess {
            None => bindings::forward(request, out),
            Some(excess) => {
                let (status, kind, message) = excess.response();
                response::send_error(&request, out, status, &[], kind, &message);
            }
        }
    }
}

/// The operator's limits, or the message of the error if they can't be read.
fn limits() -> Result<Limits, String> {
    let stored = store::get_all().map_err(|_| {
        "the settings can't be read: the host's `wasi:config/store` has to provide them".to_owned()
    })?;
    Limits::read(&stored).map_err(|key| ["the setting `", key, "` must be a whole number"].concat())
}

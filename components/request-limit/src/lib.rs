//! A middleware that refuses what is too large before the service sees it.
//!
//! | setting | is | where it is not set |
//! |---|---|---|
//! | `max-request-bytes` | bytes of the body, as `Content-Length` tells | 1 MiB |
//! | `max-header-count` | headers | 100 |
//! | `max-path-bytes` | bytes of path and query | 8 KiB |
//!
//! It asks its host for nothing but WASI, so that it runs wherever `wasi:http` and
//! `wasi:config` do. Behind a policy it belongs *after* it: the host wants a
//! decision on every answer of a composite that can decide, and this makes none.
//!
//! Hosts may keep `Transfer-Encoding` to themselves, and HTTP/2 has no such header:
//! a POST, PUT or PATCH that tells no length is therefore refused as well. A body
//! that another method brings without telling its length is the host's to limit.

mod bindings;
mod limits;

use bindings::{IncomingRequest, Method, ResponseOutparam, store};
use limits::Limits;
use tensor_wasm_middleware::answer;

struct RequestLimit;

impl bindings::Guest for RequestLimit {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let limits = match limits() {
            Ok(limits) => limits,
            Err(message) => {
                return answer::error(&request, out, 500, &[], "limit_misconfigured", &message);
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
                let (status, kind, message) = excess.told();
                answer::error(&request, out, status, &[], kind, &message);
            }
        }
    }
}

/// The operator's limits, or what to say where they can't be read.
fn limits() -> Result<Limits, String> {
    let stored = store::get_all().map_err(|_| {
        "the settings can't be read: the host's `wasi:config/store` has to give them".to_owned()
    })?;
    Limits::read(&stored).map_err(|key| ["the setting `", key, "` must be a whole number"].concat())
}

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
use std::sync::OnceLock;
use tensor_wasm_middleware::response;

struct RequestLimit;

impl bindings::Guest for RequestLimit {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let limits = match limits() {
            Ok(limits) => limits,
            Err(wrong) => {
                return response::send_error(
                    &request,
                    out,
                    500,
                    &[],
                    "limit_misconfigured",
                    &wrong.message(),
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

/// The operator's limits, which are read once for each instance: where they change, the host gives
/// requests to new instances.
fn limits() -> Result<Limits, Misconfigured> {
    static READ: OnceLock<Result<Limits, Misconfigured>> = OnceLock::new();
    if let Some(read) = READ.get() {
        return *read;
    }
    let stored = store::get_all().map_err(|_| Misconfigured::NoSettings)?;
    *READ.get_or_init(|| Limits::read(&stored).map_err(Misconfigured::NoNumber))
}

/// Why there are no limits.
#[derive(Clone, Copy)]
enum Misconfigured {
    /// The settings can't be read.
    NoSettings,
    /// The value of this key is not a number.
    NoNumber(&'static str),
}

impl Misconfigured {
    fn message(self) -> String {
        match self {
            Self::NoSettings => {
                "the settings can't be read: the host's `wasi:config/store` has to provide them"
                    .to_owned()
            }
            Self::NoNumber(key) => ["the setting `", key, "` must be a whole number"].concat(),
        }
    }
}

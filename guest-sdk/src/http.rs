//! A small synchronous HTTP service over `wasi:http`: one function from a [`Request`] to a
//! [`Response`], with bodies that are buffered as a whole. It needs the feature `http`. For
//! streaming bodies or outgoing requests, use `wasip2` or `wstd` instead; the rest of this
//! crate works with both.

mod request;
mod response;

pub use request::{BodyError, Request};
pub use response::Response;

#[doc(hidden)]
pub use wasip2;

/// Exports a function of this component as its `wasi:http/incoming-handler`:
///
/// ```
/// use tensor_wasm_guest::http::{self, Request, Response};
///
/// http::service!(handle);
///
/// fn handle(request: Request) -> Response {
///     Response::text(200, format!("you asked for {}\n", request.path()))
/// }
/// # fn main() {}
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __http_service {
    ($handle:path) => {
        const _: fn($crate::http::Request) -> $crate::http::Response = $handle;
        const _: () = {
            struct Service;

            impl $crate::http::wasip2::exports::http::incoming_handler::Guest for Service {
                fn handle(
                    request: $crate::http::wasip2::http::types::IncomingRequest,
                    out: $crate::http::wasip2::http::types::ResponseOutparam,
                ) {
                    $handle($crate::http::Request::new(request)).send(out);
                }
            }

            // On other targets than WebAssembly, linkers refuse the names of these exports.
            #[cfg(target_arch = "wasm32")]
            $crate::http::wasip2::http::proxy::export!(
                Service with_types_in $crate::http::wasip2
            );
        };
    };
}

#[doc(inline)]
pub use crate::__http_service as service;

//! Generated bindings of the WIT world `tensor:worlds/policy`: the handler of the service
//! behind the policy, the operator's settings, and the host's functions for policies.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: concat!(env!("OUT_DIR"), "/wit"),
    world: "tensor:worlds/policy",
    with: {
        "wasi:cli/stderr@0.2.12": wasip2::cli::stderr,
        "wasi:cli/stdin@0.2.12": wasip2::cli::stdin,
        "wasi:cli/stdout@0.2.12": wasip2::cli::stdout,
        "wasi:clocks/monotonic-clock@0.2.12": wasip2::clocks::monotonic_clock,
        "wasi:clocks/wall-clock@0.2.12": wasip2::clocks::wall_clock,
        "wasi:http/outgoing-handler@0.2.12": wasip2::http::outgoing_handler,
        "wasi:http/types@0.2.12": wasip2::http::types,
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
        "wasi:random/random@0.2.12": wasip2::random::random,
    },
    generate_all,
});

pub use exports::wasi::http::incoming_handler::Guest;
pub use tensor::policy::{credentials, decision, limiter};
pub use wasi::config::store;
pub use wasi::http::incoming_handler::handle as forward;
pub use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

// On other targets than WebAssembly, linkers refuse the names of these exports.
#[cfg(target_arch = "wasm32")]
export!(Policy);
#[cfg(target_arch = "wasm32")]
use super::Policy;

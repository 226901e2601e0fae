//! What a policy imports beside WASI's HTTP: the host's part of `tensor:policy`,
//! the operator's settings, and the handler that it stands in front of.

// Generated code is what crosses the component's boundary.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: concat!(env!("OUT_DIR"), "/wit"),
    world: "test:guests/policy",
    with: {
        "wasi:clocks/monotonic-clock@0.2.12": wasip2::clocks::monotonic_clock,
        "wasi:http/types@0.2.12": wasip2::http::types,
        "wasi:io/error@0.2.12": wasip2::io::error,
        "wasi:io/poll@0.2.12": wasip2::io::poll,
        "wasi:io/streams@0.2.12": wasip2::io::streams,
    },
    generate_all,
});

pub use tensor::policy::{credentials, decision, limiter};
pub use wasi::config::store;
pub use wasi::http::incoming_handler::handle as forward;

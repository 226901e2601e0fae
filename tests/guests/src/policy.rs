//! Generated bindings of what a policy imports beside `wasi:http/types`: the host's functions
//! for policies, the operator's settings, and the handler behind the policy.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor.wit",
    // The guests export the handler with the bindings of `wasip2`. So they can't use the worlds
    // of the contract, which export it too.
    inline: "
        package test:guests;

        world policy {
            include tensor:policy/capability@0.1.0;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:http/incoming-handler@0.2.12;
        }
    ",
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

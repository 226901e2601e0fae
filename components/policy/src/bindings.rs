//! Generated bindings of the WIT world `tensor:worlds/policy`: the handler of the service
//! behind the policy. Those of the settings and of the host's functions for policies are the
//! rules'.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

tensor_wasm_middleware::bindings!("tensor:worlds/policy", Policy, with {
    "tensor:policy/credentials@0.1.0": ::tensor_wasm_policy_rules::bindings::credentials,
    "tensor:policy/decision@0.1.0": ::tensor_wasm_policy_rules::bindings::decision,
    "tensor:policy/limiter@0.1.0": ::tensor_wasm_policy_rules::bindings::limiter,
    "wasi:config/store@0.2.0-rc.1": ::tensor_wasm_policy_rules::bindings::store,
});

pub use exports::wasi::http::incoming_handler::Guest;
pub use wasi::http::incoming_handler::handle as forward;
pub use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

//! Generated bindings of the WIT world `tensor:worlds/policy`: the handler of the service
//! behind the policy, the operator's settings, and the host's functions for policies.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

tensor_wasm_middleware::bindings!("tensor:worlds/policy", Policy);

pub use exports::wasi::http::incoming_handler::Guest;
pub use tensor::policy::{credentials, decision, limiter};
pub use wasi::config::store;
pub use wasi::http::incoming_handler::handle as forward;
pub use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

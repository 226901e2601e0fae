//! Generated bindings of the WIT world `tensor:worlds/middleware`: the handler of the service
//! behind this component, and the operator's settings.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

tensor_wasm_middleware::bindings!("tensor:worlds/middleware", RequestLimit);

pub use exports::wasi::http::incoming_handler::Guest;
pub use wasi::config::store;
pub use wasi::http::incoming_handler::handle as forward;
pub use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

//! Generated bindings of the WIT world `tensor:worlds-p3/policy-p3`: the handler of the service
//! behind the policy, and `wasi:http`. Those of the settings and of the host's functions for
//! policies are the rules'.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor-p3.wit",
    world: "tensor:worlds-p3/policy-p3",
    with: {
        "tensor:policy/credentials@0.1.0": tensor_wasm_policy_rules::bindings::credentials,
        "tensor:policy/decision@0.1.0": tensor_wasm_policy_rules::bindings::decision,
        "tensor:policy/limiter@0.1.0": tensor_wasm_policy_rules::bindings::limiter,
        "wasi:config/store@0.2.0-rc.1": tensor_wasm_policy_rules::bindings::store,
    },
    generate_all,
});

// On other targets than WebAssembly, linkers refuse the names of these exports.
#[cfg(target_arch = "wasm32")]
export!(Policy);
#[cfg(target_arch = "wasm32")]
use super::Policy;

pub use exports::wasi::http::handler::Guest;
pub use wasi::http::handler::handle as forward;
pub use wasi::http::types::{ErrorCode, Fields, Method, Request, Response};

//! Traps before it sends a response.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
}

tensor_wasm_test_guests::service!(handle);

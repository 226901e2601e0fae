//! Traps while it is instantiated, before any request.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// What a component calls from its start function.
#[expect(unsafe_code, reason = "it is found by its name")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
}

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {}

tensor_wasm_test_guests::service!(handle);

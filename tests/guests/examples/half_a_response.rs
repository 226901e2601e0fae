//! Traps in the middle of its response, after the head and a part of the body.

use tensor_wasm_test_guests::{begin_response, write_all};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    if let Some((_body, stream)) = begin_response(response_out, 200, "text/plain") {
        let _ = write_all(&stream, b"the first half");
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
    }
}

tensor_wasm_test_guests::service!(handle);

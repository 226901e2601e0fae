//! Traps in the middle of its answer, after the head and some of the body.

use tensor_wasm_test_guests::{begin, write_all};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    if let Some((_body, stream)) = begin(response_out, 200, "text/plain") {
        let _ = write_all(&stream, b"the first half");
        #[cfg(target_family = "wasm")]
        core::arch::wasm32::unreachable();
    }
}

tensor_wasm_test_guests::service!(handle);

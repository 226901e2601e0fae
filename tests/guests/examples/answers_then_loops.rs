//! Sends a complete response, and then loops forever.

use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    respond(response_out, 200, "text/plain", b"done\n");
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

tensor_wasm_test_guests::service!(handle);

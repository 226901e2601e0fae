//! Loops forever.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

tensor_wasm_test_guests::service!(handle);

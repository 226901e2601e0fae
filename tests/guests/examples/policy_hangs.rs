//! A policy that loops forever before its decision.

use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    while std::hint::black_box(true) {}
    decision::admit(None, 0);
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

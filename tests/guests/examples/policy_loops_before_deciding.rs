//! A policy that never comes to a decision on `/loop`, and lets everything else in,
//! so that a request that hangs has a neighbour that does not.

use tensor_wasm_test_guests::path;
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/loop" {
        // Tells a test that the loop has begun.
        eprintln!("looping");
        while std::hint::black_box(true) {}
    }
    decision::admit(None, 0);
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

//! A policy that loops forever before its decision on `/loop`, and admits everything else. So
//! tests can send a request that hangs and healthy ones to the same component.

use tensor_wasm_test_guests::path;
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/loop" {
        // Signals to the test that the loop has begun.
        eprintln!("looping");
        while std::hint::black_box(true) {}
    }
    decision::admit(None, 0);
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

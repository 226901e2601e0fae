//! A policy that admits every request.

use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::admit(None, 0);
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

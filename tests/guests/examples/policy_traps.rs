//! A policy that traps before its decision, or for `/decided` after it. It passes `/forward` on
//! without a decision.

use tensor_wasm_test_guests::path;
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/decided" {
        decision::admit(None, 0);
    }
    if path(&request) != "/forward" {
        std::process::abort();
    }
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

//! Exits like a command-line program, without a response.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {
    std::process::exit(3);
}

tensor_wasm_test_guests::service!(handle);

//! Ends its process, as a command-line program would, instead of answering.

use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, _response_out: ResponseOutparam) {
    std::process::exit(3);
}

tensor_wasm_test_guests::service!(handle);

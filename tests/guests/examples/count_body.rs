//! Reads the whole body, and then responds with the number of its bytes.

use tensor_wasm_test_guests::{body, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let bytes = body(&request).len();
    respond(
        response_out,
        200,
        "text/plain",
        bytes.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);

//! Responds with the status that the path names, such as `/204`, and the text `status`. What is
//! no number is 200.

use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let status = path(&request).trim_start_matches('/').parse();
    respond(response_out, status.unwrap_or(200), "text/plain", b"status");
}

tensor_wasm_test_guests::service!(handle);

//! Sends an endless body, until the client closes the connection.

use tensor_wasm_test_guests::{begin_response, write_all};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    if let Some((_body, stream)) = begin_response(response_out, 200, "application/octet-stream") {
        while write_all(&stream, &[b'.'; 4096]).is_ok() {}
    }
}

tensor_wasm_test_guests::service!(handle);

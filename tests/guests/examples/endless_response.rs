//! Answers without end, for as long as somebody listens.

use tensor_wasm_test_guests::{begin, write_all};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    if let Some((_body, stream)) = begin(response_out, 200, "application/octet-stream") {
        while write_all(&stream, &[b'.'; 4096]).is_ok() {}
    }
}

tensor_wasm_test_guests::service!(handle);

//! Responds with the number of requests that this instance has served, including this one.
//! `/nothing` is counted and gets no response.

use std::sync::atomic::{AtomicU32, Ordering};

use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

static REQUESTS: AtomicU32 = AtomicU32::new(0);

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    if path(&request) == "/nothing" {
        return;
    }
    respond(
        response_out,
        200,
        "text/plain",
        count.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);

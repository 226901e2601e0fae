//! Responds to the first request of an instance, and returns from each further one without a
//! response, as components of some toolchains for JavaScript do.

use std::sync::atomic::{AtomicBool, Ordering};

use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

static SERVED: AtomicBool = AtomicBool::new(false);

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    if !SERVED.swap(true, Ordering::Relaxed) {
        respond(response_out, 200, "text/plain", b"served\n");
    }
}

tensor_wasm_test_guests::service!(handle);

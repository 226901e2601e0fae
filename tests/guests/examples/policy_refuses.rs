//! A policy that refuses every request, with a response of its own.

use tensor_wasm_test_guests::policy::{decision, forward};
use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::refuse(None, "closed");
    // No client sends this method. The branch keeps the import of the next handler.
    if matches!(request.method(), Method::Other(method) if method == "NEVER") {
        forward(request, response_out);
    } else {
        respond(response_out, 403, "text/plain", b"closed\n");
    }
}

tensor_wasm_test_guests::service!(handle);

//! A policy that lets nobody in, and marks its answers.

use tensor_wasm_test_guests::answer;
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::refuse(None, "closed");
    // No client sends this method: it keeps the import of the next handler.
    if matches!(request.method(), Method::Other(method) if method == "NEVER") {
        forward(request, response_out);
    } else {
        answer(response_out, 403, "text/plain", b"closed\n");
    }
}

tensor_wasm_test_guests::service!(handle);

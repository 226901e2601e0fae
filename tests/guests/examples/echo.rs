//! Sends the request's body back while it arrives.

use tensor_wasm_test_guests::{begin_response, copy_all};
use wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let Ok(incoming) = request.consume() else {
        return;
    };
    let Ok(input) = incoming.stream() else { return };
    let Some((body, output)) = begin_response(response_out, 200, "application/octet-stream") else {
        return;
    };
    let copied = copy_all(&input, &output);
    drop(output);
    // If copying failed, the body stays unfinished, so that the client sees an incomplete response.
    if copied.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

tensor_wasm_test_guests::service!(handle);

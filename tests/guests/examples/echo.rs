//! Sends the body back while it still arrives.

use tensor_wasm_test_guests::{begin, copy_all};
use wasip2::http::types::{IncomingRequest, OutgoingBody, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let Ok(incoming) = request.consume() else {
        return;
    };
    let Ok(input) = incoming.stream() else { return };
    let Some((body, output)) = begin(response_out, 200, "application/octet-stream") else {
        return;
    };
    let copied = copy_all(&input, &output);
    drop(output);
    // An unfinished body tells the client that it did not get everything.
    if copied.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

tensor_wasm_test_guests::service!(handle);

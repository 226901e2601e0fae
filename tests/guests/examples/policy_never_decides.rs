//! A policy that reports no decision to the host: it answers `/answer` itself, and passes
//! everything else on.

use tensor_wasm_test_guests::policy::{credentials, decision, forward};
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    match path(&request).as_str() {
        "/answer" => respond(response_out, 200, "text/plain", b"undecided\n"),
        // Keeps the imports of `tensor:policy`, by which the host recognises a policy.
        "/decide" => {
            let caller = credentials::authenticate("nobody's").ok();
            decision::admit(caller.as_ref(), 0);
            forward(request, response_out);
        }
        _ => forward(request, response_out),
    }
}

tensor_wasm_test_guests::service!(handle);

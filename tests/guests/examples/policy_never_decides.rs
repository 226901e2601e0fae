//! A policy that never tells the host what it decided: `/answer` it answers
//! itself, everything else it passes on.

use tensor_wasm_test_guests::policy::{credentials, decision, forward};
use tensor_wasm_test_guests::{answer, path};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    match path(&request).as_str() {
        "/answer" => answer(response_out, 200, "text/plain", b"undecided\n"),
        // Keeps the import of the host's interfaces, which is what makes this
        // component a policy in the host's eyes.
        "/decide" => {
            let caller = credentials::authenticate("nobody's").ok();
            decision::admit(caller.as_ref(), 0);
            forward(request, response_out);
        }
        _ => forward(request, response_out),
    }
}

tensor_wasm_test_guests::service!(handle);

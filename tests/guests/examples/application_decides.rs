//! An application that decides on its own requests, as if it were a policy: it admits them for
//! tenant 7, and refuses `/refuse`. It responds with `decided` in both cases.

use tensor_wasm_test_guests::policy::decision;
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/refuse" {
        decision::refuse(None, "refused_by_application");
    } else {
        decision::admit(None, 7);
    }
    respond(response_out, 200, "text/plain", b"decided\n");
}

tensor_wasm_test_guests::service!(handle);

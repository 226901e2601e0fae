//! An application that decides on its own request, as if it were a policy: it lets
//! it in for tenant 7, and answers `decided`; `/refuse` it refuses first.

use tensor_wasm_test_guests::policy::decision;
use tensor_wasm_test_guests::{answer, path};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/refuse" {
        decision::refuse(None, "refused_by_application");
    } else {
        decision::admit(None, 7);
    }
    answer(response_out, 200, "text/plain", b"decided\n");
}

tensor_wasm_test_guests::service!(handle);

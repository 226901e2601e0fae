//! A policy that makes two decisions and then passes the request on: first admitted, then
//! refused, and for `/refuse` the other way round.

use tensor_wasm_test_guests::path;
use tensor_wasm_test_guests::policy::{decision, forward};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    if path(&request) == "/refuse" {
        decision::refuse(None, "first_thoughts");
        decision::admit(None, 0);
    } else {
        decision::admit(None, 0);
        decision::refuse(None, "second_thoughts");
    }
    forward(request, response_out);
}

tensor_wasm_test_guests::service!(handle);

//! A service with a heavy set-up, which is done once.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_test_guests::set_up;

tensor_wasm_guest::init!(set_up::set_up);
http::service!(handle);

fn handle(request: Request) -> Response {
    set_up::handle(&request)
}

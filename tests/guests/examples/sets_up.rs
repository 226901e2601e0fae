//! A service with a heavy set-up, which each instance does.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_test_guests::set_up;

http::service!(handle);

fn handle(request: Request) -> Response {
    set_up::handle(&request)
}

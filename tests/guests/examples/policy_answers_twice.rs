//! A policy that answers and then goes on as if it had not: it passes the request
//! on with the way to answer that it has used up already; `/set` it answers a
//! second time itself, and `/trap` it traps. A host has to trap the first two.

use tensor_wasm_test_guests::policy::{decision, forward};
use tensor_wasm_test_guests::{answer, path};
use wasip2::http::types::{ErrorCode, IncomingRequest, ResponseOutparam};

// The types of any bindings rule this out: a handle is gone with its use.
#[allow(unsafe_code)]
fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::admit(None, 0);
    let handle = response_out.handle();
    answer(response_out, 200, "text/plain", b"first\n");
    // SAFETY: none; a component may do this, and the host has to stand it.
    let stale = || unsafe { ResponseOutparam::from_handle(handle) };
    match path(&request).as_str() {
        "/trap" => std::process::abort(),
        "/set" => ResponseOutparam::set(stale(), Err(ErrorCode::InternalError(None))),
        _ => forward(request, stale()),
    }
}

tensor_wasm_test_guests::service!(handle);

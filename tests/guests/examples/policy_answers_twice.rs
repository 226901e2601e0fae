//! A policy that sends a response and then uses the handle for the response again: it passes the
//! request on with this handle, or for `/set` sends a second response. The host must trap in
//! both cases. For `/trap` the policy traps itself.

use tensor_wasm_test_guests::policy::{decision, forward};
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{ErrorCode, IncomingRequest, ResponseOutparam};

// Generated bindings prevent this, since a use consumes the handle.
#[allow(unsafe_code)]
fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::admit(None, 0);
    let handle = response_out.handle();
    respond(response_out, 200, "text/plain", b"first\n");
    // SAFETY: not safe on purpose. A component can do this, and the host has to trap it.
    let stale = || unsafe { ResponseOutparam::from_handle(handle) };
    match path(&request).as_str() {
        "/trap" => std::process::abort(),
        "/set" => ResponseOutparam::set(stale(), Err(ErrorCode::InternalError(None))),
        _ => forward(request, stale()),
    }
}

tensor_wasm_test_guests::service!(handle);

//! A policy that authenticates the token `known` and takes from a bucket while it is
//! instantiated, and again for each request, which it admits and answers with the outcomes, as
//! JSON: `{"instantiation":[BOOL,BOOL],"request":[BOOL,BOOL]}`.

use std::sync::OnceLock;

use serde_json::json;
use tensor_wasm_test_guests::policy::{credentials, decision, limiter};
use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

static AT_INSTANTIATION: OnceLock<[bool; 2]> = OnceLock::new();

/// What a component calls from its start function.
#[expect(unsafe_code, reason = "it is found by its name")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    let _ = AT_INSTANTIATION.set(outcomes());
}

/// Whether the token is known, and whether the bucket has any.
fn outcomes() -> [bool; 2] {
    let rate = limiter::Rate {
        per_second: 1000,
        burst: 1000,
    };
    [
        credentials::authenticate("known").is_ok(),
        limiter::take("bucket", rate, 1).is_ok(),
    ]
}

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    decision::admit(None, 0);
    let seen = json!({ "instantiation": AT_INSTANTIATION.get(), "request": outcomes() });
    let text = seen.to_string();
    respond(response_out, 200, "application/json", text.as_bytes());
}

tensor_wasm_test_guests::service!(handle);

//! Opens the device while it is instantiated, which is before any request, and again for each
//! request. It writes the first outcome to its standard error, as `at instantiation: OUTCOME`,
//! and responds with both, as JSON: `{"instantiation":OUTCOME,"request":OUTCOME}`. An outcome is
//! `opened`, or the kind of the error.

use std::sync::OnceLock;

use serde_json::json;
use tensor_wasm_guest::Device;
use tensor_wasm_guest::http::{self, Request, Response};

http::service!(handle);

static AT_INSTANTIATION: OnceLock<String> = OnceLock::new();

/// What a component calls from its start function.
#[expect(unsafe_code, reason = "it is found by its name")]
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    let outcome = open();
    eprintln!("at instantiation: {outcome}");
    let _ = AT_INSTANTIATION.set(outcome);
}

fn open() -> String {
    match Device::open() {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.kind().to_owned(),
    }
}

fn handle(_request: Request) -> Response {
    let outcomes = json!({ "instantiation": AT_INSTANTIATION.get(), "request": open() });
    let text = outcomes.to_string().into_bytes();
    Response::new(200, "application/json", text)
}

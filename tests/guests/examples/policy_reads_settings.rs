//! A policy that responds with all settings that it can read, as JSON, sorted by key. For
//! `/get/KEY` it responds with one of them, or `null`. It passes `/forward` on.

use serde_json::{Map, Value, json};
use tensor_wasm_test_guests::policy::{decision, forward, store};
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    decision::admit(None, 0);
    let path = path(&request);
    if path == "/forward" {
        return forward(request, response_out);
    }
    let read = match path.strip_prefix("/get/") {
        Some(key) => store::get(key).map(Value::from),
        None => store::get_all().map(|all| {
            let all: Map<_, _> = all
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect();
            Value::Object(all)
        }),
    };
    let (status, value) = match read {
        Ok(value) => (200, value),
        Err(error) => (500, json!({ "error": format!("{error:?}") })),
    };
    let text = value.to_string();
    respond(response_out, status, "application/json", text.as_bytes());
}

tensor_wasm_test_guests::service!(handle);

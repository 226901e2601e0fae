//! Responds with all of its settings, as JSON, sorted by key.

use serde_json::{Map, Value, json};
use tensor_wasm_test_guests::policy::store;
use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(_request: IncomingRequest, response_out: ResponseOutparam) {
    let (status, value) = match store::get_all() {
        Ok(all) => {
            let all: Map<_, _> = all
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect();
            (200, Value::Object(all))
        }
        Err(error) => (500, json!({ "error": format!("{error:?}") })),
    };
    let text = value.to_string();
    respond(response_out, status, "application/json", text.as_bytes());
}

tensor_wasm_test_guests::service!(handle);

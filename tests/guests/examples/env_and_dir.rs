//! Shows what the host grants, as JSON: `/` the environment, the arguments and the preopened
//! directories, `/read/PATH` a file. `/write/PATH` writes the request's body to a file.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use tensor_wasm_test_guests::{body, path, respond};
use wasip2::filesystem::preopens::get_directories;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let seen = if let Some(file) = path.strip_prefix("/read") {
        match fs::read_to_string(file) {
            Ok(text) => json!({ "text": text }),
            Err(error) => failure(&error),
        }
    } else if let Some(file) = path.strip_prefix("/write") {
        match fs::write(file, body(&request)) {
            Ok(()) => json!({ "written": true }),
            Err(error) => failure(&error),
        }
    } else {
        json!({
            "environment": std::env::vars().collect::<BTreeMap<_, _>>(),
            "arguments": std::env::args().collect::<Vec<_>>(),
            "directories": get_directories()
                .into_iter()
                .map(|(_, name)| name)
                .collect::<Vec<_>>(),
        })
    };
    respond(
        response_out,
        200,
        "application/json",
        seen.to_string().as_bytes(),
    );
}

fn failure(error: &std::io::Error) -> Value {
    json!({ "error": error.to_string() })
}

tensor_wasm_test_guests::service!(handle);

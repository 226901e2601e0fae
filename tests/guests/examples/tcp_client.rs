//! Opens a TCP connection to the address that its path names, and responds with the result as
//! JSON.

use serde_json::json;
use std::net::TcpStream;
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let seen = match TcpStream::connect(path.trim_start_matches('/')) {
        Ok(_) => json!({ "connected": true }),
        Err(error) => json!({ "error": error.to_string() }),
    };
    respond(
        response_out,
        200,
        "application/json",
        seen.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);

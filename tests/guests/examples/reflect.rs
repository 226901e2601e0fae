//! Responds with the request as the guest sees it, as JSON: method, path, scheme, authority and
//! headers.

use serde_json::{Map, Value, json};
use tensor_wasm_test_guests::respond;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let headers: Map<String, Value> = request
        .headers()
        .entries()
        .into_iter()
        .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned().into()))
        .collect();
    let seen = json!({
        "method": format!("{:?}", request.method()),
        "path": request.path_with_query(),
        "scheme": request.scheme().map(|scheme| format!("{scheme:?}")),
        "authority": request.authority(),
        "headers": headers,
    });
    respond(
        response_out,
        200,
        "application/json",
        seen.to_string().as_bytes(),
    );
}

tensor_wasm_test_guests::service!(handle);

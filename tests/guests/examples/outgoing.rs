//! Sends an HTTP request to the authority that its path names, and responds with the result as
//! JSON.

use serde_json::{Value, json};
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, OutgoingBody, OutgoingRequest, ResponseOutparam, Scheme,
};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let seen = attempt(path.trim_start_matches('/')).map_or_else(
        |error| json!({ "error": error }),
        |status| json!({ "status": status }),
    );
    respond(
        response_out,
        200,
        "application/json",
        Value::to_string(&seen).as_bytes(),
    );
}

fn attempt(authority: &str) -> Result<u16, String> {
    let request = OutgoingRequest::new(Fields::new());
    request
        .set_scheme(Some(&Scheme::Http))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some("/")))
        .map_err(|()| format!("`{authority}` is not an authority"))?;
    let body = request.body().map_err(|()| "no body".to_owned())?;
    let future = outgoing_handler::handle(request, None).map_err(|code| format!("{code:?}"))?;
    OutgoingBody::finish(body, None).map_err(|code| format!("{code:?}"))?;
    future.subscribe().block();
    match future.get() {
        Some(Ok(Ok(response))) => Ok(response.status()),
        Some(Ok(Err(code))) => Err(format!("{code:?}")),
        Some(Err(())) | None => Err("no answer".to_owned()),
    }
}

tensor_wasm_test_guests::service!(handle);

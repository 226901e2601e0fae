//! Sends an HTTP request to the authority that its path names, and responds with the result as
//! JSON. `/https/AUTHORITY` sends it by TLS. `/hold/REQUESTS/REFUSED/AUTHORITY` sends that many at
//! one time, waits until that many have failed, and responds with their errors.

use serde_json::{Value, json};
use tensor_wasm_test_guests::{path, respond};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingRequest, OutgoingBody, OutgoingRequest,
    ResponseOutparam, Scheme,
};
use wasip2::io::poll;

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let seen = match words.as_slice() {
        ["hold", requests, refused, authority] => hold(requests, refused, authority),
        ["https", authority] => attempt(&Scheme::Https, authority),
        [authority] => attempt(&Scheme::Http, authority),
        _ => json!({ "error": "no such path" }),
    };
    respond(
        response_out,
        200,
        "application/json",
        Value::to_string(&seen).as_bytes(),
    );
}

fn attempt(scheme: &Scheme, authority: &str) -> Value {
    let outcome = send(scheme, authority).and_then(|future| {
        future.subscribe().block();
        match future.get() {
            Some(Ok(Ok(response))) => Ok(response.status()),
            Some(Ok(Err(code))) => Err(format!("{code:?}")),
            Some(Err(())) | None => Err("no answer".to_owned()),
        }
    });
    outcome.map_or_else(
        |error| json!({ "error": error }),
        |status| json!({ "status": status }),
    )
}

fn send(scheme: &Scheme, authority: &str) -> Result<FutureIncomingResponse, String> {
    let request = OutgoingRequest::new(Fields::new());
    request
        .set_scheme(Some(scheme))
        .and_then(|()| request.set_authority(Some(authority)))
        .and_then(|()| request.set_path_with_query(Some("/")))
        .map_err(|()| format!("`{authority}` is not an authority"))?;
    let body = request.body().map_err(|()| "no body".to_owned())?;
    let shown = |code: ErrorCode| format!("{code:?}");
    let future = outgoing_handler::handle(request, None).map_err(shown)?;
    OutgoingBody::finish(body, None).map_err(shown)?;
    Ok(future)
}

fn hold(requests: &str, refused: &str, authority: &str) -> Value {
    let number = |text: &str| text.parse::<usize>().unwrap_or(0);
    let mut waiting = Vec::new();
    for _ in 0..number(requests) {
        match send(&Scheme::Http, authority) {
            Ok(future) => waiting.push(future),
            Err(error) => return json!({ "error": error }),
        }
    }
    let mut errors = Vec::new();
    while errors.len() < number(refused) {
        let pollables: Vec<_> = waiting.iter().map(|future| future.subscribe()).collect();
        poll::poll(&pollables.iter().collect::<Vec<_>>());
        drop(pollables);
        waiting.retain(|future| match future.get() {
            None => true,
            Some(Ok(Err(code))) => {
                errors.push(format!("{code:?}"));
                false
            }
            Some(_) => {
                errors.push("an answer".to_owned());
                false
            }
        });
    }
    json!({ "errors": errors, "open": waiting.len() })
}

tensor_wasm_test_guests::service!(handle);

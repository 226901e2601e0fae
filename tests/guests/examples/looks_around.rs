//! Responds with what comes to it from outside, as JSON: two clocks, random numbers, the order of a hash
//! map, the environment, a header and the request's body. The path ends the request in a way of its own:
//! `/STATUS` with this status, `/trap` not at all, `/fetch/AUTHORITY` with what a server there answers to
//! it, and `/rest` after a while.

use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};
use tensor_wasm_test_guests::{body, path, respond};
use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, ResponseOutparam, Scheme,
};
use wasip2::io::poll::poll;
use wasip2::io::streams::StreamError;
use wasip2::random::{insecure, random};

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let authorization = request.headers().get("authorization");
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seen = json!({
        "time": since_1970.map(|time| time.as_nanos().to_string()).unwrap_or_default(),
        "instant": monotonic_clock::now().to_string(),
        "random": random::get_random_bytes(20),
        "number": random::get_random_u64().to_string(),
        "insecure": insecure::get_insecure_random_u64().to_string(),
        "order": (0..20).collect::<HashSet<u32>>().into_iter().collect::<Vec<_>>(),
        "environment": std::env::vars().collect::<BTreeMap<_, _>>(),
        "authorization": authorization.first().map(|value| String::from_utf8_lossy(value).into_owned()),
        "body": String::from_utf8_lossy(&body(&request)),
    });
    println!("it looks around");
    let mut status = 200;
    match words.as_slice() {
        ["fetch", authority] => seen["fetched"] = fetch(authority, authorization),
        ["rest"] => seen["ready"] = rest(),
        ["trap"] => panic!("it was asked to trap"),
        [text] => status = text.parse().unwrap_or(200),
        _ => {}
    }
    let text = seen.to_string();
    respond(response_out, status, "application/json", text.as_bytes());
}

/// Which of two timers were ready first, and how long that took.
fn rest() -> Value {
    let began = monotonic_clock::now();
    let soon = monotonic_clock::subscribe_duration(2_000_000);
    let late = monotonic_clock::subscribe_instant(began + 60_000_000_000);
    let ready = poll(&[&late, &soon]);
    json!([ready, (monotonic_clock::now() - began).to_string()])
}

/// What a server answers, with the authorization of this request.
fn fetch(authority: &str, authorization: Vec<Vec<u8>>) -> Value {
    let fetched = (|| {
        let headers = Fields::new();
        headers
            .set("authorization", &authorization)
            .map_err(|error| format!("{error:?}"))?;
        let request = OutgoingRequest::new(headers);
        let set = request
            .set_method(&Method::Post)
            .and_then(|()| request.set_scheme(Some(&Scheme::Http)))
            .and_then(|()| request.set_authority(Some(authority)))
            .and_then(|()| request.set_path_with_query(Some("/?code=hush-hush")));
        set.map_err(|()| "no request".to_owned())?;
        let body = request.body().map_err(|()| "no body".to_owned())?;
        let future =
            outgoing_handler::handle(request, None).map_err(|error| format!("{error:?}"))?;
        if let Ok(stream) = body.write() {
            let _ = stream.blocking_write_and_flush(b"a question");
        }
        OutgoingBody::finish(body, None).map_err(|error| format!("{error:?}"))?;
        future.subscribe().block();
        let response = match future.get() {
            Some(Ok(Ok(response))) => response,
            other => return Err(format!("{other:?}")),
        };
        let content_type = response.headers().get("content-type");
        let incoming = response.consume().map_err(|()| "no body".to_owned())?;
        let stream = incoming.stream().map_err(|()| "no stream".to_owned())?;
        let mut text = Vec::new();
        loop {
            match stream.blocking_read(7) {
                Ok(bytes) => text.extend(bytes),
                Err(StreamError::Closed) => break,
                Err(error) => return Err(format!("{error:?}")),
            }
        }
        Ok(json!({
            "status": response.status(),
            "content-type": content_type.first().map(|value| String::from_utf8_lossy(value).into_owned()),
            "text": String::from_utf8_lossy(&text),
        }))
    })();
    fetched.unwrap_or_else(|error| json!({ "error": error }))
}

tensor_wasm_test_guests::service!(handle);

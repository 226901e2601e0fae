//! Makes the host hold memory for it, as much as it gets, and responds with the number that it
//! holds:
//!
//! - `/bodies/N`: outgoing bodies that are never sent, each filled as far as it takes bytes
//! - `/fields/N`: lists of header fields of 100 KiB each
//! - `/copies/N`: copies of such a list, each with one more field
//! - `/methods/N`: outgoing requests with a method of 1 MiB
//! - `/dropped/N`: lists of header fields, each dropped before the next

use tensor_wasm_test_guests::{path, respond};
use wasip2::http::types::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam,
};
use wasip2::io::streams::OutputStream;

const FIELD_BYTES: usize = 100 << 10;
const METHOD_BYTES: usize = 1 << 20;

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let mut parts = path.trim_matches('/').split('/');
    let what = parts.next().unwrap_or_default();
    let count = parts.next().and_then(|count| count.parse().ok());
    let count: usize = count.unwrap_or(0);
    let held = match what {
        "bodies" => (0..count).filter_map(|_| body()).collect::<Vec<_>>().len(),
        "fields" => (0..count)
            .filter_map(|_| fields())
            .collect::<Vec<_>>()
            .len(),
        "copies" => copies(count),
        "methods" => (0..count)
            .filter_map(|_| method())
            .collect::<Vec<_>>()
            .len(),
        "dropped" => (0..count).filter_map(|_| fields()).count(),
        _ => 0,
    };
    respond(response_out, 200, "text/plain", held.to_string().as_bytes());
}

/// A body that nobody will read, with what keeps it.
fn body() -> Option<(OutputStream, OutgoingBody, OutgoingResponse)> {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().ok()?;
    let stream = body.write().ok()?;
    while let Ok(permit @ 1..) = stream.check_write() {
        stream.write(&vec![1; usize::try_from(permit).ok()?]).ok()?;
    }
    Some((stream, body, response))
}

fn fields() -> Option<Fields> {
    let fields = Fields::new();
    fields.append("x-long", &[b'x'; FIELD_BYTES]).ok()?;
    Some(fields)
}

fn copies(count: usize) -> usize {
    let Some(original) = fields() else {
        return 0;
    };
    let copy = |_| {
        let copy = original.clone();
        copy.append("x-more", b"x").ok()?;
        Some(copy)
    };
    (0..count).filter_map(copy).collect::<Vec<_>>().len()
}

fn method() -> Option<OutgoingRequest> {
    let request = OutgoingRequest::new(Fields::new());
    let method = Method::Other("X".repeat(METHOD_BYTES));
    request.set_method(&method).ok()?;
    Some(request)
}

tensor_wasm_test_guests::service!(handle);

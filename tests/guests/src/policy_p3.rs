//! As `policy`, for policies of WASI 0.3.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(unsafe_code, missing_docs)]

use wasip3::http::types::{ErrorCode, Fields, Request, Response, Trailers};
use wasip3::{wit_bindgen as rt, wit_future, wit_stream};

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor-p3.wit",
    // The guests export the handler with the bindings of `wasip3`.
    inline: "
        package test:guests;

        world policy-p3 {
            include tensor:policy/capability@0.1.0;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:http/handler@0.3.2;
        }
    ",
    world: "test:guests/policy-p3",
    with: {
        "wasi:clocks/types@0.3.2": wasip3::clocks::types,
        "wasi:http/types@0.3.2": wasip3::http::types,
    },
    generate_all,
});

pub use tensor::policy::{credentials, decision, limiter};
pub use wasi::config::store;
pub use wasi::http::handler::handle as forward;

/// A stream of a body.
pub type Body = rt::StreamReader<u8>;

/// What follows a body.
pub type End = rt::FutureReader<Result<Option<Trailers>, ErrorCode>>;

/// The path of a request, without its query.
#[must_use]
pub fn path(request: &Request) -> String {
    let path = request.get_path_with_query().unwrap_or_default();
    let end = path.find('?').unwrap_or(path.len());
    path[..end].to_owned()
}

/// The end of a body without trailers.
#[must_use]
pub fn no_trailers() -> End {
    let (end, reader) = wit_future::new(|| Ok(None));
    drop(end);
    reader
}

/// A copy of header fields that may be changed.
#[must_use]
pub fn copy(fields: &Fields) -> Fields {
    fields.clone()
}

/// The body of a request, and what follows it.
#[must_use]
pub fn body_of(request: Request) -> (Body, End) {
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    Request::consume_body(request, result)
}

/// The body of a response, and what follows it.
#[must_use]
pub fn body_of_response(response: Response) -> (Body, End) {
    let (done, result) = wit_future::new(|| Ok(()));
    drop(done);
    Response::consume_body(response, result)
}

/// A request with the same head, and another body.
#[must_use]
pub fn with_body(request: &Request, headers: Fields, body: Option<Body>, end: End) -> Request {
    let (made, _sent) = Request::new(headers, body, end, None);
    let _ = made.set_method(&request.get_method());
    let _ = made.set_path_with_query(request.get_path_with_query().as_deref());
    made
}

/// A response with this text.
#[must_use]
pub fn text(status: u16, text: &str) -> Response {
    let (mut sender, body) = wit_stream::new();
    let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers());
    let _ = response.set_status_code(status);
    let text = text.as_bytes().to_vec();
    rt::spawn_local(async move {
        // The write is incomplete only if the client has closed the connection.
        let _ = sender.write_all(text).await;
    });
    response
}

/// Copies a stream by way of the component's memory, changed.
#[must_use]
pub fn changed(mut from: Body, change: impl Fn(&mut [u8]) + 'static) -> Body {
    let (mut sender, body) = wit_stream::new();
    rt::spawn_local(async move {
        loop {
            let (result, mut chunk) = from.read(Vec::with_capacity(64 << 10)).await;
            change(&mut chunk);
            if !chunk.is_empty() && !sender.write_all(chunk).await.is_empty() {
                return;
            }
            if matches!(result, rt::StreamResult::Dropped) {
                return;
            }
        }
    });
    body
}

//! The middleware that `docs/guests.md` shows: it writes how long the service took.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor-p3.wit",
    world: "tensor:worlds-p3/middleware-p3",
    generate_all,
});

use exports::wasi::http::handler::Guest;
use wasi::http::handler::handle as forward;
use wasi::http::types::{ErrorCode, Request, Response};

struct Middleware;

impl Guest for Middleware {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let began = wasi::clocks::monotonic_clock::now();
        let response = forward(request).await?;
        println!("{} ns", wasi::clocks::monotonic_clock::now() - began);
        Ok(response)
    }
}

export!(Middleware);

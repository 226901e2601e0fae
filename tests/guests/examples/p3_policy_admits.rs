//! A policy of WASI 0.3 that admits every request, and passes request and response on untouched.

use tensor_wasm_test_guests::policy_p3::{decision, forward};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Request, Response};

struct Admits;

impl Guest for Admits {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        decision::admit(None, 0);
        forward(request).await
    }
}

wasip3::http::service::export!(Admits);

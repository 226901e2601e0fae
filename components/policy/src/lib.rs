//! A policy for WASI 0.2: a middleware that authenticates callers by bearer tokens, and enforces
//! tenants and rate limits. It passes a request on unchanged if its token is known and valid for the
//! tenant that the request names, and if the caller is within its rate limit. It answers every
//! other request itself. The host keeps the tokens, the rate limiter and the audit log.
//!
//! The rules and their settings are in the crate `tensor-wasm-policy-rules`, which `policy-p3` for
//! WASI 0.3 has in common with this one. A policy of WASI 0.2 does not see the answer of the
//! service.
//!
//! The component may be instantiated for every request, so it has to stay small: it does not use
//! `std::fmt`, and of WASI it imports only HTTP and the settings.

mod bindings;

use bindings::{IncomingRequest, ResponseOutparam};
use tensor_wasm_middleware::response;
use tensor_wasm_policy_rules::{Head, Method, Outcome, decide};
use wasip2::http::types::Fields;

struct Policy;

impl bindings::Guest for Policy {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        // The headers are a child resource of the request, and must be dropped before it.
        let outcome = decide(
            &HostRequest {
                headers: request.headers(),
                request: &request,
            },
            false,
        );
        match outcome {
            Outcome::Forward(_) => bindings::forward(request, out),
            Outcome::Answer(answer) => {
                let headers: Vec<response::Header<'_>> = answer
                    .headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_slice()))
                    .collect();
                response::send_with(out, answer.status, &headers, &answer.body);
            }
        }
    }
}

/// The request that the host passed to this component.
struct HostRequest<'a> {
    request: &'a IncomingRequest,
    headers: Fields,
}

impl Head for HostRequest<'_> {
    fn method(&self) -> Method {
        match self.request.method() {
            bindings::Method::Get => Method::Get,
            bindings::Method::Head => Method::Head,
            bindings::Method::Options => Method::Options,
            _ => Method::Other,
        }
    }

    fn path_with_query(&self) -> Option<String> {
        self.request.path_with_query()
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers.get(name)
    }
}

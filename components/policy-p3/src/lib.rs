//! A policy for WASI 0.3: what `policy` is for 0.2, with the same rules and settings, which are in
//! the crate `tensor-wasm-policy-rules`. It also acts on the answer of the service: it adds the
//! headers by which pages may read it, what is left of the caller's rate limit, and limits for what
//! browsers do with it. The bodies pass it untouched.
//!
//! The component may be instantiated for every request, so it has to stay small: it does not use
//! `std::fmt`, and of WASI it imports only HTTP and the settings.

mod bindings;

use bindings::{ErrorCode, Fields, Request, Response, wit_future, wit_stream};
use tensor_wasm_policy_rules::{Addition, Answer, Head, Method, Outcome, Place, decide};

struct Policy;

impl bindings::Guest for Policy {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let outcome = decide(
            &HostRequest {
                headers: request.get_headers(),
                request: &request,
            },
            true,
        );
        match outcome {
            Outcome::Forward(additions) => {
                let response = bindings::forward(request).await?;
                Ok(match additions.is_empty() {
                    true => response,
                    false => with_headers(response, &additions),
                })
            }
            Outcome::Answer(answer) => Ok(respond(answer)),
        }
    }
}

/// The request that the host passed to this component.
struct HostRequest<'a> {
    request: &'a Request,
    headers: Fields,
}

impl Head for HostRequest<'_> {
    fn method(&self) -> Method {
        match self.request.get_method() {
            bindings::Method::Get => Method::Get,
            bindings::Method::Head => Method::Head,
            bindings::Method::Options => Method::Options,
            _ => Method::Other,
        }
    }

    fn path_with_query(&self) -> Option<String> {
        self.request.get_path_with_query()
    }

    fn header(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers.get(name)
    }
}

/// The service's response with more headers: the same status, and the same body with its trailers.
fn with_headers(response: Response, additions: &[Addition]) -> Response {
    let status = response.get_status_code();
    let headers = response.get_headers().clone();
    for Addition { name, value, place } in additions {
        // A value that HTTP does not allow is omitted.
        let _ = match place {
            Place::Instead => headers.set(name, std::slice::from_ref(value)),
            Place::Beside => headers.append(name, value),
            Place::Unless if headers.has(name) => Ok(()),
            Place::Unless => headers.append(name, value),
        };
    }
    let (_, taken) = wit_future::new(|| Ok(()));
    let (body, trailers) = Response::consume_body(response, taken);
    let (response, _sent) = Response::new(headers, Some(body), trailers);
    let _ = response.set_status_code(status);
    response
}

/// The policy's own answer.
fn respond(answer: Answer) -> Response {
    let headers = Fields::new();
    for (name, value) in &answer.headers {
        let _ = headers.append(name, value);
    }
    let body = (!answer.body.is_empty()).then(|| {
        let (mut sender, body) = wit_stream::new();
        wit_bindgen::spawn_local(async move {
            // The write is incomplete only if the client has closed the connection.
            let _ = sender.write_all(answer.body).await;
        });
        body
    });
    let (_, trailers) = wit_future::new(|| Ok(None));
    let (response, _sent) = Response::new(headers, body, trailers);
    let _ = response.set_status_code(answer.status);
    response
}

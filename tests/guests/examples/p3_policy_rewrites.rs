//! A policy of WASI 0.3 that admits every request for tenant 7 and changes what it forwards, by the
//! query of the request: its method (`method`), path (`path`) or headers (`headers`), its body by a
//! stream of its own (`body`), or all of the response (`response`).

use tensor_wasm_test_guests::policy_p3::{
    body_of, body_of_response, changed, copy, decision, forward, no_trailers, with_body,
};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Method, Request, Response};

struct Rewrites;

impl Guest for Rewrites {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        decision::admit(None, 7);
        let target = request.get_path_with_query().unwrap_or_default();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        match query {
            "method" => {
                let _ = request.set_method(&Method::Other("BREW".to_owned()));
                forward(request).await
            }
            "path" => {
                let _ = request.set_path_with_query(Some("/elsewhere?made=by-the-policy"));
                forward(request).await
            }
            "headers" => {
                let headers = copy(&request.get_headers());
                let _ = headers.append("x-added", b"by the policy");
                let _ = headers.set("x-tensorwasm-tenant", &[b"1".to_vec()]);
                let _ = headers.set("x-request-id", &[b"forged".to_vec()]);
                let _ = headers.set("authorization", &[b"Bearer made-up".to_vec()]);
                let made = with_body(&request, headers, None, no_trailers());
                drop(request);
                forward(made).await
            }
            "body" => {
                let headers = copy(&request.get_headers());
                let method = request.get_method();
                let path = request.get_path_with_query();
                let (body, end) = body_of(request);
                let body = changed(body, <[u8]>::make_ascii_uppercase);
                let (made, _sent) = Request::new(headers, Some(body), end, None);
                let _ = made.set_method(&method);
                let _ = made.set_path_with_query(path.as_deref());
                forward(made).await
            }
            "response" => {
                let response = forward(request).await?;
                let headers = copy(&response.get_headers());
                let _ = headers.append("x-added", b"to the response");
                let status = response.get_status_code();
                let (body, end) = body_of_response(response);
                let body = changed(body, <[u8]>::make_ascii_uppercase);
                let (made, _sent) = Response::new(headers, Some(body), end);
                let _ = made.set_status_code(status);
                Ok(made)
            }
            _ => forward(request).await,
        }
    }
}

wasip3::http::service::export!(Rewrites);

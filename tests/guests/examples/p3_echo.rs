//! A service of WASI 0.3 that sends the request's body and trailers back while they arrive, with
//! the length of the body, where the request says it.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::wit_future;

struct Echo;

impl Guest for Echo {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let (asked, headers) = (request.get_headers(), Fields::new());
        for name in ["content-length", "trailer"] {
            for value in asked.get(name) {
                let _ = headers.append(name, &value);
            }
        }
        let (done, taken) = wit_future::new(|| Ok(()));
        drop(done);
        let (body, end) = Request::consume_body(request, taken);
        let (response, _sent) = Response::new(headers, Some(body), end);
        Ok(response)
    }
}

wasip3::http::service::export!(Echo);

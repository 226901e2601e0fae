//! The same as `reflect`, for WASI 0.3: responds with method, path, scheme and authority of the
//! request as the guest sees them, as JSON.

use serde_json::json;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Reflect;

impl Guest for Reflect {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let seen = json!({
            "method": format!("{:?}", request.get_method()),
            "path": request.get_path_with_query(),
            "scheme": request.get_scheme().map(|scheme| format!("{scheme:?}")),
            "authority": request.get_authority(),
        });
        let (mut sender, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            // The write is incomplete only if the client has closed the connection.
            let _ = sender.write_all(seen.to_string().into_bytes()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Reflect);

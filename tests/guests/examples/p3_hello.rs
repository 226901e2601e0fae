//! The same as `hello`, for WASI 0.3: an asynchronous export, and a body that is a stream of
//! the component model.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Hello;

impl Guest for Hello {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let (mut sender, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            // The write is incomplete only if the client has closed the connection.
            let _ = sender.write_all(b"hello from 0.3\n".to_vec()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Hello);

//! As `hoards`, for WASI 0.3: for `/fields/N` it holds N lists of header fields of 100 KiB each,
//! for `/requests/N` as many requests with a path of 60 KiB, and responds with the number.

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

const FIELD_BYTES: usize = 100 << 10;
const PATH_BYTES: usize = 60 << 10;

struct Hoards;

impl Guest for Hoards {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let mut parts = path.trim_matches('/').split('/');
        let what = parts.next().unwrap_or_default();
        let count = parts.next().and_then(|count| count.parse().ok());
        let count: usize = count.unwrap_or(0);
        let held = match what {
            "fields" => (0..count)
                .filter_map(|_| fields())
                .collect::<Vec<_>>()
                .len(),
            "requests" => (0..count)
                .filter_map(|_| outgoing())
                .collect::<Vec<_>>()
                .len(),
            _ => 0,
        };
        let (mut sender, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            // The write is incomplete only if the client has closed the connection.
            let _ = sender.write_all(held.to_string().into_bytes()).await;
        });
        Ok(response)
    }
}

fn fields() -> Option<Fields> {
    let fields = Fields::new();
    fields.append("x-long", &[b'x'; FIELD_BYTES]).ok()?;
    Some(fields)
}

fn outgoing() -> Option<Request> {
    let (_, no_trailers) = wit_future::new(|| Ok(None));
    let (request, _sent) = Request::new(Fields::new(), None, no_trailers, None);
    let path = format!("/{}", "x".repeat(PATH_BYTES));
    request.set_path_with_query(Some(&path)).ok()?;
    Some(request)
}

wasip3::http::service::export!(Hoards);

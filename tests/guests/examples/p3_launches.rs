//! Launches a kernel as often as its path says, for WASI 0.3: `/N` is answered with the number of
//! launches, or with 503 and the kind of the error.

use tensor_wasm_guest::{Device, LaunchConfig, Result};
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

/// How far each launch counts.
const ROUNDS: u32 = 10_000;

struct Launches;

impl Guest for Launches {
    async fn handle(request: Request) -> core::result::Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        let launches = path.trim_matches('/').parse().unwrap_or(0);
        let (status, text) = match launch(launches) {
            Ok(()) => (200, launches.to_string()),
            Err(error) => (503, error.kind().to_string()),
        };
        let (mut sender, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        let _ = response.set_status_code(status);
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            // The write is incomplete only if the client has closed the connection.
            let _ = sender.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}

/// Launches, and waits for the end.
fn launch(launches: u32) -> Result<()> {
    let device = Device::open()?;
    let module = device.load(include_bytes!("launches_many/kernels.ptx"))?;
    let kernel = module.kernel("busy")?;
    let queue = device.queue()?;
    for _ in 0..launches {
        queue
            .launch(&kernel, LaunchConfig::new(1, 1))
            .arg(ROUNDS)
            .submit()?;
    }
    queue.synchronize()
}

wasip3::http::service::export!(Launches);

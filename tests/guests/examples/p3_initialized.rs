//! A service of WASI 0.3 that is initialized once. Responds with how often `init` has run, and with how often
//! its instance has had a request.

use std::sync::atomic::{AtomicU32, Ordering};

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

tensor_wasm_guest::init!(init);

static INITS: AtomicU32 = AtomicU32::new(0);
static REQUESTS: AtomicU32 = AtomicU32::new(0);

fn init() -> Result<(), String> {
    INITS.fetch_add(1, Ordering::Relaxed);
    println!("init of 0.3");
    Ok(())
}

struct Initialized;

impl Guest for Initialized {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        let requests = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        println!("a request of 0.3");
        let (mut sender, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        drop(trailers);
        let text = format!("{} {requests}", INITS.load(Ordering::Relaxed));
        wit_bindgen::spawn_local(async move {
            sender.write_all(text.into_bytes()).await;
        });
        Ok(response)
    }
}

wasip3::http::service::export!(Initialized);

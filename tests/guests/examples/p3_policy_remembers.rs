//! As `policy_remembers`, for WASI 0.3. It says in the header `x-policy-count` of each answer how
//! many requests its instance has had. It has no `/nothing` and no `/loop`; for `/stream` it answers
//! and keeps a stream, and for `/task` a task that waits for ever.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tensor_wasm_test_guests::policy_p3::{
    body_of_response, copy, decision, forward, path, store, text,
};
use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{ErrorCode, Request, Response};
use wasip3::{wit_bindgen as rt, wit_stream};

/// In nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

static REQUESTS: AtomicU32 = AtomicU32::new(0);
static IS_MARKED: AtomicBool = AtomicBool::new(false);
static MARK: OnceLock<String> = OnceLock::new();

struct Remembers;

impl Guest for Remembers {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        let mark = MARK.get_or_init(|| store::get("mark").ok().flatten().unwrap_or_default());
        decision::admit(None, tenant(&request));
        let path = path(&request);
        match path.as_str() {
            "/count" if IS_MARKED.load(Ordering::Relaxed) => return Ok(text(200, "marked")),
            "/count" => return Ok(text(200, &count.to_string())),
            "/mark" => return Ok(text(200, mark)),
            "/trap" | "/keep" | "/stream" | "/task" | "/wait" => {
                IS_MARKED.store(true, Ordering::Relaxed);
            }
            _ => return Ok(counted(forward(request).await?, count)),
        }
        match path.as_str() {
            "/trap" => std::process::abort(),
            "/keep" => std::mem::forget(request),
            "/stream" => std::mem::forget(wit_stream::new::<u8>()),
            "/task" => drop(rt::spawn_local(wait_for(HOUR))),
            _ => wait_for(HOUR).await,
        }
        Ok(text(200, "kept"))
    }
}

fn tenant(request: &Request) -> u64 {
    let named = request.get_headers().get("x-tensorwasm-tenant");
    let named = named.first().and_then(|value| str::from_utf8(value).ok());
    named.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// The response with one header more, and the same body.
fn counted(response: Response, count: u32) -> Response {
    let headers = copy(&response.get_headers());
    let _ = headers.append("x-policy-count", count.to_string().as_bytes());
    let status = response.get_status_code();
    let (body, end) = body_of_response(response);
    let (made, _sent) = Response::new(headers, Some(body), end);
    let _ = made.set_status_code(status);
    made
}

wasip3::http::service::export!(Remembers);

//! A policy that remembers what it should not: it counts the requests of its instance, and keeps the
//! setting `mark` as it was when the instance had its first request. It answers `/count` and
//! `/mark` with that, and admits everything else for the tenant of the header
//! `X-TensorWasm-Tenant`, or 0.
//!
//! For `/trap`, `/nothing` (it returns without a response), `/keep` (it answers, and keeps the
//! request), `/wait` and `/loop` (it does so for ever) it marks its instance first. One that is
//! marked answers `/count` with `marked`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tensor_wasm_test_guests::policy::{decision, forward, store};
use tensor_wasm_test_guests::{path, respond};
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// In nanoseconds.
const HOUR: u64 = 3_600_000_000_000;

static REQUESTS: AtomicU32 = AtomicU32::new(0);
static IS_MARKED: AtomicBool = AtomicBool::new(false);
static MARK: OnceLock<String> = OnceLock::new();

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let count = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
    let mark = MARK.get_or_init(|| store::get("mark").ok().flatten().unwrap_or_default());
    let tenant = request
        .headers()
        .get("x-tensorwasm-tenant")
        .first()
        .and_then(|value| str::from_utf8(value).ok()?.parse().ok())
        .unwrap_or(0);
    decision::admit(None, tenant);
    let path = path(&request);
    let answer = |out, text: &str| respond(out, 200, "text/plain", text.as_bytes());
    match path.as_str() {
        "/count" if IS_MARKED.load(Ordering::Relaxed) => return answer(response_out, "marked"),
        "/count" => return answer(response_out, &count.to_string()),
        "/mark" => return answer(response_out, mark),
        "/trap" | "/nothing" | "/keep" | "/wait" | "/loop" => {
            IS_MARKED.store(true, Ordering::Relaxed);
        }
        _ => return forward(request, response_out),
    }
    match path.as_str() {
        "/trap" => std::process::abort(),
        "/keep" => {
            std::mem::forget(request);
            answer(response_out, "kept");
        }
        "/wait" => subscribe_duration(HOUR).block(),
        "/loop" => while std::hint::black_box(true) {},
        _ => {}
    }
}

tensor_wasm_test_guests::service!(handle);

//! Queues N launches and waits for them: for `/empty/N` of a kernel that does nothing, for
//! `/busy/N` of one that counts to the query parameter `rounds` (default 10000). Responds with
//! the time that they took on the device, as JSON: `{"launches":N,"nanoseconds":…}` or
//! `{"error":KIND,"message":…}`.
//!
//! For `/waited/N` it waits for each launch of the empty kernel, and responds with the time
//! that it measured itself.

use std::time::{Duration, Instant};

use serde_json::json;
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(handle);

fn handle(request: Request) -> Response {
    let mut parts = request.path().trim_matches('/').split('/');
    let kernel = parts.next().unwrap_or_default();
    let Some(launches) = parts.next().and_then(|count| count.parse().ok()) else {
        return Response::text(404, "GET /empty/N, /waited/N or /busy/N\n");
    };
    let rounds = request
        .query("rounds")
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(10_000);
    let time = match kernel {
        "waited" => wait_for_each(launches),
        _ => launch(kernel, launches, rounds),
    };
    let (status, value) = match time {
        Ok(time) => (
            200,
            json!({ "launches": launches, "nanoseconds": time.as_nanos() as u64 }),
        ),
        Err(error) => (
            503,
            json!({ "error": error.kind(), "message": error.to_string() }),
        ),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

/// The time on the device from the first launch to the last.
fn launch(kernel: &str, launches: u32, rounds: u32) -> Result<Duration> {
    let device = Device::open()?;
    let kernel = device.load(include_bytes!("kernels.ptx"))?.kernel(kernel)?;
    let queue = device.queue()?;
    let before = queue.record_event()?;
    for _ in 0..launches {
        queue
            .launch(&kernel, LaunchConfig::new(1, 1))
            .arg(rounds)
            .submit()?;
    }
    let after = queue.record_event()?;
    after.wait()?;
    after.elapsed_since(&before)
}

/// The time for launches of the empty kernel, each of which is waited for.
fn wait_for_each(launches: u32) -> Result<Duration> {
    let device = Device::open()?;
    let kernel = device
        .load(include_bytes!("kernels.ptx"))?
        .kernel("empty")?;
    let queue = device.queue()?;
    let began = Instant::now();
    for _ in 0..launches {
        queue
            .launch(&kernel, LaunchConfig::new(1, 1))
            .arg(0_u32)
            .submit()?;
        queue.synchronize()?;
    }
    Ok(began.elapsed())
}

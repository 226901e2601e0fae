//! Queues as many launches as its path says, `/empty/N` of a kernel that does
//! nothing or `/busy/N` of one that counts to `?rounds=`, 10000 where nothing is
//! said. It waits for them, and answers with the nanoseconds that they took on the
//! device, as JSON: `{"launches":N,"nanoseconds":…}` or `{"error":KIND,"message":…}`.
//!
//! With `/waited/N` it waits for each empty launch, and answers with the nanoseconds
//! that passed for itself.

use std::time::{Duration, Instant};

use serde_json::json;
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(answer);

fn answer(request: Request) -> Response {
    let mut parts = request.path().trim_matches('/').split('/');
    let kernel = parts.next().unwrap_or_default();
    let Some(launches) = parts.next().and_then(|count| count.parse().ok()) else {
        return Response::text(404, "GET /empty/N, /waited/N or /busy/N\n");
    };
    let rounds = request
        .query("rounds")
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(10_000);
    let took = match kernel {
        "waited" => wait_for_each(launches),
        _ => launch(kernel, launches, rounds),
    };
    let (status, value) = match took {
        Ok(took) => (
            200,
            json!({ "launches": launches, "nanoseconds": took.as_nanos() as u64 }),
        ),
        Err(error) => (
            503,
            json!({ "error": error.kind(), "message": error.to_string() }),
        ),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

/// How long the launches took on the device, from the first to the last.
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

/// How long launches of the empty kernel took that were each waited for.
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

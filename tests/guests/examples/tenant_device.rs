//! A service on the device that tells what its tenant holds of it, as JSON:
//! `{"memory_limit":…,"memory_used":…}`, or `{"error":KIND}` where the device says
//! no. `/BYTES` it takes that much first, and holds it while it looks.

use serde_json::json;
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, Result};

http::service!(answer);

fn answer(request: Request) -> Response {
    let bytes = request.path().trim_start_matches('/').parse().unwrap_or(0);
    let (status, value) = match look(bytes) {
        Ok((limit, used)) => (200, json!({ "memory_limit": limit, "memory_used": used })),
        Err(error) => (503, json!({ "error": error.kind() })),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

/// Limit and use of the tenant's memory on the device, in bytes.
fn look(bytes: u64) -> Result<(u64, u64)> {
    let device = Device::open()?;
    let _held = match bytes {
        0 => None,
        bytes => Some(device.allocate::<u8>(bytes)?),
    };
    let info = device.info();
    Ok((info.memory_limit, info.memory_used))
}

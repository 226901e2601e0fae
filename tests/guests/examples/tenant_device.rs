//! Responds with the limit and the use of its tenant's device memory, as JSON:
//! `{"memory_limit":…,"memory_used":…}`, or `{"error":KIND}`. For `/BYTES` it first allocates
//! that many bytes.

use serde_json::json;
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, Result};

http::service!(handle);

fn handle(request: Request) -> Response {
    let bytes = request.path().trim_start_matches('/').parse().unwrap_or(0);
    let (status, value) = match memory(bytes) {
        Ok((limit, used)) => (200, json!({ "memory_limit": limit, "memory_used": used })),
        Err(error) => (503, json!({ "error": error.kind() })),
    };
    Response::new(status, "application/json", value.to_string().into_bytes())
}

/// Allocates memory, and returns limit and use of the tenant's device memory, in bytes.
fn memory(bytes: u64) -> Result<(u64, u64)> {
    let device = Device::open()?;
    let _held = match bytes {
        0 => None,
        bytes => Some(device.allocate::<u8>(bytes)?),
    };
    let info = device.info();
    Ok((info.memory_limit, info.memory_used))
}

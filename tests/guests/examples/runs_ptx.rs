//! Runs the kernel `k` of the PTX in the request's body, which takes no parameters. The query
//! says how:
//!
//! - `modules`: how many modules are loaded and held, each of a text of its own (default 1)
//! - `queues`: how many queues there are (default 1)
//! - `launches`: how many launches each queue gets (default 1)
//! - `threads`: how many threads the one block of a launch has (default 1)
//! - `wait=no`: the queues are not waited for
//!
//! Responds with JSON: `{"ok":true}`, or `{"error":KIND,"message":…}`.

use serde_json::json;
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(handle);

/// The longest text, in bytes.
const TEXT_BYTES: usize = 16 << 20;

fn handle(request: Request) -> Response {
    let text = match request.body(TEXT_BYTES) {
        Ok(text) => text,
        Err(error) => return Response::body_error(&request, &error),
    };
    let outcome = match run(&request, &text) {
        Ok(()) => json!({ "ok": true }),
        Err(error) => json!({ "error": error.kind(), "message": error.to_string() }),
    };
    let text = outcome.to_string().into_bytes();
    Response::new(200, "application/json", text)
}

fn run(request: &Request, text: &[u8]) -> Result<()> {
    let number = |name| -> u32 {
        let value = request.query(name);
        value.and_then(|value| value.parse().ok()).unwrap_or(1)
    };
    let device = Device::open()?;
    // Without any memory of the device, a kernel would be interpreted.
    let _memory = device.allocate::<u8>(16)?;
    let mut modules = Vec::new();
    for module in 0..number("modules") {
        let mut text = text.to_vec();
        text.extend_from_slice(format!("\n// {module}\n").as_bytes());
        modules.push(device.load(text)?);
    }
    let mut queues = Vec::new();
    for _ in 0..number("queues") {
        queues.push(device.queue()?);
    }
    let Some(module) = modules.first() else {
        return Ok(());
    };
    let kernel = module.kernel("k")?;
    for _ in 0..number("launches") {
        for queue in &queues {
            queue
                .launch(&kernel, LaunchConfig::new(1, number("threads")))
                .submit()?;
        }
    }
    if request.query("wait") != Some("no") {
        for queue in &queues {
            queue.synchronize()?;
        }
    }
    Ok(())
}

//! Correct and incorrect uses of the device. The path names the scenario. The response is
//! JSON: `{"ok": ...}`, or `{"error": {"kind": ..., ...}}` with the host's error.

mod bindings;
mod launches;
mod memory;
mod modules;
mod operations;
mod products;
mod report;
mod retained;

use crate::bindings::kernels::{Argument, Device, Error, Extent, Kernel, LaunchConfig};
use crate::report::{Outcome, report};
use tensor_wasm_test_guests::{body, path, respond};
use wasip2::http::types::{IncomingRequest, ResponseOutparam};

/// The kernels of the scenarios, except those that have a module of their own.
const PTX: &[u8] = include_bytes!("scenarios.ptx");

fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
    let path = path(&request);
    let outcome = scenario(&path, &request);
    let (status, text) = match outcome {
        Some(outcome) => (200, report(outcome)),
        None => (404, format!("{{\"unknown\":\"{path}\"}}")),
    };
    respond(response_out, status, "application/json", text.as_bytes());
}

fn scenario(path: &str, request: &IncomingRequest) -> Option<Outcome> {
    let name = path.trim_start_matches('/');
    launches::scenario(name)
        .or_else(|| memory::scenario(name))
        .or_else(|| products::scenario(name))
        .or_else(|| operations::scenario(name))
        .or_else(|| retained::scenario(name))
        .or_else(|| modules::scenario(name, || body(request)))
}

/// A kernel of [`PTX`].
fn kernel(device: &Device, name: &str) -> Result<Kernel, Error> {
    device.load(PTX)?.kernel(name)
}

fn extent(x: u32, y: u32, z: u32) -> Extent {
    Extent { x, y, z }
}

/// A one-dimensional launch.
fn launch_config(blocks: u32, threads: u32) -> LaunchConfig {
    LaunchConfig {
        grid: extent(blocks, 1, 1),
        block: extent(threads, 1, 1),
        shared_memory: 0,
    }
}

/// Converts little-endian bytes to numbers.
fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes
        .chunks_exact(4)
        .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect()
}

/// A launch that succeeds: it changes `[41, 41, ..]` to `[42, 42, ..]`.
fn increment(device: &Device, count: u32) -> Result<Vec<u32>, Error> {
    let queue = device.create_queue()?;
    let bytes = u64::from(count) * 4;
    let buffer = device.allocate(bytes)?;
    queue.write(&buffer, 0, &41u32.to_le_bytes().repeat(count as usize))?;
    queue.launch(
        &kernel(device, "increment")?,
        launch_config(count.div_ceil(64), 64),
        &[Argument::Pointer((&buffer, 0)), Argument::U32(count)],
    )?;
    queue.read(&buffer, 0, bytes).map(|bytes| numbers(&bytes))
}

tensor_wasm_test_guests::service!(handle);

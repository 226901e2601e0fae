//! A service that computes distances on the device, by a kernel in Rust.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::kernel::prelude::*;
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(handle);

/// The distance of each point from the origin.
#[kernel]
fn distances(points: &[f32], out: GlobalMut<f32>) {
    let i = thread::global_x() as usize;
    if i < out.len() {
        let (x, y) = (points[2 * i], points[2 * i + 1]);
        out.set(i, (x * x + y * y).sqrt());
    }
}

fn handle(_request: Request) -> Response {
    match compute(&[3.0, 4.0, 5.0, 12.0, 8.0, 15.0]) {
        Ok(found) => Response::text(200, format!("{found:?}\n")),
        Err(error) => Response::text(503, format!("{error}\n")),
    }
}

fn compute(points: &[f32]) -> Result<Vec<f32>> {
    let device = Device::open()?;
    let queue = device.queue()?;
    let points = queue.upload(points)?;
    let mut out = device.allocate(points.len() / 2)?;
    let config = LaunchConfig::for_len(out.len());
    distances(&queue, config, &points, &mut out)?;
    queue.download(&out)
}

//! A service that doubles three numbers on the device: a first component.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::kernel::prelude::*;
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(handle);

/// What each thread does on the device: it doubles one number.
#[kernel]
fn double(values: GlobalMut<f32>) {
    let i = thread::global_x() as usize;
    if i < values.len() {
        values.set(i, 2.0 * values.get(i));
    }
}

fn handle(_request: Request) -> Response {
    match doubled(&[1.0, 2.0, 3.0]) {
        Ok(doubled) => Response::text(200, format!("{doubled:?}\n")),
        Err(error) => Response::text(503, format!("{error}\n")),
    }
}

fn doubled(numbers: &[f32]) -> Result<Vec<f32>> {
    let queue = Device::open()?.queue()?;
    let mut values = queue.upload(numbers)?;
    double(&queue, LaunchConfig::for_len(values.len()), &mut values)?;
    queue.download(&values)
}

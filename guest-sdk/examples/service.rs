//! A service that doubles three numbers on the device: a first component.

use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{Device, LaunchConfig, Result};

http::service!(handle);

fn handle(_request: Request) -> Response {
    match double(&[1.0, 2.0, 3.0]) {
        Ok(doubled) => Response::text(200, format!("{doubled:?}\n")),
        Err(error) => Response::text(503, format!("{error}\n")),
    }
}

fn double(values: &[f32]) -> Result<Vec<f32>> {
    let device = Device::open()?;
    let saxpy = device
        .load(include_bytes!("../../components/saxpy/kernels/saxpy.ptx"))?
        .kernel("saxpy")?;
    let queue = device.queue()?;
    let (x, y) = (queue.upload(values)?, queue.upload(values)?);
    let len = y.len() as u32;
    queue
        .launch(&saxpy, LaunchConfig::for_len(y.len()))
        .arg(&y)
        .arg(&x)
        .arg(1.0f32)
        .arg(len)
        .submit()?;
    queue.download(&y)
}

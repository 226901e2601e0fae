//! Launches kernels by the bindings that `tensor-wasm kernel bindings` writes, and answers what is in
//! the buffers then.

#[allow(missing_docs)]
mod kernels;

use kernels::Kernels;
use tensor_wasm_guest::bytemuck::{Pod, Zeroable};
use tensor_wasm_guest::http::{self, Request, Response};
use tensor_wasm_guest::{BFloat16, Device, Half, LaunchConfig, Result};

http::service!(handle);

const PTX: &[u8] = include_bytes!("kernels.ptx");

#[derive(Clone, Copy, Pod, Zeroable)]
#[bytemuck(crate = "tensor_wasm_guest::bytemuck")]
#[repr(C)]
struct Pair(u32, f32);

fn handle(_request: Request) -> Response {
    match launched() {
        Ok(text) => Response::text(200, text),
        Err(error) => Response::text(500, format!("{error}\n")),
    }
}

fn launched() -> Result<String> {
    let device = Device::open()?;
    let queue = device.queue()?;
    let kernels = Kernels::load(&device, PTX)?;
    let config = LaunchConfig::for_len(4);

    let x = queue.upload(&[1.0f32, 2.0, 3.0, 4.0])?;
    let y = queue.upload(&[0.0f32; 5])?;
    let pair = Pair(7, 0.5);
    kernels.combine(&queue, config, &x, y.from_index(1), 2.0, 3i32, -1i16, &pair)?;
    let combined = queue.download(&y)?;

    let bytes = queue.upload(&[0u8; 24])?;
    let (half, brain) = (Half(0x3c00), BFloat16(0x3f80));
    let one = LaunchConfig::new(1, 1);
    kernels.load_(&queue, one, &bytes, 200u8, half, brain, 1.0, -2i64)?;
    let loaded = queue.download(&bytes)?;
    Ok(format!("{combined:?}\n{loaded:?}\n"))
}

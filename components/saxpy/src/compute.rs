//! The computation on the device.

use tensor_wasm_guest::{Device, LaunchConfig, Result};

/// `a * x + y`, for slices of equal length.
pub fn saxpy(device: &Device, a: f32, x: &[f32], y: &[f32]) -> Result<Vec<f32>> {
    let kernel = device
        .load(include_bytes!("../kernels/saxpy.ptx"))?
        .kernel("saxpy")?;
    let queue = device.queue()?;
    let x = queue.upload(x)?;
    let y = queue.upload(y)?;
    queue
        .launch(&kernel, LaunchConfig::for_len(y.len()))
        .arg(&y)
        .arg(&x)
        .arg(a)
        .arg(y.len() as u32)
        .submit()?;
    queue.download(&y)
}

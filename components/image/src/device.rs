//! The filters, computed on the device.

use std::time::Duration;

use tensor_wasm_guest::{Device, LaunchConfig, Result};

use crate::filter::Filter;
use crate::picture::Picture;

/// The size of a block in threads, which the kernels require.
const BLOCK: (u32, u32) = (16, 16);

/// A filtered picture.
pub struct Filtered {
    /// The result.
    pub picture: Picture,
    /// The device that computed it, as `backend: name`.
    pub device: String,
    /// The time on the device.
    pub time: Duration,
}

/// Filters a picture.
pub fn apply(filter: Filter, picture: &Picture) -> Result<Filtered> {
    let device = Device::open()?;
    let module = device.load(include_bytes!("../kernels/filters.ptx"))?;
    let kernel = module.kernel(filter.kernel())?;

    let queue = device.queue()?;
    let mut from = queue.upload(&picture.pixels)?;
    let mut to = device.allocate(from.len())?;
    let config = LaunchConfig::for_area(picture.width, picture.height, BLOCK);
    let start = queue.record_event()?;
    for _ in 0..filter.passes() {
        queue
            .launch(&kernel, config)
            .arg(&to)
            .arg(&from)
            .arg(picture.width as i32)
            .arg(picture.height as i32)
            .submit()?;
        (from, to) = (to, from);
    }
    let end = queue.record_event()?;
    let pixels = queue.download(&from)?;

    let info = device.info();
    Ok(Filtered {
        picture: picture.with_pixels(pixels, filter.is_gray()),
        device: format!("{}: {}", info.backend, info.name),
        time: end.elapsed_since(&start)?,
    })
}

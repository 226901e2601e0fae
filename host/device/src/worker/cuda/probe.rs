//! Which devices there are: asked by a process that ends with the answer, so that
//! the host itself never loads the driver.

use cudarc::driver::sys::CUdevice_attribute as Attribute;
use serde::{Deserialize, Serialize};

use super::driver::{self, Device, Outcome};
use crate::worker::lost::Lost;

/// What the driver says of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// The newest version of CUDA that the driver knows: 12090 is 12.9.
    pub driver: i32,
    /// The devices, in the driver's order.
    pub devices: Vec<ProbedDevice>,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbedDevice {
    /// The maker's name for it.
    pub name: String,
    /// Its compute capability: 90 for 9.0.
    pub target: u32,
    /// Streaming multiprocessors, a number.
    pub multiprocessors: u32,
    /// Threads per warp.
    pub warp_size: u32,
    /// Threads per block, at most.
    pub max_threads_per_block: u32,
    /// Shared memory per block where a kernel asks for it, in bytes.
    pub max_shared_bytes: u32,
    /// Device memory, in bytes.
    pub memory_bytes: u64,
}

/// Asks the driver. To be called in a process of its own.
///
/// # Errors
/// Why there is no driver, or none that can be used.
pub fn probe() -> Result<Probed, String> {
    let asked = std::panic::catch_unwind(|| -> Result<Probed, Lost> {
        super::load_driver()?;
        let driver = super::init()?;
        let devices =
            devices().map_err(|error| Lost(format!("the devices can't be listed: {error}")))?;
        Ok(Probed { driver, devices })
    });
    match asked {
        Ok(answer) => answer.map_err(|lost| lost.0),
        Err(panic) => Err(crate::worker::panic_message(panic.as_ref())),
    }
}

fn devices() -> Outcome<Vec<ProbedDevice>> {
    let count = u32::try_from(driver::count()?).unwrap_or(0);
    (0..count)
        .map(|ordinal| {
            let device = Device::get(ordinal)?;
            Ok(ProbedDevice {
                name: device.name()?,
                target: target(device)?,
                multiprocessors: device
                    .attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
                warp_size: device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_WARP_SIZE)?,
                max_threads_per_block: device
                    .attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK)?,
                max_shared_bytes: device
                    .attribute(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
                memory_bytes: device.memory_bytes()?,
            })
        })
        .collect()
}

/// A device's compute capability: 90 for 9.0.
pub(super) fn target(device: Device) -> Outcome<u32> {
    let major = device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok(major * 10 + minor)
}

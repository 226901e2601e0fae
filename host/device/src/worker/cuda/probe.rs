//! Which devices there are: asked by a process that ends with the answer, so that
//! the host itself never loads the driver.

use cudarc::driver::sys::CUdevice_attribute as Attribute;
use serde::{Deserialize, Serialize};

use super::driver::{self, Device, Outcome};
use crate::NvidiaUuid;
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
    /// Its name that stays the same whatever else is shown.
    pub uuid: NvidiaUuid,
    /// The number of its node, `/dev/nvidia0`; `None` where the driver does not say.
    pub minor: Option<u32>,
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
    let count = driver::not_negative(driver::count()?)?;
    (0..count)
        .map(|ordinal| {
            let device = Device::get(ordinal)?;
            Ok(ProbedDevice {
                name: device.name()?,
                uuid: device.uuid()?,
                minor: minor(device)?,
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

/// The number of a device's node. The driver's entry in `/proc` for the device's place on the bus has
/// it: the order in which devices are numbered is another one.
fn minor(device: Device) -> Outcome<Option<u32>> {
    let domain = device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID)?;
    let bus = device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)?;
    let slot = device.attribute(Attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID)?;
    let place = format!("{domain:04x}:{bus:02x}:{slot:02x}.0");
    let information = format!("/proc/driver/nvidia/gpus/{place}/information");
    Ok(std::fs::read_to_string(information)
        .ok()
        .and_then(|text| minor_in(&text)))
}

/// The number in the line `Device Minor: \t 0`.
fn minor_in(information: &str) -> Option<u32> {
    let mut lines = information.lines();
    let number = lines.find_map(|line| line.strip_prefix("Device Minor:"))?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_the_node_is_read_from_the_driver_s_description() {
        let text = "Model: \t\t NVIDIA H200\nIRQ:   \t\t 71\nGPU UUID: \t GPU-00000000-0000\n\
                    Bus Location: \t 0000:65:00.0\nDevice Minor: \t 3\nGPU Excluded:\t No\n";
        assert_eq!(minor_in(text), Some(3));
        for other in ["", "Model: x", "Device Minor: \t ?"] {
            assert_eq!(minor_in(other), None, "{other}");
        }
    }
}

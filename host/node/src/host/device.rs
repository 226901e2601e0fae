//! Which device tenants share, and how it is opened.

use std::path::{Path, PathBuf};

use tensor_wasm_device::{CpuConfig, Device, NoNvidia, NvidiaDevice, WorkerConfig};

use super::HostError;

/// A device of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// An NVIDIA device where there is one, else the processor.
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA device.
    Cuda(NvidiaDevice),
}

/// How a device is opened.
#[derive(Clone, Debug, Default)]
pub struct DeviceOptions {
    /// Whether each tenant's kernels run on the processor in a process of their own, as
    /// those on an NVIDIA device always do.
    pub isolate: bool,
    /// Whether the processor checks each step of a kernel.
    pub kernel_checks: bool,
    /// The processes that run kernels. The folder for compiled modules is the host's.
    pub workers: WorkerConfig,
}

/// Opens a device. `cache` is the folder for what is compiled for it.
pub(super) fn open(
    choice: DeviceChoice,
    options: &DeviceOptions,
    cache: Option<&Path>,
) -> Result<Device, HostError> {
    let opener = Opener { options, cache };
    match choice {
        DeviceChoice::Cpu => opener.processor(),
        DeviceChoice::Cuda(device) if options.kernel_checks => {
            Err(HostError::ChecksOnNvidia { device })
        }
        DeviceChoice::Cuda(device) => opener
            .nvidia(device)
            .map_err(|cause| HostError::Nvidia { device, cause }),
        // The processor alone can do these.
        DeviceChoice::Auto if options.isolate || options.kernel_checks => opener.processor(),
        DeviceChoice::Auto => opener.nvidia(FIRST).or_else(|error| {
            match error {
                NoNvidia::NoDriver => tracing::debug!("{error}"),
                // An operator who has installed a driver expects it to be used.
                _ => tracing::warn!("kernels run on the processor: {error}"),
            }
            opener.processor()
        }),
    }
}

/// Of the devices that the driver shows.
const FIRST: NvidiaDevice = NvidiaDevice::Number(0);

struct Opener<'a> {
    options: &'a DeviceOptions,
    cache: Option<&'a Path>,
}

impl Opener<'_> {
    fn processor(&self) -> Result<Device, HostError> {
        let config = CpuConfig {
            checks: self.options.kernel_checks,
            ..CpuConfig::default()
        };
        if self.options.kernel_checks {
            tracing::warn!(
                "--kernel-checks: each step of a kernel is checked, which is slow; this is for \
                 developing kernels, not for serving"
            );
        }
        let device = match self.options.isolate {
            false => Device::cpu(CpuConfig {
                kernel_folder: self.folder("kernels"),
                ..config
            }),
            true => Device::isolated(config, self.workers()),
        };
        device.map_err(HostError::Device)
    }

    fn nvidia(&self, device: NvidiaDevice) -> Result<Device, NoNvidia> {
        Device::cuda(device, CpuConfig::default(), self.workers())
    }

    fn workers(&self) -> WorkerConfig {
        WorkerConfig {
            cache: self.folder("cubin"),
            ..self.options.workers.clone()
        }
    }

    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.cache.map(|cache| cache.join(name))
    }
}

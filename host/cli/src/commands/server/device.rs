//! The options of the device behind `tensor:gpu`, and of the processes that run kernels.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use tensor_wasm_device::{Backend, Device, WorkerConfig};
use tensor_wasm_node::host::{self, DeviceChoice};
use tensor_wasm_runtime::Grant;

use crate::commands::devices::one_line;
use crate::values;

#[derive(Args)]
pub struct DeviceOptions {
    /// What stands behind tensor:gpu: auto (an NVIDIA device where there is one, else
    /// the processor), cpu, cuda, cuda:NUMBER or cuda:UUID (as nvidia-smi -L shows it,
    /// GPU-… or MIG-…), deny (each call answers that it is denied, so that a component
    /// can do without) or refuse (a component that asks for the GPU is not served)
    #[arg(
        long,
        value_name = "DEVICE",
        default_value = "auto",
        value_parser = gpu,
        help_heading = "Grants"
    )]
    pub gpu: Grant<DeviceChoice>,
    /// Run each tenant's kernels on the processor in a process of their own, as those
    /// on an NVIDIA device always are
    #[arg(long, help_heading = "Grants")]
    isolate: bool,
    /// Check kernels as they run, for those who write them: accesses outside of a buffer,
    /// reads of what nothing has written, races on shared memory, divergent barriers.
    /// They are interpreted then, on the processor, which is slow
    #[arg(long, help_heading = "Grants")]
    kernel_checks: bool,
    /// Processes that run tenants' kernels, at most; idle ones make room
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "16",
        help_heading = "Limits"
    )]
    gpu_workers: NonZeroUsize,
    /// How long a process for kernels stays when its tenant has no use for it
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s", help_heading = "Limits")]
    gpu_worker_idle: Duration,
    /// How long such a process may take to start, compile a module or move data
    /// before it is ended
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s", help_heading = "Limits")]
    gpu_worker_timeout: Duration,
}

/// A value of `--gpu`.
fn gpu(text: &str) -> Result<Grant<DeviceChoice>, String> {
    let device = match text {
        "auto" => DeviceChoice::Auto,
        "cpu" => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda(0.into()),
        "deny" => return Ok(Grant::Denied),
        "refuse" => return Ok(Grant::Refused),
        _ => match text.strip_prefix("cuda:") {
            Some(device) => device.parse().map(DeviceChoice::Cuda).map_err(|error| {
                format!(
                    "`{device}` names no device: {error}; tensor-wasm devices shows the numbers"
                )
            })?,
            None => {
                return Err(
                    "write auto, cpu, cuda, cuda:NUMBER, cuda:UUID, deny or refuse".to_owned(),
                );
            }
        },
    };
    Ok(Grant::Granted(device))
}

impl DeviceOptions {
    /// How the host opens the device.
    pub fn for_host(&self) -> host::DeviceOptions {
        host::DeviceOptions {
            isolate: self.isolate,
            kernel_checks: self.kernel_checks,
            workers: WorkerConfig {
                workers: self.gpu_workers.get(),
                idle: self.gpu_worker_idle,
                timeout: self.gpu_worker_timeout,
                ..WorkerConfig::default()
            },
        }
    }

    /// Whether the kernels of this device run in processes of their own.
    pub fn is_in_workers(&self, device: &Device) -> bool {
        self.isolate || device.description().backend == Backend::Cuda
    }

    /// The open device on one line, or why there is none.
    pub fn describe(&self, device: Option<&Device>) -> String {
        let Some(device) = device else {
            let decision = match self.gpu {
                Grant::Refused => "refused",
                Grant::Denied | Grant::Granted(_) => "denied",
            };
            return format!("none: the GPU is {decision}");
        };
        let description = device.description();
        let options = match (self.isolate, self.kernel_checks, description.backend) {
            (true, false, Backend::Cpu) => ", a process for each tenant",
            (true, true, Backend::Cpu) => ", a process for each tenant, kernels checked",
            (false, true, Backend::Cpu) => ", kernels checked",
            _ => "",
        };
        one_line(&description) + options
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use tensor_wasm_device::NvidiaDevice;

    #[test]
    fn a_device_is_named_by_kind_and_number_or_uuid() {
        let part = "cuda:MIG-01020304-0506-0708-090a-0b0c0d0e0f10";
        for (text, value) in [
            ("auto", Grant::Granted(DeviceChoice::Auto)),
            ("cpu", Grant::Granted(DeviceChoice::Cpu)),
            ("cuda", Grant::Granted(DeviceChoice::Cuda(0.into()))),
            ("cuda:3", Grant::Granted(DeviceChoice::Cuda(3.into()))),
            (
                part,
                Grant::Granted(DeviceChoice::Cuda(NvidiaDevice::Uuid(
                    part[5..].parse().unwrap(),
                ))),
            ),
            ("deny", Grant::Denied),
            ("refuse", Grant::Refused),
        ] {
            assert_eq!(gpu(text), Ok(value));
        }
    }

    #[test]
    fn an_unknown_device_is_refused_with_the_known_ones() {
        for text in ["", "gpu", "CUDA", "cuda:"] {
            let error = gpu(text).unwrap_err();
            assert!(
                error.contains("cuda") || error.contains("devices"),
                "{error}"
            );
        }
        assert!(gpu("cuda:x").unwrap_err().contains("devices"));
    }
}

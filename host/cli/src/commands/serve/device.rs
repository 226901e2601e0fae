//! Which device stands behind `tensor:gpu`, and the processes that hold it.

use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tensor_wasm_device::{Backend, CpuConfig, Device, NoNvidia, WorkerConfig};
use tensor_wasm_runtime::Grant;

use super::cache::CacheOptions;
use crate::commands::devices::one_line;
use crate::values;

#[derive(Args)]
pub(super) struct DeviceOptions {
    /// What stands behind tensor:gpu: auto (an NVIDIA device where there is one, else
    /// the processor), cpu, cuda or cuda:NUMBER, deny (each call answers that it is
    /// denied, so that a component can do without) or refuse (a component that asks
    /// for the GPU is not served)
    #[arg(
        long,
        value_name = "DEVICE",
        default_value = "auto",
        value_parser = gpu,
        help_heading = "Grants"
    )]
    pub(super) gpu: Grant<DeviceChoice>,
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

/// A device of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeviceChoice {
    /// The best one.
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA device, as the driver numbers them.
    Cuda(u32),
}

/// A value of `--gpu`.
fn gpu(text: &str) -> Result<Grant<DeviceChoice>, String> {
    let device = match text {
        "auto" => DeviceChoice::Auto,
        "cpu" => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda(0),
        "deny" => return Ok(Grant::Denied),
        "refuse" => return Ok(Grant::Refused),
        _ => match text.strip_prefix("cuda:") {
            Some(number) => number.parse().map(DeviceChoice::Cuda).map_err(|_| {
                format!("`{number}` is not the number of a device: see tensor-wasm devices")
            })?,
            None => return Err("write auto, cpu, cuda, cuda:NUMBER, deny or refuse".to_owned()),
        },
    };
    Ok(Grant::Granted(device))
}

/// What tenants are granted, the device where they are granted one, and what to say
/// of it.
pub(super) struct Chosen {
    pub(super) grant: Grant,
    pub(super) device: Option<Device>,
    pub(super) description: String,
}

impl DeviceOptions {
    /// Opens the device. `cache` is where what its driver compiles may be kept.
    pub(super) fn open(&self, cache: &CacheOptions) -> anyhow::Result<Chosen> {
        let without = |grant, word| Chosen {
            grant,
            device: None,
            description: format!("none: the GPU is {word}"),
        };
        let choice = match self.gpu {
            Grant::Granted(choice) => choice,
            Grant::Denied => return Ok(without(Grant::Denied, "denied")),
            Grant::Refused => return Ok(without(Grant::Refused, "refused")),
        };
        let device = match choice {
            DeviceChoice::Cpu => self.processor(cache)?,
            DeviceChoice::Cuda(number) if self.kernel_checks => bail!(
                "--kernel-checks runs kernels on the processor, not on --gpu cuda:{number}: \
                 use --gpu cpu, or NVIDIA's compute-sanitizer on the device"
            ),
            DeviceChoice::Cuda(number) => self
                .nvidia(number, cache)?
                .with_context(|| format!("can't use --gpu cuda:{number}"))?,
            // Whoever asks for what the processor alone does means the processor.
            DeviceChoice::Auto if self.isolate || self.kernel_checks => self.processor(cache)?,
            DeviceChoice::Auto => match self.nvidia(0, cache)? {
                Ok(device) => device,
                Err(error) => {
                    match error {
                        NoNvidia::NoDriver => tracing::debug!("{error}"),
                        // Whoever has installed a driver means it to be used.
                        _ => tracing::warn!("kernels run on the processor: {error}"),
                    }
                    self.processor(cache)?
                }
            },
        };
        Ok(Chosen {
            grant: Grant::Granted(()),
            description: one_line(&device.description()) + self.apart(&device),
            device: Some(device),
        })
    }

    /// What there is to say of processes, where kernels could do without.
    fn apart(&self, device: &Device) -> &'static str {
        match (
            self.isolate,
            self.kernel_checks,
            device.description().backend,
        ) {
            (true, false, Backend::Cpu) => ", a process for each tenant",
            (true, true, Backend::Cpu) => ", a process for each tenant, kernels checked",
            (false, true, Backend::Cpu) => ", kernels checked",
            _ => "",
        }
    }

    fn processor(&self, cache: &CacheOptions) -> anyhow::Result<Device> {
        let config = CpuConfig {
            checks: self.kernel_checks,
            ..CpuConfig::default()
        };
        if self.kernel_checks {
            tracing::warn!(
                "--kernel-checks: each step of a kernel is checked, which is slow; this is for \
                 those who write kernels, not for serving"
            );
        }
        let device = match self.isolate {
            false => Device::cpu(CpuConfig {
                kernel_folder: cache.directory()?.map(|folder| folder.join("kernels")),
                ..config
            }),
            true => Device::isolated(config, self.workers(cache)?),
        };
        device.context("there is no device")
    }

    fn nvidia(
        &self,
        number: u32,
        cache: &CacheOptions,
    ) -> anyhow::Result<Result<Device, NoNvidia>> {
        let workers = self.workers(cache)?;
        Ok(Device::cuda(number, CpuConfig::default(), workers))
    }

    fn workers(&self, cache: &CacheOptions) -> anyhow::Result<WorkerConfig> {
        Ok(WorkerConfig {
            workers: self.gpu_workers.get(),
            idle: self.gpu_worker_idle,
            patience: self.gpu_worker_timeout,
            cache: cache.directory()?.map(|folder| folder.join("cubin")),
            ..WorkerConfig::default()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_device_is_named_by_kind_and_number() {
        for (text, value) in [
            ("auto", Grant::Granted(DeviceChoice::Auto)),
            ("cpu", Grant::Granted(DeviceChoice::Cpu)),
            ("cuda", Grant::Granted(DeviceChoice::Cuda(0))),
            ("cuda:3", Grant::Granted(DeviceChoice::Cuda(3))),
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

//! Which device stands behind `tensor:gpu`, and the processes that hold it.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use tensor_wasm_device::{Backend, CpuConfig, Device, NoNvidia, WorkerConfig};
use tensor_wasm_node::grants::Gpu as Grant;

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
        help_heading = "Grants"
    )]
    pub(super) gpu: Gpu,
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

/// What stands behind `tensor:gpu`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gpu {
    /// The best device of this machine.
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA device, as the driver numbers them.
    Cuda(u32),
    /// Nothing: each call answers that it is denied.
    Deny,
    /// Nothing: a component that asks for it is not served.
    Refuse,
}

impl FromStr for Gpu {
    type Err = String;

    fn from_str(text: &str) -> Result<Gpu, String> {
        let numbered = |number: &str| {
            number.parse().map(Gpu::Cuda).map_err(|_| {
                format!("`{number}` is no number of a device: see tensor-wasm devices")
            })
        };
        match text {
            "auto" => Ok(Gpu::Auto),
            "cpu" => Ok(Gpu::Cpu),
            "cuda" => Ok(Gpu::Cuda(0)),
            "deny" => Ok(Gpu::Deny),
            "refuse" => Ok(Gpu::Refuse),
            _ => match text.strip_prefix("cuda:") {
                Some(number) => numbered(number),
                None => Err("write auto, cpu, cuda, cuda:NUMBER, deny or refuse".to_owned()),
            },
        }
    }
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
        let device = match self.gpu {
            Gpu::Deny => return Ok(without(Grant::Deny, "denied")),
            Gpu::Refuse => return Ok(without(Grant::Refuse, "refused")),
            Gpu::Cpu => self.processor(cache)?,
            Gpu::Cuda(number) if self.kernel_checks => bail!(
                "--kernel-checks runs kernels on the processor, not on --gpu cuda:{number}: \
                 use --gpu cpu, or NVIDIA's compute-sanitizer on the device"
            ),
            Gpu::Cuda(number) => self
                .nvidia(number, cache)?
                .with_context(|| format!("can't use --gpu cuda:{number}"))?,
            // Whoever asks for what the processor alone does means the processor.
            Gpu::Auto if self.isolate || self.kernel_checks => self.processor(cache)?,
            Gpu::Auto => match self.nvidia(0, cache)? {
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
            grant: Grant::Grant,
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
            timeout: self.gpu_worker_timeout,
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
        for (text, gpu) in [
            ("auto", Gpu::Auto),
            ("cpu", Gpu::Cpu),
            ("cuda", Gpu::Cuda(0)),
            ("cuda:3", Gpu::Cuda(3)),
            ("deny", Gpu::Deny),
            ("refuse", Gpu::Refuse),
        ] {
            assert_eq!(text.parse(), Ok(gpu));
        }
    }

    #[test]
    fn what_is_no_device_is_told_with_what_is_one() {
        for text in ["", "gpu", "CUDA", "cuda:"] {
            let error = text.parse::<Gpu>().unwrap_err();
            assert!(
                error.contains("cuda") || error.contains("devices"),
                "{error}"
            );
        }
        assert!("cuda:x".parse::<Gpu>().unwrap_err().contains("devices"));
    }
}

//! The limits of what components may hold: memory, and time and memory of the device.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tensor_wasm_device::Limits;
use tensor_wasm_runtime::ProcessorShare;

use crate::values;

#[derive(Args)]
pub struct LimitOptions {
    /// The memory of one instance of the component, with what the host holds for it
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "256MiB", help_heading = "Limits")]
    max_memory_bytes: u64,
    /// The memory that all instances of one tenant may have together; a request for which
    /// there is none left is answered with 429. 0 for no limit; by default sixteen times
    /// --max-memory-bytes
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, help_heading = "Limits")]
    tenant_memory_bytes: Option<u64>,
    /// The processors that all instances of one tenant may keep busy together, on the average:
    /// 0.5 is half of one processor. Beyond it they run more slowly. 0 for no limit
    #[arg(long, value_name = "PROCESSORS", value_parser = values::processors_or_none, default_value = "0", help_heading = "Limits")]
    tenant_cpu: u32,
    /// The device memory that each tenant may hold
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "1GiB", help_heading = "Limits")]
    gpu_memory_bytes: u64,
    /// How long one kernel launch may run
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10s", help_heading = "Limits")]
    kernel_timeout: Duration,
}

impl LimitOptions {
    /// The memory of one instance.
    ///
    /// # Errors
    ///
    /// Where this machine can't address as much.
    pub fn instance_memory_bytes(&self) -> anyhow::Result<usize> {
        usize::try_from(self.max_memory_bytes)
            .context("--max-memory-bytes is more than this machine can address")
    }

    /// The memory of all instances of a tenant of which the configuration file says nothing
    /// else; `None` for no limit.
    pub fn tenant_memory_bytes(&self) -> Option<NonZeroU64> {
        let bytes = self.tenant_memory_bytes;
        NonZeroU64::new(bytes.unwrap_or_else(|| self.max_memory_bytes.saturating_mul(16)))
    }

    /// The part of the processors that a tenant has of which the configuration file says nothing
    /// else.
    pub fn processors(&self) -> ProcessorShare {
        ProcessorShare {
            // A thousandth of a processor is a millisecond of each second.
            limit_ms_per_second: NonZeroU32::new(self.tenant_cpu),
            ..ProcessorShare::default()
        }
    }

    /// What each tenant may hold of the device, where so many instances of it run at one
    /// time.
    pub fn device(&self, instances: NonZeroU32) -> Limits {
        let defaults = Limits::default();
        // All instances of a tenant share one session: limits by number have to suffice
        // for all of them at one time.
        let at_least = |limit: u32, each: u32| limit.max(instances.get().saturating_mul(each));
        Limits {
            memory_bytes: self.gpu_memory_bytes,
            kernel_time: self.kernel_timeout,
            queues: at_least(defaults.queues, 4),
            modules: at_least(defaults.modules, 8),
            buffers: at_least(defaults.buffers, 64),
            events: at_least(defaults.events, 64),
            ..defaults
        }
    }
}

//! A device of the host: what all tenants share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::account::Total;
use crate::cache::Cache;
use crate::cpu::{self, Scheduler};
use crate::{Description, Error, Limits, Session, description};

/// How the processor serves as a device.
#[derive(Clone, Debug)]
pub struct CpuConfig {
    /// Threads that run kernels, beside those of the host. As many as the
    /// machine runs in parallel, if not set.
    pub threads: Option<NonZeroUsize>,
    /// Memory for all tenants' buffers, in bytes. Half of what the host may use,
    /// if not set.
    pub memory_bytes: Option<u64>,
    /// Memory for checked modules that are kept for the next load of the same
    /// text, in bytes, roughly. 64 MiB.
    pub cache_bytes: u64,
    /// What modules may ask for.
    pub ptx: tensor_wasm_ptx::Limits,
}

impl Default for CpuConfig {
    fn default() -> CpuConfig {
        CpuConfig {
            threads: None,
            memory_bytes: None,
            cache_bytes: 64 << 20,
            ptx: tensor_wasm_ptx::Limits::default(),
        }
    }
}

/// One device, for as long as the host runs. Clones are the same device.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) shared: Arc<Shared>,
}

/// What all tenants of a device share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) description: Description,
    pub(crate) ptx: tensor_wasm_ptx::Limits,
    pub(crate) memory: Arc<Total>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) scheduler: Arc<Scheduler>,
}

impl Drop for Shared {
    /// The threads end by themselves: one of them may be the one that drops this.
    fn drop(&mut self) {
        self.scheduler.shut_down();
    }
}

impl Device {
    /// The host's processor as a device, with a pool of threads of its own.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no threads.
    pub fn cpu(config: CpuConfig) -> Result<Device, Error> {
        let description = description::cpu(&config);
        let scheduler = cpu::start(description::threads(&config))?;
        let shared = Shared {
            memory: Arc::new(Total::new(description.memory_bytes)),
            cache: Arc::new(Cache::new(config.cache_bytes)),
            ptx: config.ptx,
            description,
            scheduler,
        };
        Ok(Device {
            shared: Arc::new(shared),
        })
    }

    /// What the device is.
    pub fn description(&self) -> Description {
        self.shared.description.clone()
    }

    /// Opens a tenant's session. The tenant sees nothing of other sessions, of
    /// the same tenant or of another.
    pub fn session(&self, limits: Limits) -> Session {
        Session::new(self, limits)
    }
}

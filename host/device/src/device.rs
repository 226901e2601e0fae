//! A device of the host: what all tenants share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::account::Total;
use crate::cache::Cache;
use crate::cpu::{self, Scheduler};
use crate::janitor::Janitor;
use crate::timer::{SystemClock, Timer};
use crate::{Description, Error, Limits, Session, description};

/// How the processor serves as a device.
#[derive(Clone, Debug)]
pub struct CpuConfig {
    /// Threads that run kernels, beside those of the host. As many as the
    /// machine runs in parallel, if not set. A few more compile modules, give
    /// memory back and keep the time: they have little to do.
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

/// Threads that compile modules, at least: with two, one tenant that compiles
/// without end leaves another thread to the others, since it gets no second one.
const COMPILERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

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
    /// Where modules are compiled. That has no slices, so it would keep a
    /// thread of the device from the kernels of all tenants.
    pub(crate) compiler: Arc<Scheduler>,
    pub(crate) janitor: Arc<Janitor>,
    pub(crate) timer: Arc<Timer>,
}

impl Drop for Shared {
    /// The threads end by themselves: one of them may be the one that drops this.
    fn drop(&mut self) {
        self.scheduler.shut_down();
        self.compiler.shut_down();
        self.janitor.shut_down();
        self.timer.shut_down();
    }
}

impl Device {
    /// The host's processor as a device, with a pool of threads of its own.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no threads.
    pub fn cpu(config: CpuConfig) -> Result<Device, Error> {
        let threads = description::threads(&config);
        let compilers =
            NonZeroUsize::new(threads.get() / 4).map_or(COMPILERS, |n| n.max(COMPILERS));
        let device = Device::without_threads(config, Timer::new(Box::new(SystemClock)));
        // Where one does not start, dropping the device ends those that did.
        cpu::start("device", threads, &device.shared.scheduler)?;
        cpu::start("device-compiler", compilers, &device.shared.compiler)?;
        device.shared.janitor.start()?;
        device.shared.timer.start()?;
        Ok(device)
    }

    /// A device on which nothing happens by itself.
    pub(crate) fn without_threads(config: CpuConfig, timer: Timer) -> Device {
        let description = description::cpu(&config);
        let shared = Shared {
            memory: Arc::new(Total::new(description.memory_bytes)),
            cache: Arc::new(Cache::new(config.cache_bytes)),
            ptx: config.ptx,
            description,
            scheduler: Arc::new(Scheduler::new()),
            compiler: Arc::new(Scheduler::new()),
            janitor: Arc::default(),
            timer: Arc::new(timer),
        };
        Device {
            shared: Arc::new(shared),
        }
    }

    /// Memory that the device holds for all tenants, in bytes. What was freed
    /// counts until it is back with the host.
    pub fn memory_used(&self) -> u64 {
        self.shared.memory.used()
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

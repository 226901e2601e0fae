//! A device of the host: what all tenants share.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use crate::account::Total;
use crate::cache::Cache;
use crate::channel::wire;
use crate::cpu::compiled::KernelEngine;
use crate::cpu::{self, Scheduler};
use crate::janitor::Janitor;
use crate::remote::{WorkerConfig, Workers};
use crate::timer::{SystemClock, Timer};
use crate::{Description, Error, Limits, NoNvidia, Session, description};

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
    /// text, with their compiled kernels, in bytes, roughly. 64 MiB.
    pub cache_bytes: u64,
    /// An absolute path of a folder where compiled kernels are kept for the next process
    /// that loads them, about 256 MiB of them. Whoever can write there decides what runs in
    /// this process, so tenants' workers get none. Not set, nothing is kept.
    pub kernel_folder: Option<PathBuf>,
    /// What modules may ask for.
    pub ptx: tensor_wasm_ptx::Limits,
    /// Whether kernels are checked as they run, for those who write them: see
    /// [`checks`](tensor_wasm_ptx::interpret::checks). Every kernel is interpreted
    /// then, which is slow, and each byte of a buffer takes another bit of the host's
    /// memory. Only the processor does so.
    pub checks: bool,
}

impl Default for CpuConfig {
    fn default() -> CpuConfig {
        CpuConfig {
            threads: None,
            memory_bytes: None,
            cache_bytes: 64 << 20,
            kernel_folder: None,
            ptx: tensor_wasm_ptx::Limits::default(),
            checks: false,
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
    /// Whether kernels are checked as they run.
    pub(crate) checks: bool,
    pub(crate) memory: Arc<Total>,
    pub(crate) cache: Arc<Cache>,
    /// What compiles kernels, where they run in this process.
    pub(crate) engine: Arc<KernelEngine>,
    pub(crate) scheduler: Arc<Scheduler>,
    /// Where modules are compiled. That has no slices, so it would keep a
    /// thread of the device from the kernels of all tenants.
    pub(crate) compiler: Arc<Scheduler>,
    pub(crate) janitor: Arc<Janitor>,
    pub(crate) timer: Arc<Timer>,
    /// Where the device is in processes of its own; the scheduler has no threads then.
    pub(crate) workers: Option<Workers>,
}

impl Drop for Shared {
    /// The threads end by themselves: one of them may be the one that drops this.
    fn drop(&mut self) {
        self.scheduler.shut_down();
        self.compiler.shut_down();
        self.janitor.shut_down();
        self.timer.shut_down();
        if let Some(workers) = &self.workers {
            workers.shut_down();
        }
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

    /// The host's processor as a device, with a process for each tenant that uses it:
    /// nothing that goes wrong in one tenant's kernels is in another's address space,
    /// or in the host's. The operating system gives the processes equal time; shares
    /// are kept by holding back the work of whoever is ahead.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no threads.
    pub fn isolated(config: CpuConfig, workers: WorkerConfig) -> Result<Device, Error> {
        let threads = description::threads(&config);
        let description = description::cpu(&config);
        let backend = wire::Backend::Cpu {
            threads: u32::try_from(threads.get()).unwrap_or(u32::MAX),
            checks: config.checks,
        };
        Device::remote(config, description, Workers::new(workers, backend))
    }

    /// An NVIDIA device, by its number among those that the driver shows, with a
    /// process for each tenant that uses it. The driver is loaded there, never here.
    ///
    /// # Errors
    /// [`NoNvidia`] says why it can't be had.
    pub fn cuda(
        ordinal: u32,
        config: CpuConfig,
        workers: WorkerConfig,
    ) -> Result<Device, NoNvidia> {
        let found = crate::remote::probe(&workers)?;
        let count = found.len();
        let description = found.into_iter().nth(ordinal as usize);
        let mut description = description.ok_or(NoNvidia::NoSuchDevice { ordinal, count })?;
        if let Some(most) = config.memory_bytes {
            description.memory_bytes = description.memory_bytes.min(most);
        }
        let backend = wire::Backend::Cuda { ordinal };
        let workers = Workers::new(workers, backend);
        Ok(Device::remote(config, description, workers)?)
    }

    fn remote(
        config: CpuConfig,
        description: Description,
        workers: Workers,
    ) -> Result<Device, Error> {
        let threads = description::threads(&config);
        let compilers =
            NonZeroUsize::new(threads.get() / 4).map_or(COMPILERS, |n| n.max(COMPILERS));
        let timer = Timer::new(Box::new(SystemClock));
        let device = Device::idle(config, description, timer, Some(workers));
        cpu::start("device-compiler", compilers, &device.shared.compiler)?;
        device.shared.timer.start()?;
        Ok(device)
    }

    /// A device on which nothing happens by itself.
    pub(crate) fn without_threads(config: CpuConfig, timer: Timer) -> Device {
        let description = description::cpu(&config);
        Device::idle(config, description, timer, None)
    }

    fn idle(
        config: CpuConfig,
        description: Description,
        timer: Timer,
        workers: Option<Workers>,
    ) -> Device {
        let shared = Shared {
            memory: Arc::new(Total::new(description.memory_bytes)),
            cache: Arc::new(Cache::new(config.cache_bytes)),
            engine: KernelEngine::new(config.kernel_folder),
            ptx: config.ptx,
            checks: config.checks,
            description,
            scheduler: Arc::new(Scheduler::new()),
            compiler: Arc::new(Scheduler::new()),
            janitor: Arc::default(),
            timer: Arc::new(timer),
            workers,
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

    /// How many worker processes serve it now: none on the host's own processor.
    pub fn workers(&self) -> usize {
        let workers = self.shared.workers.as_ref();
        workers.map_or(0, Workers::count)
    }

    /// Opens the session of a tenant that has a name, which its worker is known by in
    /// the log, and its compiled modules on the disk.
    pub fn session_of(&self, tenant: &str, limits: Limits) -> Session {
        Session::new(self, tenant, limits)
    }

    /// Opens a tenant's session. The tenant sees nothing of other sessions, of
    /// the same tenant or of another.
    pub fn session(&self, limits: Limits) -> Session {
        Session::new(self, "", limits)
    }
}

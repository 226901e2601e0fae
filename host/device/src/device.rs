//! A device of the host: what all tenants share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::account::DeviceMemory;
use crate::backend::Backend;
use crate::cache::ModuleCache;
use crate::channel::wire::WorkerDevice;
use crate::cpu::{CpuConfig, Processor, Scheduler, start_threads};
use crate::reclaimer::Reclaimer;
use crate::remote::{WorkerConfig, Workers, shared_bytes};
use crate::timer::{SystemClock, Timer};
use crate::{Description, Error};

/// Threads that compile modules, at least: with two, one tenant that compiles
/// without end leaves another thread to the others, since it gets no second one.
const COMPILERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// One device, for as long as the host runs. Clones are the same device.
#[derive(Clone, Debug)]
pub struct Device {
    pub(crate) shared: Arc<DeviceShared>,
}

/// What all tenants of a device share.
#[derive(Debug)]
pub(crate) struct DeviceShared {
    pub(crate) description: Description,
    pub(crate) ptx: tensor_wasm_ptx::Limits,
    pub(crate) memory: Arc<DeviceMemory>,
    pub(crate) cache: Arc<ModuleCache>,
    /// Where modules are checked and kernels compiled. That has no slices, so it would
    /// keep a thread of the device from the kernels of all tenants.
    pub(crate) compiler: Arc<Scheduler>,
    /// Where what takes long to drop is dropped.
    pub(crate) reclaimer: Arc<Reclaimer>,
    pub(crate) timer: Arc<Timer>,
    pub(crate) backend: Arc<dyn Backend>,
}

impl Drop for DeviceShared {
    /// The threads end by themselves: one of them may be the one that drops this.
    fn drop(&mut self) {
        self.backend.shut_down();
        self.compiler.shut_down();
        self.reclaimer.shut_down();
        self.timer.shut_down();
    }
}

impl Device {
    /// The host's processor as a device, with a pool of threads of its own.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no threads.
    pub fn cpu(config: CpuConfig) -> Result<Device, Error> {
        let threads = config.thread_count();
        let timer = Arc::new(Timer::new(Box::new(SystemClock)));
        let (device, processor) = Device::without_threads(config, timer);
        // Where one does not start, dropping the device ends those that did.
        processor.start(threads)?;
        device.start(threads)?;
        Ok(device)
    }

    /// The host's processor as a device, with a process for each tenant that uses it:
    /// nothing that goes wrong in one tenant's kernels is in another's address space,
    /// or in the host's. The operating system gives the processes equal time; shares
    /// are kept by holding back the work of a tenant that is ahead of its share.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no threads.
    pub fn isolated(config: CpuConfig, workers: WorkerConfig) -> Result<Device, Error> {
        let threads = config.thread_count();
        let description = config.describe();
        let device = WorkerDevice::Cpu {
            threads: u32::try_from(threads.get()).unwrap_or(u32::MAX),
            checks: config.checks,
        };
        Device::in_workers(config, description, workers, device)
    }

    pub(crate) fn in_workers(
        config: CpuConfig,
        description: Description,
        workers: WorkerConfig,
        device: WorkerDevice,
    ) -> Result<Device, Error> {
        let (device, _) = Device::with_workers(config, description, workers, device)?;
        Ok(device)
    }

    /// The same, and its workers.
    pub(crate) fn with_workers(
        config: CpuConfig,
        description: Description,
        workers: WorkerConfig,
        device: WorkerDevice,
    ) -> Result<(Device, Workers), Error> {
        let threads = config.thread_count();
        let timer = Arc::new(Timer::new(Box::new(SystemClock)));
        let memory_bytes = match (&device, config.memory_bytes) {
            (WorkerDevice::Cuda(_), None) => {
                shared_bytes(description.memory_bytes, workers.workers)
            }
            // What whoever embeds this has set for tenants is theirs.
            _ => description.memory_bytes,
        };
        let memory = Arc::new(DeviceMemory::new(memory_bytes));
        let workers = Workers::new(workers, device, &memory, &timer);
        let backend = Arc::new(workers.clone());
        let (compiler, reclaimer) = (Arc::new(Scheduler::new()), Arc::default());
        let device = Device::new(
            config,
            description,
            memory,
            timer,
            backend,
            compiler,
            reclaimer,
        );
        device.start(threads)?;
        Ok((device, workers))
    }

    /// The processor as a device on which nothing happens by itself.
    pub(crate) fn without_threads(
        config: CpuConfig,
        timer: Arc<Timer>,
    ) -> (Device, Arc<Processor>) {
        let description = config.describe();
        let memory = Arc::new(DeviceMemory::new(description.memory_bytes));
        let (compiler, reclaimer) = (Arc::new(Scheduler::new()), Arc::default());
        let processor = Processor::new(&config, &memory, &compiler, &reclaimer);
        let processor = Arc::new(processor);
        let backend = Arc::clone(&processor);
        let device = Device::new(
            config,
            description,
            memory,
            timer,
            backend,
            compiler,
            reclaimer,
        );
        (device, processor)
    }

    fn new(
        config: CpuConfig,
        description: Description,
        memory: Arc<DeviceMemory>,
        timer: Arc<Timer>,
        backend: Arc<dyn Backend>,
        compiler: Arc<Scheduler>,
        reclaimer: Arc<Reclaimer>,
    ) -> Device {
        let shared = DeviceShared {
            description,
            ptx: config.ptx,
            memory,
            cache: Arc::new(ModuleCache::new(config.cache_bytes)),
            compiler,
            reclaimer,
            timer,
            backend,
        };
        Device {
            shared: Arc::new(shared),
        }
    }

    /// Starts the threads that every device has. Kernels run on as many as `threads` says.
    fn start(&self, threads: NonZeroUsize) -> Result<(), Error> {
        let compilers =
            NonZeroUsize::new(threads.get() / 4).map_or(COMPILERS, |n| n.max(COMPILERS));
        start_threads("device-compiler", compilers, &self.shared.compiler)?;
        self.shared.reclaimer.start()?;
        self.shared.timer.start()
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
        self.shared.backend.workers()
    }

    /// Whether tenants can use it now, as far as is known: where processes serve it, the last one
    /// that was to be started could be, or that is some seconds ago.
    pub fn is_available(&self) -> bool {
        self.shared.backend.is_available()
    }
}

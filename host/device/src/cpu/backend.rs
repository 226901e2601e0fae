//! The processor's side of the seam: what a device, a session, a lease and a queue are where kernels
//! run on threads of this process.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use tensor_wasm_ptx::VariableSpace;

use super::compiled::{self, CompileJob, KernelEngine, Known, WaitingLaunch};
use super::grid::{Execution, Grid, GridContext};
use super::queue_state::Entry;
use super::{CpuConfig, Scheduler, start_threads};
use crate::account::{DeviceMemory, Reservation};
use crate::backend::{
    Allocated, Backend, BoxFuture, LeaseBackend, QueueBackend, QueueGuard, SessionBackend,
};
use crate::buffer::Allocation;
use crate::identity::{FailureId, LeaseId, QueueId, SessionId};
use crate::memory::{AddressMap, Storage};
use crate::memory_meter::MemoryMeter;
use crate::module::LoadedModule;
use crate::reclaimer::{Reclaimer, Retired};
use crate::staging::Staging;
use crate::submission::Submission;
use crate::tenant::{BufferCharge, Tenant};
use crate::{Error, Output};

/// The processor as a device.
#[derive(Debug)]
pub(crate) struct Processor {
    shared: Arc<ProcessorShared>,
}

#[derive(Debug)]
struct ProcessorShared {
    scheduler: Arc<Scheduler>,
    /// Where kernels are compiled.
    compiler: Arc<Scheduler>,
    reclaimer: Arc<Reclaimer>,
    memory: Arc<DeviceMemory>,
    engine: Arc<KernelEngine>,
    /// Whether kernels are checked as they run, and so interpreted.
    checks: bool,
    /// How many threads run kernels, once they are started.
    threads: AtomicUsize,
}

impl ProcessorShared {
    fn threads(&self) -> usize {
        self.threads.load(Ordering::Relaxed)
    }
}

impl Processor {
    /// One that has no threads yet. It compiles kernels on those of `compiler`.
    pub(crate) fn new(
        config: &CpuConfig,
        memory: &Arc<DeviceMemory>,
        compiler: &Arc<Scheduler>,
        reclaimer: &Arc<Reclaimer>,
    ) -> Processor {
        let shared = ProcessorShared {
            scheduler: Arc::new(Scheduler::new()),
            compiler: Arc::clone(compiler),
            reclaimer: Arc::clone(reclaimer),
            memory: Arc::clone(memory),
            engine: KernelEngine::new(config.kernel_folder.clone(), config.cache_bytes),
            checks: config.checks,
            threads: AtomicUsize::new(1),
        };
        Processor {
            shared: Arc::new(shared),
        }
    }

    /// Starts the threads that run kernels.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no thread.
    pub(crate) fn start(&self, threads: NonZeroUsize) -> Result<(), Error> {
        self.shared.threads.store(threads.get(), Ordering::Relaxed);
        start_threads("device", threads, &self.shared.scheduler)
    }

    #[cfg(test)]
    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.shared.scheduler
    }

    /// Compiles a kernel on this thread, for nobody.
    #[cfg(test)]
    pub(crate) fn compile_now(&self, kernel: &crate::Kernel) {
        let entry = kernel.number() as usize;
        compiled::compile_now(kernel.module().parsed(), entry, &self.shared.engine);
    }
}

impl Backend for Processor {
    fn open_session(
        &self,
        tenant: &Arc<Tenant>,
        _: &str,
        compiler: SessionId,
    ) -> Arc<dyn SessionBackend> {
        let share = tenant.account.limits().share;
        Arc::new(ProcessorSession {
            processor: Arc::clone(&self.shared),
            id: self.shared.scheduler.add_session(share),
            compiler_id: compiler,
            tenant: Arc::clone(tenant),
            map: Arc::new(AddressMap::new(self.shared.checks)),
        })
    }

    fn workers(&self) -> usize {
        0
    }

    fn is_available(&self) -> bool {
        true
    }

    fn shut_down(&self) {
        self.shared.scheduler.shut_down();
    }
}

/// A tenant's session.
#[derive(Debug)]
struct ProcessorSession {
    processor: Arc<ProcessorShared>,
    id: SessionId,
    /// With the scheduler of the compiler.
    compiler_id: SessionId,
    tenant: Arc<Tenant>,
    map: Arc<AddressMap>,
}

impl Drop for ProcessorSession {
    fn drop(&mut self) {
        self.processor.scheduler.remove_session(self.id);
    }
}

impl SessionBackend for ProcessorSession {
    fn open_lease(
        self: Arc<Self>,
        memory: Option<MemoryMeter>,
    ) -> BoxFuture<'static, Result<Box<dyn LeaseBackend>, Error>> {
        Box::pin(async move {
            let id = self.processor.scheduler.add_lease();
            let compiler = &self.processor.compiler;
            let compiler_id = compiler.add_lease();
            let compilations = compiler.add_queue(self.compiler_id, compiler_id, Box::new(()));
            let lease = ProcessorLease {
                session: self,
                id,
                compiler_id,
                compilations,
                memory,
            };
            Ok(Box::new(lease) as Box<dyn LeaseBackend>)
        })
    }
}

impl ProcessorSession {
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    fn allocate(
        &self,
        bytes: u64,
        read_only: bool,
        meter: Option<&MemoryMeter>,
    ) -> Result<(u64, HostAllocation), Error> {
        let charge = self.tenant.charge_buffer(bytes, meter)?;
        let full = || Error::OutOfMemory { bytes };
        let processor = &self.processor;
        let reservation = processor.reclaimer.reserve(&processor.memory, bytes);
        let reservation = reservation.ok_or_else(full)?;
        let (address, storage) = self.map.allocate(bytes, read_only).ok_or_else(full)?;
        let allocation = HostAllocation {
            map: Arc::clone(&self.map),
            reclaimer: Arc::clone(&processor.reclaimer),
            address,
            storage,
            _charge: charge,
            reservation: Some(reservation),
        };
        Ok((address, allocation))
    }
}

/// An instance's lease.
#[derive(Debug)]
struct ProcessorLease {
    session: Arc<ProcessorSession>,
    id: LeaseId,
    /// With the scheduler of the compiler.
    compiler_id: LeaseId,
    /// Where its kernels are compiled, one after another.
    compilations: QueueId,
    /// Meters what is allocated through it.
    memory: Option<MemoryMeter>,
}

impl Drop for ProcessorLease {
    fn drop(&mut self) {
        let processor = &self.session.processor;
        processor.scheduler.close(self.id);
        processor.compiler.close(self.compiler_id);
    }
}

impl LeaseBackend for ProcessorLease {
    fn is_lost(&self) -> bool {
        false
    }

    fn allocate(&self, bytes: u64) -> BoxFuture<'_, Result<Allocated, Error>> {
        let outcome = self.session.allocate(bytes, false, self.memory.as_ref());
        let outcome = outcome.map(|(address, allocation)| {
            let allocation: Box<dyn Allocation> = Box::new(allocation);
            (address, allocation)
        });
        Box::pin(std::future::ready(outcome))
    }

    fn load<'a>(
        &'a self,
        parsed: &'a Arc<tensor_wasm_ptx::Module>,
        _: &'a [u8],
        _: Option<blake3::Hash>,
    ) -> BoxFuture<'a, Result<Box<dyn LoadedModule>, Error>> {
        let outcome = ModuleVariables::new(parsed, self);
        let outcome = outcome.map(|variables| Box::new(variables) as Box<dyn LoadedModule>);
        Box::pin(std::future::ready(outcome))
    }

    fn create_queue(
        &self,
        guard: QueueGuard,
        output: Option<Arc<dyn Output>>,
    ) -> Result<Arc<dyn QueueBackend>, Error> {
        let session = &self.session;
        let scheduler = &session.processor.scheduler;
        Ok(Arc::new(ProcessorQueue {
            processor: Arc::clone(&session.processor),
            session: session.id,
            compiler_id: session.compiler_id,
            compilations: self.compilations,
            id: scheduler.add_queue(session.id, self.id, guard),
            context: GridContext {
                map: Arc::clone(&session.map),
                output,
                time_limit: session.tenant.account.limits().kernel_time,
                threads: session.processor.threads(),
            },
        }))
    }
}

/// One queue.
struct ProcessorQueue {
    processor: Arc<ProcessorShared>,
    session: SessionId,
    /// The session with the scheduler of the compiler.
    compiler_id: SessionId,
    /// The queue of that scheduler where kernels are compiled.
    compilations: QueueId,
    id: QueueId,
    context: GridContext,
}

impl std::fmt::Debug for ProcessorQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProcessorQueue")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl QueueBackend for ProcessorQueue {
    fn staging(&self) -> &Staging {
        &Staging::Heap
    }

    fn executes_products(&self) -> bool {
        true
    }

    fn push(&self, submission: Submission) -> Result<(), Error> {
        let entry = Entry::new(submission, &self.context)?;
        if let Some(grid) = entry.launch() {
            self.prepare(grid)?;
        }
        self.processor.scheduler.push(self.id, entry)
    }

    fn acknowledge(&self, failure: FailureId) {
        self.processor.scheduler.acknowledge(self.id, failure);
    }

    fn retire(&self) {
        self.processor.scheduler.retire(self.id);
    }
}

impl ProcessorQueue {
    /// Finds out how a launch runs, or has its kernel compiled, and then its queue told.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the lease has ended.
    fn prepare(&self, grid: &Grid) -> Result<(), Error> {
        let execution = grid.execution();
        let kernel = grid.kernel();
        let module = kernel.module().parsed();
        let slot = compiled::slot(module, kernel.number() as usize);
        let Some(slot) = slot.filter(|_| !execution.is_known()) else {
            execution.set(None);
            return Ok(());
        };
        let waiting = || -> Box<dyn WaitingLaunch> {
            Box::new(PendingLaunch {
                execution: Arc::downgrade(execution),
                processor: Arc::clone(&self.processor),
                queue: self.id,
            })
        };
        if let Some(known) = slot.known_or_wait(waiting) {
            execution.set(known);
            return Ok(());
        }
        let job = CompileJob {
            module: Arc::clone(module),
            kernel: kernel.name().to_owned(),
            engine: Arc::clone(&self.processor.engine),
            session: self.compiler_id,
        };
        let (processor, session) = (Arc::clone(&self.processor), self.session);
        let task = move || {
            let began = Instant::now();
            if slot.compile(&job) {
                // So that who compiles much has less of the device afterwards.
                processor.scheduler.charge(session, began.elapsed());
            }
        };
        let compiler = &self.processor.compiler;
        compiler.push_task(self.compilations, Box::new(task))
    }
}

/// A queue's launch whose kernel is compiled. What the launch holds is not held here.
struct PendingLaunch {
    execution: Weak<Execution>,
    processor: Arc<ProcessorShared>,
    queue: QueueId,
}

impl WaitingLaunch for PendingLaunch {
    fn is_waiting(&self) -> bool {
        self.execution.strong_count() > 0
    }

    fn proceed(self: Box<Self>, known: Known) {
        if let Some(execution) = self.execution.upgrade() {
            execution.set(known);
        }
        self.processor.scheduler.reconsider(self.queue);
    }
}

/// What takes long enough to unmap that the caller's thread should not do it, in bytes.
const LARGE: u64 = 1 << 20;

/// Memory of this process.
#[derive(Debug)]
struct HostAllocation {
    map: Arc<AddressMap>,
    reclaimer: Arc<Reclaimer>,
    address: u64,
    storage: Arc<Storage>,
    _charge: BufferCharge,
    /// Until the memory is unmapped.
    reservation: Option<Reservation>,
}

impl Allocation for HostAllocation {
    fn storage(&self) -> Option<&Arc<Storage>> {
        Some(&self.storage)
    }
}

impl Drop for HostAllocation {
    fn drop(&mut self) {
        self.map.remove(self.address);
        if self.storage.size() >= LARGE
            && let Some(reservation) = self.reservation.take()
        {
            let storage = Arc::clone(&self.storage);
            self.reclaimer.retire(Retired::new(storage, reservation));
        }
    }
}

/// The memory of a module's variables.
#[derive(Debug)]
struct ModuleVariables {
    /// In the module's order.
    symbols: Arc<[u64]>,
    _allocations: Vec<HostAllocation>,
}

impl ModuleVariables {
    /// Gives a module's variables their memory and their first values.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    fn new(
        parsed: &tensor_wasm_ptx::Module,
        lease: &ProcessorLease,
    ) -> Result<ModuleVariables, Error> {
        let (mut symbols, mut allocations) = (Vec::new(), Vec::new());
        for global in parsed.globals() {
            let read_only = global.space() == VariableSpace::Const;
            let meter = lease.memory.as_ref();
            let allocated = lease.session.allocate(global.bytes(), read_only, meter);
            let (address, allocation) = allocated?;
            symbols.push(address);
            allocations.push(allocation);
        }
        for (global, HostAllocation { storage, .. }) in parsed.globals().iter().zip(&allocations) {
            storage.write(0, &global.initial(&symbols));
            // What the text does not name is zeros, which is a value too.
            storage.note(0, storage.size(), true);
        }
        Ok(ModuleVariables {
            symbols: symbols.into(),
            _allocations: allocations,
        })
    }
}

impl LoadedModule for ModuleVariables {
    fn symbols(&self) -> Arc<[u64]> {
        Arc::clone(&self.symbols)
    }
}

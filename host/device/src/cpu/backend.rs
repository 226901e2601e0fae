//! The processor's side of the seam: what a device, a session, a lease and a queue are where kernels
//! run on threads of this process.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tensor_wasm_ptx::VariableSpace;

use super::compiled::{self, KernelEngine};
use super::grid::GridContext;
use super::queue_state::Entry;
use super::{CpuConfig, Scheduler, start_threads};
use crate::account::{DeviceMemory, Reservation};
use crate::backend::{
    Allocated, Backend, BoxFuture, LeaseBackend, QueueBackend, QueueGuard, SessionBackend,
};
use crate::buffer::Allocation;
use crate::identity::{FailureId, LeaseId, QueueId, SessionId};
use crate::memory::{AddressMap, Storage};
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
    reclaimer: Arc<Reclaimer>,
    memory: Arc<DeviceMemory>,
    engine: Arc<KernelEngine>,
    /// Whether kernels are checked as they run, and so interpreted.
    checks: bool,
}

impl Processor {
    /// One that has no threads yet.
    pub(crate) fn new(config: &CpuConfig, memory: &Arc<DeviceMemory>) -> Processor {
        let shared = ProcessorShared {
            scheduler: Arc::new(Scheduler::new()),
            reclaimer: Arc::default(),
            memory: Arc::clone(memory),
            engine: KernelEngine::new(config.kernel_folder.clone()),
            checks: config.checks,
        };
        Processor {
            shared: Arc::new(shared),
        }
    }

    /// Starts the threads that run kernels and those that serve them.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no thread.
    pub(crate) fn start(&self, threads: NonZeroUsize) -> Result<(), Error> {
        start_threads("device", threads, &self.shared.scheduler)?;
        self.shared.reclaimer.start()
    }

    #[cfg(test)]
    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.shared.scheduler
    }
}

impl Backend for Processor {
    fn open_session(&self, tenant: &Arc<Tenant>, _: &str) -> Arc<dyn SessionBackend> {
        let share = tenant.account.limits().share;
        Arc::new(ProcessorSession {
            processor: Arc::clone(&self.shared),
            id: self.shared.scheduler.add_session(share),
            tenant: Arc::clone(tenant),
            map: Arc::new(AddressMap::new(self.shared.checks)),
        })
    }

    fn compile(&self, module: &Arc<tensor_wasm_ptx::Module>) -> u64 {
        match self.shared.checks {
            // Checked kernels are interpreted.
            true => 0,
            false => compiled::prepare(module, &self.shared.engine),
        }
    }

    fn workers(&self) -> usize {
        0
    }

    fn shut_down(&self) {
        self.shared.scheduler.shut_down();
        self.shared.reclaimer.shut_down();
    }
}

/// A tenant's session.
#[derive(Debug)]
struct ProcessorSession {
    processor: Arc<ProcessorShared>,
    id: SessionId,
    tenant: Arc<Tenant>,
    map: Arc<AddressMap>,
}

impl Drop for ProcessorSession {
    fn drop(&mut self) {
        self.processor.scheduler.remove_session(self.id);
    }
}

impl SessionBackend for ProcessorSession {
    fn open_lease(self: Arc<Self>) -> BoxFuture<'static, Result<Box<dyn LeaseBackend>, Error>> {
        Box::pin(async move {
            let id = self.processor.scheduler.add_lease();
            let lease = ProcessorLease { session: self, id };
            Ok(Box::new(lease) as Box<dyn LeaseBackend>)
        })
    }
}

impl ProcessorSession {
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    fn allocate(&self, bytes: u64, read_only: bool) -> Result<(u64, HostAllocation), Error> {
        let charge = self.tenant.charge_buffer(bytes)?;
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
}

impl Drop for ProcessorLease {
    fn drop(&mut self) {
        self.session.processor.scheduler.close(self.id);
    }
}

impl LeaseBackend for ProcessorLease {
    fn is_lost(&self) -> bool {
        false
    }

    fn allocate(&self, bytes: u64) -> BoxFuture<'_, Result<Allocated, Error>> {
        let outcome = self.session.allocate(bytes, false);
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
        let outcome = ModuleVariables::new(parsed, &self.session);
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
            scheduler: Arc::clone(scheduler),
            id: scheduler.add_queue(session.id, self.id, guard),
            context: GridContext {
                map: Arc::clone(&session.map),
                output,
                time_limit: session.tenant.account.limits().kernel_time,
            },
        }))
    }
}

/// One queue.
struct ProcessorQueue {
    scheduler: Arc<Scheduler>,
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

    fn push(&self, submission: Submission) -> Result<(), Error> {
        let entry = Entry::new(submission, &self.context)?;
        self.scheduler.push(self.id, entry)
    }

    fn acknowledge(&self, failure: FailureId) {
        self.scheduler.acknowledge(self.id, failure);
    }

    fn retire(&self) {
        self.scheduler.retire(self.id);
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
    fn storage(&self) -> Option<&Storage> {
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
    symbols: Vec<u64>,
    _allocations: Vec<HostAllocation>,
}

impl ModuleVariables {
    /// Gives a module's variables their memory and their first values.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    fn new(
        parsed: &tensor_wasm_ptx::Module,
        session: &ProcessorSession,
    ) -> Result<ModuleVariables, Error> {
        let (mut symbols, mut allocations) = (Vec::new(), Vec::new());
        for global in parsed.globals() {
            let read_only = global.space() == VariableSpace::Const;
            let (address, allocation) = session.allocate(global.bytes(), read_only)?;
            symbols.push(address);
            allocations.push(allocation);
        }
        for (global, HostAllocation { storage, .. }) in parsed.globals().iter().zip(&allocations) {
            storage.write(0, &global.initial(&symbols));
            // What the text does not name is zeros, which is a value too.
            storage.note(0, storage.size(), true);
        }
        Ok(ModuleVariables {
            symbols,
            _allocations: allocations,
        })
    }
}

impl LoadedModule for ModuleVariables {
    fn symbols(&self) -> &[u64] {
        &self.symbols
    }
}

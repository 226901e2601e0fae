//! The workers' side of the seam: what a device, a session, a lease and a queue are where
//! kernels run in worker processes. Arguments and ranges are checked before they come here.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, Weak};

use super::pool::{Slot, Workers};
use super::queue_state::Entry;
use super::worker::RemoteModule;
use super::worker::{Holding, Worker};
use crate::account::Reservation;
use crate::backend::{
    Allocated, Backend, BoxFuture, LeaseBackend, QueueBackend, QueueGuard, SessionBackend,
};
use crate::buffer::Allocation;
use crate::channel::wire::{self, KernelNumber, Never, Span, Wire, WorkerDevice};
use crate::command::{Command, Translate};
use crate::identity::{BufferId, FailureId, ModuleId, QueueId, SessionId, WorkerId};
use crate::launch::PackedArguments;
use crate::memory_meter::MemoryMeter;
use crate::meter::LaunchCharge;
use crate::module::LoadedModule;
use crate::staging::{StagedBytes, Staging};
use crate::submission::{EventSignal, Handles, ReadDestination, Reply, Submission};
use crate::sync::lock;
use crate::tenant::Tenant;
use crate::{Buffer, Error, Kernel, Output};

impl Backend for Workers {
    fn open_session(
        &self,
        tenant: &Arc<Tenant>,
        name: &str,
        _: SessionId,
    ) -> Arc<dyn SessionBackend> {
        Arc::new(WorkerSession {
            workers: self.clone(),
            tenant: Arc::clone(tenant),
            name: name.to_owned(),
            slot: tokio::sync::Mutex::default(),
        })
    }

    fn workers(&self) -> usize {
        self.count()
    }

    fn is_available(&self) -> bool {
        self.can_start()
    }

    fn shut_down(&self) {
        self.stop_all();
    }
}

/// A tenant's session.
#[derive(Debug)]
struct WorkerSession {
    workers: Workers,
    tenant: Arc<Tenant>,
    /// The tenant's, which may be empty.
    name: String,
    slot: tokio::sync::Mutex<Slot>,
}

impl SessionBackend for WorkerSession {
    fn open_lease(
        self: Arc<Self>,
        memory: Option<MemoryMeter>,
    ) -> BoxFuture<'static, Result<Box<dyn LeaseBackend>, Error>> {
        Box::pin(async move {
            let limits = self.tenant.account.limits();
            let worker = self.workers.get(&self.slot, &self.name, limits).await?;
            let lease = WorkerLease {
                session: self,
                worker,
                queues: Mutex::default(),
                memory,
            };
            Ok(Box::new(lease) as Box<dyn LeaseBackend>)
        })
    }
}

/// An instance's lease: one use of the tenant's worker.
#[derive(Debug)]
struct WorkerLease {
    session: Arc<WorkerSession>,
    worker: Arc<Worker>,
    queues: Mutex<Vec<QueueId>>,
    /// Meters what is allocated through it.
    memory: Option<MemoryMeter>,
}

impl Drop for WorkerLease {
    fn drop(&mut self) {
        for queue in lock(&self.queues).drain(..) {
            self.worker.close(queue);
        }
        self.worker.leave();
    }
}

impl LeaseBackend for WorkerLease {
    fn is_lost(&self) -> bool {
        self.worker.is_lost()
    }

    fn allocate(&self, bytes: u64) -> BoxFuture<'_, Result<Allocated, Error>> {
        Box::pin(async move {
            let (number, address) = loop {
                let charge = self
                    .session
                    .tenant
                    .charge_buffer(bytes, self.memory.as_ref())?;
                let reservation = self.session.workers.reserve(bytes).await?;
                let holding = Holding::new(vec![charge], reservation);
                let allocated = self.worker.allocate(bytes, holding).await;
                let full = matches!(allocated, Err(Error::OutOfMemory { .. }));
                match self.session.workers.dying() {
                    // What that one had is free when it is gone.
                    Some(dying) if full => dying.gone().await,
                    _ => break allocated?,
                }
            };
            let allocation = WorkerAllocation {
                worker: Arc::clone(&self.worker),
                number,
            };
            Ok((address, Box::new(allocation) as Box<dyn Allocation>))
        })
    }

    fn load<'a>(
        &'a self,
        parsed: &'a Arc<tensor_wasm_ptx::Module>,
        text: &'a [u8],
        hash: Option<blake3::Hash>,
    ) -> BoxFuture<'a, Result<Box<dyn LoadedModule>, Error>> {
        Box::pin(async move {
            let (tenant, workers) = (&self.session.tenant, &self.session.workers);
            let hash = hash.unwrap_or_else(|| blake3::hash(text));
            let text: Cow<'_, [u8]> = match workers.device() {
                // The author's own text, so that its lines are named.
                WorkerDevice::Cpu { .. } => text.into(),
                // What our parser understood, printed anew, so that the driver's own parser
                // reads nothing else, with each rounding said, so that its compiler computes
                // what we do.
                WorkerDevice::Cuda(_) => format!("{parsed:#}").into_bytes().into(),
            };
            let (loaded, charges, reservation) = loop {
                let mut charges = Vec::new();
                let mut bytes: u64 = 0;
                for global in parsed.globals() {
                    charges.push(tenant.charge_buffer(global.bytes(), self.memory.as_ref())?);
                    bytes = bytes.saturating_add(global.bytes());
                }
                let reservation = workers.reserve(bytes).await?;
                let loaded = self.worker.load(parsed, &text, hash).await;
                let full = matches!(loaded, Err(Error::OutOfMemory { .. }));
                match workers.dying() {
                    // What that one had is free when it is gone.
                    Some(dying) if full => dying.gone().await,
                    _ => break (loaded?, charges, reservation),
                }
            };
            Ok(Box::new(WorkerModule {
                worker: self.worker.id(),
                loaded,
                variables: Some(Holding::new(charges, reservation)),
            }) as Box<dyn LoadedModule>)
        })
    }

    /// What kernels in a worker print is logged.
    fn create_queue(
        &self,
        guard: QueueGuard,
        _: Option<Arc<dyn Output>>,
    ) -> Result<Arc<dyn QueueBackend>, Error> {
        let number = self.worker.open_queue(guard)?;
        lock(&self.queues).push(number);
        Ok(Arc::new(WorkerQueue {
            workers: self.session.workers.clone(),
            bounce: Mutex::default(),
            staging: Staging::Shared(Arc::clone(&self.worker.staging)),
            worker: Arc::clone(&self.worker),
            number,
        }))
    }
}

/// Memory in a worker, which holds the charges too: they end with it, even where handles are left.
#[derive(Debug)]
struct WorkerAllocation {
    worker: Arc<Worker>,
    number: BufferId,
}

impl Allocation for WorkerAllocation {
    fn in_worker(&self) -> Option<(WorkerId, BufferId)> {
        Some((self.worker.id(), self.number))
    }

    fn is_lost(&self) -> bool {
        self.worker.is_lost()
    }
}

impl Drop for WorkerAllocation {
    fn drop(&mut self) {
        self.worker.free(self.number);
    }
}

/// A module in a worker, which gave its variables their memory.
#[derive(Debug)]
struct WorkerModule {
    worker: WorkerId,
    loaded: Arc<RemoteModule>,
    variables: Option<Holding>,
}

impl Drop for WorkerModule {
    fn drop(&mut self) {
        if let Some(variables) = self.variables.take() {
            self.loaded.release(variables);
        }
    }
}

impl LoadedModule for WorkerModule {
    fn in_worker(&self) -> Option<(WorkerId, ModuleId)> {
        Some((self.worker, self.loaded.id))
    }

    fn max_threads(&self, entry: usize) -> Option<u32> {
        self.loaded.max_threads.get(entry).copied()
    }
}

/// One queue.
#[derive(Debug)]
struct WorkerQueue {
    workers: Workers,
    worker: Arc<Worker>,
    /// Memory of the device for copies whose ranges overlap, while there are any in the queue.
    bounce: Mutex<Weak<Reservation>>,
    number: QueueId,
    staging: Staging,
}

impl WorkerQueue {
    /// Reserves what a command needs of the device's memory while the worker executes it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where the device is full.
    fn reserve_bounce(
        &self,
        command: &Command<Handles>,
    ) -> Result<Option<Arc<Reservation>>, Error> {
        let (
            WorkerDevice::Cuda(_),
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            },
        ) = (self.workers.device(), command)
        else {
            return Ok(None);
        };
        let distance = source_offset.abs_diff(*target_offset);
        if !source.is(target) || !wire::goes_by_bounce(distance, *bytes) {
            return Ok(None);
        }
        // One after the other has it.
        let mut bounce = lock(&self.bounce);
        if let Some(reserved) = bounce.upgrade() {
            return Ok(Some(reserved));
        }
        let reserved = Arc::new(self.workers.reserve_at_once(wire::BOUNCE_BYTES)?);
        *bounce = Arc::downgrade(&reserved);
        Ok(Some(reserved))
    }
}

impl QueueBackend for WorkerQueue {
    fn staging(&self) -> &Staging {
        &self.staging
    }

    fn executes_products(&self) -> bool {
        match self.workers.device() {
            WorkerDevice::Cpu { .. } => true,
            WorkerDevice::Cuda(_) => false,
        }
    }

    fn push(&self, submission: Submission) -> Result<(), Error> {
        let Submission { command, permit } = submission;
        let encoded = match &command {
            // The host answers it itself, once the worker has answered what is before it.
            Command::Fence(_) => Vec::new(),
            command => encode(command, self.worker.id())?,
        };
        let entry = Entry {
            _bounce: self.reserve_bounce(&command)?,
            command,
            encoded,
            permit,
        };
        self.worker.push(self.number, entry)
    }

    fn spin(&self, ready: &mut dyn FnMut() -> bool) {
        self.worker.look_for_answers(ready);
    }

    fn acknowledge(&self, failure: FailureId) {
        self.worker.acknowledge(self.number, failure);
    }

    fn retire(&self) {
        // Where the lease has ended, the queue was closed, and this does no more.
        self.worker.retire(self.number);
    }
}

/// A command as the worker reads it.
///
/// # Errors
/// [`Error::DeviceLost`] where it names what is not in this worker.
fn encode(command: &Command<Handles>, worker: WorkerId) -> Result<Vec<u8>, Error> {
    let command = command.translate(&mut Numbers { worker })?;
    let mut bytes = Vec::new();
    wire::encode(&command, &mut bytes)
        .map_err(|error| Error::InvalidLaunch(format!("it can't be sent: {error}")))?;
    Ok(bytes)
}

/// Names resources by their numbers in a worker.
struct Numbers {
    worker: WorkerId,
}

impl Numbers {
    fn span(&self, bytes: &StagedBytes) -> Result<Span, Error> {
        match bytes {
            StagedBytes::Shared(slice) => Ok(slice.span()),
            StagedBytes::Heap(_) => Err(Error::DeviceLost(
                "the data is not in the memory that is shared with the device's worker".to_owned(),
            )),
        }
    }
}

impl<'a> Translate<'a, Handles, Wire<'a>> for Numbers {
    type Error = Error;

    fn buffer(&mut self, buffer: &'a Buffer) -> Result<BufferId, Error> {
        buffer.number_in(self.worker)
    }

    fn kernel(&mut self, kernel: &'a Kernel) -> Result<KernelNumber, Error> {
        Ok(KernelNumber {
            module: kernel.module().number_in(self.worker)?,
            entry: kernel.number(),
        })
    }

    fn arguments(&mut self, arguments: &'a PackedArguments) -> Result<&'a [u8], Error> {
        for buffer in &arguments.buffers {
            buffer.number_in(self.worker)?;
        }
        Ok(&arguments.bytes)
    }

    fn charge(&mut self, _: &'a Option<LaunchCharge>) -> Result<(), Error> {
        Ok(())
    }

    fn source(&mut self, data: &'a StagedBytes) -> Result<Span, Error> {
        self.span(data)
    }

    fn destination(&mut self, into: &'a ReadDestination) -> Result<Span, Error> {
        self.span(&into.bytes)
    }

    fn event(&mut self, _: &'a EventSignal) -> Result<(), Error> {
        Ok(())
    }

    fn fence(&mut self, _: &'a Reply<()>) -> Result<Never, Error> {
        Err(Error::DeviceLost(
            "a fence is not for the device's worker".to_owned(),
        ))
    }
}

//! A worker on an NVIDIA device.
//!
//! One thread takes requests and submits them to the driver, which executes them on
//! streams; for each queue a thread waits for what was submitted, in order, and
//! answers the host. Memory is allocated and freed, and modules are unloaded, by a thread
//! of its own, and each module is compiled by one: neither holds up the queues. For that the
//! first thread makes no call that waits for the device, where that has memory pools and pinned memory,
//! and holds no lock while it calls.

mod cache;
mod clock;
mod copy;
mod driver;
mod errors;
mod failure;
mod memory;
mod module;
mod probe;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::Executor;
use super::lost::{Lost, NotStarted};
use super::outbox::Outbox;
use crate::channel::SharedMemory;
use crate::channel::wire::{BOUNCE_BYTES, CudaDevice, EntryShape, Span, Start, Wire, WireError};
use crate::command::Command;
use crate::identity::{BufferId, ModuleId, QueueId, SequenceNumber};

use cache::Cache;
use clock::Clock;
use driver::{Context, Device, Refusal};
use failure::{Failed, Faults};
use memory::Memory;
use module::Modules;
use queue::{CommandPlace, Pending, Queue, Timing};

pub use probe::{Probed, ProbedDevice, probe};

/// The oldest driver that the worker's calls are in: that of CUDA 12.0, by which
/// cudarc's declarations go.
pub(crate) const OLDEST_DRIVER: i32 = 12_000;

/// Loads the driver's library.
///
/// # Errors
/// Where there is none.
pub(super) fn load_driver() -> Result<(), Lost> {
    if driver::load() {
        Ok(())
    } else {
        Err(Lost(NO_DRIVER.to_owned()))
    }
}

pub(crate) const NO_DRIVER: &str =
    "there is no NVIDIA driver on this machine: no libcuda.so.1 can be loaded";

/// Initialises the driver; its version.
fn init() -> Result<i32, Lost> {
    let lost = |error: Refusal| Lost(format!("the NVIDIA driver can't be used: {error}"));
    // Asked first: it is the one call that older drivers answer without a device.
    let version = driver::version().map_err(lost)?;
    if version < OLDEST_DRIVER {
        return Err(Lost(format!(
            "the NVIDIA driver is too old: it is for CUDA {}, and {} or newer is needed",
            said(version),
            said(OLDEST_DRIVER)
        )));
    }
    driver::init().map_err(lost)?;
    Ok(version)
}

/// A version as people write it.
fn said(version: i32) -> String {
    format!("{}.{}", version / 1000, version % 1000 / 10)
}

pub(super) struct Cuda {
    context: Context,
    memory: Memory,
    modules: Modules,
    queues: HashMap<QueueId, Queue>,
    shared: Arc<SharedMemory>,
    /// Why the shared memory is not pinned, where it is not.
    unpinned: Option<String>,
    outbox: Outbox,
    clock: Arc<Mutex<Clock>>,
    faults: Arc<Faults>,
}

impl Cuda {
    pub(super) fn new(
        start: &Start,
        device: &CudaDevice,
        shared: &Arc<SharedMemory>,
        outbox: &Outbox,
    ) -> Result<Cuda, NotStarted> {
        let version = init()?;
        let uuid = device.uuid;
        let refused = |refusal| NotStarted::of(refusal, &format!("device {uuid} can't be used"));
        // The environment of a worker shows the driver no other.
        let device = Device::get(0).map_err(refused)?;
        let context = device.context().map_err(refused)?;
        context.enter().map_err(refused)?;
        let unpinned = pin(shared).map_err(refused)?;
        let clock = Clock::start().map_err(refused)?;
        let target = probe::target(device).map_err(refused)?;
        let build = cache::driver_build();
        let faults = Arc::new(Faults::new(outbox.clone()));
        Ok(Cuda {
            context,
            memory: Memory::start(device, context, outbox, &faults)?,
            modules: Modules::new(
                context,
                Cache::new(start.cache.clone(), target, version, build),
                outbox,
                &faults,
            ),
            queues: HashMap::new(),
            shared: Arc::clone(shared),
            unpinned,
            outbox: outbox.clone(),
            clock: Arc::new(Mutex::new(clock)),
            faults,
        })
    }

    /// Where a part of the area lies in this process.
    fn span(&self, span: Span) -> Option<(*mut u8, usize)> {
        let (offset, bytes) = (span.offset as usize, span.bytes as usize);
        self.shared
            .in_area(offset, bytes)
            .then(|| (self.shared.area_address().wrapping_add(offset), bytes))
    }

    /// Hands a command to the driver. Returns what is to be done when it has ended.
    fn submit(
        &mut self,
        queue: QueueId,
        place: &mut CommandPlace,
        command: Command<Wire<'_>>,
    ) -> Result<Pending, Failed> {
        let stream = place.stream;
        let no_buffer = || Failed::Host("there is no such buffer");
        let no_area = || Failed::Host("a transfer lies outside of the shared memory");
        match command {
            Command::Write {
                target,
                offset,
                data,
            } => {
                let (source, bytes) = self.span(data).ok_or_else(no_area)?;
                let target = self
                    .memory
                    .range(target, offset, data.bytes)
                    .ok_or_else(no_buffer)?;
                if bytes > 0 {
                    stream.write(target, source, bytes)?;
                }
                Ok(Pending::Transfer)
            }
            Command::Read {
                source,
                offset,
                into,
            } => {
                let (target, bytes) = self.span(into).ok_or_else(no_area)?;
                let source = self
                    .memory
                    .range(source, offset, into.bytes)
                    .ok_or_else(no_buffer)?;
                if bytes > 0 {
                    stream.read(target, source, bytes)?;
                }
                Ok(Pending::Transfer)
            }
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            } => {
                let from = self
                    .memory
                    .range(source, source_offset, bytes)
                    .ok_or_else(no_buffer)?;
                let to = self
                    .memory
                    .range(target, target_offset, bytes)
                    .ok_or_else(no_buffer)?;
                let pooled = self.memory.is_pooled();
                copy::copy(stream, pooled, to, from, bytes).map_err(|refusal| match refusal {
                    Refusal::OUT_OF_MEMORY => Failed::Call(WireError::OutOfMemory(BOUNCE_BYTES)),
                    refusal => refusal.into(),
                })
            }
            // The device does not tell what was written, and copies faster than that could be found out.
            Command::Refresh {
                source,
                copy,
                offset,
                bytes,
            } => {
                let from = self.memory.range(source, offset, bytes);
                let from = from.ok_or_else(no_buffer)?;
                let to = self.memory.range(copy, offset, bytes);
                let to = to.ok_or_else(no_buffer)?;
                let pooled = self.memory.is_pooled();
                Ok(copy::copy(stream, pooled, to, from, bytes)?)
            }
            Command::Fill {
                target,
                offset,
                bytes,
                value,
            } => {
                let to = self
                    .memory
                    .range(target, offset, bytes)
                    .ok_or_else(no_buffer)?;
                if bytes > 0 {
                    stream.fill(to, value, bytes as usize)?;
                }
                Ok(Pending::Transfer)
            }
            Command::Launch {
                kernel,
                config,
                arguments,
            } => {
                let launch = module::Launch {
                    kernel,
                    config,
                    arguments,
                };
                let begin = place.begin()?;
                self.modules.launch(queue, stream, &launch)?;
                Ok(Pending::Launch(begin))
            }
            // The host launches kernels instead.
            Command::Gemm { .. } => Err(Failed::Host("a product is not for CUDA")),
            Command::Event(()) => Ok(Pending::Event),
            Command::Fence(never) => match never {},
        }
    }
}

/// Pins the memory that is shared with the host, so that the device copies it by itself. Some devices
/// can't: in confidential computing, and in parts of Jetsons. Then the driver copies, which takes longer,
/// and holds up other queues. Returns why.
///
/// # Errors
/// Where the driver answers nothing any more.
fn pin(shared: &SharedMemory) -> driver::Outcome<Option<String>> {
    match driver::pin(shared.area_address(), shared.layout().area) {
        Ok(()) => Ok(None),
        Err(refusal) => {
            driver::check_context()?;
            Ok(Some(refusal.to_string()))
        }
    }
}

impl Executor for Cuda {
    fn allocate(&mut self, id: BufferId, bytes: u64) -> Result<(), Lost> {
        self.memory.allocate(id, bytes)
    }

    fn free(&mut self, id: BufferId) -> Result<(), Lost> {
        self.memory.free(id)
    }

    fn load(
        &mut self,
        id: ModuleId,
        text: Vec<u8>,
        entries: Vec<EntryShape<'_>>,
    ) -> Result<(), Lost> {
        self.modules.load(id, text, entries)
    }

    fn unload(&mut self, id: ModuleId) -> Result<(), Lost> {
        match self.modules.unload(id) {
            Some(module) => self.memory.retire(module),
            None => Ok(()),
        }
    }

    fn open_queue(&mut self, queue: QueueId) -> Result<(), Lost> {
        let opened = Queue::open(
            queue,
            self.context,
            self.outbox.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.faults),
        )?;
        self.queues.insert(queue, opened);
        Ok(())
    }

    fn close_queue(&mut self, queue: QueueId) -> Result<(), Lost> {
        // Its thread answers for what was submitted, and ends then.
        match self.queues.remove(&queue) {
            Some(mut queue) => queue.hand_over(),
            None => Ok(()),
        }
    }

    fn resume(&mut self, queue: QueueId) -> Result<(), Lost> {
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.resume();
        }
        Ok(())
    }

    fn execute(
        &mut self,
        queue: QueueId,
        number: SequenceNumber,
        command: Command<Wire<'_>>,
    ) -> Result<(), Lost> {
        let Some(open) = self.queues.get_mut(&queue) else {
            return Err(Lost("a command for a queue that is not open".to_owned()));
        };
        if open.is_failed() {
            open.skip(number);
            return Ok(());
        }
        let timing = match command {
            Command::Event(()) => Timing::End,
            Command::Launch { .. } => Timing::Whole,
            _ => Timing::None,
        };
        let submitted = open.place(timing).and_then(|mut place| {
            let pending = self.submit(queue, &mut place, command)?;
            Ok((place, pending))
        });
        let Some(open) = self.queues.get_mut(&queue) else {
            return Ok(());
        };
        match submitted {
            Ok((place, pending)) => open.wait_for(number, place, pending),
            Err(failed) => open.fail(number, failed),
        }
        Ok(())
    }

    fn poll(&mut self) {
        for queue in self.queues.values_mut() {
            queue.settle_what_has_ended();
        }
    }

    fn rest(&mut self) -> Result<(), Lost> {
        self.queues.values_mut().try_for_each(Queue::hand_over)
    }

    fn unpinned(&self) -> Option<String> {
        self.unpinned.clone()
    }
}

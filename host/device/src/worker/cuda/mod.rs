//! A worker on an NVIDIA device.
//!
//! One thread takes requests and submits them to the driver, which executes them on
//! streams; for each queue a thread waits for what was submitted, in order, and
//! answers the host. Memory is allocated and freed by a thread of its own, and each
//! module is compiled by one: neither holds up the queues.

mod cache;
mod clock;
mod driver;
mod failure;
mod memory;
mod module;
mod probe;
mod queue;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cudarc::driver::sys::CUresult;

use super::Executor;
use super::lost::Lost;
use super::outbox::Outbox;
use crate::channel::SharedMemory;
use crate::channel::wire::{CudaDevice, EntryShape, Span, Start, Wire, WireError};
use crate::command::Command;
use crate::identity::{BufferId, ModuleId, QueueId, SequenceNumber};

use cache::Cache;
use clock::Clock;
use driver::{Context, Device};
use failure::Faults;
use memory::Memory;
use module::Modules;
use queue::{Pending, Queue};

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
    let lost = |error: driver::Refusal| Lost(format!("the NVIDIA driver can't be used: {error}"));
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
    ) -> Result<Cuda, Lost> {
        let version = init()?;
        let lost = |error| Lost(format!("device {} can't be used: {error}", device.uuid));
        // The environment of a worker shows the driver no other.
        let device = Device::get(0).map_err(lost)?;
        let context = device.context().map_err(lost)?;
        context.enter().map_err(lost)?;
        let area = shared.layout().area;
        driver::pin(shared.area_address(), area)
            .map_err(|error| Lost(format!("the shared memory can't be pinned: {error}")))?;
        let clock = Clock::start().map_err(lost)?;
        let target = probe::target(device).map_err(lost)?;
        let faults = Arc::new(Faults::new(outbox.clone()));
        Ok(Cuda {
            context,
            memory: Memory::start(device, context, outbox, &faults)?,
            modules: Modules::new(
                context,
                Cache::new(start.cache.clone(), target, version),
                outbox,
                &faults,
            ),
            queues: HashMap::new(),
            shared: Arc::clone(shared),
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
        &self,
        queue: QueueId,
        open: &Queue,
        command: Command<Wire<'_>>,
    ) -> Result<Pending, failure::Failed> {
        let stream = open.stream();
        let no_buffer = || failure::Failed::Host("there is no such buffer");
        let no_area = || failure::Failed::Host("a transfer lies outside of the shared memory");
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
                open.bounce()
                    .copy(stream, to, from, bytes)
                    .map_err(|refusal| match refusal.0 {
                        CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                            failure::Failed::Call(WireError::OutOfMemory(bytes))
                        }
                        _ => failure::Failed::Driver(refusal),
                    })?;
                Ok(Pending::Transfer)
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
                let begin = open.before_launch()?;
                self.modules.launch(queue, stream, &launch)?;
                Ok(Pending::Launch(begin))
            }
            Command::Event(()) => Ok(Pending::Event),
            Command::Fence(never) => match never {},
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
        self.modules.unload(id);
        Ok(())
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
        // Its thread answers what was submitted, and ends then.
        self.queues.remove(&queue);
        Ok(())
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
        let Some(open) = self.queues.get(&queue) else {
            return Err(Lost("a command for a queue that is not open".to_owned()));
        };
        if open.is_failed() {
            return open.skip(number);
        }
        match self.submit(queue, open, command) {
            Ok(pending) => open.wait_for(number, pending),
            Err(failed) => match self.queues.get_mut(&queue) {
                Some(open) => open.fail(number, failed),
                None => Ok(()),
            },
        }
    }
}

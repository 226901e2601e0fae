//! A worker on the processor: one tenant's kernels in a process of their own. It
//! serves where a tenant is to be kept apart by more than the engine, and it is how
//! everything about workers is tested on machines without a GPU.
//!
//! Each queue has a thread that hands one command after another to a queue of the
//! processor's backend.

use std::collections::HashMap;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::Executor;
use super::lost::Lost;
use super::outbox::Outbox;
use crate::channel::SharedMemory;
use crate::channel::wire::{Answer, EntryShape, KernelNumber, Never, Span, Start, Wire, WireError};
use crate::command::{Command, Translate};
use crate::cpu::compiled::print_fallbacks;
use crate::failure_state::FailureState;
use crate::identity::{BufferId, ModuleId, QueueId, SequenceNumber};
use crate::launch::PackedArguments;
use crate::meter::{LaunchCharge, LaunchTimes, Meter};
use crate::spin_wait::{spin_then_await, spin_until};
use crate::staging::StagedBytes;
use crate::submission::{self, EventSignal, EventState, Handles, ReadDestination, Reply};
use crate::sync::lock;
use crate::{
    Buffer, CpuConfig, Device, Error, Kernel, Lease, Limits, Module, Output, Queue, Session,
};

pub(super) struct Cpu {
    session: Session,
    lease: Arc<Lease>,
    memory: Arc<SharedMemory>,
    outbox: Outbox,
    runtime: Runtime,
    buffers: HashMap<BufferId, Buffer>,
    modules: Arc<Mutex<HashMap<ModuleId, Module>>>,
    queues: HashMap<QueueId, OpenQueue>,
    started: Instant,
}

/// Writes what kernels print to standard output.
struct Printed;

impl Output for Printed {
    fn print(&self, text: &[u8]) {
        // A host that does not read any more ends this process.
        let _ = std::io::stdout().write_all(text);
    }
}

/// A queue's thread, as the thread that reads requests sees it.
struct OpenQueue {
    messages: mpsc::Sender<Message>,
    /// Dropping it stops what runs.
    lease: Option<Lease>,
    queue: Queue,
    closed: Arc<AtomicBool>,
    ran: Arc<Ran>,
}

/// How long kernels of a queue ran, in nanoseconds: of one command, since its thread executes one
/// after another.
#[derive(Debug, Default)]
struct Ran(AtomicU64);

impl Meter for Ran {
    fn launched(&self) {}

    fn ran(&self, launch: LaunchTimes) {
        let nanoseconds = u64::try_from(launch.device.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

/// A message to a queue's thread.
enum Message {
    Execute(SequenceNumber, Result<Prepared, Error>),
    Resume,
}

/// A command whose numbers were looked up.
struct Prepared {
    command: Command<Handles>,
    /// Where the bytes of a write or read lie on their way.
    staged: Option<Span>,
    result: CommandResult,
}

/// How the thread learns that a command is done.
enum CommandResult {
    /// By a fence behind it.
    Nothing,
    /// By its bytes, which go there.
    Bytes(submission::Answer<StagedBytes>),
    /// By its time.
    Event(watch::Receiver<EventState>),
}

impl Cpu {
    pub(super) fn new(
        start: &Start,
        config: CpuConfig,
        memory: &Arc<SharedMemory>,
        outbox: &Outbox,
    ) -> Result<Cpu, Lost> {
        let config = CpuConfig {
            // The host has counted already, and lets no more through.
            memory_bytes: Some(u64::MAX),
            ..config
        };
        // There is no log here.
        print_fallbacks(|line| Printed.print(format!("{line}\n").as_bytes()));
        let device = Device::cpu(config).map_err(|error| Lost(error.to_string()))?;
        let limits = Limits {
            memory_bytes: u64::MAX,
            host_bytes: u64::MAX,
            buffers: u32::MAX,
            modules: u32::MAX,
            queues: u32::MAX,
            events: u32::MAX,
            kernel_time: Duration::from_nanos(start.kernel_nanoseconds),
            share: NonZeroU32::MIN,
            ..Limits::default()
        };
        let session = device.session(limits);
        Ok(Cpu {
            lease: Arc::new(session.lease()),
            session,
            memory: Arc::clone(memory),
            outbox: outbox.clone(),
            runtime: runtime()?,
            buffers: HashMap::new(),
            modules: Arc::default(),
            queues: HashMap::new(),
            started: Instant::now(),
        })
    }

    /// Looks up what a command names.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where there is no such thing.
    fn prepare(&self, command: &Command<Wire<'_>>, ran: &Arc<Ran>) -> Result<Prepared, Error> {
        let mut names = Names {
            worker: self,
            ran,
            staged: None,
            result: CommandResult::Nothing,
        };
        let command = command.translate(&mut names)?;
        Ok(Prepared {
            command,
            staged: names.staged,
            result: names.result,
        })
    }
}

/// Names resources by the handles of this process.
struct Names<'w> {
    worker: &'w Cpu,
    ran: &'w Arc<Ran>,
    staged: Option<Span>,
    result: CommandResult,
}

impl<'a, 'b: 'a> Translate<'a, Wire<'b>, Handles> for Names<'_> {
    type Error = Error;

    fn buffer(&mut self, id: &'a BufferId) -> Result<Buffer, Error> {
        let buffer = self.worker.buffers.get(id).cloned();
        buffer.ok_or_else(|| unknown("there is no such buffer"))
    }

    fn kernel(&mut self, kernel: &'a KernelNumber) -> Result<Kernel, Error> {
        let modules = lock(&self.worker.modules);
        let module = modules.get(&kernel.module);
        let module = module.ok_or_else(|| unknown("there is no such module"))?;
        let entry = module.entry(kernel.entry);
        entry.ok_or_else(|| unknown("the module has no such entry"))
    }

    /// The host holds the buffers that they point to.
    fn arguments(&mut self, arguments: &'a &'b [u8]) -> Result<PackedArguments, Error> {
        Ok(PackedArguments {
            bytes: arguments.to_vec(),
            buffers: Vec::new(),
            charge: Some(self.launch_charge()),
        })
    }

    fn charge(&mut self, (): &'a ()) -> Result<Option<LaunchCharge>, Error> {
        Ok(Some(self.launch_charge()))
    }

    /// The queue's thread puts the bytes there, one command at a time.
    fn source(&mut self, from: &'a Span) -> Result<StagedBytes, Error> {
        self.staged = Some(*from);
        Ok(StagedBytes::Heap(Vec::new()))
    }

    fn destination(&mut self, into: &'a Span) -> Result<ReadDestination, Error> {
        self.staged = Some(*into);
        let (reply, answer) = Reply::channel();
        self.result = CommandResult::Bytes(answer);
        let bytes = StagedBytes::Heap(Vec::new());
        Ok(ReadDestination { bytes, reply })
    }

    fn event(&mut self, (): &'a ()) -> Result<EventSignal, Error> {
        let (signal, state) = EventSignal::channel();
        self.result = CommandResult::Event(state);
        Ok(signal)
    }

    fn fence(&mut self, never: &'a Never) -> Result<Reply<()>, Error> {
        match *never {}
    }
}

impl Names<'_> {
    /// What a command's time is charged to, so that its answer says it.
    fn launch_charge(&self) -> LaunchCharge {
        LaunchCharge::new(Arc::clone(self.ran) as Arc<dyn Meter>, 0)
    }
}

fn unknown(what: &str) -> Error {
    Error::InvalidLaunch(what.to_owned())
}

fn runtime() -> Result<Runtime, Lost> {
    Builder::new_current_thread()
        .build()
        .map_err(|error| Lost(format!("there is no executor: {error}")))
}

impl Executor for Cpu {
    fn allocate(&mut self, id: BufferId, bytes: u64) -> Result<(), Lost> {
        let allocated = self.runtime.block_on(self.lease.allocate(bytes));
        let outcome = allocated.map_err(WireError::from).map(|buffer| {
            let address = buffer.address();
            self.buffers.insert(id, buffer);
            address
        });
        self.outbox.send(&Answer::Allocated { id, outcome });
        Ok(())
    }

    fn free(&mut self, id: BufferId) -> Result<(), Lost> {
        self.buffers.remove(&id);
        Ok(())
    }

    fn load(&mut self, id: ModuleId, text: Vec<u8>, _: Vec<EntryShape<'_>>) -> Result<(), Lost> {
        let runtime = runtime()?;
        let (lease, modules) = (Arc::clone(&self.lease), Arc::clone(&self.modules));
        let outbox = self.outbox.clone();
        let spawned = std::thread::Builder::new().spawn(move || {
            let loaded = runtime.block_on(lease.load(text));
            let outcome = loaded.map_err(WireError::from).map(|module| {
                let threads = module.max_threads();
                lock(&modules).insert(id, module);
                threads
            });
            outbox.send(&Answer::Loaded { id, outcome });
        });
        spawned.map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(())
    }

    fn unload(&mut self, id: ModuleId) -> Result<(), Lost> {
        lock(&self.modules).remove(&id);
        Ok(())
    }

    fn open_queue(&mut self, id: QueueId) -> Result<(), Lost> {
        let runtime = runtime()?;
        // The host logs what the worker writes.
        let lease = self.session.lease_printing(Arc::new(Printed));
        let queue = runtime
            .block_on(lease.create_queue())
            .map_err(|error| Lost(error.to_string()))?;
        let (messages, received) = mpsc::channel();
        let closed = Arc::new(AtomicBool::new(false));
        let ran = Arc::<Ran>::default();
        let thread = QueueThread {
            id,
            queue: queue.clone(),
            memory: Arc::clone(&self.memory),
            outbox: self.outbox.clone(),
            started: self.started,
            closed: Arc::clone(&closed),
            ran: Arc::clone(&ran),
        };
        std::thread::Builder::new()
            .name(format!("queue-{id}"))
            .spawn(move || thread.run(&runtime, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        let open = OpenQueue {
            messages,
            lease: Some(lease),
            queue,
            closed,
            ran,
        };
        self.queues.insert(id, open);
        Ok(())
    }

    fn close_queue(&mut self, id: QueueId) -> Result<(), Lost> {
        if let Some(mut open) = self.queues.remove(&id) {
            open.closed.store(true, Ordering::Release);
            drop(open.lease.take());
            drop(open.queue);
        }
        Ok(())
    }

    fn resume(&mut self, id: QueueId) -> Result<(), Lost> {
        if let Some(open) = self.queues.get(&id) {
            // A thread that is gone has nothing to resume.
            let _ = open.messages.send(Message::Resume);
        }
        Ok(())
    }

    fn execute(
        &mut self,
        id: QueueId,
        number: SequenceNumber,
        command: Command<Wire<'_>>,
    ) -> Result<(), Lost> {
        let sent = self.queues.get(&id).is_some_and(|open| {
            let message = Message::Execute(number, self.prepare(&command, &open.ran));
            open.messages.send(message).is_ok()
        });
        match sent {
            true => Ok(()),
            false => Err(Lost("a command for a queue that is not open".to_owned())),
        }
    }
}

/// The thread of one queue.
struct QueueThread {
    id: QueueId,
    queue: Queue,
    memory: Arc<SharedMemory>,
    outbox: Outbox,
    started: Instant,
    closed: Arc<AtomicBool>,
    ran: Arc<Ran>,
}

impl QueueThread {
    fn run(self, runtime: &Runtime, messages: &mpsc::Receiver<Message>) {
        let mut state = FailureState::Working;
        let queue = self.id;
        while let Ok(message) = messages.recv() {
            let (number, prepared) = match message {
                Message::Execute(number, prepared) => (number, prepared),
                Message::Resume => {
                    state.take();
                    continue;
                }
            };
            if state.admit(false).is_some() || self.closed.load(Ordering::Acquire) {
                let ran = 0;
                self.outbox.send(&Answer::Skipped { queue, number, ran });
                continue;
            }
            let done = match prepared {
                Ok(prepared) => runtime.block_on(self.execute(prepared)),
                Err(error) => Err(error),
            };
            let ran = self.ran.0.swap(0, Ordering::Relaxed);
            let answer = match done {
                Ok(at) => Answer::Done {
                    queue,
                    number,
                    at,
                    ran,
                },
                Err(_) if self.closed.load(Ordering::Acquire) => {
                    Answer::Skipped { queue, number, ran }
                }
                Err(error) => {
                    state.fail(());
                    let error = error.into();
                    Answer::Failed {
                        queue,
                        number,
                        error,
                        ran,
                    }
                }
            };
            self.outbox.send(&answer);
        }
    }

    /// Executes a command to its end; the time of an event.
    async fn execute(&self, prepared: Prepared) -> Result<Option<u64>, Error> {
        let Prepared {
            mut command,
            staged,
            result,
        } = prepared;
        // No more than the area has, whatever the host asks for.
        let area = self.memory.layout().area as u64;
        let (offset, bytes) = staged.map_or((0, 0), |span| (span.offset, span.bytes.min(area)));
        if let Some(room) = command.staged_bytes() {
            let zeroed = bytemuck::allocation::try_zeroed_slice_box(bytes as usize);
            let Ok(zeroed) = zeroed else {
                return Err(Error::OutOfMemory { bytes });
            };
            let mut data = zeroed.into_vec();
            if !matches!(result, CommandResult::Bytes(_)) {
                self.memory.area_read(offset as usize, &mut data);
            }
            *room = StagedBytes::Heap(data);
        }
        self.queue.submit(command, bytes).await?;
        match result {
            CommandResult::Nothing => self.queue.synchronize().await.map(|()| None),
            CommandResult::Bytes(answer) => {
                let bytes = spin_then_await(answer, |ready| spin_until(ready)).await;
                if let StagedBytes::Heap(bytes) = bytes.map_err(|_| Error::lease_ended())?? {
                    self.memory.area_write(offset as usize, &bytes);
                }
                Ok(None)
            }
            CommandResult::Event(mut state) => {
                let reached = state.wait_for(|state| !matches!(state, EventState::Pending));
                match reached.await.as_deref() {
                    Ok(EventState::Reached(at)) => {
                        let passed = at.saturating_duration_since(self.started).as_nanos();
                        Ok(Some(u64::try_from(passed).unwrap_or(u64::MAX)))
                    }
                    Ok(EventState::Failed(failure)) => Err(failure.error.clone()),
                    Ok(EventState::Pending) | Err(_) => Err(Error::lease_ended()),
                }
            }
        }
    }
}

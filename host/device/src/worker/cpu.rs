//! A worker on the processor: one tenant's kernels in a process of their own. It
//! serves where a tenant is to be kept apart by more than the engine, and it is how
//! everything about workers is tested on machines without a GPU.
//!
//! Each queue has a thread that does one thing after another.

use std::collections::HashMap;
use std::io::Write;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::{Executor, Lost, Outbox};
use crate::channel::SharedMemory;
use crate::channel::wire::{Answer, EntryShape, Failure, Span, Start, Task, to_extent};
use crate::sync::lock;
use crate::{
    Buffer, CpuConfig, Device, Error, LaunchConfig, Lease, Limits, Module, Output, Queue, Session,
};

pub(super) struct Cpu {
    session: Session,
    lease: Arc<Lease>,
    memory: Arc<SharedMemory>,
    outbox: Outbox,
    buffers: HashMap<u64, Buffer>,
    modules: Arc<Mutex<HashMap<u64, Module>>>,
    queues: HashMap<u64, Lane>,
    started: Instant,
}

/// What kernels print goes to standard output.
struct Printed;

impl Output for Printed {
    fn print(&self, text: &[u8]) {
        // A host that does not read any more ends this process.
        let _ = std::io::stdout().write_all(text);
    }
}

/// A queue's thread, as the thread that reads requests sees it.
struct Lane {
    jobs: mpsc::Sender<Job>,
    /// Dropping it stops what runs.
    lease: Option<Lease>,
    queue: Queue,
    closed: Arc<AtomicBool>,
}

enum Job {
    Work(u64, Work),
    Resume,
}

/// A [`Task`] whose numbers were looked up.
enum Work {
    Write(Buffer, u64, Span),
    Read(Buffer, u64, Span),
    Copy((Buffer, u64), (Buffer, u64), u64),
    Fill(Buffer, u64, u64, u8),
    Launch(Module, u32, LaunchConfig, Vec<u8>),
    Mark,
    Unknown(&'static str),
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
        let device = Device::cpu(config).map_err(|error| Lost(error.to_string()))?;
        let limits = Limits {
            memory_bytes: u64::MAX,
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
            buffers: HashMap::new(),
            modules: Arc::default(),
            queues: HashMap::new(),
            started: Instant::now(),
        })
    }

    fn buffer(&self, id: u64) -> Option<Buffer> {
        self.buffers.get(&id).cloned()
    }

    fn look_up(&self, task: Task<'_>) -> Work {
        let no_buffer = Work::Unknown("there is no such buffer");
        match task {
            Task::Write {
                target,
                offset,
                from,
            } => match self.buffer(target) {
                Some(target) => Work::Write(target, offset, from),
                None => no_buffer,
            },
            Task::Read {
                source,
                offset,
                into,
            } => match self.buffer(source) {
                Some(source) => Work::Read(source, offset, into),
                None => no_buffer,
            },
            Task::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            } => match (self.buffer(source), self.buffer(target)) {
                (Some(source), Some(target)) => {
                    Work::Copy((source, source_offset), (target, target_offset), bytes)
                }
                _ => no_buffer,
            },
            Task::Fill {
                target,
                offset,
                bytes,
                value,
            } => match self.buffer(target) {
                Some(target) => Work::Fill(target, offset, bytes, value),
                None => no_buffer,
            },
            Task::Launch {
                module,
                entry,
                grid,
                block,
                shared_bytes,
                arguments,
            } => match lock(&self.modules).get(&module) {
                Some(module) => {
                    let config = LaunchConfig {
                        grid: to_extent(grid),
                        block: to_extent(block),
                        shared_bytes,
                    };
                    Work::Launch(module.clone(), entry, config, arguments.to_vec())
                }
                None => Work::Unknown("there is no such module"),
            },
            Task::Mark => Work::Mark,
        }
    }
}

fn runtime() -> Result<Runtime, Lost> {
    Builder::new_current_thread()
        .build()
        .map_err(|error| Lost(format!("there is no executor: {error}")))
}

impl Executor for Cpu {
    fn allocate(&mut self, id: u64, bytes: u64) -> Result<(), Lost> {
        let outcome = self.lease.allocate_here(bytes).map_err(Failure::from);
        let outcome = outcome.map(|buffer| {
            let address = buffer.address();
            self.buffers.insert(id, buffer);
            address
        });
        self.outbox.send(&Answer::Allocated { id, outcome });
        Ok(())
    }

    fn free(&mut self, id: u64) -> Result<(), Lost> {
        self.buffers.remove(&id);
        Ok(())
    }

    fn load(&mut self, id: u64, text: Vec<u8>, _: Vec<EntryShape<'_>>) -> Result<(), Lost> {
        let runtime = runtime()?;
        let (lease, modules) = (Arc::clone(&self.lease), Arc::clone(&self.modules));
        let outbox = self.outbox.clone();
        let spawned = std::thread::Builder::new().spawn(move || {
            let loaded = runtime.block_on(lease.load(text));
            let outcome = loaded.map_err(Failure::from).map(|module| {
                let threads = module.most_threads();
                lock(&modules).insert(id, module);
                threads
            });
            outbox.send(&Answer::Loaded { id, outcome });
        });
        spawned.map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(())
    }

    fn unload(&mut self, id: u64) -> Result<(), Lost> {
        lock(&self.modules).remove(&id);
        Ok(())
    }

    fn open_queue(&mut self, queue: u64) -> Result<(), Lost> {
        let runtime = runtime()?;
        // The host logs what the worker writes.
        let lease = self.session.lease_printing(Arc::new(Printed));
        let device_queue = runtime
            .block_on(lease.create_queue())
            .map_err(|error| Lost(error.to_string()))?;
        let (jobs, received) = mpsc::channel();
        let closed = Arc::new(AtomicBool::new(false));
        let thread = Thread {
            number: queue,
            queue: device_queue.clone(),
            memory: Arc::clone(&self.memory),
            outbox: self.outbox.clone(),
            started: self.started,
            closed: Arc::clone(&closed),
        };
        std::thread::Builder::new()
            .name(format!("queue-{queue}"))
            .spawn(move || thread.run(&runtime, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        let lane = Lane {
            jobs,
            lease: Some(lease),
            queue: device_queue,
            closed,
        };
        self.queues.insert(queue, lane);
        Ok(())
    }

    fn close_queue(&mut self, queue: u64) -> Result<(), Lost> {
        if let Some(mut lane) = self.queues.remove(&queue) {
            lane.closed.store(true, Ordering::Release);
            drop(lane.lease.take());
            drop(lane.queue);
        }
        Ok(())
    }

    fn resume(&mut self, queue: u64) -> Result<(), Lost> {
        if let Some(lane) = self.queues.get(&queue) {
            // A thread that is gone has nothing to resume.
            let _ = lane.jobs.send(Job::Resume);
        }
        Ok(())
    }

    fn work(&mut self, queue: u64, number: u64, task: Task<'_>) -> Result<(), Lost> {
        let work = self.look_up(task);
        let sent = self
            .queues
            .get(&queue)
            .map(|lane| lane.jobs.send(Job::Work(number, work)));
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(Lost("work for a queue that is not open".to_owned())),
        }
    }
}

/// The thread of one queue.
struct Thread {
    number: u64,
    queue: Queue,
    memory: Arc<SharedMemory>,
    outbox: Outbox,
    started: Instant,
    closed: Arc<AtomicBool>,
}

impl Thread {
    fn run(self, runtime: &Runtime, jobs: &mpsc::Receiver<Job>) {
        let mut failed = false;
        while let Ok(job) = jobs.recv() {
            let (number, work) = match job {
                Job::Work(number, work) => (number, work),
                Job::Resume => {
                    failed = false;
                    continue;
                }
            };
            let queue = self.number;
            if failed || self.closed.load(Ordering::Acquire) {
                self.outbox.send(&Answer::Skipped { queue, number });
                continue;
            }
            let answer = match runtime.block_on(self.carry_out(work)) {
                Ok(at) => Answer::Done { queue, number, at },
                Err(_) if self.closed.load(Ordering::Acquire) => Answer::Skipped { queue, number },
                Err(error) => {
                    failed = true;
                    let failure = error.into();
                    Answer::Failed {
                        queue,
                        number,
                        failure,
                    }
                }
            };
            self.outbox.send(&answer);
        }
    }

    async fn carry_out(&self, work: Work) -> Result<Option<u64>, Error> {
        let queue = &self.queue;
        match work {
            Work::Write(target, offset, from) => {
                let mut data = vec![0; (from.bytes as usize).min(self.memory.layout().area)];
                self.memory.area_read(from.offset as usize, &mut data);
                queue.write(&target, offset, data).await?;
            }
            Work::Read(source, offset, into) => {
                let data = queue.read(&source, offset, into.bytes).await?;
                self.memory.area_write(into.offset as usize, &data);
                return Ok(None);
            }
            Work::Copy((source, source_offset), (target, target_offset), bytes) => {
                queue
                    .copy(&source, source_offset, &target, target_offset, bytes)
                    .await?;
            }
            Work::Fill(target, offset, bytes, value) => {
                queue.fill(&target, offset, bytes, value).await?;
            }
            Work::Launch(module, entry, config, arguments) => {
                let kernel = module.entry(entry).ok_or_else(|| {
                    Error::InvalidLaunch(format!("the module has no entry {entry}"))
                })?;
                queue.launch_packed(kernel, config, arguments).await?;
            }
            Work::Mark => {
                let passed = self.started.elapsed().as_nanos();
                return Ok(Some(u64::try_from(passed).unwrap_or(u64::MAX)));
            }
            Work::Unknown(what) => return Err(Error::InvalidLaunch(what.to_owned())),
        }
        queue.synchronize().await?;
        Ok(None)
    }
}

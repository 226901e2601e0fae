//! The worker process: it runs the kernels of one tenant on one device, for the host
//! that started it. Only here is a GPU's driver ever loaded.
//!
//! It belongs to one tenant, and the host does not trust it: it has no file, no socket and no
//! environment but what its sandbox leaves it, and it ends with its host. However it ends, no exit
//! handler of a driver runs.

mod cpu;
pub(crate) mod cuda;
mod lost;
mod outbox;
mod sandbox;

use std::convert::Infallible;
use std::io::Read;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::Arc;

use crate::CpuConfig;
use crate::channel::wire::{self, Answer, EntryShape, Request, Start, Wire, WorkerDevice};
use crate::channel::{Consumer, SharedMemory};
use crate::command::Command;
use crate::identity::{BufferId, ModuleId, QueueId, SequenceNumber};
use crate::memory::WriteLog;

pub(crate) use cuda::NO_DRIVER;
pub use cuda::{Probed, ProbedDevice, probe};
use lost::{Lost, NotStarted};
use outbox::Outbox;

/// What executes a worker's requests. All are answered in the outbox; an error says that
/// the device is of no more use to this process.
trait Executor {
    fn allocate(&mut self, id: BufferId, bytes: u64) -> Result<(), Lost>;
    fn free(&mut self, id: BufferId) -> Result<(), Lost>;
    fn load(
        &mut self,
        id: ModuleId,
        text: Vec<u8>,
        entries: Vec<EntryShape<'_>>,
    ) -> Result<(), Lost>;
    fn unload(&mut self, id: ModuleId) -> Result<(), Lost>;
    fn open_queue(&mut self, queue: QueueId) -> Result<(), Lost>;
    fn close_queue(&mut self, queue: QueueId) -> Result<(), Lost>;
    fn resume(&mut self, queue: QueueId) -> Result<(), Lost>;
    fn execute(
        &mut self,
        queue: QueueId,
        number: SequenceNumber,
        command: Command<Wire<'_>>,
    ) -> Result<(), Lost>;

    /// Answers for what has ended by now, without waiting for anything. Called again and again while
    /// the thread looks for the next request.
    fn poll(&mut self) {}

    /// The thread is about to sleep until the next request.
    fn rest(&mut self) -> Result<(), Lost> {
        Ok(())
    }

    /// Why the memory that is shared with the host is not pinned, where a device would be faster
    /// for it.
    fn unpinned(&self) -> Option<String> {
        None
    }
}

/// Asks the driver which devices there are, prints the answer for the host that
/// started this process to ask, and ends the process.
pub fn answer_probe() -> ! {
    sandbox::end_with_the_parent();
    let answer = probe();
    let written = postcard::to_io(&answer, std::io::stdout());
    sandbox::end_at_once(match written {
        Ok(_) => SUCCESS,
        Err(_) => FAILURE,
    })
}

/// Runs as a device's worker, and never returns. Standard input is the memory that is shared with the host,
/// standard output a socket: when the host closes it or ends, this process ends.
///
/// This is for a program that was started as one, by [`WorkerConfig`](crate::WorkerConfig):
/// it closes all other files of the process and gives up most of its rights.
pub fn run() -> ! {
    sandbox::close_inherited_files();
    sandbox::end_with_the_parent();
    // The hook tells of a panic.
    if let Ok(Err(error)) = std::panic::catch_unwind(work) {
        eprintln!("device worker: {error}");
    }
    sandbox::end_at_once(FAILURE)
}

const SUCCESS: i32 = 0;
const FAILURE: i32 = 1;

fn work() -> std::io::Result<Infallible> {
    let file = std::io::stdin().as_fd().try_clone_to_owned()?;
    let memory = Arc::new(SharedMemory::open(std::fs::File::from(file))?);
    let mut requests = Consumer::to_worker(&memory);
    let mut message = Vec::new();
    requests.listener().wait(None);
    let start = match requests.receive(&mut message) {
        Ok(true) => match wire::decode(&message) {
            Ok(Request::Start(start)) => start,
            Ok(_) | Err(_) => return Err(std::io::Error::other("no start was asked for")),
        },
        Ok(false) | Err(_) => return Err(std::io::Error::other("nothing was asked for")),
    };
    // What a sandbox has nobody open.
    match start.device {
        // Its libraries may lie anywhere. What is wrong with it is reported later.
        WorkerDevice::Cuda(_) => cuda::load_driver().unwrap_or_default(),
        // Where there is none, it is done without. What the system tells by it depends on what whoever opens it
        // may: nothing of where pages are in the machine's memory is to be read by it.
        WorkerDevice::Cpu { .. } => {
            sandbox::give_up_capabilities()?;
            WriteLog::of_this_process();
        }
    }
    // Before any other thread: what a thread gives up holds for itself and for those
    // that it starts.
    sandbox::enter(&start)?;
    end_with_the_host()?;
    let outbox = Outbox::new(&memory);
    tell_of_panics(&outbox);
    let end = |lost: Lost| Answer::Lost {
        message: lost.0,
        blamed: Vec::new(),
    };
    outbox.send(&match begin(&start, &memory, &outbox) {
        // Never dropped: what it has goes with the process, and a driver that gives something back may
        // wait for a device that does not answer.
        Ok(executor) => end(serve(Box::leak(executor), &memory, &mut requests, &outbox)),
        Err(NotStarted::NoRoom(message)) => Answer::NoRoom { message },
        Err(NotStarted::Lost(lost)) => end(lost),
    });
    // The host ends this process once it has read that.
    loop {
        std::thread::park();
    }
}

/// How many requests are taken in a row before it is asked what has ended.
const BATCH: usize = 32;

/// Serves requests until the device is lost.
fn serve(
    executor: &mut dyn Executor,
    memory: &SharedMemory,
    requests: &mut Consumer,
    outbox: &Outbox,
) -> Lost {
    outbox.send(&Answer::Ready {
        unpinned: executor.unpinned(),
    });
    let mut message = Vec::new();
    let mut taken: usize = 0;
    loop {
        match requests.receive(&mut message) {
            Ok(true) => {
                taken = taken.wrapping_add(1);
                if taken.is_multiple_of(BATCH) {
                    executor.poll();
                }
            }
            Ok(false) => {
                if requests.listener().poll(|| executor.poll()) {
                    continue;
                }
                if let Err(lost) = executor.rest() {
                    return lost;
                }
                requests.listener().sleep(None);
                continue;
            }
            Err(broken) => return Lost(broken.to_string()),
        }
        let Ok(request) = wire::decode(&message) else {
            return Lost("the host sent what is no request".to_owned());
        };
        if let Err(lost) = carry_out(executor, memory, request) {
            return lost;
        }
    }
}

fn begin(
    start: &Start,
    memory: &Arc<SharedMemory>,
    outbox: &Outbox,
) -> Result<Box<dyn Executor>, NotStarted> {
    match &start.device {
        &WorkerDevice::Cpu { threads, checks } => {
            let config = CpuConfig {
                threads: NonZeroUsize::new(threads as usize),
                checks,
                ..CpuConfig::default()
            };
            Ok(Box::new(cpu::Cpu::new(start, config, memory, outbox)?))
        }
        WorkerDevice::Cuda(device) => {
            cuda::load_driver()?;
            Ok(Box::new(cuda::Cuda::new(start, device, memory, outbox)?))
        }
    }
}

fn carry_out(
    executor: &mut dyn Executor,
    memory: &SharedMemory,
    request: Request<'_>,
) -> Result<(), Lost> {
    match request {
        Request::Start(_) => Err(Lost("the host started it twice".to_owned())),
        Request::Allocate { id, bytes } => executor.allocate(id, bytes),
        Request::Free { id } => executor.free(id),
        Request::Load { id, text, entries } => {
            let (offset, bytes) = (text.offset as usize, text.bytes as usize);
            let mut copy = vec![0; bytes.min(memory.layout().area)];
            memory.area_read(offset, &mut copy);
            executor.load(id, copy, entries)
        }
        Request::Unload { id } => executor.unload(id),
        Request::OpenQueue { queue } => executor.open_queue(queue),
        Request::CloseQueue { queue } => executor.close_queue(queue),
        Request::Resume { queue } => executor.resume(queue),
        Request::Execute {
            queue,
            number,
            command,
        } => executor.execute(queue, number, command),
    }
}

/// Tells the host of a panic on whichever thread: cudarc panics where the driver lacks
/// a function, and a thread that is gone would keep the host waiting.
fn tell_of_panics(outbox: &Outbox) {
    let outbox = outbox.clone();
    std::panic::set_hook(Box::new(move |panic| {
        eprintln!("{panic}");
        outbox.send(&Answer::Lost {
            message: panic_message(panic.payload()),
            blamed: Vec::new(),
        });
    }));
}

/// Ends this process when the host has closed its end of standard output: then the
/// host is gone, or has no more use for it.
fn end_with_the_host() -> std::io::Result<()> {
    let socket = std::io::stdout().as_fd().try_clone_to_owned()?;
    std::thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || {
            let mut socket = std::fs::File::from(socket);
            let mut byte = [0];
            while matches!(socket.read(&mut byte), Ok(read) if read > 0) {}
            sandbox::end_at_once(SUCCESS)
        })?;
    Ok(())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    format!(
        "the device's worker failed: {}",
        text.unwrap_or("a panic without words")
    )
}

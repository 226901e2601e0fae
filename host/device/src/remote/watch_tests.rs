//! Workers that break the rules of the channel: each is ended, and no caller waits for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::fd::OwnedFd;

use super::*;
use crate::Limits;
use crate::account::DeviceMemory;
use crate::channel::wire::{self, Answer, WorkerDevice};
use crate::channel::{Layout, Producer, SharedMemory};
use crate::remote::WorkerConfig;
use crate::remote::pool::Workers;
use crate::remote::worker::{Holding, PendingRequest};
use crate::timer::{SystemClock, Timer};

fn workers(memory: &Arc<DeviceMemory>) -> Workers {
    Workers::new(
        WorkerConfig::default(),
        WorkerDevice::Cpu {
            threads: 1,
            checks: false,
        },
        memory,
        &Arc::new(Timer::new(Box::new(SystemClock))),
    )
}

/// A worker without a process, the memory that it would share, and that as a file.
fn worker(workers: &Workers) -> (Arc<Worker>, Arc<SharedMemory>, OwnedFd) {
    let (memory, file) = SharedMemory::create(Layout::of(4 << 20)).unwrap();
    let memory = Arc::new(memory);
    let requests = Producer::to_worker(&memory);
    let worker = workers.worker(1.into(), &memory, requests, "tenant", &Limits::default());
    (Arc::new(worker), memory, file)
}

/// Supervises a process that does nothing, in whose name these answers are sent; returns why it
/// was ended.
fn supervise(says: &[Answer]) -> Error {
    let workers = workers(&Arc::new(DeviceMemory::new(1 << 30)));
    let (worker, memory, file) = worker(&workers);
    let program = ["/bin/sleep".into(), "1000".into()];
    let process = Process::start(&program, workers.device(), file, &memory, "tenant").unwrap();
    let mut answers = Producer::to_host(&memory);
    let mut message = Vec::new();
    for answer in says {
        wire::encode(answer, &mut message).unwrap();
        assert!(answers.send(&message).unwrap());
    }
    let supervisor = Supervisor {
        worker: Arc::clone(&worker),
        process,
    };
    // It returns once the worker is ended.
    supervisor.run();
    assert!(worker.is_gone());
    worker.lost()
}

#[test]
fn what_a_lost_worker_holds_is_taken_until_its_process_is_gone() {
    let memory = Arc::new(DeviceMemory::new(1000));
    let workers = workers(&memory);
    let (worker, ..) = worker(&workers);
    let held = |bytes| Holding::new(Vec::new(), memory.reserve(bytes).unwrap());
    lock(&worker.state).allocations.insert(1.into(), held(300));
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    let pending = PendingRequest {
        reply,
        since: Instant::now(),
        holding: Some(held(200)),
        _area: None,
    };
    lock(&worker.state).allocating.insert(2.into(), pending);
    let variables = held(100);
    worker.stop("a test");
    // Callers learn of it at once.
    assert!(matches!(answer.try_recv(), Ok(Err(Error::DeviceLost(_)))));
    worker.release(variables);
    assert!(worker.is_lost() && !worker.is_gone());
    assert_eq!(memory.used(), 600);
    worker.has_gone();
    assert!(worker.is_gone());
    assert_eq!(memory.used(), 0);
    // A handle that outlives both.
    worker.release(held(50));
    assert_eq!(memory.used(), 0);
}

#[test]
fn what_no_correct_worker_says_ends_it() {
    let done = Answer::Done {
        queue: 7.into(),
        number: 0.into(),
        at: None,
        ran: 0,
    };
    let ready = || Answer::Ready { unpinned: None };
    let no_room = Answer::NoRoom {
        message: "full".to_owned(),
    };
    let memory = Answer::Allocated {
        id: 3.into(),
        outcome: Ok(0x1000),
    };
    let module = Answer::Loaded {
        id: 3.into(),
        outcome: Ok(vec![1024]),
    };
    for said in [
        vec![ready(), ready()],
        vec![ready(), done],
        vec![ready(), no_room],
        vec![memory],
        vec![module],
    ] {
        let lost = supervise(&said);
        assert!(lost.to_string().contains("broke down"), "{said:?}: {lost}");
    }
}

#[test]
fn a_worker_that_gives_up_is_believed() {
    let lost = supervise(&[Answer::Lost {
        message: "no device".to_owned(),
        blamed: Vec::new(),
    }]);
    assert!(lost.to_string().contains("no device"), "{lost}");
}

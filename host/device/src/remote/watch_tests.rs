//! Workers that break the rules of the channel: each is ended, and no caller waits for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::Limits;
use crate::account::DeviceMemory;
use crate::channel::wire::WorkerDevice;
use crate::channel::{Layout, Producer, SharedMemory};
use crate::remote::pool::{WorkerConfig, Workers};
use crate::timer::{SystemClock, Timer};

/// Supervises a process that does nothing, in whose name these answers are sent; returns why it
/// was ended.
fn supervise(says: &[Answer]) -> Error {
    let workers = Workers::new(
        WorkerConfig::default(),
        WorkerDevice::Cpu {
            threads: 1,
            checks: false,
        },
        &Arc::new(DeviceMemory::new(1 << 30)),
        &Arc::new(Timer::new(Box::new(SystemClock))),
    );
    let (memory, file) = SharedMemory::create(Layout::of(4 << 20)).unwrap();
    let memory = Arc::new(memory);
    let requests = Producer::to_worker(&memory);
    let worker =
        Arc::new(workers.worker(1.into(), &memory, requests, "tenant", &Limits::default()));
    let program = ["/bin/sleep".into(), "1000".into()];
    let process = Process::start(&program, file, &memory, "tenant").unwrap();
    let mut answers = Producer::to_host(&memory);
    let mut message = Vec::new();
    for answer in says {
        wire::encode(answer, &mut message).unwrap();
        assert!(answers.send(&message).unwrap());
    }
    let supervisor = Supervisor {
        worker: Arc::clone(&worker),
        answers: Consumer::to_host(&memory),
        process,
        began: Instant::now(),
    };
    // It returns once the worker is ended.
    supervisor.run();
    worker.lost()
}

#[test]
fn what_no_correct_worker_says_ends_it() {
    let done = Answer::Done {
        queue: 7.into(),
        number: 0.into(),
        at: None,
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
        vec![Answer::Ready, Answer::Ready],
        vec![Answer::Ready, done],
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

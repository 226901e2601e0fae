//! Workers that break the rules: each is ended, and nobody waits for it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::Limits;
use crate::channel::wire::Backend;
use crate::channel::{Layout, Producer, SharedMemory};
use crate::remote::pool::{WorkerConfig, Workers};

/// A process that says nothing, and what it says nevertheless.
fn watch(says: &[Answer]) -> Error {
    let workers = Workers::new(
        WorkerConfig::default(),
        Backend::Cpu {
            threads: 1,
            checks: false,
        },
    );
    let (memory, file) = SharedMemory::create(Layout::of(4 << 20)).unwrap();
    let memory = Arc::new(memory);
    let requests = Producer::to_worker(&memory);
    let worker = Arc::new(workers.worker(1, &memory, requests, "tenant", &Limits::default()));
    let program = ["/bin/sleep".into(), "1000".into()];
    let process = Process::start(&program, file, &memory, "tenant").unwrap();
    let mut answers = Producer::to_host(&memory);
    let mut message = Vec::new();
    for answer in says {
        wire::encode(answer, &mut message).unwrap();
        assert!(answers.send(&message).unwrap());
    }
    let watch = Watch {
        worker: Arc::clone(&worker),
        answers: Consumer::to_host(&memory),
        process,
        began: Instant::now(),
    };
    // It returns once the worker is ended.
    watch.run();
    worker.lost()
}

#[test]
fn what_no_correct_worker_says_ends_it() {
    let done = Answer::Done {
        queue: 7,
        number: 0,
        at: None,
    };
    let memory = Answer::Allocated {
        id: 3,
        outcome: Ok(0x1000),
    };
    let module = Answer::Loaded {
        id: 3,
        outcome: Ok(vec![1024]),
    };
    for said in [
        vec![Answer::Ready, Answer::Ready],
        vec![Answer::Ready, done],
        vec![memory],
        vec![module],
    ] {
        let lost = watch(&said);
        assert!(lost.to_string().contains("broke down"), "{said:?}: {lost}");
    }
}

#[test]
fn a_worker_that_gives_up_is_believed() {
    let lost = watch(&[Answer::Lost {
        message: "no device".to_owned(),
        blamed: Vec::new(),
    }]);
    assert!(lost.to_string().contains("no device"), "{lost}");
}

//! Workers that break the rules of the channel: each is ended, and no caller waits for ever.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::fd::OwnedFd;

use std::num::NonZeroU32;

use super::*;
use crate::Limits;
use crate::account::DeviceMemory;
use crate::channel::wire::{self, Answer, Request, Wire, WorkerDevice};
use crate::channel::{Consumer, Layout, Producer, SharedMemory, Wait};
use crate::command::Command;
use crate::effects::DeferredEffects;
use crate::remote::WorkerConfig;
use crate::remote::pool::Workers;
use crate::remote::queue_state::Entry;
use crate::remote::worker::{Holding, PendingRequest, Started};
use crate::submission::EventSignal;
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
    let process =
        Process::start(&program, workers.device(), file, &worker.listener, "tenant").unwrap();
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

/// What a caller finds that polls, with nobody supervising: how the supervising thread's next wait ends.
fn polled(worker: &Worker) -> Wait {
    worker.look_for_answers(&mut || false);
    worker.listener.sleep(Some(Duration::ZERO))
}

#[test]
fn what_a_polling_caller_finds_out_is_told_to_the_supervising_thread() {
    let workers = workers(&Arc::new(DeviceMemory::new(1 << 30)));
    let says = |message: &[u8]| {
        let (worker, memory, _file) = worker(&workers);
        let mut answers = Producer::to_host(&memory);
        assert!(answers.send(message).unwrap());
        worker
    };
    let encoded = |answer: &Answer| {
        let mut message = Vec::new();
        wire::encode(answer, &mut message).unwrap();
        message
    };
    let ready = says(&encoded(&Answer::Ready { unpinned: None }));
    assert_eq!(polled(&ready), Wait::TimeOut);
    assert!(matches!(*ready.started.borrow(), Started::Ready));
    // Its process is to be ended.
    let lost = says(&encoded(&Answer::Lost {
        message: "no device".to_owned(),
        blamed: Vec::new(),
    }));
    assert_eq!(polled(&lost), Wait::Poked);
    assert!(lost.lost().to_string().contains("no device"));
    let broken = says(b"no answer at all");
    assert_eq!(polled(&broken), Wait::Poked);
    assert!(broken.take_answers().is_err());
}

/// What the host has asked of a worker since the last call.
fn asked(requests: &mut Consumer) -> Vec<String> {
    let (mut message, mut all) = (Vec::new(), Vec::new());
    while requests.receive(&mut message).unwrap() {
        let request: Request<'_> = wire::decode(&message).unwrap();
        all.push(format!("{request:?}"));
    }
    all
}

/// Marks a point, for which nobody waits.
fn mark() -> Entry {
    let (signal, _) = EventSignal::channel();
    let command = Command::Event(signal);
    let mut encoded = Vec::new();
    let wire: Command<Wire<'_>> = Command::Event(());
    wire::encode(&wire, &mut encoded).unwrap();
    Entry {
        command,
        encoded,
        permit: None,
        _bounce: None,
    }
}

#[test]
fn a_queue_ends_in_the_worker_with_its_lease_though_a_handle_is_left_and_it_has_no_work() {
    let workers = workers(&Arc::new(DeviceMemory::new(1 << 30)));
    let (worker, memory, _file) = worker(&workers);
    let mut requests = Consumer::to_worker(&memory);
    let queue = worker.open_queue(Box::new(())).unwrap();
    worker.close(queue);
    let said = asked(&mut requests);
    assert!(
        said.len() == 2 && said[1].contains("CloseQueue"),
        "{said:?}"
    );
    worker.retire(queue);
    assert!(asked(&mut requests).is_empty());
}

#[test]
fn work_that_is_held_back_for_others_is_sent_once_they_have_none_whoever_takes_the_answers() {
    let workers = workers(&Arc::new(DeviceMemory::new(1 << 30)));
    let (worker, memory, _file) = worker(&workers);
    let (mut requests, mut answers) = (Consumer::to_worker(&memory), Producer::to_host(&memory));
    let other = 2.into();
    let weight = NonZeroU32::MIN;
    worker.fair_share.add(worker.id, weight);
    worker.fair_share.add(other, weight);
    let queue = worker.open_queue(Box::new(())).unwrap();
    worker.push(queue, mark()).unwrap();
    assert_eq!(asked(&mut requests).len(), 2);
    assert_eq!(worker.listener.sleep(Some(Duration::ZERO)), Wait::Poked);
    worker.fair_share.set_busy(other, true);
    worker.fair_share.charge(worker.id, Duration::from_secs(1));
    worker.push(queue, mark()).unwrap();
    // The supervising thread is to look again soon.
    assert!(asked(&mut requests).is_empty());
    assert_eq!(worker.listener.sleep(Some(Duration::ZERO)), Wait::Poked);
    let mut message = Vec::new();
    let done = Answer::Done {
        queue,
        number: 0.into(),
        at: None,
        ran: 0,
    };
    wire::encode(&done, &mut message).unwrap();
    assert!(answers.send(&message).unwrap());
    worker.look_for_answers(&mut || false);
    let woken = worker.listener.sleep(Some(Duration::ZERO));
    let sent = asked(&mut requests);
    // Either it could be sent by whoever took the answer, or the supervising thread is told.
    assert!(woken == Wait::Poked || sent.len() == 1, "{sent:?}");
    worker.fair_share.set_busy(other, false);
    let mut state = lock(&worker.state);
    assert!(!worker.send_all_work(&mut state, &mut DeferredEffects::default()));
    assert_eq!(asked(&mut requests).len() + sent.len(), 1);
    assert!(worker.fair_share.busy() == 1);
}

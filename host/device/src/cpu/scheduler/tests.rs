//! How the device's time is shared. The tests are the threads: no time passes
//! but what they say has passed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashMap;
use std::pin::pin;
use std::task::Poll;

use super::*;
use crate::command::Command;
use crate::cpu::perform;
use crate::submission::Handles;
use crate::testing::{
    ManualDevice, at_once, empty_kernel, empty_module, manual_device, milliseconds, one_thread,
    poll, step, unused_kernel,
};
use crate::{Lease, Limits, Queue, Session};

/// A session with work without end, in some queues.
struct Busy {
    id: SessionId,
    _session: Session,
    _lease: Lease,
    _queues: Vec<Queue>,
}

fn session(device: &ManualDevice, share: u32) -> Session {
    device.device.session(Limits {
        share: NonZeroU32::new(share).unwrap(),
        ..Limits::default()
    })
}

fn busy(device: &ManualDevice, share: u32, queues: usize) -> Busy {
    let session = session(device, share);
    let lease = session.lease();
    let buffer = at_once(lease.allocate(8)).unwrap();
    let queues: Vec<Queue> = (0..queues)
        .map(|_| at_once(lease.create_queue()).unwrap())
        .collect();
    for queue in &queues {
        at_once(queue.fill(&buffer, 0, 8, 1)).unwrap();
    }
    let newest = lock(&device.scheduler.state).sessions.keys().max().copied();
    Busy {
        id: newest.unwrap(),
        _session: session,
        _lease: lease,
        _queues: queues,
    }
}

/// Threads that say of every piece of work that it took a while and is not done.
struct Threads<'a> {
    scheduler: &'a Scheduler,
    at_work: VecDeque<(QueueId, SerialWork, SessionId)>,
    count: usize,
    received: HashMap<SessionId, u64>,
}

impl Threads<'_> {
    fn new(device: &ManualDevice, count: usize) -> Threads<'_> {
        Threads {
            scheduler: &device.scheduler,
            at_work: VecDeque::new(),
            count,
            received: HashMap::new(),
        }
    }

    /// The thread that has been at work for longest says that `took` has passed.
    fn slice(&mut self, took: Duration) {
        while self.at_work.len() < self.count {
            let Some((queue, Work::Serial(serial))) = self.scheduler.try_next() else {
                break;
            };
            let session = lock(&self.scheduler.state).queues[&queue].session;
            self.at_work.push_back((queue, serial, session));
        }
        let (queue, serial, session) = self.at_work.pop_front().unwrap();
        *self.received.entry(session).or_default() += took.as_micros() as u64;
        self.scheduler.settle(queue, Done::Unfinished(serial), took);
    }

    /// In microseconds.
    fn received(&self, busy: &Busy) -> u64 {
        *self.received.get(&busy.id).unwrap_or(&0)
    }
}

/// Slices are of odd lengths, some far too long.
fn took(number: u64) -> Duration {
    Duration::from_micros(match number % 11 {
        3 => 20,
        7 => 9_000,
        other => 900 + 40 * other,
    })
}

#[test]
fn busy_sessions_share_the_time_by_their_weights_at_every_moment() {
    for threads in [1, 2, 4] {
        for (more, less) in [(3, 1), (300, 100), (u32::MAX, u32::MAX / 3)] {
            let device = manual_device(1 << 20);
            let (more, less) = (busy(&device, more, 4), busy(&device, less, 4));
            let mut pool = Threads::new(&device, threads);
            for number in 0..20_000 {
                pool.slice(took(number));
                let (three, one) = (pool.received(&more), pool.received(&less));
                // All that may differ is what the threads have at hand.
                let slack = 3 * 9_000 * (threads as u64 + 1);
                assert!(three.abs_diff(3 * one) <= slack, "{three} {one}");
            }
        }
    }
}

#[test]
fn a_session_with_one_queue_gets_what_it_can_use_and_the_rest_goes_to_others() {
    let device = manual_device(1 << 20);
    let (one_queue, many) = (busy(&device, 900, 1), busy(&device, 100, 8));
    let mut pool = Threads::new(&device, 4);
    for _ in 0..4_000 {
        pool.slice(SLICE);
    }
    let (one, other) = (pool.received(&one_queue), pool.received(&many));
    assert!(one.abs_diff(1_000_000) < 10_000, "{one}");
    assert_eq!(one + other, 4_000_000);
}

#[test]
fn a_block_begins_where_there_is_room_and_any_block_where_none_has_begun() {
    let mut session = ScheduledSession {
        flow: Flow::new(NonZeroU32::MIN),
        ready: VecDeque::new(),
        exclusive: None,
        held_back: VecDeque::new(),
        begun_bytes: 0,
    };
    assert!(session.may_begin(MOST_BEGUN_BYTES + 1));
    session.begun_bytes = MOST_BEGUN_BYTES - 10;
    assert!(session.may_begin(10) && !session.may_begin(11));
    // One that has begun goes on.
    session.begun_bytes = u64::MAX;
    assert!(session.may_begin(0) && !session.may_begin(1));
}

#[test]
fn idling_earns_no_credit() {
    let device = manual_device(1 << 20);
    let idle = session(&device, 1000);
    let lease = idle.lease();
    let (queue, buffer) = (
        at_once(lease.create_queue()).unwrap(),
        at_once(lease.allocate(8)).unwrap(),
    );
    let busy = busy(&device, 1000, 4);
    let mut pool = Threads::new(&device, 1);
    for _ in 0..5_000 {
        pool.slice(SLICE);
    }
    at_once(queue.fill(&buffer, 0, 8, 1)).unwrap();
    let before = pool.received(&busy);
    for _ in 0..1_000 {
        pool.slice(SLICE);
    }
    let other = pool.received(&busy) - before;
    assert!(other.abs_diff(500_000) <= 2_000, "{other}");
}

#[test]
fn a_thousand_queued_launches_delay_another_by_no_more_than_those_in_flight() {
    for (threads, greedy_share, share) in [(1, 100, 100), (2, 100, 100), (4, 100_000, 1)] {
        let device = manual_device(1 << 20);
        let scheduler = &device.scheduler;
        let (greedy, other) = (session(&device, greedy_share), session(&device, share));
        let (greedy_lease, lease) = (greedy.lease(), other.lease());
        let kernel = empty_kernel(&device, &greedy_lease);
        let queues: Vec<Queue> = (0..16)
            .map(|_| at_once(greedy_lease.create_queue()).unwrap())
            .collect();
        for number in 0..1_000 {
            let queue = &queues[number % queues.len()];
            at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
        }
        let kernel = empty_kernel(&device, &lease);
        let queue = at_once(lease.create_queue()).unwrap();
        let mut at_work = VecDeque::new();
        let mut slices = |until: &dyn Fn() -> bool| {
            while !until() {
                while at_work.len() < threads {
                    at_work.push_back(scheduler.try_next().unwrap());
                }
                let (queue, work) = at_work.pop_front().unwrap();
                scheduler.settle(queue, perform(work), SLICE);
            }
        };
        let left = || greedy.usage().launches_in_flight;
        // Some of them run, and all threads are theirs.
        slices(&|| left() <= 900);
        let before = left();
        at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
        let event = at_once(queue.record_event()).unwrap();
        slices(&|| event.is_done());
        let ended = before - left();
        assert!(ended <= threads as u64, "{ended} on {threads} threads");
    }
}

#[test]
fn a_tenant_that_compiles_without_end_has_one_thread_and_no_second() {
    let device = manual_device(1 << 20);
    let compiler = &device.compiler;
    let (greedy, other) = (session(&device, 100), session(&device, 100));
    let leases: Vec<Lease> = (0..10).map(|_| greedy.lease()).collect();
    let mut loads: Vec<_> = leases
        .iter()
        .enumerate()
        .map(|(number, lease)| Box::pin(lease.load(empty_module(&format!("k{number}")).into())))
        .collect();
    for load in &mut loads {
        assert!(poll(load.as_mut()).is_pending());
    }
    let at_work = compiler.try_next().unwrap();
    assert!(compiler.try_next().is_none());
    let lease = other.lease();
    let mut load = pin!(lease.load(empty_module("other").into()));
    assert!(poll(load.as_mut()).is_pending());
    let (queue, work) = compiler.try_next().unwrap();
    compiler.settle(queue, perform(work), milliseconds(50));
    assert!(matches!(poll(load.as_mut()), Poll::Ready(Ok(_))));

    let (queue, work) = at_work;
    compiler.settle(queue, perform(work), milliseconds(50));
    while step(compiler) {}
    for load in &mut loads {
        assert!(matches!(poll(load.as_mut()), Poll::Ready(Ok(_))));
    }
}

#[test]
fn no_tenant_waits_until_another_may_compile_the_same_text() {
    let device = manual_device(1 << 20);
    let compiler = &device.compiler;
    let (slow, quick) = (session(&device, 1), session(&device, 1));
    let leases = [slow.lease(), slow.lease()];
    let mut first = pin!(leases[0].load(empty_module("first").into()));
    let mut shared = pin!(leases[1].load(empty_module("shared").into()));
    assert!(poll(first.as_mut()).is_pending() && poll(shared.as_mut()).is_pending());
    let at_work = compiler.try_next().unwrap();

    let lease = quick.lease();
    let mut load = pin!(lease.load(empty_module("shared").into()));
    assert!(poll(load.as_mut()).is_pending());
    assert!(step(compiler));
    assert!(matches!(poll(load.as_mut()), Poll::Ready(Ok(_))));

    let (queue, work) = at_work;
    compiler.settle(queue, perform(work), SLICE);
    assert!(step(compiler));
    assert!(matches!(poll(shared.as_mut()), Poll::Ready(Ok(_))));
}

#[test]
fn an_instance_that_ends_while_its_texts_wait_gives_back_their_permits_at_once() {
    let device = manual_device(1 << 20);
    let session = session(&device, 100);
    let (first, second) = (session.lease(), session.lease());
    {
        let mut one = pin!(first.load(empty_module("one").into()));
        let mut two = pin!(second.load(empty_module("two").into()));
        assert!(poll(one.as_mut()).is_pending() && poll(two.as_mut()).is_pending());
        assert_eq!(session.usage().launches_in_flight, 2);
    }
    assert!(!session.is_idle());
    drop((first, second));
    assert!(session.is_idle());
    assert!(device.compiler.try_next().is_none());
}

#[test]
fn a_launch_waits_for_its_kernel_s_compilation_and_other_queues_do_not() {
    let device = manual_device(1 << 20);
    let session = session(&device, 100);
    let lease = session.lease();
    let kernel = unused_kernel(&device, &lease);
    let queues = [(); 2].map(|()| at_once(lease.create_queue()).unwrap());
    at_once(queues[0].launch(&kernel, one_thread(), vec![])).unwrap();
    let mut waiting = pin!(queues[0].synchronize());
    assert!(poll(waiting.as_mut()).is_pending());

    let buffer = at_once(lease.allocate(4)).unwrap();
    at_once(queues[1].fill(&buffer, 0, 4, 1)).unwrap();
    let mut other = pin!(queues[1].synchronize());
    while step(&device.scheduler) {}
    assert!(matches!(poll(other.as_mut()), Poll::Ready(Ok(()))));
    assert!(poll(waiting.as_mut()).is_pending());

    assert!(step(&device.compiler));
    assert!(device.compiler.try_next().is_none());
    while step(&device.scheduler) {}
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Ok(()))));
}

#[test]
fn an_instance_that_ends_takes_its_compilations_with_it() {
    let device = manual_device(1 << 20);
    let session = session(&device, 100);
    let lease = session.lease();
    let kernel = unused_kernel(&device, &lease);
    let queue = at_once(lease.create_queue()).unwrap();
    for _ in 0..100 {
        at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
    }
    drop(lease);
    assert!(device.compiler.try_next().is_none());
    assert!(at_once(queue.launch(&kernel, one_thread(), vec![])).is_err());
    drop((queue, kernel));
    assert!(session.is_idle());
}

#[test]
fn tenants_take_turns_to_compile_and_none_has_two_threads() {
    let device = manual_device(1 << 20);
    let compiler = &device.compiler;
    let tenants = [(); 2].map(|()| session(&device, 100));
    let leases = [tenants[0].lease(), tenants[0].lease(), tenants[1].lease()];
    // Texts that differ in their names: nothing of one is known of another.
    let kernels: Vec<crate::Kernel> = leases
        .iter()
        .enumerate()
        .map(|(number, lease)| {
            let name = format!("k{number}");
            let mut load = pin!(lease.load(empty_module(&name).into()));
            while poll(load.as_mut()).is_pending() {
                assert!(step(compiler));
            }
            let module = at_once(lease.load(empty_module(&name).into())).unwrap();
            module.kernel(&name).unwrap()
        })
        .collect();
    for (lease, kernel) in leases.iter().zip(&kernels) {
        let queue = at_once(lease.create_queue()).unwrap();
        at_once(queue.launch(kernel, one_thread(), vec![])).unwrap();
    }
    // One of each tenant; the second one of the first waits.
    let first = compiler.try_next().unwrap();
    let second = compiler.try_next().unwrap();
    assert!(compiler.try_next().is_none());
    for (queue, work) in [first, second] {
        compiler.settle(queue, perform(work), SLICE);
    }
    assert!(step(compiler));
    assert!(compiler.try_next().is_none());
}

#[test]
fn who_had_much_compiled_has_less_of_the_device_afterwards() {
    let device = manual_device(1 << 20);
    let (paid, other) = (busy(&device, 100, 1), busy(&device, 100, 1));
    device.scheduler.charge(paid.id, 10 * SLICE);
    let mut pool = Threads::new(&device, 1);
    for _ in 0..40 {
        pool.slice(SLICE);
    }
    let ahead = pool.received(&other) - pool.received(&paid);
    let slices = u128::from(ahead) / SLICE.as_micros();
    assert!((9..=11).contains(&slices), "{slices}");
}

/// A command that no caller could queue: its offset overflows while it is executed.
fn impossible(target: &crate::Buffer) -> Command<Handles> {
    Command::Fill {
        target: target.clone(),
        offset: u64::MAX,
        bytes: 1 << 20,
        value: 1,
    }
}

#[test]
fn a_transfer_that_panics_fails_its_queue_and_the_next_caller_that_waits_learns_of_it() {
    let device = manual_device(1 << 20);
    let session = session(&device, 100);
    let lease = session.lease();
    let buffer = at_once(lease.allocate(8)).unwrap();
    let queue = at_once(lease.create_queue()).unwrap();
    queue.push_held(impossible(&buffer)).unwrap();
    at_once(queue.fill(&buffer, 0, 8, 7)).unwrap();
    let mut read = pin!(queue.read(&buffer, 0, 8));
    assert!(poll(read.as_mut()).is_pending());
    while step(&device.scheduler) {}
    let Poll::Ready(Err(Error::DeviceLost(told))) = poll(read.as_mut()) else {
        panic!("the read stands behind a command that was not done");
    };
    assert!(told.contains("failed while it ran this"), "{told}");
    // Since somebody has learnt of it, commands run again; what stood behind the failure was not run.
    let mut again = pin!(queue.read(&buffer, 0, 8));
    assert!(poll(again.as_mut()).is_pending());
    while step(&device.scheduler) {}
    let Poll::Ready(Ok(bytes)) = poll(again.as_mut()) else {
        panic!("the queue works again");
    };
    assert_eq!(bytes, [0; 8]);
}

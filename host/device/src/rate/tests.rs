//! The rate by a clock that the tests move.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use proptest::prelude::*;

use super::*;
use crate::testing::{
    ManualDevice, at_once, empty_kernel, manual_device, milliseconds, one_thread, poll,
};
use crate::timer::Clock;
use crate::{Error, Kernel, Lease, Limits, Session};

fn session(device: &ManualDevice, launches_per_second: u32) -> Session {
    device.device.session(Limits {
        launches_per_second: NonZeroU32::new(launches_per_second),
        queues: 64,
        ..Limits::default()
    })
}

struct Tenant {
    lease: Lease,
    kernel: Kernel,
    session: Session,
}

fn tenant(device: &ManualDevice, launches_per_second: u32) -> Tenant {
    let session = session(device, launches_per_second);
    let lease = session.lease();
    let kernel = empty_kernel(device, &lease);
    Tenant {
        lease,
        kernel,
        session,
    }
}

fn advance(device: &ManualDevice, time: Duration) {
    device.clock.move_to(device.clock.now() + time);
    device.device.shared.timer.fire();
}

proptest! {
    #[test]
    fn no_window_of_time_has_more_than_its_launches_and_none_is_held_back_for_nothing(
        per_second in prop_oneof![1_u32..20, Just(u32::MAX), any::<u32>()],
        gaps in prop::collection::vec(0_u64..700_000_000, 1..200),
    ) {
        let per_second = NonZeroU32::new(per_second.max(1)).unwrap();
        let start = Instant::now();
        let rate = RateLimit::new(per_second, start);
        let mut bucket = rate.bucket.into_inner();
        let mut now = start;
        let mut taken: Vec<u128> = Vec::new();
        for gap in gaps {
            now += Duration::from_nanos(gap);
            if let Some(at) = bucket.due(now) {
                prop_assert!(at > now);
                // A nanosecond earlier would have been too early.
                prop_assert!(bucket.due(at - Duration::from_nanos(1)).is_some());
                now = at;
            }
            prop_assert!(bucket.due(now).is_none());
            bucket.take(now);
            taken.push((now - start).as_nanos());
            let rate = u128::from(per_second.get());
            for (index, first) in taken.iter().enumerate() {
                let launches = (taken.len() - index) as u128;
                let window = (now - start).as_nanos() - first;
                prop_assert!(launches * LAUNCH <= rate * LAUNCH + rate * window);
            }
        }
    }
}

#[test]
fn a_launch_past_the_rate_waits_for_its_time_and_for_no_longer() {
    let device = manual_device(1 << 20);
    let Tenant {
        lease,
        kernel,
        session,
    } = tenant(&device, 4);
    let queue = at_once(lease.create_queue()).unwrap();
    for _ in 0..4 {
        at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
    }
    for _ in 0..3 {
        let mut launch = pin!(queue.launch(&kernel, one_thread(), vec![]));
        assert!(poll(launch.as_mut()).is_pending());
        advance(&device, milliseconds(250) - Duration::from_nanos(1));
        assert!(poll(launch.as_mut()).is_pending());
        let before = session.usage().launches_in_flight;
        advance(&device, Duration::from_nanos(1));
        assert!(matches!(poll(launch.as_mut()), Poll::Ready(Ok(()))));
        assert_eq!(session.usage().launches_in_flight, before + 1);
    }
    advance(&device, Duration::from_secs(1000));
    for _ in 0..4 {
        at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
    }
    assert!(poll(pin!(queue.launch(&kernel, one_thread(), vec![]))).is_pending());
}

#[test]
fn a_launch_that_waits_for_the_rate_holds_up_neither_other_work_nor_other_tenants() {
    let device = manual_device(1 << 20);
    let (slow, other) = (tenant(&device, 1), tenant(&device, 1));
    let queue = at_once(slow.lease.create_queue()).unwrap();
    at_once(queue.launch(&slow.kernel, one_thread(), vec![])).unwrap();
    let mut launch = pin!(queue.launch(&slow.kernel, one_thread(), vec![]));
    assert!(poll(launch.as_mut()).is_pending());
    // Not even a permit to be in flight is held meanwhile.
    assert_eq!(slow.session.usage().launches_in_flight, 1);
    at_once(queue.record_event()).unwrap();
    let queue = at_once(other.lease.create_queue()).unwrap();
    at_once(queue.launch(&other.kernel, one_thread(), vec![])).unwrap();
}

#[test]
fn a_call_that_is_dropped_while_it_waits_costs_nothing() {
    let device = manual_device(1 << 20);
    let Tenant { lease, kernel, .. } = tenant(&device, 1);
    let queue = at_once(lease.create_queue()).unwrap();
    at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
    let mut last = pin!(async {
        queue.launch(&kernel, one_thread(), vec![]).await.unwrap();
    });
    {
        let mut dropped: Vec<_> = (0..100)
            .map(|_| Box::pin(queue.launch(&kernel, one_thread(), vec![])))
            .collect();
        for launch in &mut dropped {
            assert!(poll(launch.as_mut()).is_pending());
        }
        assert!(poll(last.as_mut()).is_pending());
    }
    assert!(poll(last.as_mut()).is_pending());
    advance(&device, Duration::from_secs(1));
    assert!(poll(last.as_mut()).is_ready());
    assert_eq!(device.device.shared.timer.fire(), None);
}

#[test]
fn a_launch_that_is_refused_costs_nothing() {
    let device = manual_device(1 << 20);
    let Tenant { lease, kernel, .. } = tenant(&device, 1);
    let queue = at_once(lease.create_queue()).unwrap();
    let mut too_wide = one_thread();
    too_wide.block.x = 5000;
    let refused = at_once(queue.launch(&kernel, too_wide, vec![]));
    assert!(matches!(refused, Err(Error::InvalidLaunch(_))));
    at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
}

#[test]
fn a_wait_ends_with_its_lease_and_the_next_one_moves_up() {
    let device = manual_device(1 << 20);
    let Tenant {
        lease,
        kernel,
        session,
    } = tenant(&device, 1);
    let other = session.lease();
    let (queue, next) = (
        at_once(lease.create_queue()).unwrap(),
        at_once(other.create_queue()).unwrap(),
    );
    at_once(queue.launch(&kernel, one_thread(), vec![])).unwrap();
    let mut launch = pin!(queue.launch(&kernel, one_thread(), vec![]));
    let mut behind = pin!(next.launch(&kernel, one_thread(), vec![]));
    assert!(poll(launch.as_mut()).is_pending() && poll(behind.as_mut()).is_pending());
    drop(lease);
    assert!(matches!(
        poll(launch.as_mut()),
        Poll::Ready(Err(Error::DeviceLost(_)))
    ));
    assert!(poll(behind.as_mut()).is_pending());
    advance(&device, Duration::from_secs(1));
    assert!(matches!(poll(behind.as_mut()), Poll::Ready(Ok(()))));
}

#[test]
fn a_wait_for_a_permit_to_be_in_flight_ends_with_its_lease_too() {
    let device = manual_device(1 << 20);
    let session = device.device.session(Limits {
        launches_in_flight: 1,
        ..Limits::default()
    });
    let (holder, waiter) = (session.lease(), session.lease());
    let (queue, buffer) = (
        at_once(holder.create_queue()).unwrap(),
        at_once(holder.allocate(8)).unwrap(),
    );
    at_once(queue.fill(&buffer, 0, 8, 1)).unwrap();
    let queue = at_once(waiter.create_queue()).unwrap();
    let mut fill = pin!(queue.fill(&buffer, 0, 8, 1));
    assert!(poll(fill.as_mut()).is_pending());
    drop(waiter);
    assert!(matches!(
        poll(fill.as_mut()),
        Poll::Ready(Err(Error::DeviceLost(_)))
    ));
}

#[test]
fn many_tasks_at_once_launch_exactly_at_the_rate() {
    const TASKS: u64 = 64;
    const EACH: u64 = 10;
    const RATE: u64 = 100;
    let device = manual_device(1 << 20);
    let Tenant { lease, kernel, .. } = tenant(&device, RATE as u32);
    let started = device.clock.now();
    let launched = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    for _ in 0..TASKS {
        let (queue, kernel) = (at_once(lease.create_queue()).unwrap(), kernel.clone());
        let launched = Arc::clone(&launched);
        runtime.spawn(async move {
            for _ in 0..EACH {
                queue.launch(&kernel, one_thread(), vec![]).await.unwrap();
                launched.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    // The clock moves only where somebody waits, and only as far as that one asks.
    loop {
        let count = launched.load(Ordering::SeqCst);
        let passed = (device.clock.now() - started).as_millis() as u64;
        assert!(
            count <= RATE + RATE * passed / 1000,
            "{count} in {passed} ms"
        );
        if count == TASKS * EACH {
            break;
        }
        match device.device.shared.timer.fire() {
            Some(next) => device.clock.move_to(next),
            None => std::thread::yield_now(),
        }
    }
    let least = (TASKS * EACH - RATE) * 1000 / RATE;
    assert_eq!(device.clock.now() - started, milliseconds(least));
}

//! Weighted sharing of a device among worker processes, by disengaged fair queueing
//! (Menychtas, Shen and Scott 2014). Each tenant's worker is a process of its own, and
//! the device itself gives processes equal time, so this host does not choose whose
//! work runs. It keeps the virtual time of each worker, and sends no more work for one
//! that is ahead of the others by more than a bound, until they have caught up.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::fair_queue::{FairQueue, Flow};
use crate::identity::WorkerId;
use crate::sync::lock;

/// How far a worker may be ahead of the others: a few changes from process to process.
const BOUND: Duration = Duration::from_millis(5);

/// All workers of one device.
#[derive(Debug, Default)]
pub(crate) struct FairShare {
    state: Mutex<Flows>,
    /// How many workers have work, to be read without the lock.
    busy: AtomicUsize,
}

#[derive(Debug, Default)]
struct Flows {
    workers: HashMap<WorkerId, Flow>,
    queue: FairQueue<WorkerId>,
}

impl FairShare {
    pub(crate) fn add(&self, worker: WorkerId, weight: NonZeroU32) {
        lock(&self.state).workers.insert(worker, Flow::new(weight));
    }

    pub(crate) fn remove(&self, worker: WorkerId) {
        self.set_busy(worker, false);
        lock(&self.state).workers.remove(&worker);
    }

    /// Says whether the worker has work.
    pub(crate) fn set_busy(&self, worker: WorkerId, busy: bool) {
        let Flows { workers, queue } = &mut *lock(&self.state);
        let Some(flow) = workers.get_mut(&worker) else {
            return;
        };
        if flow.is_backlogged() == busy {
            return;
        }
        // So that a worker which had no work earns no credit by it.
        queue.advance_virtual_time();
        if busy {
            queue.enqueue(worker, flow);
            self.busy.fetch_add(1, Ordering::AcqRel);
        } else {
            queue.dequeue(worker, flow);
            self.busy.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Among how many workers the device's time is shared now.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// Charges a worker for time in which it had work on the device, together with
    /// all that had.
    pub(crate) fn charge(&self, worker: WorkerId, time: Duration) {
        let among = u32::try_from(self.busy().max(1)).unwrap_or(u32::MAX);
        let Flows { workers, queue } = &mut *lock(&self.state);
        if let Some(flow) = workers.get_mut(&worker) {
            queue.charge(worker, flow, time / among);
        }
    }

    /// Whether the worker may have more work. Also one that has none at present is held back where it is
    /// ahead of those that have some: a tenant that waits for each launch has no work whenever it asks.
    pub(crate) fn may_send(&self, worker: WorkerId) -> bool {
        if self.busy() == 0 {
            return true;
        }
        let Flows { workers, queue } = &mut *lock(&self.state);
        let Some(flow) = workers.get(&worker) else {
            return true;
        };
        let others = self.busy() - usize::from(flow.is_backlogged());
        others == 0 || !queue.is_ahead(flow, BOUND)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn share(of: u32) -> NonZeroU32 {
        NonZeroU32::new(of).unwrap()
    }

    fn two(first: u32, second: u32) -> (FairShare, [WorkerId; 2]) {
        let (shares, workers) = (FairShare::default(), [1.into(), 2.into()]);
        shares.add(workers[0], share(first));
        shares.add(workers[1], share(second));
        (shares, workers)
    }

    #[test]
    fn a_worker_that_is_alone_never_waits() {
        let (shares, [one, _]) = two(100, 100);
        shares.set_busy(one, true);
        shares.charge(one, Duration::from_secs(10));
        assert!(shares.may_send(one));
    }

    #[test]
    fn time_is_shared_by_weight() {
        let (shares, workers) = two(300, 100);
        let mut received = [0_u32; 2];
        for worker in workers {
            shares.set_busy(worker, true);
        }
        for _ in 0..10_000 {
            for (worker, received) in workers.into_iter().zip(&mut received) {
                if shares.may_send(worker) {
                    shares.charge(worker, Duration::from_millis(1));
                    *received += 1;
                }
            }
        }
        let ratio = f64::from(received[0]) / f64::from(received[1]);
        assert!((2.8..3.2).contains(&ratio), "{received:?}");
    }

    /// One millisecond of the device after another. The first worker always has work; the second one has
    /// a launch at a time, waits for it, and asks for the next.
    #[test]
    fn a_worker_that_waits_for_each_launch_gets_its_share_and_no_more() {
        let (step, launch) = (Duration::from_millis(1), Duration::from_millis(10));
        for (first, second) in [(300, 100), (100, 100)] {
            let (shares, [always, waits]) = two(first, second);
            shares.set_busy(always, true);
            let mut received = [Duration::ZERO; 2];
            let mut left = Duration::ZERO;
            for _ in 0..20_000 {
                if left.is_zero() && shares.may_send(waits) {
                    left = launch;
                    shares.set_busy(waits, true);
                }
                shares.charge(always, step);
                if left.is_zero() {
                    received[0] += step;
                    continue;
                }
                shares.charge(waits, step);
                received[0] += step / 2;
                received[1] += step / 2;
                left = left.saturating_sub(step / 2);
                if left.is_zero() {
                    shares.set_busy(waits, false);
                }
            }
            let ratio = received[0].as_secs_f64() / received[1].as_secs_f64();
            let expected = f64::from(first) / f64::from(second);
            assert!((ratio / expected - 1.0).abs() < 0.1, "{received:?}");
        }
    }

    #[test]
    fn a_worker_that_waits_for_each_launch_is_not_held_back_where_no_other_has_work() {
        let (shares, [one, two]) = two(100, 100);
        shares.set_busy(one, true);
        shares.set_busy(two, true);
        shares.charge(one, Duration::from_secs(10));
        shares.set_busy(one, false);
        assert!(!shares.may_send(one));
        shares.set_busy(two, false);
        assert!(shares.may_send(one));
    }

    #[test]
    fn a_worker_that_was_idle_is_owed_nothing() {
        let (shares, [one, two]) = two(100, 100);
        shares.set_busy(one, true);
        shares.charge(one, Duration::from_secs(100));
        shares.set_busy(two, true);
        shares.charge(two, Duration::from_secs(1));
        assert!(shares.may_send(one));
        assert!(!shares.may_send(two));
        shares.remove(one);
        assert!(shares.may_send(two));
    }

    #[test]
    fn a_worker_that_was_idle_is_owed_nothing_by_one_that_rested_meanwhile() {
        let (shares, [one, two]) = two(100, 100);
        shares.set_busy(one, true);
        shares.charge(one, Duration::from_secs(100));
        shares.set_busy(one, false);
        shares.set_busy(two, true);
        shares.set_busy(one, true);
        assert!(shares.may_send(one));
        assert!(shares.may_send(two));
    }
}

//! Who may send work to the device now. Each tenant's worker is a process of its
//! own, and the device gives processes equal time; weights are kept by holding
//! back the work of whoever is ahead of its share while others have some.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::sync::lock;

/// How far one may be ahead of the others: a few changes from process to process.
const AHEAD: Duration = Duration::from_millis(5);

/// All workers of one device.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    places: Mutex<HashMap<u64, Place>>,
    busy: AtomicUsize,
}

#[derive(Debug)]
struct Place {
    share: f64,
    /// The device time that it had, in nanoseconds for each unit of its share.
    had: f64,
    busy: bool,
}

impl Turns {
    pub(crate) fn join(&self, worker: u64, share: NonZeroU32) {
        let place = Place {
            share: f64::from(share.get()),
            had: 0.0,
            busy: false,
        };
        lock(&self.places).insert(worker, place);
    }

    pub(crate) fn leave(&self, worker: u64) {
        self.set_busy(worker, false);
        lock(&self.places).remove(&worker);
    }

    /// Says whether the worker has work.
    pub(crate) fn set_busy(&self, worker: u64, busy: bool) {
        let mut places = lock(&self.places);
        let least = least(&places);
        let Some(place) = places.get_mut(&worker) else {
            return;
        };
        if place.busy == busy {
            return;
        }
        place.busy = busy;
        if busy {
            // What it did not use before is not owed.
            place.had = place.had.max(least.unwrap_or(place.had));
            self.busy.fetch_add(1, Ordering::AcqRel);
        } else {
            self.busy.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Among how many workers the device's time is shared now.
    pub(crate) fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// Charges a worker for time in which it had work on the device, together with
    /// all who had.
    pub(crate) fn charge(&self, worker: u64, time: Duration) {
        let among = self.busy().max(1);
        if let Some(place) = lock(&self.places).get_mut(&worker) {
            place.had += time.as_nanos() as f64 / among as f64 / place.share;
        }
    }

    /// Whether the worker may send more.
    pub(crate) fn may_send(&self, worker: u64) -> bool {
        if self.busy() < 2 {
            return true;
        }
        let places = lock(&self.places);
        let (Some(least), Some(place)) = (least(&places), places.get(&worker)) else {
            return true;
        };
        place.had <= least + AHEAD.as_nanos() as f64 / place.share
    }
}

fn least(places: &HashMap<u64, Place>) -> Option<f64> {
    places
        .values()
        .filter(|place| place.busy)
        .map(|place| place.had)
        .min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn share(of: u32) -> NonZeroU32 {
        NonZeroU32::new(of).unwrap()
    }

    #[test]
    fn alone_nobody_waits() {
        let turns = Turns::default();
        turns.join(1, share(100));
        turns.join(2, share(100));
        turns.set_busy(1, true);
        turns.charge(1, Duration::from_secs(10));
        assert!(turns.may_send(1));
    }

    #[test]
    fn time_goes_by_shares() {
        let turns = Turns::default();
        turns.join(1, share(300));
        turns.join(2, share(100));
        let mut had = [0_u32; 2];
        turns.set_busy(1, true);
        turns.set_busy(2, true);
        for _ in 0..10_000 {
            for worker in [1, 2] {
                if turns.may_send(worker) {
                    turns.charge(worker, Duration::from_millis(1));
                    had[worker as usize - 1] += 1;
                }
            }
        }
        let ratio = f64::from(had[0]) / f64::from(had[1]);
        assert!((2.8..3.2).contains(&ratio), "{had:?}");
    }

    #[test]
    fn who_was_idle_is_owed_nothing() {
        let turns = Turns::default();
        turns.join(1, share(100));
        turns.join(2, share(100));
        turns.set_busy(1, true);
        turns.charge(1, Duration::from_secs(100));
        turns.set_busy(2, true);
        turns.charge(2, Duration::from_secs(1));
        assert!(turns.may_send(1));
        assert!(!turns.may_send(2));
        turns.leave(1);
        assert!(turns.may_send(2));
    }
}

//! The rate limit of a tenant's launches: the generic cell rate algorithm (ITU-T
//! I.371). A launch that comes too early waits, first come, first served. Only the
//! first waits for the time, and it spends its permit once its launch is queued: so
//! a call that is dropped while it waits has cost nothing, and the next moves up.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

use crate::timer::Timer;

/// One tenant's limit.
#[derive(Debug)]
pub(crate) struct RateLimit {
    /// Locked by the caller that holds the permit; the lock is a fair one.
    bucket: Mutex<Bucket>,
}

/// Permission to queue one launch.
pub(crate) struct RatePermit<'a> {
    bucket: MutexGuard<'a, Bucket>,
    timer: &'a Timer,
}

/// The state of the algorithm. A launch costs [`LAUNCH`] drops; each
/// nanosecond refills as many drops as there are launches per second. So nothing
/// is ever rounded but a wait, which is rounded up.
#[derive(Debug)]
struct Bucket {
    per_second: u128,
    opened: Instant,
    /// When the bucket is full again, in drops since it was opened.
    full_at: u128,
}

/// Drops for a launch: as many as there are nanoseconds in a second.
const LAUNCH: u128 = 1_000_000_000;

impl RateLimit {
    pub(crate) fn new(per_second: NonZeroU32, now: Instant) -> RateLimit {
        RateLimit {
            bucket: Mutex::new(Bucket {
                per_second: u128::from(per_second.get()),
                opened: now,
                full_at: 0,
            }),
        }
    }

    /// Waits until another launch is due. Until the permit is spent or dropped,
    /// other launches wait.
    pub(crate) async fn permit<'a>(&'a self, timer: &'a Timer) -> RatePermit<'a> {
        let bucket = self.bucket.lock().await;
        while let Some(at) = bucket.due(timer.now()) {
            timer.until(at).await;
        }
        RatePermit { bucket, timer }
    }
}

impl RatePermit<'_> {
    /// The launch is queued.
    pub(crate) fn spend(mut self) {
        let now = self.timer.now();
        self.bucket.take(now);
    }
}

impl Bucket {
    fn drops(&self, now: Instant) -> u128 {
        let since = now.saturating_duration_since(self.opened).as_nanos();
        since.saturating_mul(self.per_second)
    }

    /// When the next launch is due; `None` where that is now.
    fn due(&self, now: Instant) -> Option<Instant> {
        let burst = self.per_second.saturating_mul(LAUNCH);
        let drops = self.drops(now);
        let missing = self
            .after(drops)
            .saturating_sub(drops.saturating_add(burst));
        let wait = u64::try_from(missing.div_ceil(self.per_second)).unwrap_or(u64::MAX);
        if wait == 0 {
            return None;
        }
        now.checked_add(Duration::from_nanos(wait))
    }

    fn take(&mut self, now: Instant) {
        self.full_at = self.after(self.drops(now));
    }

    /// When the bucket is full again after one more launch.
    fn after(&self, drops: u128) -> u128 {
        self.full_at.max(drops).saturating_add(LAUNCH)
    }
}

#[cfg(test)]
mod tests;

//! How fast guests may fill the log, all of them together: each request has a limit of its
//! own, and a client can send many requests.

use crate::lock::ignore_poison;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Bytes of a second, in the long run: what no person reads, and any disk writes.
const PER_SECOND: u64 = 1 << 20;

/// Bytes after a pause.
const BURST: u64 = 32 << 20;

/// The rate of one log.
pub(super) struct OutputRate(Mutex<Rate>);

struct Rate {
    /// When all of the burst can be had again; `None` before the first line.
    full: Option<Instant>,
    dropped: u64,
}

/// Whether a line may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It may, and so many before it may not.
    Yes { dropped: u64 },
    /// It is dropped.
    No,
}

impl OutputRate {
    pub(super) const fn new() -> OutputRate {
        OutputRate(Mutex::new(Rate {
            full: None,
            dropped: 0,
        }))
    }

    /// Takes room for a line of so many bytes.
    pub(super) fn take(&self, bytes: usize, now: Instant) -> Taken {
        let mut rate = ignore_poison(self.0.lock());
        let full = rate.full.unwrap_or(now).max(now) + time_for(bytes as u64);
        if full.saturating_duration_since(now) > time_for(BURST) {
            rate.dropped = rate.dropped.saturating_add(1);
            return Taken::No;
        }
        rate.full = Some(full);
        Taken::Yes {
            dropped: std::mem::take(&mut rate.dropped),
        }
    }
}

/// The time in which so many bytes may be logged.
fn time_for(bytes: u64) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(1_000_000_000 / PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_rate_are_dropped_and_counted() {
        let (rate, start) = (OutputRate::new(), Instant::now());
        let half = (BURST / 2) as usize;
        let dropped = |dropped| Taken::Yes { dropped };
        assert_eq!(rate.take(half, start), dropped(0));
        assert_eq!(rate.take(half, start), dropped(0));
        assert_eq!(rate.take(1, start), Taken::No);
        assert_eq!(rate.take(half, start), Taken::No);
        let later = start + Duration::from_secs(1);
        assert_eq!(rate.take(1000, later), dropped(2));
        assert_eq!(rate.take(1000, later), dropped(0));
    }
}

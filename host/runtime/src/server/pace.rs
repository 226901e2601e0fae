//! The minimum rate of a body, in either direction: how long in all a client may let the
//! other side wait, as Apache's `mod_reqtimeout` limits requests (`body=15,MinRate=512`).
//!
//! A client has an allowance of time. Waiting for it uses the allowance up, and each byte
//! gives back the time that it may take at the minimum rate, up to the whole. So a client
//! that does nothing is given up after the allowance, as by a plain timer, and one that
//! sends a byte now and then soon after it. The time that a guest takes is not counted.

use std::time::Duration;

use tokio::time::Instant;

/// The slowest pace that a client may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct MinimumPace {
    /// How long a client may do nothing.
    pub(super) idle: Duration,
    /// The minimum rate; with 0, any byte gives the whole allowance back.
    pub(super) bytes_per_second: u64,
}

/// How much of its allowance one client has left, for one body.
#[derive(Debug)]
pub(super) struct Pace {
    minimum: MinimumPace,
    left: Duration,
    /// Since when the client is waited for.
    waiting_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(minimum: MinimumPace) -> Self {
        Self {
            minimum,
            left: minimum.idle,
            waiting_since: None,
        }
    }

    /// From now on the client is waited for, unless it was before. Returns when it has used
    /// its allowance up.
    pub(super) fn wait(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.left
    }

    /// When the client will have used its allowance up, if it is waited for.
    pub(super) fn exhausted_at(&self) -> Option<Instant> {
        self.waiting_since.map(|since| since + self.left)
    }

    /// Since when the client would be waited for, had it used up what it has of its allowance
    /// without a break; `None` if it is not waited for.
    pub(super) fn waited_since(&self) -> Option<Instant> {
        let used = self.minimum.idle.saturating_sub(self.left);
        let since = self.waiting_since?;
        Some(since.checked_sub(used).unwrap_or(since))
    }

    /// The client has sent or taken this many bytes, and is no longer waited for.
    pub(super) fn progress(&mut self, bytes: u64, now: impl FnOnce() -> Instant) {
        // The clock is asked only where the client was waited for: most never are.
        if let Some(since) = self.waiting_since.take() {
            let waited = now().saturating_duration_since(since);
            self.left = self.left.saturating_sub(waited);
        }
        let left = self.left.saturating_add(self.earned(bytes));
        self.left = left.min(self.minimum.idle);
    }

    /// The time that these bytes may take.
    fn earned(&self, bytes: u64) -> Duration {
        match (bytes, self.minimum.bytes_per_second) {
            (0, _) => Duration::ZERO,
            (_, 0) => self.minimum.idle,
            (bytes, rate) => {
                let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
                Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Whether a client lasts that sends so many bytes every so often, for an hour.
    fn lasts(bytes_per_second: u64, bytes: u64, every: Duration) -> bool {
        let minimum = MinimumPace {
            idle: 15 * SECOND,
            bytes_per_second,
        };
        let mut pace = Pace::new(minimum);
        let start = Instant::now();
        let mut now = start;
        while now < start + 3600 * SECOND {
            let end = pace.wait(now);
            now += every;
            if now >= end {
                return false;
            }
            pace.progress(bytes, || now);
        }
        true
    }

    #[test]
    fn a_client_that_sends_a_byte_now_and_then_is_too_slow() {
        assert!(!lasts(512, 1, 2 * SECOND));
        assert!(!lasts(512, 500, SECOND));
        assert!(!lasts(512, 1000, 2 * SECOND));
    }

    #[test]
    fn a_client_at_the_minimum_rate_is_fast_enough_in_bursts_too() {
        assert!(lasts(512, 512, SECOND));
        assert!(lasts(512, 14 * 512, 14 * SECOND));
    }

    #[test]
    fn a_client_that_does_nothing_for_the_whole_allowance_is_too_slow() {
        assert!(!lasts(512, 1 << 40, 15 * SECOND));
        assert!(!lasts(0, 1, 15 * SECOND));
    }

    #[test]
    fn without_a_minimum_rate_any_byte_is_enough() {
        assert!(lasts(0, 1, 14 * SECOND));
    }

    #[test]
    fn the_time_of_the_guest_is_not_counted() {
        let minimum = MinimumPace {
            idle: SECOND,
            bytes_per_second: 512,
        };
        let mut pace = Pace::new(minimum);
        let start = Instant::now();
        assert_eq!(pace.wait(start), start + SECOND);
        pace.progress(0, || start + SECOND / 2);
        assert_eq!(pace.exhausted_at(), None);
        let later = start + 100 * SECOND;
        assert_eq!(pace.wait(later), later + SECOND / 2);
    }
}

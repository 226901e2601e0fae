//! Whether workers can be started at present: the last one that was to be could be, or that is some
//! time ago. Nothing tries again by itself, so a failure counts for a while only: after that whoever
//! asks is to try.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// How long a failure counts.
const COUNTS_FOR: Duration = Duration::from_secs(15);

/// What came of starting workers.
#[derive(Debug, Default)]
pub(super) struct WorkerStarts {
    failed: Mutex<Option<Instant>>,
}

impl WorkerStarts {
    /// A worker has the device.
    pub(super) fn succeeded(&self) {
        *lock(&self.failed) = None;
    }

    /// A worker could not be started, or ended before it had the device.
    pub(super) fn failed(&self, now: Instant) {
        *lock(&self.failed) = Some(now);
    }

    /// Whether one can be started, as far as is known.
    pub(super) fn can_start(&self, now: Instant) -> bool {
        let failed = *lock(&self.failed);
        failed.is_none_or(|at| now.saturating_duration_since(at) > COUNTS_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_counts_until_a_worker_has_started_or_some_time_has_passed() {
        let (starts, now) = (WorkerStarts::default(), Instant::now());
        assert!(starts.can_start(now));
        starts.failed(now);
        assert!(!starts.can_start(now) && !starts.can_start(now + COUNTS_FOR));
        assert!(starts.can_start(now + 2 * COUNTS_FOR));
        starts.succeeded();
        assert!(starts.can_start(now));
    }
}

//! The time in which a worker has work, for its limits and its share of the device.

use std::time::{Duration, Instant};

/// Measures the time in which the worker has work.
#[derive(Debug, Default)]
pub(super) struct WorkClock {
    last: Option<Instant>,
    runs: bool,
    /// That it ran since the supervising thread looked last.
    worked: bool,
}

impl WorkClock {
    /// The time since the last call in which there was work.
    pub(super) fn tick(&mut self, now: Instant) -> Duration {
        let last = self.last.replace(now).filter(|_| self.runs);
        last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last))
    }

    /// Whether there is work, as far as was seen.
    pub(super) fn runs(&self) -> bool {
        self.runs
    }

    /// There is work, or none.
    pub(super) fn set_running(&mut self, runs: bool) {
        self.runs = runs;
    }

    /// Work begins, or there is more of it.
    pub(super) fn start(&mut self, now: Instant) {
        if !self.runs {
            self.last = Some(now);
        }
        self.runs = true;
        self.worked = true;
    }

    /// Whether there was work since the last call.
    pub(super) fn take_worked(&mut self) -> bool {
        std::mem::take(&mut self.worked)
    }
}

//! How long a launch has run: the time in which at least one thread ran a part of it.
//! While its threads serve other tenants the watch is stopped, so a deadline is not
//! missed for a busy neighbour.

use std::time::{Duration, Instant};

/// A launch's watch.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    at_work: usize,
    since: Option<Instant>,
    used: Duration,
}

impl Stopwatch {
    /// One more thread is at work; when the launch's time will be over if at
    /// least one stays so.
    pub(crate) fn begin(&mut self, now: Instant, limit: Duration) -> Option<Instant> {
        self.at_work += 1;
        let since = *self.since.get_or_insert(now);
        since.checked_add(limit.saturating_sub(self.used))
    }

    /// One thread less is at work.
    pub(crate) fn end(&mut self, now: Instant) {
        self.at_work = self.at_work.saturating_sub(1);
        if self.at_work == 0
            && let Some(since) = self.since.take()
        {
            self.used += now.saturating_duration_since(since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_given_to_neighbours_does_not_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(10);
        let mut watch = Stopwatch::default();
        assert_eq!(watch.begin(at(0), limit), Some(at(10)));
        watch.end(at(4));
        assert_eq!(watch.begin(at(100), limit), Some(at(106)));
    }

    #[test]
    fn threads_at_work_together_count_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let limit = Duration::from_secs(10);
        let mut watch = Stopwatch::default();
        watch.begin(at(0), limit);
        assert_eq!(watch.begin(at(3), limit), Some(at(10)));
        watch.end(at(5));
        watch.end(at(6));
        assert_eq!(watch.begin(at(50), limit), Some(at(54)));
    }

    #[test]
    fn no_limit_is_too_long() {
        assert_eq!(
            Stopwatch::default().begin(Instant::now(), Duration::MAX),
            None
        );
    }
}

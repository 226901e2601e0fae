//! A throttle for log messages: however often something happens, it is logged once a
//! period.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::ignore_poison;

/// The least time between two messages on the same subject.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets one message a period through.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Option<Instant>>);

impl LogThrottle {
    /// Whether a message is due now.
    pub fn due(&self) -> bool {
        self.due_at(Instant::now())
    }

    /// Makes the next message due, whenever it comes.
    pub fn reset(&self) {
        *ignore_poison(self.0.lock()) = None;
    }

    fn due_at(&self, now: Instant) -> bool {
        let mut last = ignore_poison(self.0.lock());
        let due = last.is_none_or(|last| now.saturating_duration_since(last) >= PERIOD);
        if due {
            *last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_a_period_is_let_through() {
        let (throttle, start) = (LogThrottle::default(), Instant::now());
        assert!(throttle.due_at(start));
        assert!(!throttle.due_at(start + PERIOD / 2));
        assert!(throttle.due_at(start + PERIOD));
        throttle.reset();
        assert!(throttle.due_at(start + PERIOD));
    }
}

//! Says something now and then, however often it happens.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two messages on the same subject.
const PERIOD: Duration = Duration::from_secs(10);

/// Lets a message through, at most one a period.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether it is time for a message.
    pub fn due(&self) -> bool {
        self.due_at(Instant::now())
    }

    /// The next message is due whenever it comes.
    pub fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn due_at(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn of_many_messages_one_a_period_is_let_through() {
        let (seldom, start) = (Seldom::default(), Instant::now());
        assert!(seldom.due_at(start));
        assert!(!seldom.due_at(start + PERIOD / 2));
        assert!(seldom.due_at(start + PERIOD));
        seldom.reset();
        assert!(seldom.due_at(start + PERIOD));
    }
}

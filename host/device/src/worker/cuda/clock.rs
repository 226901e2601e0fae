//! The device's time. The driver only measures from one event to another, and gives a
//! small number of milliseconds exactly and a large one roughly: so each event is
//! measured from the last one before it.

use super::driver::{Event, Outcome, Stream};

pub(super) struct Clock {
    last: Event,
    /// Of the last event, in nanoseconds since the clock was started.
    nanoseconds: u64,
}

impl Clock {
    pub(super) fn start() -> Outcome<Clock> {
        let stream = Stream::create()?;
        let last = Event::create(true)?;
        last.record(stream)?;
        last.synchronize()?;
        stream.destroy()?;
        Ok(Clock {
            last,
            nanoseconds: 0,
        })
    }

    /// When this event was reached, in nanoseconds since the clock was started.
    pub(super) fn time_of(&mut self, event: Event) -> Outcome<u64> {
        let milliseconds = f64::from(event.milliseconds_since(&self.last)?);
        let passed = (milliseconds * 1e6) as i64;
        self.nanoseconds = self.nanoseconds.saturating_add_signed(passed);
        self.last = event;
        Ok(self.nanoseconds)
    }
}

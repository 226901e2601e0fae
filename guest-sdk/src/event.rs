//! Events: points in a queue, to wait for or to measure time between, like CUDA's events.

use std::time::Duration;

use crate::bindings::kernels as raw;
use crate::error::Result;

/// A point in a queue; see [`Queue::record_event`](crate::Queue::record_event).
#[derive(Debug)]
pub struct Event {
    pub(crate) raw: raw::Event,
}

impl Event {
    /// Whether the device has reached it.
    pub fn is_done(&self) -> bool {
        self.raw.is_done()
    }

    /// Waits until the device has reached it.
    ///
    /// # Errors
    /// The first error of the commands before it that no call has returned yet.
    pub fn wait(&self) -> Result<()> {
        Ok(self.raw.wait()?)
    }

    /// The time on the device since an earlier event. Both must be done.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`](crate::Error::InvalidLaunch) if one of them is not done, or
    /// the error for which the device did not reach it.
    pub fn elapsed_since(&self, earlier: &Event) -> Result<Duration> {
        Ok(Duration::from_nanos(self.raw.elapsed_since(&earlier.raw)?))
    }
}

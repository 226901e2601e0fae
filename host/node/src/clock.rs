//! The clock of a node: the time of day, which can jump where somebody sets it, and waiting, which
//! cannot. A trait, so that a simulation can have time pass as it likes.

use std::time::{Duration, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;

/// What tells the time, and waits.
pub(crate) trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC. A later call may return less.
    fn now_ms(&self) -> i64;

    /// Waits for so long from now on, whatever the time of day becomes meanwhile.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The system's clock.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

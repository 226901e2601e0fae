//! The clock of a node: the time of day, which can jump where somebody sets it, and waiting, which
//! cannot. A trait, so that a simulation can have time pass as it likes.

use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::lock::ignore_poison;

/// What tells the time, and waits.
pub(crate) trait Clock: Send + Sync {
    /// Milliseconds since 1970, UTC. A later call may return less.
    fn now_ms(&self) -> i64;

    /// How long it is since some moment: never less than before, whatever the time of day becomes.
    fn elapsed(&self) -> Duration;

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

    fn elapsed(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// How much more of the time of day may pass between two looks than was waited for.
const SLACK_MS: i64 = 60_000;

/// How long somebody has who has set the time of day forward, and finds that it was wrong.
const SETTLING: Duration = Duration::from_secs(60 * 60);

/// The time of day for what can't be undone: the removal of what is kept for some time. Where somebody sets
/// it forward, nothing is removed for [`SETTLING`]; so a clock that is wrong for a while takes no results
/// of jobs with it. What happened before the process began it does not know.
#[derive(Debug, Default)]
pub(crate) struct SettledTime(Mutex<Observed>);

#[derive(Debug, Default)]
struct Observed {
    /// The time of day, without what had passed, when it was looked at last.
    offset_ms: Option<i64>,
    /// Until so much has passed nothing is removed.
    settles: Duration,
}

impl SettledTime {
    /// Milliseconds since 1970, UTC; `None` where that was set forward not long ago.
    pub(crate) fn now_ms(&self, clock: &dyn Clock) -> Option<i64> {
        let (now_ms, elapsed) = (clock.now_ms(), clock.elapsed());
        let passed = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let offset_ms = now_ms.saturating_sub(passed);
        let mut observed = ignore_poison(self.0.lock());
        if let Some(before) = observed.offset_ms.replace(offset_ms)
            && offset_ms.saturating_sub(before) > SLACK_MS
        {
            let ahead = Duration::from_millis(offset_ms.abs_diff(before));
            tracing::warn!(
                "the time of day was set forward by {} seconds: nothing whose time is over is removed \
                 for an hour",
                ahead.as_secs()
            );
            observed.settles = elapsed.saturating_add(SETTLING);
        }
        (elapsed >= observed.settles).then_some(now_ms)
    }
}

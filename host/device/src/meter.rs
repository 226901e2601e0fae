//! Metering: to whom launches are charged, and how long the device worked on each.
//!
//! A [`Lease`](crate::Lease) has one meter at a time, that of the request which its instance
//! works on. A launch is charged to the meter that was set when it was queued, whenever it
//! runs. What each backend can measure is the device's time: on the processor the time of all
//! threads that worked on a launch, added up; on a GPU the time from the launch's begin to its
//! end, in which kernels of others may have had a part of the GPU.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::launch_config::LaunchConfig;
use crate::sync::lock;

/// To whom launches are charged.
///
/// Called by the threads that run kernels, too, which hold locks of the device: it may neither block
/// nor call the device.
pub trait Meter: Debug + Send + Sync {
    /// A launch is about to be queued. Returns a number of the meter's own for it, which comes
    /// back with its times.
    fn begins(&self, kernel: &str, config: &LaunchConfig) -> u64 {
        let _ = (kernel, config);
        0
    }

    /// A launch was queued.
    fn launched(&self);

    /// A launch has ended, or was stopped, after it ran for some time. Called once for each
    /// launch that ran, before callers learn that it has ended.
    fn ran(&self, launch: LaunchTimes);
}

/// How long a launch took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchTimes {
    /// The number that [`Meter::begins`] gave it.
    pub number: u64,
    /// The device's time.
    pub device: Duration,
    /// From the time at which it was queued to its end.
    pub latency: Duration,
}

/// The meter of a lease and its queues. Empty, launches are charged to nobody.
#[derive(Debug, Default)]
pub(crate) struct MeterSlot(Mutex<Option<Arc<dyn Meter>>>);

impl MeterSlot {
    pub(crate) fn set(&self, meter: Option<Arc<dyn Meter>>) {
        // Dropped after the lock: it may be the last reference to a request.
        let _before = std::mem::replace(&mut *lock(&self.0), meter);
    }

    /// Whom a launch that is queued now is charged to.
    pub(crate) fn current(&self) -> Option<Arc<dyn Meter>> {
        lock(&self.0).clone()
    }
}

/// What one launch is charged. It is held with what the launch holds, and reports when the launch is
/// settled or at the latest when that is dropped, however the launch ended.
#[derive(Debug)]
pub(crate) struct LaunchCharge {
    meter: Arc<dyn Meter>,
    number: u64,
    queued: Instant,
    device_nanoseconds: AtomicU64,
}

impl LaunchCharge {
    /// The charge of a launch that the meter has given this number.
    pub(crate) fn new(meter: Arc<dyn Meter>, number: u64) -> LaunchCharge {
        LaunchCharge {
            meter,
            number,
            queued: Instant::now(),
            device_nanoseconds: AtomicU64::new(0),
        }
    }

    pub(crate) fn meter(&self) -> &Arc<dyn Meter> {
        &self.meter
    }

    /// The device has worked on the launch for so long.
    pub(crate) fn add(&self, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.device_nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl LaunchCharge {
    /// The launch has ended: its meter is told now. To be called before whoever waits for the launch
    /// can learn of its end.
    pub(crate) fn settle(&self) {
        let nanoseconds = self.device_nanoseconds.swap(0, Ordering::Relaxed);
        if nanoseconds > 0 {
            self.meter.ran(LaunchTimes {
                number: self.number,
                device: Duration::from_nanos(nanoseconds),
                latency: self.queued.elapsed(),
            });
        }
    }
}

impl Drop for LaunchCharge {
    fn drop(&mut self) {
        self.settle();
    }
}

//! A histogram of durations that is added to without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds. Requests, kernels and compilations differ
/// by orders of magnitude, so that there are few bounds for each of many orders; objectives for
/// latencies are best set at one of them.
const BOUNDS_US: [u64; 20] = [
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
];

/// A histogram of durations.
pub(super) struct Histogram {
    /// How many lie at or below each bound and above the one before, and above all.
    buckets: [AtomicU64; BOUNDS_US.len() + 1],
    nanoseconds: AtomicU64,
}

/// What a histogram has at some time.
pub(super) struct Snapshot {
    /// Upper bounds in seconds, and how many there are above the bound before.
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) count: u64,
    pub(super) seconds: f64,
}

impl Histogram {
    pub(super) fn new() -> Histogram {
        Histogram {
            buckets: Default::default(),
            nanoseconds: AtomicU64::new(0),
        }
    }

    pub(super) fn add(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| bound * 1000 < nanoseconds);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|b| b.load(Ordering::Relaxed))
            .collect();
        let bounds = BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6);
        let bounds = bounds.chain([f64::INFINITY]);
        Snapshot {
            count: counts.iter().sum(),
            buckets: bounds.zip(counts).collect(),
            seconds: self.nanoseconds.load(Ordering::Relaxed) as f64 / 1e9,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_the_bucket_below_it() {
        let histogram = Histogram::new();
        histogram.add(Duration::from_micros(100));
        histogram.add(Duration::from_nanos(100_001));
        histogram.add(Duration::ZERO);
        histogram.add(Duration::from_secs(1000));
        let snapshot = histogram.snapshot();
        let of = |bound: f64| {
            let bucket = snapshot.buckets.iter().find(|(upper, _)| *upper == bound);
            bucket.map(|(_, count)| *count)
        };
        assert_eq!(of(0.00005), Some(1));
        assert_eq!(of(0.0001), Some(1));
        assert_eq!(of(0.00025), Some(1));
        assert_eq!(of(f64::INFINITY), Some(1));
        assert_eq!(snapshot.count, 4);
    }
}

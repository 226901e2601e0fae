//! The queue of spans that wait to be exported: of bounded length, and nobody who adds to it waits.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tensor_wasm_runtime::{LogThrottle, Span, TraceId};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::SpanStats;
use super::config::Batches;
use crate::lock::ignore_poison;

/// Spans that wait.
pub(super) struct Queue {
    batches: Batches,
    waiting: Mutex<Waiting>,
    /// There is a whole batch, or the queue is closed.
    wake: Notify,
    exported: AtomicU64,
    full: AtomicU64,
    failed: AtomicU64,
    throttle: LogThrottle,
}

struct Waiting {
    spans: VecDeque<Span>,
    /// Set once no more are taken: until when those that wait may be exported.
    closed: Option<Instant>,
}

/// What the exporter gets.
pub(super) struct Batch {
    pub(super) spans: Vec<Span>,
    /// Set where the queue is closed: until when spans may be exported.
    pub(super) closed: Option<Instant>,
}

impl Queue {
    pub(super) fn new(batches: Batches) -> Queue {
        Queue {
            batches,
            waiting: Mutex::new(Waiting {
                spans: VecDeque::new(),
                closed: None,
            }),
            wake: Notify::new(),
            exported: AtomicU64::new(0),
            full: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            throttle: LogThrottle::default(),
        }
    }

    /// Adds a span, or drops it where there is no room.
    pub(super) fn push(&self, span: Span) {
        let mut waiting = ignore_poison(self.waiting.lock());
        if waiting.spans.len() >= self.batches.queue.get() || waiting.closed.is_some() {
            drop(waiting);
            let dropped = self.full.fetch_add(1, Ordering::Relaxed) + 1;
            if self.throttle.due() {
                tracing::warn!(
                    dropped,
                    "spans of traces are dropped: requests make them faster than the collector \
                     takes them"
                );
            }
            return;
        }
        waiting.spans.push_back(span);
        // Once for each batch.
        let is_batch = waiting.spans.len() == self.batches.size.get();
        drop(waiting);
        if is_batch {
            self.wake.notify_one();
        }
    }

    /// The next batch: as soon as it is full, or its first spans have waited for long enough.
    pub(super) async fn next(&self) -> Batch {
        let is_ready = {
            let waiting = ignore_poison(self.waiting.lock());
            waiting.closed.is_some() || waiting.spans.len() >= self.batches.size.get()
        };
        if !is_ready {
            let _ = timeout(self.batches.delay, self.wake.notified()).await;
        }
        let mut waiting = ignore_poison(self.waiting.lock());
        let size = waiting.spans.len().min(self.batches.size.get());
        Batch {
            spans: waiting.spans.drain(..size).collect(),
            closed: waiting.closed,
        }
    }

    /// When the queue is closed.
    pub(super) async fn closed(&self) -> Instant {
        loop {
            let woken = self.wake.notified();
            if let Some(until) = ignore_poison(self.waiting.lock()).closed {
                return until;
            }
            woken.await;
        }
    }

    /// Takes no more spans. Those that wait may be exported until then.
    pub(super) fn close(&self, until: Instant) {
        let mut waiting = ignore_poison(self.waiting.lock());
        waiting.closed.get_or_insert(until);
        drop(waiting);
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// So many spans of a batch were accepted, and so many were not.
    pub(super) fn count(&self, accepted: u64, refused: u64) {
        self.exported.fetch_add(accepted, Ordering::Relaxed);
        self.failed.fetch_add(refused, Ordering::Relaxed);
    }

    pub(super) fn stats(&self) -> SpanStats {
        SpanStats {
            exported: self.exported.load(Ordering::Relaxed),
            queue_full: self.full.load(Ordering::Relaxed),
            export_failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

/// How long to wait before a batch is tried again: longer each time, and not for all servers the
/// same.
pub(super) fn backoff(attempt: u32) -> Duration {
    let longest = Duration::from_millis(500).saturating_mul(1 << attempt.min(6));
    let random = TraceId::random().number() as u32;
    longest.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::num::NonZeroUsize;
    use std::time::SystemTime;

    use tensor_wasm_runtime::{SpanId, SpanKind};

    use super::*;

    fn queue() -> Queue {
        Queue::new(Batches {
            delay: Duration::from_secs(3600),
            queue: NonZeroUsize::new(5).unwrap(),
            size: NonZeroUsize::new(3).unwrap(),
            patience: Duration::from_secs(1),
        })
    }

    fn span() -> Span {
        Span {
            trace: TraceId::random(),
            id: SpanId::random(),
            parent: None,
            parent_is_remote: false,
            state: None,
            kind: SpanKind::Server,
            name: "GET".into(),
            start: SystemTime::now(),
            end: SystemTime::now(),
            attributes: Vec::new(),
            failed: false,
        }
    }

    #[tokio::test]
    async fn a_span_too_many_is_dropped_and_counted_and_a_whole_batch_waits_for_nothing() {
        let queue = queue();
        for _ in 0..7 {
            queue.push(span());
        }
        assert_eq!(queue.stats().queue_full, 2);
        assert_eq!(queue.next().await.spans.len(), 3);
        queue.push(span());
        assert_eq!(queue.next().await.spans.len(), 3);
        assert_eq!(queue.stats().queue_full, 2);
    }

    #[tokio::test]
    async fn a_queue_that_is_closed_gives_what_waits_at_once_and_takes_no_more() {
        let queue = queue();
        queue.push(span());
        let until = Instant::now();
        queue.close(until);
        queue.push(span());
        assert_eq!(queue.closed().await, until);
        let batch = queue.next().await;
        assert_eq!((batch.spans.len(), batch.closed), (1, Some(until)));
        let last = queue.next().await;
        assert_eq!((last.spans.len(), last.closed), (0, Some(until)));
    }

    #[test]
    fn pauses_become_longer_and_have_an_end() {
        for attempt in 0..20 {
            let pause = backoff(attempt);
            let longest = Duration::from_millis(500 << attempt.min(6));
            assert!(pause >= longest / 2 && pause <= longest, "{pause:?}");
        }
    }
}

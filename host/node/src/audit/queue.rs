//! The bounded queue from the threads that serve HTTP, which may not wait, to the thread
//! that writes; and the state of the writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use tensor_wasm_runtime::LogThrottle;
use tokio::sync::oneshot;

use super::chain::Head;
use super::record::Record;
use crate::lock::ignore_poison;

/// The most records that are written at once.
const BATCH: usize = 1024;

/// Used when a record is kept, and dropped where it can't be.
pub(super) type Done = oneshot::Sender<()>;

/// A record that waits to be written.
#[derive(Debug)]
pub(super) struct Item {
    pub record: Record,
    pub done: Option<Done>,
}

/// The numbers of a log, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// Records that were written, in whole lines.
    pub written: u64,
    /// Records that were not written; an `audit.gap` counts them, if it could be written.
    pub lost: u64,
    /// Records that wait to be written.
    pub waiting: u64,
    /// Whether records can't be written at present.
    pub failing: bool,
}

/// The queue. Its lock is never held while something is written.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<QueueState>,
    /// Notified when there is work.
    work: Condvar,
    /// Notified when the writer has ended; in tests after each of its rounds, too.
    progress: Condvar,
    /// The most records that wait here.
    capacity: usize,
    losses: LogThrottle,
}

/// The state of the queue and its writer, under the lock.
#[derive(Debug, Default)]
pub(super) struct QueueState {
    waiting: VecDeque<Item>,
    /// Records that didn't fit since the last that did.
    missed: u64,
    /// Whether anything happened since the writer last checked.
    news: bool,
    reopen: bool,
    closing: bool,
    /// The writer has ended.
    pub(super) gone: bool,
    /// Whether the writer sleeps and must be woken.
    asleep: bool,
    /// Records that the writer has taken and not written.
    in_hand: u64,
    /// Records that the writer left unwritten at its end.
    left: u64,
    written: u64,
    lost: u64,
    failing: bool,
    head: Option<Head>,
    /// How many rounds the writer has reported.
    #[cfg(test)]
    pub(super) rounds: u64,
}

/// What the writer has to do.
#[derive(Debug)]
pub(super) struct Work {
    pub items: Vec<Item>,
    pub reopen: bool,
    pub closing: bool,
}

/// The outcome of one round of the writer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub written: u64,
    pub in_hand: u64,
    pub lost: u64,
    pub failing: bool,
    /// The last record that was written, whenever that was.
    pub head: Option<Head>,
}

impl Queue {
    pub fn new(capacity: usize) -> Queue {
        Queue {
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
            capacity,
            losses: LogThrottle::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        ignore_poison(self.state.lock())
    }

    /// Adds a record, or counts it as lost.
    pub fn push(&self, mut item: Item) {
        let mut state = self.lock();
        if state.gone || state.waiting.len() >= self.capacity {
            state.lost = state.lost.saturating_add(1);
            state.missed = state.missed.saturating_add(1);
            let lost = state.lost;
            drop(state);
            if self.losses.due() {
                tracing::error!(lost, "audit records are lost: the log can't take them");
            }
            return;
        }
        state.queue_gap();
        if state.failing {
            // The response doesn't wait for a disk that may never recover.
            item.done = None;
        }
        state.waiting.push_back(item);
        self.wake(state);
    }

    /// Has the writer open its file again.
    pub fn reopen(&self) {
        let mut state = self.lock();
        state.reopen = true;
        self.wake(state);
    }

    /// Has the writer look for work that is not in the queue.
    pub fn nudge(&self) {
        self.wake(self.lock());
    }

    /// Whether records can be kept, with room for those of the requests that run now.
    pub fn keeps(&self) -> bool {
        let state = self.lock();
        !state.gone && !state.failing && state.waiting.len() <= self.capacity / 2
    }

    pub fn stats(&self) -> AuditStats {
        let state = self.lock();
        AuditStats {
            written: state.written,
            lost: state.lost,
            waiting: state.waiting(),
            failing: state.failing,
        }
    }

    /// The last record that was written.
    pub fn head(&self) -> Option<Head> {
        self.lock().head
    }

    /// Has the writer end once it has written all records.
    pub fn end(&self) {
        let mut state = self.lock();
        state.closing = true;
        self.wake(state);
    }

    /// Waits until the writer has ended, or for so long. Returns how many records
    /// are then not written.
    pub fn close(&self, patience: Duration) -> u64 {
        self.end();
        let (state, _) = ignore_poison(self.progress.wait_timeout_while(
            self.lock(),
            patience,
            |state| !state.gone,
        ));
        let (left, gone) = (state.left + state.waiting(), state.gone);
        drop(state);
        if !gone {
            tracing::error!(
                left,
                "the audit log takes too long to be written to its end"
            );
        }
        left
    }

    fn wake(&self, mut state: MutexGuard<'_, QueueState>) {
        state.news = true;
        // Waking a thread is a system call, which a busy writer doesn't need.
        let was_asleep = std::mem::take(&mut state.asleep);
        // It would wait for the lock.
        drop(state);
        if was_asleep {
            self.work.notify_one();
        }
    }

    /// Waits for work, for at most `longest`. A writer that is stuck with the records that
    /// it has takes no new ones.
    pub fn next(&self, stuck: bool, longest: Option<Duration>) -> Work {
        let mut state = self.lock();
        let nothing = |state: &mut QueueState| {
            let idle = !state.news && !state.closing && (stuck || state.waiting.is_empty());
            state.asleep = idle;
            idle
        };
        state = match longest {
            Some(longest) => ignore_poison(self.work.wait_timeout_while(state, longest, nothing)).0,
            None => ignore_poison(self.work.wait_while(state, nothing)),
        };
        state.asleep = false;
        state.news = false;
        let mut items = Vec::new();
        if !stuck {
            let count = state.waiting.len().min(BATCH);
            items.extend(state.waiting.drain(..count));
            if state.waiting.is_empty() && state.queue_gap() {
                items.extend(state.waiting.drain(..));
            }
            state.in_hand = items.len() as u64;
        }
        Work {
            items,
            reopen: std::mem::take(&mut state.reopen),
            closing: state.closing,
        }
    }

    /// Whether records wait.
    pub fn is_empty(&self) -> bool {
        let state = self.lock();
        state.waiting.is_empty() && state.missed == 0
    }

    /// Takes the outcome of a round of the writer.
    pub fn report(&self, round: Round) {
        let mut state = self.lock();
        state.written = state.written.saturating_add(round.written);
        state.lost = state.lost.saturating_add(round.lost);
        state.in_hand = round.in_hand;
        state.head = round.head.or(state.head);
        if round.failing && !state.failing {
            for item in &mut state.waiting {
                item.done = None;
            }
        }
        if !round.failing && state.failing {
            self.losses.reset();
        }
        state.failing = round.failing;
        #[cfg(test)]
        {
            state.rounds += 1;
            self.progress.notify_all();
        }
    }

    /// The writer ends, for whatever reason. Records that wait are lost.
    pub fn writer_ended(&self) {
        let mut state = self.lock();
        state.gone = true;
        let left = state.waiting();
        state.left = left;
        state.lost = state.lost.saturating_add(left);
        state.in_hand = 0;
        state.waiting.clear();
        let expected = state.closing;
        self.progress.notify_all();
        drop(state);
        if left > 0 || !expected {
            tracing::error!(left, "the audit log ends with records that are not written");
        }
    }

    /// Waits until the state is as the test wants it.
    #[cfg(test)]
    pub fn wait_until(&self, mut there: impl FnMut(&QueueState) -> bool) {
        let state = self.lock();
        drop(self.progress.wait_while(state, |state| !there(state)));
    }
}

impl QueueState {
    /// Records that are not written yet.
    fn waiting(&self) -> u64 {
        self.in_hand + self.waiting.len() as u64
    }

    /// Queues a record with the number of records that didn't fit, in their place. Returns
    /// whether there were any.
    fn queue_gap(&mut self) -> bool {
        let missed = std::mem::take(&mut self.missed);
        if missed > 0 {
            self.waiting.push_back(Item {
                record: Record::of_gap(missed),
                done: None,
            });
        }
        missed > 0
    }

    /// Whether the writer has written all there was.
    #[cfg(test)]
    pub fn idle_without_failure(&self) -> bool {
        !self.failing && self.waiting() == 0 && self.missed == 0
    }

    #[cfg(test)]
    pub fn is_failing(&self) -> bool {
        self.failing
    }
}

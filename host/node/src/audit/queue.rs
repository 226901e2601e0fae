//! Between the threads that serve HTTP, which may not wait, and the one that
//! writes: a queue of bounded length, and what is known of the writer's fortune.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::oneshot;

use super::log_throttle::LogThrottle;
use super::record::Record;
use crate::lock::ignore_poison;

/// The most records that are written at once.
const BATCH: usize = 1024;

/// Told when a record is kept, or that it can't be.
pub(super) type Done = oneshot::Sender<()>;

/// A record that waits.
#[derive(Debug)]
pub(super) struct Item {
    pub record: Record,
    pub done: Option<Done>,
}

/// What is known of a log, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// Records that were written, in whole lines.
    pub written: u64,
    /// Records that no line tells of but the count in an `audit.gap`, if any.
    pub lost: u64,
    /// Records that wait to be written.
    pub waiting: u64,
    /// Whether records can't be written at present.
    pub failing: bool,
}

/// The queue. Its lock is never held while something is written.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something is there to be done.
    work: Condvar,
    /// The writer got further.
    progress: Condvar,
    /// The most records that wait here.
    capacity: usize,
    losses: LogThrottle,
}

/// What stands under the lock.
#[derive(Debug, Default)]
pub(super) struct State {
    waiting: VecDeque<Item>,
    /// Records that didn't fit since the last that did.
    missed: u64,
    /// Something new has come since the writer last looked.
    news: bool,
    reopen: bool,
    closing: bool,
    /// The writer has ended.
    pub(super) gone: bool,
    /// Whether the writer sleeps and must be woken.
    asleep: bool,
    /// Records that the writer has in its hands.
    in_hand: u64,
    /// Records that the writer left unwritten at its end.
    left: u64,
    written: u64,
    lost: u64,
    failing: bool,
    /// How often the writer has told how it fared.
    #[cfg(test)]
    pub(super) rounds: u64,
}

/// What there is to be done.
#[derive(Debug)]
pub(super) struct Work {
    pub items: Vec<Item>,
    pub reopen: bool,
    pub closing: bool,
}

/// How the writer fared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub written: u64,
    pub in_hand: u64,
    pub lost: u64,
    pub failing: bool,
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

    fn lock(&self) -> MutexGuard<'_, State> {
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
        state.tell_of_missed();
        if state.failing {
            // Its answer can't wait for a disk that may never recover.
            item.done = None;
        }
        state.waiting.push_back(item);
        self.wake(state);
    }

    /// Has the writer open its file anew.
    pub fn reopen(&self) {
        let mut state = self.lock();
        state.reopen = true;
        self.wake(state);
    }

    /// Whether records are being kept, with room for those of the requests that are
    /// under way.
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

    /// Has the writer end once it has written what waits.
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

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        state.news = true;
        // To wake somebody is a system call, and a busy writer needs none.
        if std::mem::take(&mut state.asleep) {
            self.work.notify_one();
        }
    }

    /// Waits for work, at most as long as the writer wants. A writer that is stuck
    /// with what it has takes no records.
    pub fn next(&self, stuck: bool, longest: Option<Duration>) -> Work {
        let mut state = self.lock();
        let nothing = |state: &mut State| {
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
            if state.waiting.is_empty() && state.tell_of_missed() {
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

    /// Takes down how the writer fared.
    pub fn tell(&self, round: Round) {
        let mut state = self.lock();
        state.written = state.written.saturating_add(round.written);
        state.lost = state.lost.saturating_add(round.lost);
        state.in_hand = round.in_hand;
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
        }
        self.progress.notify_all();
    }

    /// The writer ends, for whatever reason; what waits is lost.
    pub fn leave(&self) {
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
            tracing::error!(
                left,
                "the audit log ends, with records that are not written"
            );
        }
    }

    /// Waits until the state is as the test wants it.
    #[cfg(test)]
    pub fn wait_until(&self, mut there: impl FnMut(&State) -> bool) {
        let state = self.lock();
        drop(self.progress.wait_while(state, |state| !there(state)));
    }
}

impl State {
    /// Records that are not written yet.
    fn waiting(&self) -> u64 {
        self.in_hand + self.waiting.len() as u64
    }

    /// Puts the number of records that didn't fit in their place. Whether there
    /// were any.
    fn tell_of_missed(&mut self) -> bool {
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

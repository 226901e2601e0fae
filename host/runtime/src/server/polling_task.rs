//! The task that polls something, for wakers that wake it only now and then.

use std::sync::Mutex;
use std::task::{Context, Waker};

use crate::lock::ignore_poison;

/// The task, as a waker of another thread finds it.
#[derive(Default)]
pub(super) struct PollingTask(Mutex<Option<Waker>>);

impl PollingTask {
    pub(super) fn wake(&self) {
        if let Some(task) = &*ignore_poison(self.0.lock()) {
            task.wake_by_ref();
        }
    }

    /// Has the task of `cx` woken from now on. `known` is the one that was set last: the lock is taken
    /// only where that is another.
    pub(super) fn set(&self, cx: &Context<'_>, known: &mut Option<Waker>) {
        let is_known = |task: &Waker| task.will_wake(cx.waker());
        if !known.as_ref().is_some_and(is_known) {
            *known = Some(cx.waker().clone());
            (*ignore_poison(self.0.lock())).clone_from(known);
        }
    }
}

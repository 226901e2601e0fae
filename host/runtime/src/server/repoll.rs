//! Polls what serves a connection again at once where it was woken while it was polled: a guest that
//! runs within a request's task wakes that task with each thing it does for itself, and so does its
//! response. Left to the runtime, such a task goes to the end of the thread's queue, and another
//! thread is woken to take it over, which costs more than most guests run.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::lock::ignore_poison;

/// How often it is polled before the thread's other tasks have their turn.
const MOST: usize = 16;

/// It is not being polled.
const IDLE: u8 = 0;
/// It is being polled.
const POLLING: u8 = 1;
/// It was woken since it was polled last.
const WOKEN: u8 = 2;

/// Polls a future again where it was woken meanwhile.
pub(super) struct Repoll {
    wakes: Arc<Wakes>,
    /// Of `wakes`.
    waker: Waker,
    /// The task that polls.
    task: Option<Waker>,
}

struct Wakes {
    state: AtomicU8,
    task: Mutex<Option<Waker>>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        match self
            .state
            .compare_exchange(POLLING, WOKEN, success, failure)
        {
            // Whoever polls sees it.
            Ok(_) | Err(WOKEN) => {}
            Err(_) => {
                if let Some(task) = &*ignore_poison(self.task.lock()) {
                    task.wake_by_ref();
                }
            }
        }
    }
}

impl Default for Repoll {
    fn default() -> Self {
        let wakes = Arc::new(Wakes {
            state: AtomicU8::new(IDLE),
            task: Mutex::new(None),
        });
        Self {
            waker: wakes.clone().into(),
            wakes,
            task: None,
        }
    }
}

impl Repoll {
    /// Polls with `poll` until that is ready, or pending and not woken meanwhile.
    pub(super) fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let is_known = |task: &Waker| task.will_wake(cx.waker());
        if !self.task.as_ref().is_some_and(is_known) {
            self.task = Some(cx.waker().clone());
            (*ignore_poison(self.wakes.task.lock())).clone_from(&self.task);
        }
        let state = &self.wakes.state;
        for _ in 0..MOST {
            state.store(POLLING, Ordering::Release);
            let polled = poll(&mut Context::from_waker(&self.waker));
            let before = state.swap(IDLE, Ordering::AcqRel);
            if polled.is_ready() || before != WOKEN {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_wakes_itself_is_polled_again_and_its_task_is_not_woken() {
        let task = Arc::<Counter>::default();
        let waker = Waker::from(task.clone());
        let mut polls = 0;
        let polled = Repoll::default().poll(&Context::from_waker(&waker), |cx| {
            polls += 1;
            match polls {
                3 => Poll::Ready(()),
                _ => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        });
        assert!(polled.is_ready() && polls == 3);
        assert_eq!(task.0.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_woken_later_has_its_task_woken_and_so_has_what_does_not_end_to_wake_itself() {
        let task = Arc::<Counter>::default();
        let waker = Waker::from(task.clone());
        let cx = Context::from_waker(&waker);
        let (mut repoll, mut inner, mut polls) = (Repoll::default(), None, 0);
        let polled = repoll.poll(&cx, |cx| {
            (polls, inner) = (polls + 1, Some(cx.waker().clone()));
            Poll::<()>::Pending
        });
        assert!(polled.is_pending() && polls == 1);
        if let Some(inner) = inner {
            inner.wake();
        }
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        let polled = repoll.poll(&cx, |cx| {
            polls += 1;
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        assert!(polled.is_pending() && polls == 1 + MOST);
        assert_eq!(task.0.load(Ordering::Relaxed), 2);
    }
}

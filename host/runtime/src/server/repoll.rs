//! Polls what serves a connection again at once where it was woken while it was polled: a guest that
//! runs within a request's task wakes that task with each thing it does for itself, and so does its
//! response. Left to the runtime, such a task goes to the end of the thread's queue, and another
//! thread is woken to take it over, which costs more than most guests run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::polling_task::PollingTask;

/// How often it is polled before the thread's other tasks have their turn.
const MOST: usize = 16;

/// For how long it is polled again: a policy that computes gives way each millisecond, and is not to
/// keep its thread from other connections for longer than that.
const LONGEST: Duration = Duration::from_micros(250);

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
    task: PollingTask,
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
            Err(_) => self.task.wake(),
        }
    }
}

impl Default for Repoll {
    fn default() -> Self {
        let wakes = Arc::new(Wakes {
            state: AtomicU8::new(IDLE),
            task: PollingTask::default(),
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
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.poll_for(LONGEST, cx, poll)
    }

    fn poll_for<T>(
        &mut self,
        longest: Duration,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.wakes.task.set(cx, &mut self.task);
        let state = &self.wakes.state;
        let began = Instant::now();
        for _ in 0..MOST {
            state.store(POLLING, Ordering::Release);
            let polled = poll(&mut Context::from_waker(&self.waker));
            let before = state.swap(IDLE, Ordering::AcqRel);
            if polled.is_ready() || before != WOKEN {
                return polled;
            }
            if began.elapsed() >= longest {
                break;
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
        let cx = Context::from_waker(&waker);
        let polled = Repoll::default().poll_for(Duration::MAX, &cx, |cx| {
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
        for (longest, expected) in [(Duration::MAX, MOST), (Duration::ZERO, 1)] {
            let woken = task.0.load(Ordering::Relaxed);
            let mut polls = 0;
            let polled = repoll.poll_for(longest, &cx, |cx| {
                polls += 1;
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            });
            assert!(polled.is_pending() && polls == expected);
            assert_eq!(task.0.load(Ordering::Relaxed), woken + 1);
        }
    }
}

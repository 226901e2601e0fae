//! Polls a future only when that future was woken, and not each time its task is: for what is
//! rare in a task that runs often.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::polling_task::PollingTask;

/// Future or stream that is polled only when it was woken.
pub(super) struct WhenWoken<F> {
    inner: F,
    wake: Arc<WakeFlag>,
    /// Of `wake`.
    waker: Waker,
    /// The task that `wake` wakes.
    task: Option<Waker>,
}

/// Wakes the task, and notes whom it was woken for.
struct WakeFlag {
    woken: AtomicBool,
    task: PollingTask,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F: Unpin> WhenWoken<F> {
    pub(super) fn new(inner: F) -> Self {
        let wake = Arc::new(WakeFlag {
            woken: AtomicBool::new(true),
            task: PollingTask::default(),
        });
        Self {
            inner,
            waker: wake.clone().into(),
            wake,
            task: None,
        }
    }

    /// The future, to be changed: it is polled the next time.
    pub(super) fn change(&mut self) -> &mut F {
        self.wake.woken.store(true, Ordering::Release);
        &mut self.inner
    }

    /// Polls the future with `poll`, if it was woken or changed since the last time.
    pub(super) fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        poll: impl FnOnce(Pin<&mut F>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.wake.task.set(cx, &mut self.task);
        // Whoever sets the flag after this wakes the task after that.
        if !self.wake.woken.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        // One step, so that what was done before a wake that comes meanwhile is seen.
        self.wake.woken.swap(false, Ordering::AcqRel);
        let polled = poll(
            Pin::new(&mut self.inner),
            &mut Context::from_waker(&self.waker),
        );
        if polled.is_ready() {
            // There may be more.
            self.wake.woken.store(true, Ordering::Release);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

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
    fn a_future_is_polled_when_it_was_woken_and_wakes_the_task_that_polled_it_last() {
        let tasks: [Arc<Counter>; 2] = Default::default();
        let wakers = tasks.clone().map(Waker::from);
        let mut rare = WhenWoken::new(());
        let (mut polled, mut inner) = (0, None);
        for (step, waker) in [0, 0, 1].map(|task| &wakers[task]).into_iter().enumerate() {
            let pending = rare.poll(&Context::from_waker(waker), |_, cx| {
                (polled, inner) = (polled + 1, Some(cx.waker().clone()));
                Poll::<()>::Pending
            });
            assert!(pending.is_pending());
            assert_eq!(polled, 1, "step {step}");
        }
        inner.take().unwrap().wake();
        assert_eq!(
            tasks.each_ref().map(|task| task.0.load(Ordering::Relaxed)),
            [0, 1]
        );
        for expected in [2, 2] {
            let _ = rare.poll(&Context::from_waker(&wakers[1]), |_, _| {
                polled += 1;
                Poll::<()>::Pending
            });
            assert_eq!(polled, expected);
        }
        rare.change();
        let _ = rare.poll(&Context::from_waker(&wakers[1]), |_, _| {
            polled += 1;
            Poll::Ready(())
        });
        assert_eq!(polled, 3);
    }
}

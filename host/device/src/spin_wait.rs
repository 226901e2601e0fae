//! Adaptive spinning: polling for a while before going to sleep. To be put to sleep and woken takes 5
//! to 50 microseconds, which is longer than many kernels run; so a caller that expects an answer
//! soon, and a thread that has just done some work, poll first. Between two polls other threads
//! may run, so a busy machine loses little by it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long polling is worth its cost. The waiting caller's thread is occupied for as long, which is
/// less than what guests that compute occupy theirs for.
const SPIN_TIME: Duration = Duration::from_micros(20);

/// Polls until the condition holds, or the time for it is over.
pub(crate) fn spin_until(holds: impl FnMut() -> bool) {
    spin_until_or(SPIN_TIME, holds);
}

/// Polls until the condition holds, or this time is over.
pub(crate) fn spin_until_or(time: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() && began.elapsed() < time {
        std::thread::yield_now();
    }
}

/// Awaits a future that may be ready soon: `spin` polls it for a while before it sleeps.
pub(crate) async fn spin_then_await<T>(
    future: impl Future<Output = T>,
    spin: impl Fn(&mut dyn FnMut() -> bool),
) -> T {
    let mut future = pin!(future);
    let mut spins = true;
    poll_fn(|context| {
        let mut ready = None;
        if std::mem::take(&mut spins) {
            // Nobody sleeps yet who would have to be woken.
            let no_waker = &mut Context::from_waker(Waker::noop());
            spin(&mut || match future.as_mut().poll(no_waker) {
                Poll::Ready(value) => {
                    ready = Some(value);
                    true
                }
                Poll::Pending => false,
            });
        }
        match ready {
            Some(value) => Poll::Ready(value),
            None => future.as_mut().poll(context),
        }
    })
    .await
}

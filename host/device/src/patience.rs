//! Looking for a while before going to sleep. To be put to sleep and woken takes 5 to 50
//! microseconds, which is longer than what many kernels do; so who expects an answer soon, and
//! who has just done some work, looks first. Whoever looks lets the system run other threads each
//! time, so that a busy machine loses little by it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// How long it is worth looking. What waits holds its thread for so long: guests that compute
/// hold theirs for longer.
const PATIENCE: Duration = Duration::from_micros(20);

/// Looks until something is there, or patience is at its end.
pub(crate) fn look(mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() && began.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
}

/// Waits for what may come soon: looks for it before it sleeps.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    let mut patient = true;
    poll_fn(|context| {
        let mut found = None;
        if std::mem::take(&mut patient) {
            // Nobody sleeps yet, whom it would have to wake.
            let awake = &mut Context::from_waker(Waker::noop());
            look(|| match what.as_mut().poll(awake) {
                Poll::Ready(value) => {
                    found = Some(value);
                    true
                }
                Poll::Pending => false,
            });
        }
        match found {
            Some(value) => Poll::Ready(value),
            None => what.as_mut().poll(context),
        }
    })
    .await
}

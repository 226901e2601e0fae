//! Looking for a while before going to sleep. To be put to sleep and woken takes 5 to 50
//! microseconds, which is longer than what many kernels do; so who expects an answer soon, and
//! who has just done some work, looks first. Whoever looks gives way to others each time, so that
//! a busy machine loses next to nothing by it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

/// How long it is worth looking.
const PATIENCE: Duration = Duration::from_micros(30);

/// Looks until something is there, or patience is at its end. Whether it is there.
pub(crate) fn look(is_there: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if is_there() {
            return true;
        }
        if began.elapsed() >= PATIENCE {
            return false;
        }
        std::thread::yield_now();
    }
}

/// Waits for what may come soon: looks for it, between the other tasks, before it sleeps.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    let mut what = pin!(what);
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Poll::Ready(value) =
            poll_fn(|context| Poll::Ready(what.as_mut().poll(context))).await
        {
            return value;
        }
        tokio::task::yield_now().await;
    }
    what.await
}

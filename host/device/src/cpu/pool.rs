//! The threads that do the device's work. They are the operating system's, and
//! only the device's: guests and HTTP never wait for them, nor they for those.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::lane::Serial;
use super::scheduler::{Scheduler, Work};
use crate::Error;

/// Starts the pool. The threads end when the scheduler is shut down.
///
/// # Errors
/// [`Error::DeviceLost`] where the operating system gives no thread.
pub(crate) fn start(threads: NonZeroUsize) -> Result<Arc<Scheduler>, Error> {
    let scheduler = Arc::new(Scheduler::new());
    for index in 0..threads.get() {
        let shared = Arc::clone(&scheduler);
        let name = format!("device-{index}");
        let spawned = std::thread::Builder::new()
            .name(name)
            .spawn(move || work(&shared));
        if let Err(error) = spawned {
            scheduler.shut_down();
            return Err(Error::DeviceLost(format!(
                "cannot start thread {} of the device's {threads}: {error}",
                index + 1
            )));
        }
    }
    Ok(scheduler)
}

fn work(scheduler: &Scheduler) {
    while let Some((lane, work)) = scheduler.next() {
        let started = Instant::now();
        match work {
            Work::Grid(grid, claim) => {
                let outcome = catch_unwind(AssertUnwindSafe(|| grid.slice(claim)));
                if outcome.is_err() {
                    grid.fail(internal_error());
                }
                scheduler.settle_grid(lane, grid, started.elapsed());
            }
            Work::Serial(Serial::Transfer(mut transfer)) => {
                let outcome = catch_unwind(AssertUnwindSafe(|| transfer.slice()));
                let more = outcome.unwrap_or_else(|_| {
                    internal_error();
                    false
                });
                scheduler.settle_serial(
                    lane,
                    Some(Serial::Transfer(transfer)),
                    more,
                    started.elapsed(),
                );
            }
            Work::Serial(Serial::Task(task)) => {
                if catch_unwind(AssertUnwindSafe(task)).is_err() {
                    internal_error();
                }
                scheduler.settle_serial(lane, None, false, started.elapsed());
            }
        }
    }
}

/// A panic is a bug of ours: one launch fails, and the pool keeps its thread.
fn internal_error() -> Error {
    tracing::error!("a device thread panicked; the work that it had at hand is lost");
    Error::DeviceLost("the device failed while it ran this; the host's log tells more".to_owned())
}

//! The threads that do the device's work. They are the operating system's, and
//! only the device's: guests and HTTP never wait for them, nor they for those.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::lane::Serial;
use super::scheduler::{Done, Scheduler, Work};
use crate::Error;

/// Starts a scheduler's threads, called after `name`. They end when it is shut down.
///
/// # Errors
/// [`Error::DeviceLost`] where the operating system gives no thread.
pub(crate) fn start(
    name: &str,
    threads: NonZeroUsize,
    scheduler: &Arc<Scheduler>,
) -> Result<(), Error> {
    for index in 0..threads.get() {
        let shared = Arc::clone(scheduler);
        let spawned = std::thread::Builder::new()
            .name(format!("{name}-{index}"))
            .spawn(move || work(&shared));
        spawned.map_err(|error| {
            Error::DeviceLost(format!(
                "cannot start thread {} of the {threads} called {name}: {error}",
                index + 1
            ))
        })?;
    }
    Ok(())
}

fn work(scheduler: &Scheduler) {
    while let Some((lane, work)) = scheduler.next() {
        let started = Instant::now();
        let done = perform(work);
        scheduler.settle(lane, done, started.elapsed());
    }
}

/// Does about a slice of work.
pub(crate) fn perform(work: Work) -> Done {
    match work {
        Work::Grid(grid, claim) => {
            let outcome = catch_unwind(AssertUnwindSafe(|| grid.slice(claim)));
            if outcome.is_err() {
                grid.fail(internal_error());
            }
            Done::Grid(grid)
        }
        Work::Serial(Serial::Transfer(mut transfer)) => {
            let outcome = catch_unwind(AssertUnwindSafe(|| transfer.slice()));
            let more = outcome.unwrap_or_else(|_| {
                internal_error();
                false
            });
            let serial = Serial::Transfer(transfer);
            if more {
                Done::Part(serial)
            } else {
                Done::Serial(serial)
            }
        }
        Work::Serial(Serial::Task(task)) => {
            if catch_unwind(AssertUnwindSafe(task)).is_err() {
                internal_error();
            }
            Done::Task
        }
    }
}

/// A panic is a bug of ours: one launch fails, and the pool keeps its thread.
fn internal_error() -> Error {
    tracing::error!("a device thread panicked; the work that it had at hand is lost");
    Error::DeviceLost("the device failed while it ran this; the host's log tells more".to_owned())
}

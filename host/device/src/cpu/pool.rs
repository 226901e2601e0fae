//! The pool of threads that do the device's work. They are threads of the operating
//! system and do nothing else: guests and HTTP never wait for one, nor the reverse.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::compiled;
use super::queue_state::{SerialWork, Work};
use super::scheduler::{Done, Scheduler};
use crate::Error;
use crate::essential_thread::spawn_essential;

/// Starts a scheduler's threads, called after `name`. They end when it is shut down.
///
/// # Errors
/// [`Error::DeviceLost`] where the operating system gives no thread.
pub(crate) fn start_threads(
    name: &str,
    threads: NonZeroUsize,
    scheduler: &Arc<Scheduler>,
) -> Result<(), Error> {
    for index in 0..threads.get() {
        let shared = Arc::clone(scheduler);
        let spawned = spawn_essential(format!("{name}-{index}"), move || work(&shared));
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
    while let Some((queue, work)) = scheduler.next(compiled::give_back_scratch) {
        let started = Instant::now();
        let done = perform(work);
        scheduler.settle(queue, done, started.elapsed());
    }
}

/// Does about a slice of work.
pub(crate) fn perform(work: Work) -> Done {
    match work {
        Work::Parallel(work, claim) => {
            let outcome = catch_unwind(AssertUnwindSafe(|| work.slice(claim)));
            if outcome.is_err() {
                work.fail(internal_error());
            }
            Done::Parallel(work)
        }
        Work::Serial(SerialWork::Transfer(mut transfer)) => {
            match catch_unwind(AssertUnwindSafe(|| transfer.slice())) {
                Ok(true) => Done::Unfinished(SerialWork::Transfer(transfer)),
                Ok(false) => Done::Serial(SerialWork::Transfer(transfer)),
                Err(_) => Done::Failed(transfer, internal_error()),
            }
        }
        Work::Serial(SerialWork::Task(task)) => {
            if catch_unwind(AssertUnwindSafe(task)).is_err() {
                // Whoever waits for the task learns of it where what it answers by is dropped.
                internal_error();
            }
            Done::Task
        }
    }
}

/// A panic is a bug of ours: one command fails, and the pool keeps its thread.
fn internal_error() -> Error {
    tracing::error!("a device thread panicked; its work is lost");
    Error::DeviceLost("the device failed while it ran this; the host's log tells more".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::num::NonZeroU32;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Work comes at all times after the work before: while a thread polls, when it has just
    /// stopped polling, and when it sleeps.
    #[test]
    fn no_work_is_overlooked_whenever_it_comes() {
        for threads in [1, 2] {
            let scheduler = Arc::new(Scheduler::new());
            start_threads("pool", NonZeroUsize::new(threads).unwrap(), &scheduler).unwrap();
            let lease = scheduler.add_lease();
            let queues = [(); 3].map(|()| {
                let session = scheduler.add_session(NonZeroU32::MIN);
                scheduler.add_queue(session, lease, Box::new(()))
            });
            for round in 0..2000 {
                let (done, all) = mpsc::channel();
                for queue in queues {
                    let done = done.clone();
                    let task = move || done.send(()).unwrap();
                    scheduler.push_task(queue, Box::new(task)).unwrap();
                }
                drop(done);
                assert_eq!(all.iter().count(), queues.len());
                let (answered, pause) = (Instant::now(), Duration::from_micros(round % 64));
                while answered.elapsed() < pause {
                    std::hint::spin_loop();
                }
            }
            scheduler.shut_down();
        }
    }
}

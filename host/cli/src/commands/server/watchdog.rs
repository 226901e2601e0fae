//! systemd's watchdog (`WatchdogSec=`, sd_watchdog_enabled(3)): a thread that tells the supervisor
//! that the server is alive, as long as the threads that serve HTTP and those that run guests do
//! what they are given. Where they do not, the supervisor ends the process and starts it again.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use tensor_wasm_device::spawn_essential;
use tokio::runtime::Handle;

use super::systemd;

/// Threads that have to make progress.
pub struct Watched {
    /// What the log calls them.
    pub name: &'static str,
    pub threads: Handle,
}

/// Begins to tell the supervisor that the server is alive, where it asks for that.
///
/// # Errors
///
/// Where the thread can't be started.
pub fn start(watched: Vec<Watched>) -> anyhow::Result<()> {
    let Some(patience) = systemd::watchdog() else {
        return Ok(());
    };
    spawn_essential("watchdog", move || watch(&watched, patience))
        .context("can't start the thread that tells the supervisor that the server is alive")?;
    tracing::info!(?patience, "watchdog: the supervisor is told of progress");
    Ok(())
}

/// Tells the supervisor twice in the time of its patience, until the watched threads end.
fn watch(watched: &[Watched], patience: Duration) {
    loop {
        let begun = Instant::now();
        for watched in watched {
            if !makes_progress(watched, patience) {
                return;
            }
        }
        systemd::notify(systemd::WATCHDOG);
        thread::sleep((patience / 2).saturating_sub(begun.elapsed()));
    }
}

/// Waits until the threads have run a task, for which a timer has to fire too. False where they have
/// ended.
fn makes_progress(watched: &Watched, patience: Duration) -> bool {
    let (done, is_done) = mpsc::channel();
    watched.threads.spawn(async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let _ = done.send(());
    });
    loop {
        match is_done.recv_timeout(patience) {
            Ok(()) => return true,
            // The runtime drops what it is given once it is shut down.
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => tracing::error!(
                ?patience,
                "{} make no progress: the supervisor is not told that the server is alive",
                watched.name
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::runtime::Builder;

    use super::*;

    fn one_thread() -> tokio::runtime::Runtime {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(1).enable_all().build().unwrap()
    }

    #[test]
    fn threads_that_are_blocked_make_no_progress_until_they_are_free() {
        let runtime = one_thread();
        let (free, blocked) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        runtime.spawn(async move {
            begun.send(()).unwrap();
            let _ = blocked.recv();
        });
        has_begun.recv().unwrap();
        let watched = Watched {
            name: "the threads of this test",
            threads: runtime.handle().clone(),
        };
        let (progress, has_progress) = mpsc::channel();
        let watching = thread::spawn(move || {
            progress
                .send(makes_progress(&watched, Duration::from_millis(1)))
                .unwrap();
        });
        let early = has_progress.recv_timeout(Duration::from_millis(50));
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        free.send(()).unwrap();
        assert!(has_progress.recv().unwrap());
        watching.join().unwrap();
    }

    #[test]
    fn threads_that_have_ended_are_watched_no_more() {
        let runtime = one_thread();
        let watched = Watched {
            name: "the threads of this test",
            threads: runtime.handle().clone(),
        };
        drop(runtime);
        assert!(!makes_progress(&watched, Duration::from_secs(60)));
    }
}

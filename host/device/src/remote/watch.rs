//! The thread that supervises one worker: it takes the worker's answers, accounts for
//! the time of its kernels, and ends a worker that exceeds a limit or breaks a rule.

mod times;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::process::Process;
use super::worker::Worker;
use crate::Error;
use crate::channel::Broken;
use crate::sync::lock;
use times::AT_REST;

/// How often it is checked whether the others have caught up with a worker that is ahead
/// of its share.
const HELD_BACK: Duration = Duration::from_millis(1);

/// How long a process that was killed may take to be gone until the log says so: a driver's end of a
/// process waits for the device.
const SLOW_END: Duration = Duration::from_secs(10);

/// How often it is checked how much memory a worker takes.
const MEMORY_CHECK: Duration = Duration::from_millis(500);

/// Whether the log says already that the memory of workers can't be seen.
static UNREADABLE_MEMORY: AtomicBool = AtomicBool::new(false);

pub(super) struct Supervisor {
    pub(super) worker: Arc<Worker>,
    pub(super) process: Process,
}

impl Supervisor {
    /// Supervises the worker until it is lost, then ends its process, and waits until that is gone.
    pub(super) fn run(self) {
        let worker = Arc::clone(&self.worker);
        let mut memory_checked = Instant::now();
        let mut times_checked = Instant::now();
        loop {
            let more = match worker.take_answers() {
                Ok(more) => more,
                Err(Broken(what)) => {
                    tracing::error!(
                        tenant = worker.tenant,
                        worker = worker.id.number(),
                        "a device worker was ended: {what}"
                    );
                    self.lose("the device's worker broke down, and was ended".to_owned());
                    false
                }
            };
            // However many answers there are, times are checked.
            if more && times_checked.elapsed() < HELD_BACK {
                continue;
            }
            times_checked = Instant::now();
            if let Some(how) = self.process.ended() {
                // Its last answers count.
                while matches!(worker.take_answers(), Ok(true)) {}
                if !worker.is_lost() {
                    tracing::warn!(
                        tenant = worker.tenant,
                        worker = worker.id.number(),
                        "a device worker {how}"
                    );
                }
                self.lose(format!("the device's worker {how}"));
            }
            if worker.is_lost() {
                break;
            }
            if memory_checked.elapsed() >= MEMORY_CHECK {
                memory_checked = Instant::now();
                self.check_memory();
            }
            let limit = self.check_times();
            if !more {
                worker.listener.wait(Some(limit));
            }
        }
        self.process.kill();
        self.wait_for_end();
        worker.has_gone();
    }

    /// Waits until the process is reaped, however long that takes: what it had on the device is
    /// nobody else's before.
    fn wait_for_end(&self) {
        let killed = Instant::now();
        if self.process.wait(SLOW_END) {
            return;
        }
        let worker = &self.worker;
        tracing::warn!(
            tenant = worker.tenant,
            worker = worker.id.number(),
            "a device worker was killed and has not ended since; its place and its memory stay taken"
        );
        while !self.process.wait(AT_REST) {}
        tracing::info!(
            tenant = worker.tenant,
            worker = worker.id.number(),
            took = ?killed.elapsed(),
            "a device worker that was killed has ended"
        );
    }

    /// Ends a worker that takes more of the host's memory than its tenant may.
    fn check_memory(&self) {
        let most = self.worker.limits.memory_bytes;
        let Some(takes) = self.process.memory_bytes() else {
            if self.process.ended().is_none() && !UNREADABLE_MEMORY.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    "the system does not say how much memory device workers take: no limit holds for it"
                );
            }
            return;
        };
        if takes > most {
            let worker = &self.worker;
            tracing::warn!(
                tenant = worker.tenant,
                worker = worker.id.number(),
                takes,
                most,
                "a device worker takes too much memory, and is ended"
            );
            self.lose(format!(
                "the device's worker took {takes} bytes of memory, more than the {most} that it may, and was ended"
            ));
        }
    }

    fn lose(&self, message: String) {
        let message =
            format!("{message}; what was on the device is gone: open it again, and fill it anew");
        let mut state = lock(&self.worker.state);
        self.worker.note_failed_start();
        let effects = self
            .worker
            .lose(&mut state, Error::DeviceLost(message), &[]);
        drop(state);
        effects.carry_out();
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;

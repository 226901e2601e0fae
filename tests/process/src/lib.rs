//! Child processes for tests and for `cargo xtask`: what they write is collected while they run,
//! and none outlives its owner.
//!
//! It depends on next to nothing, for `cargo xtask` is the first that a newcomer builds.

#![deny(missing_docs)]

mod start;

pub use rustix::process::Signal;
pub use start::Start;

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, kill_process, prlimit};

/// How often a condition is looked at again that is waited for.
const POLL: Duration = Duration::from_millis(10);

/// What a process has written to one of its outputs so far.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<String>>);

impl Written {
    /// All of it. What is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn append(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_str(text);
    }
}

/// A running process whose outputs are collected. Dropping it kills it.
pub struct Process {
    child: Child,
    /// Its standard output.
    pub stdout: Written,
    /// Its standard error.
    pub stderr: Written,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts a command, with nothing to read from standard input.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdout, stderr) = (Written::default(), Written::default());
        let mut readers = Vec::new();
        if let Some(from) = child.stdout.take() {
            readers.push(collect(from, stdout.clone()));
        }
        if let Some(from) = child.stderr.take() {
            readers.push(collect(from, stderr.clone()));
        }
        Ok(Self {
            child,
            stdout,
            stderr,
            readers,
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its status, if it has ended.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn exited(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Limits how large it can make a file, in bytes.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn limit_file_size(&self, bytes: u64) -> io::Result<()> {
        let limit = Rlimit {
            current: Some(bytes),
            maximum: None,
        };
        let id = Some(Pid::from_child(&self.child));
        prlimit(id, Resource::Fsize, limit)?;
        Ok(())
    }

    /// Waits for its end and for the last of its outputs; none where it has not ended within
    /// `limit`.
    ///
    /// # Errors
    /// Where the system does not tell.
    pub fn wait(&mut self, limit: Duration) -> io::Result<Option<ExitStatus>> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                for reader in self.readers.drain(..) {
                    // It ends with the output, and panics nowhere.
                    let _ = reader.join();
                }
                return Ok(Some(status));
            }
            if start.elapsed() > limit {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until what it has written to standard output makes sense to `ready`.
    ///
    /// # Errors
    /// [`NotReady`], where it ends before, or does not within `limit`.
    pub fn wait_until<T>(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, NotReady> {
        let start = Instant::now();
        loop {
            // Asked before the output is looked at, which is complete then.
            let ended = self.exited().map_err(NotReady::System)?;
            if ended.is_some() {
                self.wait(limit).map_err(NotReady::System)?;
            }
            if let Some(answer) = ready(&self.stdout.text()) {
                return Ok(answer);
            }
            if let Some(status) = ended {
                return Err(NotReady::Ended(status));
            }
            if start.elapsed() > limit {
                return Err(NotReady::Late);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Why a process did not become ready.
#[derive(Debug)]
pub enum NotReady {
    /// It ended before.
    Ended(ExitStatus),
    /// It took longer than it was given.
    Late,
    /// The system does not say what it does.
    System(io::Error),
}

fn collect(from: impl Read + Send + 'static, to: Written) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            to.append(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Longer than any of these takes.
    const LONG: Duration = Duration::from_secs(120);

    fn shell(script: &str) -> Process {
        Process::spawn(Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn a_process_that_ends_early_is_reported_with_all_of_its_output() {
        let mut process = shell("echo one; echo 'the port is busy' >&2; exit 3");
        let ended = process.wait_until(LONG, |text| text.contains("two").then_some(()));
        assert!(matches!(ended, Err(NotReady::Ended(status)) if status.code() == Some(3)));
        assert_eq!(process.stdout.text(), "one\n");
        assert_eq!(process.stderr.text(), "the port is busy\n");
    }

    #[test]
    fn a_process_is_ready_as_soon_as_its_output_says_so_and_ends_by_a_signal() {
        let mut process = shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
        let ready = process.wait_until(LONG, |text| text.contains("ready").then_some(()));
        ready.unwrap();
        assert!(process.wait(Duration::ZERO).unwrap().is_none());
        process.signal(Signal::TERM).unwrap();
        assert!(process.wait(LONG).unwrap().unwrap().success());
    }
}

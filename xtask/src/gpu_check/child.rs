//! A program that the script runs, with its output in a file as it comes, and no longer than it may take.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::steps::described;

/// How often it is looked whether it has ended.
const POLL: Duration = Duration::from_millis(20);

/// What came of it.
pub struct Ended {
    /// `None` where its time was over, and it was killed.
    pub status: Option<ExitStatus>,
    pub took: Duration,
    /// Where its standard output and standard error are, together.
    pub log: PathBuf,
}

impl Ended {
    pub fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Why it did not, for a reader.
    pub fn why(&self) -> String {
        let log = self
            .log
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match self.status {
            Some(status) => format!("{status}, see {log}"),
            None => format!("it was ended after {:?}, see {log}", self.took),
        }
    }

    /// All that it wrote.
    pub fn said(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Runs it, and kills it where it takes longer than `limit`.
///
/// # Errors
/// Where it cannot be started.
pub fn run(command: &mut Command, log: &Path, limit: Duration) -> Result<Ended> {
    let output = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot start {}", described(command)))?;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if started.elapsed() < limit => thread::sleep(POLL),
            None => {
                // Both fail only where it has ended by itself since.
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    Ok(Ended {
        status,
        took: started.elapsed(),
        log: log.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_that_takes_too_long_is_ended_and_what_it_wrote_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo begun; exec sleep 1000"]);
        let ended = run(&mut command, &log, Duration::from_secs(1)).unwrap();
        assert!(!ended.succeeded() && ended.status.is_none());
        assert_eq!(ended.said(), "begun\n");
        assert!(ended.why().contains("see log"), "{}", ended.why());
    }
}

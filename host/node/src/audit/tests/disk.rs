//! A disk that fails as the test wants it to, and tells what was asked of it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::audit::AuditError;
use crate::audit::sink::{Reopened, Sink};
use crate::audit::verify::{Verification, Verifier};

/// The disk; each clone is the same one.
#[derive(Clone, Default)]
pub struct Disk(Arc<(Mutex<Inside>, Condvar)>);

#[derive(Default)]
pub struct Inside {
    /// What was written.
    pub content: Vec<u8>,
    /// How many bytes still fit; none left means that a write fails.
    pub room: Option<usize>,
    /// Whether bytes can be taken back, as from a file.
    pub is_file: bool,
    pub take_back_fails: bool,
    pub sync_fails: bool,
    pub reopen_fails: bool,
    pub gone: bool,
    /// Whether calls wait until this is `false`.
    pub stalled: bool,
    /// How many calls wait.
    pub waiting: usize,
    pub syncs: usize,
    pub reopenings: usize,
}

impl Disk {
    pub fn file() -> Disk {
        let disk = Disk::default();
        disk.set(|inside| inside.is_file = true);
        disk
    }

    pub fn set(&self, change: impl FnOnce(&mut Inside)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    pub fn get<T>(&self, look: impl FnOnce(&Inside) -> T) -> T {
        look(&self.0.0.lock().unwrap())
    }

    /// Waits until somebody waits for the stalled disk.
    pub fn wait_until_somebody_waits(&self) {
        let inside = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(inside, |i| i.waiting == 0).unwrap());
    }

    /// The records as JSON, which must be a log without a flaw.
    pub fn records(&self) -> Vec<serde_json::Value> {
        let content = self.get(|inside| inside.content.clone());
        let found = verified(&content);
        assert!(found.is_whole(), "{:#?}", found.problems);
        let lines = content.split(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect()
    }

    /// What the records are about, in order.
    pub fn resources(&self) -> Vec<String> {
        let name = |record: &serde_json::Value| match record["action"].as_str().unwrap() {
            "audit.gap" => format!("gap of {}", record["lost"]),
            "audit.reopen" => "reopen".to_owned(),
            _ => record["resource"].as_str().unwrap().to_owned(),
        };
        self.records().iter().map(name).collect()
    }

    fn enter(&self) -> MutexGuard<'_, Inside> {
        let mut inside = self.0.0.lock().unwrap();
        inside.waiting += 1;
        self.0.1.notify_all();
        inside = self.0.1.wait_while(inside, |i| i.stalled).unwrap();
        inside.waiting -= 1;
        inside
    }
}

pub fn verified(content: &[u8]) -> Verification {
    let mut verifier = Verifier::new(Vec::new());
    verifier.file("log", content).unwrap();
    verifier.finish()
}

fn failed() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Sink for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inside = self.enter();
        let count = bytes.len().min(inside.room.unwrap_or(usize::MAX));
        if count == 0 {
            return Err(failed());
        }
        inside.room = inside.room.map(|room| room - count);
        inside.content.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn truncate(&mut self, count: u64) -> io::Result<bool> {
        let mut inside = self.enter();
        if !inside.is_file {
            return Ok(false);
        }
        if inside.take_back_fails {
            return Err(failed());
        }
        let left = inside.content.len() - count as usize;
        inside.content.truncate(left);
        Ok(true)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inside = self.enter();
        if inside.sync_fails {
            return Err(failed());
        }
        inside.syncs += 1;
        Ok(())
    }

    fn reopen(&mut self) -> Result<Reopened, AuditError> {
        let mut inside = self.enter();
        inside.reopenings += 1;
        if inside.reopen_fails {
            return Err(AuditError::Stdout(failed()));
        }
        inside.gone = false;
        Ok(Reopened::Other {
            path: "other".to_owned(),
            torn: None,
        })
    }

    fn is_gone(&self) -> bool {
        self.enter().gone
    }
}

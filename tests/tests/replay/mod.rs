//! Recorded requests are run again, the same to the bit, and what differs is named; no credential is in
//! a recording, and what can't be recorded or replayed is refused by name.

mod bounds;
mod differences;
mod node;
mod redaction;
mod refusals;
mod same;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Serve, Server, eventually, guest, run};

/// A server that records its requests.
struct Recorded {
    server: Server,
    folder: TempDir,
}

impl Recorded {
    /// Records all requests.
    fn all(guest_name: &str, options: &[&str]) -> Recorded {
        let options: Vec<&str> = [&["--record-when=all"], options].concat();
        Recorded::of(guest_name, &options)
    }

    fn of(guest_name: &str, options: &[&str]) -> Recorded {
        let folder = TempDir::new().unwrap();
        let server = Serve::new(guest(guest_name))
            .arg("--record")
            .arg(folder.path())
            .args(options)
            .start();
        Recorded { server, folder }
    }

    /// The recordings, oldest first, once there are so many.
    fn recordings(&self, count: usize) -> Vec<PathBuf> {
        recordings(self.folder.path(), count)
    }

    /// The one recording.
    fn recording(&self) -> PathBuf {
        self.recordings(1).remove(0)
    }
}

/// The recordings in a folder, oldest first, once there are so many.
fn recordings(folder: &Path, count: usize) -> Vec<PathBuf> {
    eventually(&format!("{count} recordings"), || {
        let found = found(folder);
        (found.len() >= count).then_some(found)
    })
}

/// The recordings that are in a folder now, oldest first.
fn found(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "recording"))
        .collect();
    paths.sort();
    paths
}

fn replay(recording: &Path, options: &[&str]) -> Output {
    let mut arguments = vec!["replay", recording.to_str().unwrap()];
    arguments.extend_from_slice(options);
    run(arguments)
}

/// What a replay says for machines, and its exit code.
#[track_caller]
fn report(recording: &Path, options: &[&str]) -> (Value, Option<i32>) {
    let output = replay(recording, &[&["--json"], options].concat());
    let report = serde_json::from_str(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{output:?}"));
    (report, output.code)
}

/// The recording is replayed, and nothing differs.
#[track_caller]
fn assert_same(recording: &Path, options: &[&str]) -> Value {
    let (report, code) = report(recording, options);
    assert_eq!(
        (&report["result"], code),
        (&"same".into(), Some(0)),
        "{report:#}"
    );
    assert_eq!(report["calls"], report["recorded_calls"], "{report:#}");
    report
}

/// The calls of a recording.
fn calls(recording: &Path) -> Vec<Value> {
    let output = replay(recording, &["--calls"]);
    assert_eq!(output.code, Some(0), "{output:?}");
    let lines = output.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

//! What an audit log in a real file promises: who may read it, that it goes on after
//! a crash and a rotation, and what happens on a disk that is full.

use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tensor_wasm_node::audit::verify::{Note, Verification, Verifier};
use tensor_wasm_node::audit::{
    AuditConfig, AuditError, AuditLog, AuditStats, AuditTarget, OnFailure, Outcome, Record,
};
use tensor_wasm_runtime::policy::Auditor;

/// As long as it takes.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

fn config(path: &Path) -> AuditConfig {
    AuditConfig {
        target: AuditTarget::File(path.to_owned()),
        ..AuditConfig::default()
    }
}

fn open(path: &Path) -> Result<AuditLog, AuditError> {
    AuditLog::open(&config(path)).map(|log| log.unwrap())
}

fn add(log: &AuditLog, resource: &str) {
    log.event("test", resource, Outcome::done());
}

/// A server's life: starts, adds records, ends.
fn session(path: &Path, resources: &[&str]) {
    let log = open(path).unwrap();
    for resource in resources {
        add(&log, resource);
    }
    assert_eq!(log.close(NEVER), 0);
}

fn verify(paths: &[&Path]) -> Verification {
    let mut verifier = Verifier::new(Vec::new());
    for path in paths {
        let file = BufReader::new(File::open(path).unwrap());
        verifier.file(&path.display().to_string(), file).unwrap();
    }
    verifier.finish()
}

#[track_caller]
fn is_whole(paths: &[&Path]) -> Verification {
    let found = verify(paths);
    assert!(found.is_whole(), "{:#?}", found.problems);
    found
}

fn records(path: &Path) -> Vec<Record> {
    let text = fs::read(path).unwrap();
    let lines = text.split(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.is_empty())
        .map(|line| Record::parse(line).unwrap())
        .collect()
}

fn resources(path: &Path) -> Vec<String> {
    let records = records(path).into_iter();
    records.map(|record| record.resource).collect()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[test]
fn a_new_file_is_for_its_owner_only_and_one_that_is_there_is_continued() {
    let folder = Folder::new();
    let path = folder.path("audit.log");
    session(&path, &["one", "two"]);
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    session(&path, &[]);
    session(&path, &["three"]);
    assert_eq!(resources(&path), ["one", "two", "three"]);
    assert_eq!(is_whole(&[&path]).last.unwrap().head.seq, 2);
}

#[test]
fn wherever_a_crash_cut_a_log_nothing_whole_is_lost_and_the_chain_goes_on() {
    let folder = Folder::new();
    let path = folder.path("audit.log");
    session(&path, &["one", "two"]);
    let bytes = fs::read(&path).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in (first..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        let path = folder.path(&format!("audit-{length}.log"));
        let aside = folder.path(&format!("audit-{length}.log.torn"));
        fs::write(&path, &bytes[..length]).unwrap();
        session(&path, &["after"]);
        let found = is_whole(&[&path]);
        if length == first {
            assert_eq!(resources(&path), ["one", "after"]);
        } else if length == bytes.len() - 1 {
            assert_eq!(resources(&path), ["one", "two", "after"]);
            assert!(found.notes.is_empty());
        } else {
            assert_eq!(resources(&path), ["one", aside.to_str().unwrap(), "after"]);
            assert_eq!(records(&path)[1].action, "audit.torn");
            assert_eq!(found.notes[0].note, Note::Torn { lost: 1 });
            let kept = fs::read(&aside).unwrap();
            assert_eq!(kept, [&bytes[first..length], b"\n"].concat());
        }
    }
}

#[test]
fn a_torn_line_whose_bytes_cannot_be_kept_is_cut_off_all_the_same() {
    let folder = Folder::new();
    let path = folder.path("audit.log");
    session(&path, &["one"]);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"seq\":1,\"ts");
    fs::write(&path, bytes).unwrap();
    fs::create_dir(folder.path("audit.log.torn")).unwrap();
    session(&path, &["two"]);
    is_whole(&[&path]);
    assert_eq!(resources(&path), ["one", "", "two"]);
}

#[test]
fn a_file_that_is_no_log_is_left_as_it_is_and_named() {
    let folder = Folder::new();
    for (name, content) in [
        ("notes", "remember the milk"),
        ("lines", "remember\nthe milk\n"),
        ("other.json", "{\"level\":\"info\"}\n{\"lev"),
    ] {
        let path = folder.path(name);
        fs::write(&path, content).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, AuditError::NoLog { .. }));
        let message = error.to_string();
        assert!(
            message.contains(name) && message.contains("move it away"),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_place_where_no_file_can_be_is_named_with_a_cure() {
    let folder = Folder::new();
    let pipe = folder.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for (path, words) in [
        (folder.path("nowhere/audit.log"), "a folder that exists"),
        (folder.path(""), "name a file"),
        (pipe, "name a file"),
    ] {
        let message = open(&path).unwrap_err().to_string();
        assert!(message.contains(&path.display().to_string()), "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn two_servers_do_not_write_one_file() {
    let folder = Folder::new();
    let path = folder.path("audit.log");
    let first = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, AuditError::Locked { .. }), "{error}");
    assert!(error.to_string().contains("a file of its own"));
    first.close(NEVER);
    session(&path, &["one"]);
}

#[test]
fn a_log_that_is_rotated_is_one_chain_over_its_files_and_restarts() {
    let folder = Folder::new();
    let (path, old) = (folder.path("audit.log"), folder.path("audit.log.1"));
    let log = open(&path).unwrap();
    add(&log, "one");
    wait_for(&log, |stats| stats.written == 1);
    // SIGHUP without a rotation changes nothing.
    log.reopen();
    add(&log, "two");
    wait_for(&log, |stats| stats.written == 2);
    fs::rename(&path, &old).unwrap();
    log.reopen();
    assert_eq!(log.close(NEVER), 0);
    // The new file is there although nothing happened, and says where it belongs.
    session(&path, &["three"]);
    assert_eq!(resources(&old), ["one", "two"]);
    assert_eq!(records(&path)[0].action, "audit.reopen");
    assert_eq!(is_whole(&[&old, &path]).records, 4);
    let alone = is_whole(&[&path]);
    assert!(alone.continues());
    assert_eq!(alone.first.unwrap().head.seq, 2);
}

#[test]
fn on_a_device_that_is_always_full_requests_are_refused_and_every_loss_is_counted() {
    for (on_failure, ready) in [(OnFailure::Refuse, false), (OnFailure::Warn, true)] {
        let log = AuditLog::open(&AuditConfig {
            on_failure,
            ..config(Path::new("/dev/full"))
        });
        let log = log.unwrap().unwrap();
        assert!(log.ready());
        add(&log, "one");
        wait_for(&log, |stats| stats.failing);
        assert_eq!(log.ready(), ready);
        add(&log, "two");
        assert_eq!(log.close(NEVER), 2);
        let stats = log.stats();
        assert_eq!((stats.written, stats.lost), (0, 2));
    }
}

#[test]
fn nothing_is_kept_where_nothing_is_to_be_kept() {
    let config = AuditConfig {
        target: AuditTarget::None,
        ..AuditConfig::default()
    };
    assert!(AuditLog::open(&config).unwrap().is_none());
}

/// Waits for the writer. A writer that never gets there is stopped by the test
/// runner, not by a clock of ours.
fn wait_for(log: &AuditLog, there: impl Fn(AuditStats) -> bool) {
    while !there(log.stats()) {
        std::thread::yield_now();
    }
}

/// Names the file that the child of the next test writes.
const CHILD: &str = "TENSOR_WASM_TEST_AUDIT_FILE";

/// The limit on the size of a file fills a "disk" at a byte of our choosing, with a
/// short write first, as a real one does. It holds for a process, so the test runs
/// itself again in one of its own.
#[test]
fn a_real_file_that_may_not_grow_never_holds_half_a_line_and_is_whole_afterwards() {
    if let Some(path) = std::env::var_os(CHILD) {
        return fill(Path::new(&path));
    }
    let folder = Folder::new();
    let path = folder.path("audit.log");
    let script = "trap '' XFSZ; ulimit -S -f 3; exec \"$0\" \"$@\"";
    let output = Command::new("bash")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture"])
        .arg("audit_file::a_real_file_that_may_not_grow_never_holds_half_a_line_and_is_whole_afterwards")
        .env(CHILD, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    let found = is_whole(&[&path]);
    assert_eq!(found.records, 100);
}

/// Writes until the file may not grow, looks at it, lifts the limit, and writes on.
fn fill(path: &Path) {
    // No attempt comes by itself while the file is looked at.
    let log = AuditLog::open(&AuditConfig {
        retry: NEVER,
        ..config(path)
    });
    let log = log.unwrap().unwrap();
    let mut added = 0;
    while !log.stats().failing {
        assert!(added < 99, "the file may grow");
        add(&log, &added.to_string());
        added += 1;
        wait_for(&log, |stats| stats.failing || stats.written == added);
    }
    assert!(!log.ready());
    let full = is_whole(&[path]);
    assert_eq!((full.records, log.stats().written), (added - 1, added - 1));
    for number in added..100 {
        add(&log, &number.to_string());
    }
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Fsize);
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Fsize, limit).unwrap();
    assert_eq!(log.close(NEVER), 0);
    assert_eq!(log.stats().lost, 0);
}

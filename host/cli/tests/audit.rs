//! What `tensor-wasm audit verify` promises: the real binary, on logs that a server's
//! writer wrote, whole and tampered with.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_node::audit::{AuditConfig, AuditLog, AuditTarget, Outcome};

/// A folder with a log of five records in `audit.log`.
struct Log(TempDir);

impl Log {
    fn new() -> Self {
        let log = Self(tempfile::tempdir().unwrap());
        log.add(5);
        log
    }

    /// Starts a server's log, adds records and ends it.
    fn add(&self, records: usize) {
        self.add_of("test", records);
    }

    fn add_of(&self, action: &str, records: usize) {
        let config = AuditConfig {
            target: AuditTarget::File(self.0.path().join("audit.log")),
            ..AuditConfig::default()
        };
        let log = AuditLog::open(&config).unwrap().unwrap();
        for number in 0..records {
            log.event(action, &number.to_string(), Outcome::done());
        }
        assert_eq!(log.close(Duration::from_secs(600)), 0);
    }

    /// As who has the log in hand, and not its anchor, can't.
    fn remove_anchor(&self) {
        fs::remove_file(self.0.path().join("audit.log.head")).unwrap();
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.path().join("audit.log")).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, name: &str, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tensor-wasm"));
        command
            .current_dir(self.0.path())
            .args(["audit", "verify"])
            .args(arguments)
            .env_remove("RUST_LOG")
            .env_remove("TENSOR_WASM_BIN")
            .env_remove("TENSOR_WASM_COMPONENTS");
        command
    }

    /// The head of the log, as the command prints it.
    fn head(&self) -> String {
        let report = self.verify(&["audit.log", "--json"]);
        let report: Value = serde_json::from_slice(&report.stdout).unwrap();
        report["last"]["head"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn is_refused(&self, arguments: &[&str], words: &[&str]) {
        let output = self.verify(arguments);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{out}{err}");
        assert_eq!(out, "");
        assert!(err.contains("error: the audit log is not whole"), "{err}");
        for word in words {
            assert!(err.contains(word), "no {word:?} in: {err}");
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_owned()).unwrap()
}

#[test]
fn a_whole_log_is_described_with_its_head() {
    let log = Log::new();
    let output = log.verify(&["audit.log"]);
    let out = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let head = log.head();
    for words in ["audit.log: whole", "5, number 0 to 4", head.as_str()] {
        assert!(out.contains(words), "no {words:?} in: {out}");
    }
    assert!(head.starts_with("4:"), "{head}");
    assert!(!out.contains("begins"), "{out}");
}

#[test]
fn a_rotated_log_is_verified_over_its_files_and_from_where_it_begins() {
    let log = Log::new();
    let lines = log.lines();
    log.write("audit.log.1", &lines[..2]);
    log.write("audit.log", &lines[2..]);
    let both = log.verify(&["audit.log.1", "audit.log"]);
    assert!(text(&both.stdout).contains("5, number 0 to 4"));
    let last = log.verify(&["audit.log"]);
    assert!(last.status.success());
    let out = text(&last.stdout);
    assert!(out.contains("begins   after record 1"), "{out}");
    log.is_refused(
        &["audit.log", "audit.log.1"],
        &["audit.log.1:1: begins a new log"],
    );
}

#[test]
fn what_is_wrong_is_named_with_file_and_line() {
    let log = Log::new();
    let lines = log.lines();

    let mut altered = lines.clone();
    altered[1] = altered[1].replace("\"resource\":\"1\"", "\"resource\":\"7\"");
    log.write("altered", &altered);
    log.is_refused(&["altered"], &["altered:3:", "record 1 was altered"]);

    let missing = [&lines[..1], &lines[3..]].concat();
    log.write("missing", &missing);
    log.is_refused(
        &["missing"],
        &["missing:2:", "records missing before it: 1 to 2"],
    );

    let mut moved = lines.clone();
    moved.swap(1, 2);
    log.write("moved", &moved);
    log.is_refused(
        &["moved"],
        &["moved:3:", "record 1 belongs further up", "one problem"],
    );

    let mut repeated = lines.clone();
    repeated.insert(2, lines[1].clone());
    log.write("repeated", &repeated);
    log.is_refused(
        &["repeated"],
        &["repeated:3:", "repeats record 1", "one problem"],
    );

    let mut torn = lines.join("\n");
    torn.truncate(torn.len() - 10);
    fs::write(log.0.path().join("torn"), torn).unwrap();
    log.is_refused(&["torn"], &["torn:5:", "breaks off", "one problem"]);

    let mut foreign = lines.clone();
    foreign[4] = "hello".to_owned();
    log.write("foreign", &foreign);
    log.is_refused(&["foreign"], &["foreign:5: is no audit record"]);
}

#[test]
fn an_end_that_was_cut_off_shows_beside_a_head_that_was_noted() {
    let log = Log::new();
    let head = log.head();
    let lines = log.lines();
    let noted = ["audit.log", "--head", head.as_str()];
    assert!(log.verify(&noted).status.success());
    // The log may go on after the head was noted.
    log.add(3);
    assert!(log.verify(&noted).status.success());
    log.write("audit.log", &lines[..3]);
    log.is_refused(
        &["audit.log"],
        &["audit.log:3:", "record 7", "end was cut off"],
    );
    log.remove_anchor();
    assert!(log.verify(&["audit.log"]).status.success());
    log.is_refused(&noted, &["audit.log:3:", "record 4", "end was cut off"]);
}

#[test]
fn a_log_that_was_written_anew_shows_beside_a_head_that_was_noted() {
    let log = Log::new();
    let head = log.head();
    fs::remove_file(log.0.path().join("audit.log")).unwrap();
    log.remove_anchor();
    log.add_of("other", 9);
    assert!(log.verify(&["audit.log"]).status.success());
    log.is_refused(&["audit.log", "--head", &head], &["was written anew"]);
}

#[test]
fn the_head_of_the_file_before_is_looked_for_too() {
    let log = Log::new();
    let (head, lines) = (log.head(), log.lines());
    log.add(2);
    let after = &log.lines()[5..];
    log.write("audit.log", after);
    assert!(log.verify(&["audit.log", "--head", &head]).status.success());
    let other = head.replace(|c: char| c.is_ascii_digit() && c != '4', "f");
    log.is_refused(
        &["audit.log", "--head", &other],
        &["is not the one that was noted"],
    );
    log.write("audit.log", &lines[..1]);
    log.is_refused(&["audit.log", "--head", &head], &["end was cut off"]);
}

#[test]
fn a_report_in_json_holds_the_same() {
    let log = Log::new();
    let lines = log.lines();
    log.write("missing", &[&lines[..1], &lines[2..]].concat());
    let output = log.verify(&["missing", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["whole"], false);
    assert_eq!(report["records"], 4);
    let problem = &report["problems"][0];
    assert_eq!(problem["file"], "missing");
    assert_eq!(problem["line"], 2);
    assert_eq!(problem["kind"], "missing");
    assert_eq!(problem["detail"]["from"], 1);
    assert!(
        report["messages"][0]
            .as_str()
            .unwrap()
            .starts_with("missing:2:")
    );
}

#[test]
fn standard_input_is_read_where_a_dash_is_given() {
    let log = Log::new();
    let mut child = log
        .command(&["-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let bytes = fs::read(log.0.path().join("audit.log")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("-: whole"));
}

#[test]
fn files_that_hold_anything_else_end_in_an_error_and_never_in_a_panic() {
    let log = Log::new();
    let far = log.lines()[0].replacen("\"ts_unix_ms\":", "\"ts_unix_ms\":99999", 1);
    log.write("far", &[far]);
    let output = log.verify(&["far"]);
    assert!(text(&output.stdout).contains("ms after 1970"), "{output:?}");
    fs::write(log.0.path().join("empty"), "").unwrap();
    log.is_refused(&["empty"], &["empty:0: holds no record"]);
    fs::write(log.0.path().join("zeros"), [0; 200_000]).unwrap();
    log.is_refused(&["zeros"], &["zeros:1: breaks off after 200000 bytes"]);
    for arguments in [&["nowhere"][..], &["."]] {
        let output = log.verify(arguments);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.starts_with("error: can't read "), "{err}");
    }
    let output = log.verify(&["audit.log", "--head", "5:x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("write SEQ:HASH"));
}

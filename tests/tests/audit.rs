//! The audit log: a record for each request, refusals included; its hash chain, rotation,
//! and what happens while it cannot be written.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, eventually, guest, run};

const TOKEN: &str = "twt_a-token-that-only-this-test-knows-000001";
const WRONG: &str = "twt_a-token-that-nobody-knows-at-all-0000002";

/// A server whose policy keeps its records in a file.
struct Audited {
    server: Server,
    folder: TempDir,
}

impl Audited {
    fn start(application: &Path, options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let tokens = folder.path().join("tokens");
        fs::write(&tokens, format!("alice:{TOKEN}\n")).unwrap();
        let server = Serve::new(application)
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(tokens)
            .arg(format!("--audit-log=file:{}", log(&folder).display()))
            .args(options)
            .start();
        Self { server, folder }
    }

    fn ask(&self, method: Method, path: &str, token: Option<&str>) -> Reply {
        let request = self.server.request(method, path);
        self.server.send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// The records so far, once there are at least this many.
    fn records(&self, at_least: usize) -> Vec<Value> {
        eventually(&format!("{at_least} records"), || {
            let records = read(&log(&self.folder));
            (records.len() >= at_least).then_some(records)
        })
    }
}

fn log(folder: &TempDir) -> PathBuf {
    folder.path().join("audit.log")
}

fn read(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn verify(files: &[&Path]) -> tensor_wasm_tests::Output {
    run(["audit", "verify"]
        .iter()
        .map(|word| Path::new(*word))
        .chain(files.iter().copied()))
}

#[test]
fn each_request_that_reaches_the_policy_is_recorded_with_its_response() {
    let audited = Audited::start(&guest("misbehaves"), &["--audit-sync"]);
    let admitted = audited.ask(Method::POST, "/some/where?secret=1", Some(TOKEN));
    audited.ask(Method::GET, "/refused", None);
    audited.ask(Method::GET, "/unknown", Some(WRONG));
    let trapped = audited.ask(Method::GET, "/trap", Some(TOKEN));
    assert_eq!(trapped.status, 500);

    // Synchronous records are written before the response: no need to wait for them.
    let records = read(&log(&audited.folder));
    let of = |path: &str| {
        let found = records.iter().find(|record| record["resource"] == path);
        found.unwrap_or_else(|| panic!("no record of {path} in {records:#?}"))
    };
    assert_eq!(records[0]["action"], "server.start");
    let record = of("/some/where");
    assert_eq!(record["action"], "http.post");
    assert_eq!(
        record["actor"],
        json!({ "kind": "token", "id": "alice", "scope": "*" })
    );
    assert_eq!(record["tenant"], 0);
    assert_eq!(
        record["outcome"],
        json!({ "status_code": 200, "error_kind": null })
    );
    assert_eq!(
        record["request_id"].as_str(),
        admitted.header("x-request-id")
    );
    assert!(
        record["peer_addr"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:")
    );
    assert!(record["latency_ms"].as_f64().unwrap() >= 0.0);

    let refused = of("/refused");
    assert_eq!(refused["actor"]["kind"], "anonymous");
    assert_eq!(refused["tenant"], Value::Null);
    assert_eq!(
        refused["outcome"],
        json!({ "status_code": 401, "error_kind": "unauthorized" })
    );
    assert_eq!(of("/unknown")["outcome"]["status_code"], 401);
    assert_eq!(
        of("/trap")["outcome"],
        json!({ "status_code": 500, "error_kind": "trap" })
    );

    let folder = audited.folder;
    let output = audited.server.stop();
    assert_eq!(read(&log(&folder)).last().unwrap()["action"], "server.stop");
    let verified = verify(&[&log(&folder)]);
    assert_eq!(verified.code, Some(0), "{}", verified.stderr);
    // Neither the token, nor a wrong one, nor a query is in a log or a record.
    let written = fs::read_to_string(log(&folder)).unwrap();
    for secret in [TOKEN, WRONG, "secret=1"] {
        for place in [&written, &output.stderr, &output.stdout] {
            assert!(!place.contains(secret), "{secret} is in:\n{place}");
        }
    }
}

#[test]
fn a_request_that_the_server_refuses_by_its_head_is_recorded_with_the_id_of_its_response() {
    let audited = Audited::start(&guest("status_of_path"), &["--audit-sync"]);
    let raw = |bytes: &str| {
        let mut client = audited.server.raw();
        client.send(bytes);
        client.read_to_end()
    };
    let long = "x".repeat(100 << 10);
    let answers = [
        raw("GET /no-host HTTP/1.1\r\nconnection: close\r\n\r\n"),
        raw(
            "POST /coding?secret=1 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
        ),
        raw("no http\r\n\r\n"),
        raw(&format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n")),
        raw(&format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n")),
    ];
    let tunnel = audited.ask(Method::GET, "/101", Some(TOKEN));
    let records = audited.records(7);
    let of_requests: Vec<&Value> = records
        .iter()
        .filter(|record| !record["request_id"].is_null())
        .collect();
    for ((record, answer), (action, resource, status, kind)) in
        of_requests.iter().zip(&answers).zip([
            ("http.get", "/no-host", 400, "bad_request"),
            ("http.post", "/coding", 501, "unsupported_coding"),
            ("malformed", "", 400, "bad_request"),
            ("malformed", "", 431, "head_too_large"),
            ("malformed", "", 414, "target_too_long"),
        ])
    {
        let id = record["request_id"].as_str().unwrap();
        assert!(
            answer.contains(&format!("x-request-id: {id}\r\n")),
            "{answer}"
        );
        assert_eq!(record["action"], action);
        assert_eq!(record["resource"], resource);
        assert_eq!(record["actor"]["kind"], "anonymous");
        assert_eq!(
            record["outcome"],
            json!({"status_code": status, "error_kind": kind})
        );
        assert!(record["peer_addr"].is_string());
    }
    let last = of_requests[5];
    assert_eq!(last["request_id"].as_str(), tunnel.header("x-request-id"));
    assert_eq!(
        last["outcome"],
        json!({"status_code": 500, "error_kind": "invalid_status"})
    );
    assert_eq!(last["actor"]["id"], "alice");
    assert!(verify(&[&log(&audited.folder)]).code == Some(0));
}

#[test]
fn a_request_whose_client_disconnects_is_recorded() {
    let audited = Audited::start(&guest("misbehaves"), &["--request-timeout=10m"]);
    let mut client = audited.server.raw();
    client.send(format!(
        "GET /loop HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    ));
    // A request that the server has not read yet would be dropped without a record.
    eventually("the guest to begin", || {
        audited.server.log().contains("looping").then_some(())
    });
    drop(client);
    eventually("the record of the one who left", || {
        let records = audited.records(1);
        let left = records
            .iter()
            .find(|record| record["resource"] == "/loop")?;
        assert_eq!(
            left["outcome"],
            json!({ "status_code": 499, "error_kind": "client_gone" })
        );
        Some(())
    });
}

#[test]
fn verify_finds_a_changed_or_missing_line() {
    let audited = Audited::start(&guest("hello"), &[]);
    for path in ["/one", "/two", "/three"] {
        audited.ask(Method::GET, path, Some(TOKEN));
    }
    let folder = audited.folder;
    audited.server.stop();
    let good = fs::read_to_string(log(&folder)).unwrap();
    let other = folder.path().join("other.log");

    fs::write(&other, good.replace("/two", "/six")).unwrap();
    let output = verify(&[&other]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);

    let without: Vec<&str> = good.lines().filter(|line| !line.contains("/two")).collect();
    fs::write(&other, without.join("\n") + "\n").unwrap();
    let output = verify(&[&other]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert_eq!(verify(&[&log(&folder)]).code, Some(0));
}

#[test]
fn a_rotated_log_continues_in_a_new_file_and_verifies_across_both() {
    let audited = Audited::start(&guest("hello"), &["--audit-sync"]);
    audited.ask(Method::GET, "/before", Some(TOKEN));
    let old = audited.folder.path().join("audit.log.1");
    fs::rename(log(&audited.folder), &old).unwrap();
    audited.server.hang_up();
    eventually("the new file", || {
        log(&audited.folder).exists().then_some(())
    });
    audited.ask(Method::GET, "/after", Some(TOKEN));
    audited.records(1);
    let folder = audited.folder;
    audited.server.stop();
    assert!(fs::read_to_string(&old).unwrap().contains("/before"));
    let new = fs::read_to_string(log(&folder)).unwrap();
    assert!(new.contains("/after") && !new.contains("/before"), "{new}");
    let verified = verify(&[&old, &log(&folder)]);
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
}

#[test]
fn a_server_restarted_after_a_kill_continues_the_hash_chain() {
    let audited = Audited::start(&guest("hello"), &["--audit-sync"]);
    audited.ask(Method::GET, "/first", Some(TOKEN));
    let Audited { server, folder } = audited;
    // Dropping it kills it.
    drop(server);
    let tokens = folder.path().join("tokens");
    let server = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .arg("--token-file")
        .arg(tokens)
        .arg(format!("--audit-log=file:{}", log(&folder).display()))
        .start();
    server.send(server.request(Method::GET, "/second").bearer_auth(TOKEN));
    server.stop();
    let verified = verify(&[&log(&folder)]);
    assert_eq!(
        verified.code,
        Some(0),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    let text = fs::read_to_string(log(&folder)).unwrap();
    assert!(text.contains("/first") && text.contains("/second"));
}

#[test]
fn a_client_without_a_token_neither_fills_the_log_nor_keeps_others_from_writing() {
    const REFUSED: usize = 300;
    let audited = Audited::start(&guest("hello"), &[]);
    for _ in 0..REFUSED {
        assert_eq!(audited.ask(Method::GET, "/secret", None).status, 401);
    }
    assert_eq!(audited.ask(Method::POST, "/", Some(TOKEN)).status, 200);
    let Audited { server, folder } = audited;
    server.stop();
    let records = read(&log(&folder));
    let single = records
        .iter()
        .filter(|record| record["resource"] == "/secret")
        .count();
    let gathered: Vec<_> = records
        .iter()
        .filter(|record| record["action"] == "audit.refusals")
        .collect();
    // The first ones have a record each, and later ones one now and then.
    assert!((20..REFUSED / 2).contains(&single), "{single} records");
    let repeated: u64 = gathered
        .iter()
        .filter_map(|record| record["repeated"].as_u64())
        .sum();
    assert_eq!(single as u64 + repeated, REFUSED as u64);
    let last = gathered.last().unwrap();
    assert_eq!(last["peer_addr"], "127.0.0.1");
    assert_eq!(last["actor"]["kind"], "anonymous");
    assert_eq!(last["outcome"]["status_code"], 401);
    assert_eq!(last["outcome"]["error_kind"], "unauthorized");
    assert_eq!(verify(&[&log(&folder)]).code, Some(0));
}

#[test]
fn a_log_that_was_cut_off_or_emptied_is_not_whole() {
    let audited = Audited::start(&guest("hello"), &[]);
    audited.ask(Method::GET, "/one", Some(TOKEN));
    audited.ask(Method::GET, "/two", Some(TOKEN));
    let Audited { server, folder } = audited;
    server.stop();
    let path = log(&folder);
    let anchor = folder.path().join("audit.log.head");
    let whole = verify(&[&path]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    assert!(whole.stdout.contains("audit.log.head"), "{}", whole.stdout);

    let lines = fs::read_to_string(&path).unwrap();
    let last = lines.trim_end().rfind('\n').unwrap() + 1;
    for (left, words) in [(&lines[..last], "cut off"), ("", "cut off")] {
        fs::write(&path, left).unwrap();
        let output = verify(&[&path]);
        assert_eq!(output.code, Some(1), "{}", output.stdout);
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    // Nor is it where the anchor was made away with.
    let head = fs::read(&anchor).unwrap();
    fs::remove_file(&anchor).unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert!(
        output.stderr.contains("holds no record"),
        "{}",
        output.stderr
    );

    // A server that goes on with a log that was cut off leaves the gap to be seen.
    fs::write(&anchor, head).unwrap();
    fs::write(&path, &lines[..last]).unwrap();
    let server = audited_at(&path, &[]).start();
    server.log_with(&["records are missing or were changed"]);
    server.stop();
    let output = verify(&[&path]);
    assert_eq!(output.code, Some(1), "{}", output.stdout);
    assert!(
        output.stderr.contains("missing before it"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_anchor_can_be_kept_elsewhere() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (path, anchor) = (log(&folder), elsewhere.path().join("anchor"));
    let option = format!("--audit-anchor={}", anchor.display());
    audited_at(&path, &[&option]).start().stop();
    assert!(!folder.path().join("audit.log.head").exists());
    let with_anchor = || {
        let option = format!("--anchor={}", anchor.display());
        run(["audit", "verify", path.to_str().unwrap(), &option])
    };
    assert_eq!(with_anchor().code, Some(0), "{}", with_anchor().stderr);
    fs::write(&path, "").unwrap();
    assert_eq!(with_anchor().code, Some(1));

    let output = Serve::new(guest("hello"))
        .args(["--audit-log=stdout", &option])
        .refused();
    assert!(output.stderr.contains("file:PATH"), "{}", output.stderr);
    fs::write(&anchor, "something else").unwrap();
    for option in [&option, "--audit-anchor=/no/such/folder/anchor"] {
        let output = audited_at(&path, &[option]).refused();
        let file = option.split_once('=').unwrap().1;
        assert!(output.stderr.contains(file), "{}", output.stderr);
    }
}

/// A server with a policy and its log in this file.
fn audited_at(path: &Path, options: &[&str]) -> Serve {
    Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .env("TENSOR_WASM_API_TOKENS", format!("{TOKEN}:tenant=*"))
        .arg(format!("--audit-log=file:{}", path.display()))
        .args(options)
}

/// A server whose log can't be written: its disk is always full.
fn with_full_disk(options: &[&str]) -> Server {
    Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .env("TENSOR_WASM_API_TOKENS", format!("{TOKEN}:tenant=*"))
        .arg("--audit-log=file:/dev/full")
        .args(options)
        .start()
}

#[test]
fn while_the_log_cannot_be_written_only_safe_methods_are_served() {
    let server = with_full_disk(&[]);
    let ask = |method| {
        let request = server.request(method, "/").bearer_auth(TOKEN);
        server.send(request)
    };
    // The record of the start is the first that can't be written.
    eventually("the failure to be noticed", || {
        (ask(Method::POST).status == 503).then_some(())
    });
    let refused = ask(Method::DELETE);
    refused.assert_error(503, "audit_unavailable");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask(Method::GET).text(), "hello\n");
    server.log_with(&["audit"]);
}

#[test]
fn with_the_warn_setting_requests_are_served_while_the_log_cannot_be_written() {
    let server = with_full_disk(&["--audit-on-failure=warn"]);
    for _ in 0..5 {
        let request = server.request(Method::POST, "/").bearer_auth(TOKEN);
        assert_eq!(server.send(request).text(), "hello\n");
    }
    server.log_with(&["ERROR", "audit"]);
}

#[test]
fn a_log_that_reached_the_limit_of_its_size_counts_as_on_a_full_disk() {
    let audited = Audited::start(&guest("hello"), &[]);
    audited.ask(Method::GET, "/", Some(TOKEN));
    audited.records(2);
    let size = fs::metadata(log(&audited.folder)).unwrap().len();
    audited.server.limit_file_size(size + 10);
    eventually("the failure to be noticed", || {
        let status = audited.ask(Method::POST, "/", Some(TOKEN)).status;
        (status == 503).then_some(())
    });
    assert_eq!(audited.ask(Method::GET, "/", Some(TOKEN)).status, 200);
    audited.server.limit_file_size(size + (1 << 20));
    eventually("the log to recover", || {
        let status = audited.ask(Method::POST, "/", Some(TOKEN)).status;
        (status == 200).then_some(())
    });
    let Audited { server, folder } = audited;
    assert_eq!(server.stop().code, Some(0));
    assert_eq!(verify(&[&log(&folder)]).code, Some(0));
}

#[test]
fn a_log_that_cannot_be_opened_is_reported_at_start() {
    for (option, word) in [
        (
            "--audit-log=file:/no/such/folder/audit.log",
            "/no/such/folder",
        ),
        ("--audit-log=/var/log/audit.log", "file:"),
        ("--audit-log=file:", "path"),
    ] {
        let output = Serve::new(guest("hello")).arg(option).refused();
        assert_ne!(output.code, Some(0));
        assert!(output.stderr.contains(word), "{option}: {}", output.stderr);
    }
}

#[test]
fn records_go_to_standard_output_by_default() {
    let with = |option: Option<&str>| {
        let server = Serve::new(guest("hello"))
            .arg("--policy")
            .arg(component("policy"))
            .args(option)
            .start();
        assert_eq!(server.get("/here").status, 401);
        server.stop().stdout
    };
    let stdout = with(None);
    assert!(
        stdout
            .lines()
            .any(|line| line.starts_with('{') && line.contains("/here"))
    );
    assert!(!with(Some("--audit-log=none")).contains("/here"));
}

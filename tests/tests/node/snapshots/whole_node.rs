//! A whole node as a backup: functions of all tenants with their ids, what they used, the hashes of tokens
//! and the end of the audit log, on a node that stands in its place.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Reply, Serve, Server, component, eventually, guest, tensor_wasm};

use super::{KEY, SNAPSHOT, text};

/// A folder with the tokens, the audit log, the data and the backup of nodes.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Place {
        Place {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A node with files of this name.
    fn node(&self, name: &str) -> Server {
        let data = self.path(&format!("{name}.data"));
        let log = self.path(&format!("{name}.log"));
        Serve::node(&data)
            .env("TENSOR_WASM_API_SNAPSHOT_HMAC_KEY", KEY)
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(self.path(&format!("{name}.tokens")))
            .arg("--audit-log")
            .arg(format!("file:{}", log.display()))
            .start()
    }

    fn new_token(&self, file: &str, name: &str, tenants: &str) -> String {
        let made = command(&[
            "token", "new", "--name", name, "--tenant", tenants, "--file",
        ])
        .arg(self.path(file))
        .output()
        .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}

fn command(arguments: &[&str]) -> std::process::Command {
    let mut command = tensor_wasm();
    command.args(arguments);
    command
}

/// A command of snapshots in this folder, against a node where one is named.
fn snapshot(place: &Place, arguments: &[&str], node: Option<(&Server, &str)>) -> Output {
    let mut command = command(&["snapshot"]);
    command.args(arguments).current_dir(place.folder.path());
    command.env("TENSOR_WASM_API_SNAPSHOT_HMAC_KEY", KEY);
    if let Some((server, token)) = node {
        command.env("TENSOR_WASM_TOKEN", token);
        command.args(["--server", &server.url("")]);
    }
    let output = command.output().unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[track_caller]
fn done(output: &Output) -> String {
    assert_eq!(output.code, Some(0), "{}", text(output));
    text(output)
}

fn send(server: &Server, token: &str, tenant: u64, method: Method, path: &str) -> Reply {
    let request = server.request(method, path).bearer_auth(token);
    server.send(request.header("x-tensorwasm-tenant", tenant))
}

fn deploy(server: &Server, token: &str, tenant: u64, name: &str, guest_name: &str) -> String {
    let request = server.request(Method::POST, &format!("/functions?name={name}"));
    let request = request
        .bearer_auth(token)
        .header("x-tensorwasm-tenant", tenant)
        .header("content-type", "application/wasm");
    let reply = server.send(request.body(fs::read(guest(guest_name)).unwrap()));
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()["id"].as_str().unwrap().to_owned()
}

#[track_caller]
fn ask(server: &Server, token: &str, tenant: u64, path: &str) -> String {
    let reply = send(server, token, tenant, Method::GET, path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

/// Tenant, function and what it used, without what was used since.
fn usage(server: &Server, token: &str, tenant: u64) -> Value {
    let reply = send(server, token, tenant, Method::GET, "/usage");
    reply.json()["usage"].clone()
}

fn head_of(log: &Path) -> Value {
    let verified = command(&["audit", "verify", "--json"])
        .arg(log)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
    serde_json::from_slice(&verified.stdout).unwrap()
}

#[test]
fn a_whole_node_comes_back_in_another_place() {
    let place = Place::new();
    let operator = place.new_token("old.tokens", "operator", "*");
    let alice = place.new_token("old.tokens", "alice", "7");
    let old = place.node("old");
    let app = deploy(&old, &operator, 0, "app", "keeps_state");
    let other = deploy(&old, &alice, 7, "app", "keeps_state");
    deploy(&old, &alice, 7, "hello", "hello");
    ask(&old, &operator, 0, "/f/app/noise/state/100000/7");
    ask(&old, &alice, 7, "/f/app/noise/state/3000/8");
    let state = ask(&old, &operator, 0, "/f/app/sum/state");
    let of_alice = ask(&old, &alice, 7, "/f/app/sum/state");

    // Only who may act for all tenants gets all of it.
    let of_one = ["export", "backup", "--node", "--tenant", "7"];
    let refused = snapshot(&place, &of_one, Some((&old, &alice)));
    assert_ne!(refused.code, Some(0));
    assert!(
        text(&refused).contains("operator_only"),
        "{}",
        text(&refused)
    );
    send(&old, &alice, 7, Method::PUT, "/node/state").assert_error(403, "operator_only");
    let said = done(&snapshot(
        &place,
        &["export", "backup", "--node"],
        Some((&old, &operator)),
    ));
    assert!(said.contains("3 functions"), "{said}");
    let used = usage(&old, &alice, 7);
    let verified = done(&snapshot(&place, &["verify", "backup/node.snapshot"], None));
    assert!(
        verified.contains("whole") && verified.contains("is trusted"),
        "{verified}"
    );
    let again = snapshot(
        &place,
        &["export", "backup", "--node"],
        Some((&old, &operator)),
    );
    assert_eq!(again.code, Some(5), "{}", text(&again));
    let state_file = place.path("backup/node.snapshot");
    let mode = fs::metadata(place.path("backup")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
    let bytes = fs::read(&state_file).unwrap();
    for secret in [&operator, &alice] {
        let secret = secret.as_bytes();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    }
    drop(old);

    // Before the new node is started: its tokens, and where its audit log goes on.
    let prepare = [
        "prepare",
        "backup",
        "--token-file",
        "new.tokens",
        "--audit-log",
        "new.log",
    ];
    let said = done(&snapshot(&place, &prepare, None));
    assert!(
        said.contains("2 tokens") && said.contains("goes on after"),
        "{said}"
    );
    let twice = snapshot(&place, &prepare, None);
    assert_eq!(twice.code, Some(5), "{}", text(&twice));
    assert!(
        text(&twice).contains("is there already"),
        "{}",
        text(&twice)
    );
    let new = place.node("new");
    let import = ["import", "backup", "--node"];
    let refused = snapshot(&place, &import, Some((&new, &alice)));
    assert_ne!(refused.code, Some(0));
    assert!(ask(&new, &alice, 7, "/functions").contains("\"functions\":[]"));
    done(&snapshot(&place, &import, Some((&new, &operator))));
    assert_eq!(
        ask(&new, &operator, 0, &format!("/f/{app}/sum/state")),
        state
    );
    assert_eq!(
        ask(&new, &alice, 7, &format!("/f/{other}/sum/state")),
        of_alice
    );
    assert_eq!(ask(&new, &alice, 7, "/f/hello"), "hello\n");
    let known = usage(&new, &alice, 7);
    let known = known.as_array().unwrap();
    assert!(!known.is_empty());
    for record in used.as_array().unwrap() {
        let same = known.iter().find(|one| {
            (&one["function_id"], &one["hour"]) == (&record["function_id"], &record["hour"])
        });
        let same = same.unwrap_or_else(|| panic!("{record} is not in {known:?}"));
        assert!(same["requests"].as_u64() >= record["requests"].as_u64());
    }

    // What is there stays, unless that is asked for; and nothing is counted twice.
    let there = snapshot(&place, &import, Some((&new, &operator)));
    assert_eq!(there.code, Some(5), "{}", text(&there));
    assert!(text(&there).contains("--over"), "{}", text(&there));
    let over = ["import", "backup", "--node", "--over"];
    let said = done(&snapshot(&place, &over, Some((&new, &operator))));
    assert!(said.contains("0 records of usage"), "{said}");
    assert_eq!(
        ask(&new, &operator, 0, &format!("/f/{app}/sum/state")),
        state
    );
    new.stop();

    // The new log's first record follows the one that the backup names.
    let log = fs::read_to_string(place.path("new.log")).unwrap();
    let first: Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    let seq = first["seq"].as_u64().unwrap();
    assert!(seq > 5);
    let head = format!("{}:{}", seq - 1, first["prev_hash"].as_str().unwrap());
    assert!(head_of(&place.path("new.log"))["records"].as_u64() > Some(5));
    let verified = command(&["audit", "verify", "--head", &head])
        .arg(place.path("old.log"))
        .output()
        .unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_backup_that_is_not_whole_changes_nothing() {
    let place = Place::new();
    let operator = place.new_token("old.tokens", "operator", "*");
    let old = place.node("old");
    deploy(&old, &operator, 0, "one", "hello");
    deploy(&old, &operator, 0, "two", "hello");
    done(&snapshot(
        &place,
        &["export", "backup", "--node"],
        Some((&old, &operator)),
    ));
    drop(old);
    fs::copy(place.path("old.tokens"), place.path("new.tokens")).unwrap();
    let new = place.node("new");
    let import = || {
        snapshot(
            &place,
            &["import", "backup", "--node"],
            Some((&new, &operator)),
        )
    };
    let empty = || ask(&new, &operator, 0, "/functions").contains("\"functions\":[]");
    let (one, two) = (
        place.path("backup/0/one.snapshot"),
        place.path("backup/0/two.snapshot"),
    );
    let kept = fs::read(&two).unwrap();

    fs::remove_file(&two).unwrap();
    let refused = import();
    assert!(
        text(&refused).contains("two.snapshot"),
        "{}",
        text(&refused)
    );
    fs::copy(&one, &two).unwrap();
    let refused = import();
    assert!(
        text(&refused).contains("is of the function"),
        "{}",
        text(&refused)
    );
    fs::write(&two, &kept).unwrap();
    let state = place.path("backup/node.snapshot");
    let whole = fs::read(&state).unwrap();
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&state, damaged).unwrap();
    let refused = import();
    assert!(text(&refused).contains("damaged"), "{}", text(&refused));
    let prepare = ["prepare", "backup", "--token-file", "other.tokens"];
    assert_eq!(snapshot(&place, &prepare, None).code, Some(5));
    assert!(!place.path("other.tokens").exists());
    assert!(empty());

    // Neither a function in its place, nor one that another key has signed.
    let put = |file: Vec<u8>| {
        let request = new
            .request(Method::PUT, "/node/state")
            .bearer_auth(&operator);
        new.send(request.header("content-type", SNAPSHOT).body(file))
    };
    put(kept.clone()).assert_error(422, "invalid_snapshot");
    put(whole[..whole.len() - 1].to_vec()).assert_error(422, "invalid_snapshot");
    let request = new
        .request(Method::PUT, "/node/state")
        .bearer_auth(&operator);
    new.send(request.json(&json!({})))
        .assert_error(415, "unsupported_media_type");
    fs::write(&state, &whole).unwrap();
    done(&import());
    assert!(!empty());
}

#[test]
fn an_id_is_kept_for_those_who_may_act_for_all_tenants_and_is_one_function_s() {
    let place = Place::new();
    let operator = place.new_token("old.tokens", "operator", "*");
    let alice = place.new_token("old.tokens", "alice", "7");
    let node = place.node("old");
    let app = deploy(&node, &alice, 7, "app", "hello");
    let saved = send(&node, &alice, 7, Method::POST, "/functions/app/snapshots");
    assert_eq!(saved.status, 201, "{}", saved.text());
    let path = format!(
        "/snapshots/{}/restore",
        saved.json()["id"].as_str().unwrap()
    );
    let restore = |token: &str, how: Value| {
        let request = node.request(Method::POST, &path).bearer_auth(token);
        node.send(request.header("x-tensorwasm-tenant", 7).json(&how))
    };
    restore(&alice, json!({"name": "copy", "keep_id": true})).assert_error(403, "operator_only");
    restore(&operator, json!({"name": "copy", "keep_id": true}))
        .assert_error(409, "function_exists");
    assert_eq!(ask(&node, &alice, 7, "/f/app"), "hello\n");
    let deleted = send(&node, &alice, 7, Method::DELETE, "/functions/app");
    assert_eq!(deleted.status, 204);
    let restored = restore(&operator, json!({"keep_id": true}));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(restored.json()["function"]["id"], app.as_str());
    assert_eq!(ask(&node, &alice, 7, &format!("/f/{app}")), "hello\n");
}

/// A job that has ended: its id, and how it is shown.
#[track_caller]
fn ended_job(
    server: &Server,
    token: &str,
    tenant: u64,
    path: &str,
    key: &str,
    body: &str,
) -> Value {
    let request = server.request(Method::POST, path).bearer_auth(token);
    let request = request
        .header("x-tensorwasm-tenant", tenant)
        .header("idempotency-key", key);
    let reply = server.send(request.body(body.to_owned()));
    assert!(
        matches!(reply.status.as_u16(), 200 | 202),
        "{}",
        reply.text()
    );
    let id = reply.json()["job_id"].as_str().unwrap().to_owned();
    eventually("the job to end", || {
        let job = send(server, token, tenant, Method::GET, &format!("/jobs/{id}")).json();
        matches!(job["state"].as_str(), Some("succeeded" | "failed")).then_some(job)
    })
}

#[test]
fn a_whole_node_comes_back_with_its_snapshots_and_the_results_of_its_jobs() {
    let place = Place::new();
    let operator = place.new_token("old.tokens", "operator", "*");
    let old = place.node("old");
    deploy(&old, &operator, 0, "app", "keeps_state");
    deploy(&old, &operator, 7, "echo", "echo");
    // Longer than a chunk, so that a job's result is in more than one.
    let long = "x".repeat(3 << 20);
    let path = "/functions/echo/invoke-async";
    let jobs = [
        ended_job(&old, &operator, 7, path, "first", "a result"),
        ended_job(&old, &operator, 7, path, "second", &long),
        ended_job(&old, &operator, 7, path, "third", ""),
    ];
    ask(&old, &operator, 0, "/f/app/noise/state/100000/7");
    let state = ask(&old, &operator, 0, "/f/app/sum/state");
    let kept = send(&old, &operator, 0, Method::POST, "/functions/app/snapshots").json();
    // What the snapshot has is there no more.
    ask(&old, &operator, 0, "/f/app/noise/state/100000/8");
    let of_other = send(
        &old,
        &operator,
        7,
        Method::POST,
        "/functions/echo/snapshots",
    )
    .json();
    send(&old, &operator, 7, Method::DELETE, "/functions/echo");
    let deleted = send(&old, &operator, 7, Method::GET, "/functions/echo");
    assert_eq!(deleted.status, 404, "its snapshot and its jobs stay");
    let export = ["export", "backup", "--node"];
    let said = done(&snapshot(&place, &export, Some((&old, &operator))));
    assert!(said.contains("1 functions, 2 snapshots"), "{said}");
    let listed = |server: &Server, tenant: u64| {
        let page = send(server, &operator, tenant, Method::GET, "/snapshots").json();
        let rows = page["snapshots"].as_array().unwrap().clone();
        let heads = rows
            .iter()
            .map(|row| row["head"].as_str().unwrap().to_owned());
        heads.collect::<Vec<_>>()
    };
    let before = [0, 7].map(|tenant| listed(&old, tenant));
    assert_eq!(before, [[kept["head"].clone()], [of_other["head"].clone()]]);
    drop(old);

    fs::copy(place.path("old.tokens"), place.path("new.tokens")).unwrap();
    let new = place.node("new");
    let import = ["import", "backup", "--node"];
    // A file in the place of another is seen before anything is changed.
    let name = |id: &Value| format!("{}.snapshot", id["id"].as_str().unwrap());
    let file = place.path(&format!("backup/0/kept/{}", name(&kept)));
    let other = place.path(&format!("backup/7/kept/{}", name(&of_other)));
    let right = fs::read(&file).unwrap();
    fs::copy(&other, &file).unwrap();
    let refused = snapshot(&place, &import, Some((&new, &operator)));
    assert!(
        text(&refused).contains("is not the snapshot"),
        "{}",
        text(&refused)
    );
    assert!(ask(&new, &operator, 7, "/jobs").contains("\"jobs\":[]"));
    fs::write(&file, right).unwrap();

    let said = done(&snapshot(&place, &import, Some((&new, &operator))));
    assert!(said.contains("3 ended jobs, 0 were known"), "{said}");
    assert_eq!([0, 7].map(|tenant| listed(&new, tenant)), before);
    for (job, result) in jobs.iter().zip(["a result", &long, ""]) {
        let id = job["id"].as_str().unwrap();
        let found = send(&new, &operator, 7, Method::GET, &format!("/jobs/{id}")).json();
        assert_eq!(&found, job);
        let found = ask(&new, &operator, 7, &format!("/jobs/{id}/result"));
        assert!(found == result, "{id}");
    }
    // The snapshot that was kept has what it had.
    let page = send(&new, &operator, 0, Method::GET, "/snapshots").json();
    let path = format!(
        "/snapshots/{}/restore",
        page["snapshots"][0]["id"].as_str().unwrap()
    );
    let request = new.request(Method::POST, &path).bearer_auth(&operator);
    let restored = new.send(request.json(&json!({"name": "copy"})));
    assert_eq!(restored.status, 201, "{}", restored.text());
    assert_eq!(ask(&new, &operator, 0, "/f/copy/sum/state"), state);

    // Nothing comes twice.
    let over = ["import", "backup", "--node", "--over"];
    let said = done(&snapshot(&place, &over, Some((&new, &operator))));
    assert!(said.contains("0 ended jobs, 3 were known"), "{said}");
    assert_eq!([0, 7].map(|tenant| listed(&new, tenant)), before);
}

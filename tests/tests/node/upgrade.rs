//! The upgrade of a node from an older release and the way back, as `docs/UPGRADE.md` and the runbook of
//! the rollback have it: nothing is lost, whichever step fails in its middle.
//!
//! The older release is the program that `TENSOR_WASM_OLDER_BIN` names, as `cargo xtask upgrade-drill` does;
//! without it the program under test stands for both, and what is tested is the procedure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Serve, Server, Signal, component, eventually, guest, run};

/// Where an operator has a node: its data directory, tokens, audit log, and a copy of the data.
struct Site {
    folder: TempDir,
    token: String,
}

/// All that clients were told is there.
#[derive(Debug, PartialEq)]
struct Inventory {
    functions: Value,
    jobs: Value,
    results: Vec<Value>,
    snapshots: Value,
    config: Value,
}

impl Site {
    fn new() -> Site {
        let folder = TempDir::new().unwrap();
        let tokens = folder.path().join("tokens");
        let tokens = tokens.to_str().unwrap();
        let made = run([
            "token",
            "new",
            "--name=operator",
            "--tenant=7",
            "--file",
            tokens,
        ]);
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let token = made.stdout.trim().to_owned();
        let site = Site { folder, token };
        fs::write(site.path("operator.secret"), &site.token).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn options(&self, serve: Serve) -> Serve {
        serve
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(self.path("tokens"))
            .arg(format!(
                "--audit-log=file:{}",
                self.path("audit.log").display()
            ))
            .arg("--admin=127.0.0.1:0")
    }

    fn older(&self) -> Serve {
        self.options(Serve::older_node(&self.path("data")))
    }

    fn newer(&self) -> Serve {
        self.options(Serve::node(&self.path("data")))
    }

    /// Sends a request as the tenant's operator; the answer has to be of this status.
    #[track_caller]
    fn ask(&self, server: &Server, method: Method, path: &str, body: &[u8], status: u16) -> Value {
        let request = server.request(method, path).bearer_auth(&self.token);
        let request = request.header("x-tensorwasm-tenant", "7");
        let request = match body {
            [] => request,
            _ if path.starts_with("/functions?") => {
                request.header("content-type", "application/wasm")
            }
            _ => request.header("content-type", "application/json"),
        };
        let reply = server.send(request.body(body.to_vec()));
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        serde_json::from_str(&reply.text()).unwrap_or(Value::String(reply.text()))
    }

    #[track_caller]
    fn get(&self, server: &Server, path: &str) -> Value {
        self.ask(server, Method::GET, path, &[], 200)
    }

    /// Fills an empty node: two functions, one of them in two versions and with settings, jobs that have
    /// ended, and a snapshot.
    fn fill(&self, server: &Server) {
        for (name, file) in [
            ("app", guest("hello")),
            ("app", guest("reflect")),
            ("saxpy", component("saxpy")),
        ] {
            let file = fs::read(file).unwrap();
            let path = format!("/functions?name={name}");
            self.ask(server, Method::POST, &path, &file, 201);
        }
        let settings = json!({"values": {"mode": "fast"}}).to_string();
        let path = "/functions/app/config";
        self.ask(server, Method::PUT, path, settings.as_bytes(), 200);
        let input = json!({"a": 3, "x": [1, 2], "y": [4, 5]}).to_string();
        let invoked = self.ask(server, Method::POST, "/f/saxpy", input.as_bytes(), 200);
        assert_eq!(invoked["result"], json!([7.0, 11.0]), "{invoked}");
        for _ in 0..3 {
            let path = "/functions/saxpy/invoke-async";
            let job = self.ask(server, Method::POST, path, input.as_bytes(), 202);
            self.wait_for_job(server, job["job_id"].as_str().unwrap());
        }
        self.ask(server, Method::POST, "/functions/app/snapshots", &[], 201);
    }

    fn wait_for_job(&self, server: &Server, job: &str) {
        eventually("the job to end", || {
            let job = self.get(server, &format!("/jobs/{job}"));
            match job["state"].as_str() {
                Some("succeeded") => Some(()),
                Some("pending" | "running") => None,
                _ => panic!("{job}"),
            }
        });
    }

    #[track_caller]
    fn inventory(&self, server: &Server) -> Inventory {
        self.inventory_but(server, "no job")
    }

    /// As [`inventory`](Site::inventory), without the job of this path.
    #[track_caller]
    fn inventory_but(&self, server: &Server, job: &str) -> Inventory {
        let mut jobs = self.get(server, "/jobs")["jobs"].clone();
        let all = jobs.as_array_mut().unwrap();
        all.retain(|one| !job.ends_with(one["id"].as_str().unwrap()));
        let results = jobs.as_array().unwrap().iter().map(|job| {
            let id = job["id"].as_str().unwrap();
            self.get(server, &format!("/jobs/{id}/result"))
        });
        Inventory {
            results: results.collect(),
            functions: self.get(server, "/functions")["functions"].clone(),
            snapshots: self.get(server, "/snapshots")["snapshots"].clone(),
            config: self.get(server, "/functions/app/config"),
            jobs,
        }
    }

    /// The synthetic invocation, and that the whole of the audit log is there.
    #[track_caller]
    fn verify(&self, server: &Server) {
        let log = self.path("audit.log");
        let verified = run([
            "verify",
            "--server",
            &server.url(""),
            "--tenant=7",
            "--token-from",
            self.path("operator.secret").to_str().unwrap(),
            &format!("--admin=http://{}", server.admin_address()),
            &format!("--audit-log={}", log.display()),
        ]);
        assert_eq!(
            verified.code,
            Some(0),
            "{}{}",
            verified.stdout,
            verified.stderr
        );
        done(&self.audit_verify(&[&log]));
    }

    fn audit_verify(&self, logs: &[&Path]) -> Output {
        run(["audit", "verify"]
            .map(PathBuf::from)
            .into_iter()
            .chain(logs.iter().map(|log| log.to_path_buf())))
    }

    fn copy(&self, from: &str, to: &str) {
        let copied = Command::new("cp")
            .arg("--archive")
            .args([self.path(from), self.path(to)])
            .status();
        assert!(copied.unwrap().success());
    }

    /// The runbook's steps 3 and 4: audit log and data directory are moved aside, and the copy put back.
    fn put_back(&self, copy: &str) {
        let move_aside = |name: &str, to: &str| {
            fs::rename(self.path(name), self.path(to)).unwrap();
        };
        move_aside("audit.log", "audit.log-upgraded");
        move_aside("data", "aside");
        move_aside(copy, "data");
    }
}

/// What is in `now` of all that was told before: a newer release may tell more.
fn as_told(before: &Value, now: &Value) -> Value {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            let told = now.iter().filter_map(|(name, value)| {
                let before = before.get(name)?;
                Some((name.clone(), as_told(before, value)))
            });
            Value::Object(told.collect())
        }
        (Value::Array(before), Value::Array(now)) if before.len() == now.len() => {
            let pairs = before.iter().zip(now);
            Value::Array(pairs.map(|(before, now)| as_told(before, now)).collect())
        }
        _ => now.clone(),
    }
}

impl Inventory {
    /// Whether all that was told before is there.
    #[track_caller]
    fn expect(&self, before: &Inventory) {
        let told = Inventory {
            functions: as_told(&before.functions, &self.functions),
            jobs: as_told(&before.jobs, &self.jobs),
            results: self.results.clone(),
            snapshots: as_told(&before.snapshots, &self.snapshots),
            config: as_told(&before.config, &self.config),
        };
        assert_eq!(&told, before);
    }
}

/// Where a node of the older release was filled, and has ended; and what it had.
fn filled() -> (Site, Inventory) {
    let site = Site::new();
    let older = site.older().start();
    site.fill(&older);
    let before = site.inventory(&older);
    stop(older);
    site.copy("data", "data.before");
    (site, before)
}

/// Starts a node, and kills it so many milliseconds later, again and again.
fn interrupt_starts(of: impl Fn() -> Serve, after_ms: &[u64]) {
    for milliseconds in after_ms {
        let starting = of().spawn();
        thread::sleep(Duration::from_millis(*milliseconds));
        // Dropping it kills it.
        drop(starting);
    }
}

/// Ends a server as an operator does, and waits for it.
#[track_caller]
fn stop(server: Server) {
    done(&server.stop());
}

#[track_caller]
fn done(output: &Output) {
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
}

#[test]
fn an_upgrade_keeps_what_there_is_and_the_way_back_restores_it() {
    let (site, before) = filled();

    let newer = site.newer().start();
    site.inventory(&newer).expect(&before);
    site.verify(&newer);
    site.inventory(&newer).expect(&before);
    let since = fs::read(guest("hello")).unwrap();
    site.ask(&newer, Method::POST, "/functions?name=since", &since, 201);
    stop(newer);

    site.put_back("data.before");
    let older = site.older().start();
    site.inventory(&older).expect(&before);
    assert_eq!(site.get(&older, "/f/app")["path"], "/");
    stop(older);
    let (upgraded, log) = (site.path("audit.log-upgraded"), site.path("audit.log"));
    done(&site.audit_verify(&[&upgraded, &log]));
}

#[test]
fn a_node_that_is_killed_while_it_drains_is_upgraded_nevertheless_and_its_jobs_run() {
    let site = Site::new();
    let older = site.older().start();
    site.fill(&older);
    let sleep = fs::read(guest("sleep")).unwrap();
    site.ask(&older, Method::POST, "/functions?name=sleep", &sleep, 201);
    let before = site.inventory(&older);
    let path = "/functions/sleep/invoke-async/60000";
    let job = site.ask(&older, Method::POST, path, &[], 202);
    let job = format!("/jobs/{}", job["job_id"].as_str().unwrap());
    let began = eventually("the job to run", || {
        let job = site.get(&older, &job);
        (job["state"] == "running").then(|| job["started_at"].clone())
    });
    assert!(began.is_string(), "{began}");
    older.terminate();
    thread::sleep(Duration::from_millis(100));
    older.signal(Signal::KILL);
    drop(older);
    site.copy("data", "data.before");

    let newer = site.newer().start();
    let after = site.inventory_but(&newer, &job);
    after.expect(&before);
    // It had no time to be told of its end, and begins again.
    eventually("the job to begin again", || {
        let again = site.get(&newer, &job);
        assert!(
            matches!(again["state"].as_str(), Some("pending" | "running")),
            "{again}"
        );
        (again["state"] == "running" && again["started_at"] != began).then_some(())
    });
    site.ask(&newer, Method::DELETE, &job, &[], 200);
    site.verify(&newer);
    stop(newer);
}

#[test]
fn a_start_of_the_newer_release_that_is_killed_anywhere_is_repeated() {
    let (site, before) = filled();
    interrupt_starts(|| site.newer(), &[0, 10, 20, 40, 80, 160, 320]);
    let newer = site.newer().start();
    site.inventory(&newer).expect(&before);
    // Nobody runs a second one on the same folder meanwhile.
    let refused = site.older().refused();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    stop(newer);

    site.put_back("data.before");
    interrupt_starts(|| site.older(), &[0, 20, 80, 320]);
    let older = site.older().start();
    site.inventory(&older).expect(&before);
    stop(older);
}

#[test]
fn a_node_that_is_killed_while_it_is_verified_keeps_what_there_was() {
    let (site, before) = filled();
    let newer = site.newer().start();
    let (url, token) = (newer.url(""), site.path("operator.secret"));
    let verifying = thread::spawn(move || {
        let token = token.to_str().unwrap();
        run([
            "verify",
            "--server",
            &url,
            "--tenant=7",
            "--token-from",
            token,
        ])
    });
    let names = |server: &Server| -> BTreeSet<String> {
        let functions = site.get(server, "/functions");
        let functions = functions["functions"].as_array().unwrap().iter();
        functions
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let ours: BTreeSet<String> = ["app", "saxpy"].map(str::to_owned).into();
    // Its function is there for some moments, or it has ended already.
    let mut left = BTreeSet::new();
    while left.is_empty() && !verifying.is_finished() {
        left = &names(&newer) - &ours;
    }
    newer.signal(Signal::KILL);
    drop(newer);
    drop(verifying.join().unwrap());

    let newer = site.newer().start();
    for name in &names(&newer) - &ours {
        let path = format!("/functions/{name}");
        site.ask(&newer, Method::DELETE, &path, &[], 204);
    }
    site.inventory(&newer).expect(&before);
    site.verify(&newer);
    stop(newer);
}

//! A component that is initialized once: its instances start from what its `init` has left, and one whose
//! `init` does not end well is not served.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, guest, run};

/// The sum of the squares of the numbers below 100,000, and of the numbers below 1000.
const SUM: u64 = 333_328_333_350_000;
const ON_DEVICE: u64 = 499_500;

fn serve(options: &[&str]) -> Serve {
    Serve::new(guest("initialized")).args(options)
}

#[track_caller]
fn found(server: &Server) -> Value {
    let reply = server.get("/");
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// What a server says that does not start, since the component's `init` does this.
#[track_caller]
fn refused(does: &str, options: &[&str], texts: &[&str]) -> String {
    let output = serve(&[&["--env", &format!("init={does}")], options].concat()).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    for text in texts {
        assert!(output.stderr.contains(text), "{text}: {}", output.stderr);
    }
    output.stderr
}

#[test]
fn init_runs_once_and_each_instance_starts_from_what_it_has_left() {
    let server = serve(&[]).start();
    let first = found(&server);
    assert_eq!(
        (&first["inits"], &first["requests"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(first["sum"], SUM);
    assert_eq!(first["on_device"], ON_DEVICE);
    for _ in 0..20 {
        // What an instance writes is its own, and random numbers of `init` are the same in each.
        assert_eq!(found(&server), first);
    }
    let again = serve(&[]).start();
    assert_ne!(found(&again)["key"], first["key"]);
}

#[test]
fn an_instance_that_is_reused_goes_on_from_its_own_last_request() {
    let server = serve(&["--reuse=1000"]).start();
    let requests = (0..40).map(|_| found(&server)["requests"].as_u64());
    assert!(requests.into_iter().any(|requests| requests > Some(1)));
    assert_eq!(found(&server)["inits"], 1);
}

#[test]
fn files_and_standard_output_work_before_the_image_and_after_it() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("weights"), "one two").unwrap();
    let directory = format!("{}::/assets", folder.path().display());
    let server = serve(&["--dir", &directory]).start();
    assert_eq!(found(&server)["file"], "one two");
    fs::write(folder.path().join("weights"), "three").unwrap();
    let read = server.get("/read/assets/weights");
    assert_eq!(read.text(), "three");
    assert_eq!(found(&server)["file"], "one two");
    let log = server.log_with(&["init begins", "a line without an end", "a request"]);
    assert_eq!(log.matches("init begins").count(), 1, "{log}");
    assert_eq!(log.matches("a line without an end").count(), 1, "{log}");
}

#[test]
fn without_a_device_or_with_a_policy_in_front_it_is_initialized_all_the_same() {
    let server = serve(&["--gpu=deny"]).start();
    let first = found(&server);
    assert_eq!(
        (&first["sum"], &first["on_device"]),
        (&json!(SUM), &Value::Null)
    );
    let policy = guest("policy_admits");
    let server = serve(&["--policy", policy.to_str().unwrap()]).start();
    assert_eq!(found(&server)["sum"], SUM);
}

#[test]
fn a_component_of_wasi_0_3_is_initialized_too() {
    let server = Server::of(guest("p3_initialized"));
    for _ in 0..5 {
        assert_eq!(server.get("/").text(), "1 1");
    }
    server.log_with(&["init of 0.3", "a request of 0.3"]);
}

#[test]
fn a_component_whose_init_fails_is_not_served_and_its_author_is_told_why() {
    refused(
        "fail",
        &[],
        &["`init` failed: there are no weights: stage /assets/weights"],
    );
    refused(
        "trap",
        &[],
        &[
            "`init` trapped: wasm `unreachable`",
            "the last that it wrote: init begins",
        ],
    );
    refused("exit", &[], &["`init` exited"]);
    refused("grow", &[], &["`init` trapped"]);
    refused(
        "loop",
        &["--request-timeout=1s"],
        &["`init` ran for longer than 1 seconds"],
    );
}

#[test]
fn handles_that_init_leaves_are_refused_by_what_they_are_of() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("weights"), "one").unwrap();
    let directory = format!("{}::/assets", folder.path().display());
    for (does, kinds) in [
        ("keep-file", "1 file or directory"),
        ("keep-device", "1 device."),
        ("keep-module", "1 module of kernels"),
        ("keep-stream", "1 output stream"),
    ] {
        let dir = ["--dir", directory.as_str()];
        refused(
            does,
            &dir,
            &["handles that its later instances do not have", kinds],
        );
    }
}

#[test]
fn what_init_leaves_has_to_fit_the_memory_of_an_instance() {
    let server = serve(&["--env", "init=fill"]).start();
    let first = found(&server);
    assert_eq!(
        (&first["filled"], &first["sum"]),
        (&json!(64 << 20), &json!(SUM))
    );
    refused("fill", &["--max-memory-bytes=48MiB"], &["`init` trapped"]);
}

#[test]
fn a_component_with_an_init_is_shown_as_such_and_not_composed() {
    let (with, without) = (guest("initialized"), guest("hello"));
    let shown = run(["inspect".as_ref(), with.as_os_str()]);
    assert!(
        shown.stdout.contains("once, by its `init`"),
        "{}",
        shown.stdout
    );
    for (component, initialized) in [(&with, true), (&without, false)] {
        let shown = run(["inspect".as_ref(), component.as_os_str(), "--json".as_ref()]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        assert_eq!(shown["initialized"], initialized);
    }
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("composed.wasm");
    let policy = guest("policy_admits");
    let composed = run([
        "compose".as_ref(),
        policy.as_os_str(),
        with.as_os_str(),
        "-o".as_ref(),
        target.as_os_str(),
    ]);
    assert_eq!(composed.code, Some(1), "{}", composed.stderr);
    assert!(
        composed
            .stderr
            .contains("the application exports `tensor:lifecycle/initialization@0.1.0`"),
        "{}",
        composed.stderr
    );
}

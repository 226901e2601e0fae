//! Instances of policies in front, which decide on one request after another: which are used again,
//! which are not, and what reaches those that are.

use std::collections::BTreeSet;
use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, component, eventually, guest, run};

use crate::policy_p3::no_panic;

/// The same policy for both versions of WASI.
const POLICIES: [&str; 2] = ["policy_remembers", "p3_policy_remembers"];

fn behind(policy: &str, application: &str, options: &[&str]) -> Server {
    Serve::new(guest(application))
        .arg("--policy")
        .arg(guest(policy))
        .arg("--audit-log=none")
        .args(options)
        .start()
}

/// How many requests each asked instance has had.
fn counts(server: &Server) -> BTreeSet<String> {
    (0..30).map(|_| server.get("/count").text()).collect()
}

/// Instances are used again, and none that was marked.
#[track_caller]
fn uses_unmarked_instances_again(server: &Server, after: &str) {
    let counts = counts(server);
    assert!(!counts.contains("marked"), "{after}: {counts:?}");
    assert!(
        counts.iter().any(|count| count != "1"),
        "{after}: {counts:?}"
    );
}

#[test]
fn a_policy_is_reused_by_default_and_the_application_is_not() {
    for policy in POLICIES {
        let server = behind(policy, "counts_its_requests", &[]);
        for _ in 0..30 {
            assert_eq!(server.get("/").text(), "1", "{policy}");
        }
        uses_unmarked_instances_again(&server, policy);
        no_panic(server);
    }
    let data = TempDir::new().unwrap();
    let node = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_remembers"))
        .start();
    uses_unmarked_instances_again(&node, "a node");
}

#[test]
fn an_instance_of_a_policy_gets_as_many_requests_as_the_operator_says() {
    for policy in POLICIES {
        for (reuse, expected) in [("1", &["1"][..]), ("2", &["1", "2"])] {
            let option = format!("--policy-reuse={reuse}");
            let server = behind(policy, "hello", &[&option, "--reuse=1000"]);
            let expected = expected.iter().map(|count| (*count).to_owned()).collect();
            assert_eq!(counts(&server), expected, "{policy}");
        }
    }
    let output = Serve::new(guest("hello")).arg("--policy-reuse=0").refused();
    assert!(
        output.stderr.contains("--policy-reuse"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_policy_that_was_composed_with_its_application_has_an_instance_a_request() {
    let folder = TempDir::new().unwrap();
    let composed = folder.path().join("composed.wasm");
    let output = run([
        "compose".into(),
        guest("policy_remembers"),
        guest("hello"),
        "-o".into(),
        composed.clone(),
    ]);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let server = Serve::new(composed).arg("--audit-log=none").start();
    assert_eq!(counts(&server), BTreeSet::from(["1".to_owned()]));
}

#[test]
fn an_instance_that_trapped_or_kept_something_of_a_request_is_not_used_again() {
    for (policy, paths) in [
        ("policy_remembers", &["/trap", "/keep"][..]),
        (
            "p3_policy_remembers",
            &["/trap", "/keep", "/stream", "/task"],
        ),
    ] {
        for path in paths {
            let server = behind(policy, "hello", &["--request-timeout=2s"]);
            for _ in 0..3 {
                let reply = server.get(path);
                match *path {
                    "/trap" => reply.assert_error(500, "trap"),
                    _ => assert_eq!(reply.text(), "kept", "{policy} {path}"),
                }
            }
            uses_unmarked_instances_again(&server, &format!("{policy} {path}"));
            no_panic(server);
        }
    }
}

#[test]
fn an_instance_that_gave_no_response_is_not_used_again() {
    let server = behind("policy_remembers", "hello", &[]);
    // The first request of each instance: this is no policy whose instances serve one.
    for _ in 0..3 {
        server.get("/nothing").assert_error(500, "no_response");
    }
    uses_unmarked_instances_again(&server, "/nothing");
}

#[test]
fn an_instance_whose_request_ran_out_of_time_is_not_used_again() {
    for (policy, paths) in [
        ("policy_remembers", &["/wait", "/loop"][..]),
        ("p3_policy_remembers", &["/wait"]),
    ] {
        let server = behind(policy, "hello", &["--request-timeout=300ms"]);
        for path in paths {
            server.get(path).assert_error(504, "timeout");
            uses_unmarked_instances_again(&server, path);
        }
        no_panic(server);
    }
}

#[test]
fn an_instance_whose_client_went_away_is_not_used_again() {
    for policy in POLICIES {
        let server = behind(policy, "hello", &[]);
        for _ in 0..3 {
            let raw = server.begin("/wait");
            // The request has begun by then, mostly.
            server.get("/count");
            drop(raw);
        }
        uses_unmarked_instances_again(&server, policy);
        // None is at work any more, so that the server can end.
        no_panic(server);
    }
}

#[test]
fn what_a_policy_remembers_of_its_settings_ends_with_the_next_reload() {
    for policy in POLICIES {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("tensor-wasm.toml");
        let configure = |mark: &str| fs::write(&file, format!("setting = [\"mark={mark}\"]\n"));
        configure("first").unwrap();
        let server = Serve::new(guest("hello"))
            .arg("--policy")
            .arg(guest(policy))
            .args(["--audit-log=none", "--config"])
            .arg(&file)
            .start();
        for _ in 0..5 {
            assert_eq!(server.get("/mark").text(), "first");
        }
        // One that is at work meanwhile, and has remembered before.
        let at_work = server.begin("/wait");
        server.get("/count");
        configure("second").unwrap();
        server.hang_up();
        eventually("the new settings", || {
            (server.get("/mark").text() == "second").then_some(())
        });
        drop(at_work);
        for _ in 0..30 {
            assert_eq!(server.get("/mark").text(), "second", "{policy}");
        }
    }
}

/// What the policies of the project know of one caller reaches no other one.
#[test]
fn a_reused_policy_decides_on_each_request_by_itself() {
    for policy in ["policy", "policy-p3"] {
        let server = Serve::new(guest("reflect"))
            .arg("--policy")
            .arg(component(policy))
            .env(
                "TENSOR_WASM_API_TOKENS",
                "of-alice:tenant=1,of-bob:tenant=2",
            )
            .args(["--audit-log=none", "--rate-limit-qps=100000"])
            .start();
        let ask = |token: &str, tenant: &str| {
            let request = server.request(Method::GET, "/");
            let request = request.header("x-tensorwasm-tenant", tenant);
            server.send(match token {
                "" => request,
                token => request.bearer_auth(token),
            })
        };
        std::thread::scope(|scope| {
            for (token, tenant, other) in [("of-alice", "1", "2"), ("of-bob", "2", "1")] {
                let ask = &ask;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let reply = ask(token, tenant);
                        assert_eq!(reply.status, 200, "{}", reply.text());
                        let seen = reply.json();
                        assert_eq!(seen["headers"]["x-tensorwasm-tenant"], tenant, "{seen}");
                        ask(token, other).assert_error(403, "tenant_scope_denied");
                        ask("", tenant).assert_error(401, "unauthorized");
                    }
                });
            }
        });
        no_panic(server);
    }
}

//! A policy in front of an application: the project's own, and ones that go wrong.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, guest, run};

const TOKEN: &str = "correct-horse-battery-staple";
const WRONG: &str = "incorrect-horse-battery-staple";

/// A server with the project's policy in front of an application, and the token
/// file that it needs.
struct Guarded {
    server: Server,
    _folder: TempDir,
}

impl Guarded {
    /// The policy in front by `--policy`.
    fn by_option(application: &Path) -> Self {
        let (folder, tokens) = tokens();
        let server = Serve::new(application)
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(tokens)
            .start();
        Self {
            server,
            _folder: folder,
        }
    }

    /// The policy composed in front beforehand.
    fn by_compose(application: &Path) -> Self {
        let (folder, tokens) = tokens();
        let composed = folder.path().join("composed.wasm");
        let policy = component("policy");
        compose(&[&policy], application, &composed);
        let server = Serve::new(composed).arg("--token-file").arg(tokens).start();
        Self {
            server,
            _folder: folder,
        }
    }

    fn get(&self, authorization: Option<&str>) -> Reply {
        let request = self.server.request(Method::GET, "/");
        self.server.send(match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    }
}

fn tokens() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("tokens");
    fs::write(
        &path,
        format!("# who may come in\n\nother-token\nalice:{TOKEN}\n"),
    )
    .unwrap();
    (folder, path)
}

fn compose(policies: &[&Path], application: &Path, target: &Path) {
    let mut arguments = vec![Path::new("compose")];
    arguments.extend(policies);
    arguments.extend([application, Path::new("-o"), target]);
    let output = run(arguments);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
}

/// Serves `hello` behind policies among the guests.
fn behind(policies: &[&str], options: &[&str]) -> Server {
    let mut serve = Serve::new(guest("hello")).args(options);
    for policy in policies {
        serve = serve.arg("--policy").arg(guest(policy));
    }
    serve.start()
}

fn guards_as_promised(guarded: &Guarded) {
    for stranger in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some(TOKEN),
        Some("Basic YTpi"),
        Some(&format!("Bearer {WRONG}")),
        Some(&format!("Bearer {TOKEN}x")),
        Some(&format!("Bearer {}", &TOKEN[1..])),
        Some(&format!("Bearer alice:{TOKEN}")),
        Some(&format!("Bearer {}", "x".repeat(20_000))),
    ] {
        let reply = guarded.get(stranger);
        reply.assert_error(401, "unauthorized");
        assert!(
            reply
                .header("www-authenticate")
                .is_some_and(|how| how.starts_with("Bearer"))
        );
    }
    for known in [TOKEN, "other-token"] {
        let reply = guarded.get(Some(&format!("Bearer {known}")));
        assert_eq!(
            (reply.status.as_u16(), reply.text().as_str()),
            (200, "hello\n")
        );
    }
}

#[test]
fn only_a_known_token_passes_a_policy_given_by_option() {
    let guarded = Guarded::by_option(&guest("hello"));
    guards_as_promised(&guarded);
    let output = guarded.server.stop();
    for secret in [TOKEN, WRONG] {
        assert!(!output.stderr.contains(secret), "a token is in the log");
        assert!(!output.stdout.contains(secret));
    }
}

#[test]
fn only_a_known_token_passes_a_policy_composed_beforehand() {
    guards_as_promised(&Guarded::by_compose(&guest("hello")));
}

#[test]
fn two_tokens_in_one_request_admit_nobody() {
    let guarded = Guarded::by_option(&guest("hello"));
    let request = guarded
        .server
        .request(Method::GET, "/")
        .header("authorization", format!("Bearer {WRONG}"))
        .header("authorization", format!("Bearer {TOKEN}"));
    assert_eq!(guarded.server.send(request).status, 401);
}

#[test]
fn without_a_token_file_the_policy_admits_nobody() {
    let server = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .start();
    let request = server.request(Method::GET, "/").bearer_auth(TOKEN);
    server.send(request).assert_error(401, "unauthorized");
}

#[test]
fn a_policy_passes_bodies_through_untouched() {
    let guarded = Guarded::by_compose(&guest("echo"));
    let body: Vec<u8> = (0..500_000u32).map(|i| ((i * 7) >> 2) as u8).collect();
    let request = guarded
        .server
        .request(Method::POST, "/")
        .bearer_auth(TOKEN)
        .body(body.clone());
    assert!(guarded.server.send(request).body == body);
}

#[test]
fn the_start_lines_tell_what_policy_and_application_were_granted_together() {
    let guarded = Guarded::by_option(&component("saxpy"));
    let granted = &guarded.server.start().granted;
    for interface in ["tensor:policy/credentials", "tensor:gpu/kernels"] {
        assert!(
            granted.iter().any(|name| name.starts_with(interface)),
            "{granted:?}"
        );
    }
}

#[test]
fn a_policy_that_admits_everybody_passes_requests_on() {
    assert_eq!(behind(&["policy_admits"], &[]).get("/").text(), "hello\n");
}

#[test]
fn a_policy_that_refuses_answers_itself() {
    let reply = behind(&["policy_refuses"], &[]).get("/");
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (403, "closed\n")
    );
}

#[test]
fn the_first_policy_stands_outermost() {
    let both = behind(&["policy_admits", "policy_refuses"], &[]);
    assert_eq!(both.get("/").status, 403);
    let trapping = behind(&["policy_refuses", "policy_traps"], &[]);
    assert_eq!(trapping.get("/").status, 403);
}

#[test]
fn no_answer_leaves_the_host_for_which_no_decision_was_made() {
    let server = behind(&["policy_never_decides"], &[]);
    for path in ["/", "/answer"] {
        let reply = server.get(path);
        reply.assert_error(500, "undecided");
        assert!(!reply.text().contains("hello"));
    }
    assert_eq!(server.get("/decide").text(), "hello\n");
}

#[test]
fn a_policy_that_traps_lets_nothing_through() {
    let server = behind(&["policy_traps"], &[]);
    server.get("/").assert_error(500, "trap");
    server.get("/decided").assert_error(500, "trap");
}

#[test]
fn a_policy_that_hangs_is_a_504() {
    let server = behind(&["policy_hangs"], &["--request-timeout=300ms"]);
    server.get("/").assert_error(504, "timeout");
    server.get("/").assert_error(504, "timeout");
}

#[test]
fn a_trap_behind_a_policy_is_a_500() {
    let server = Serve::new(guest("trap"))
        .arg("--policy")
        .arg(guest("policy_admits"))
        .start();
    server.get("/").assert_error(500, "trap");
}

#[test]
fn what_is_no_policy_is_refused_by_its_name() {
    for (policy, told) in [
        (
            guest("policy_without_handler"),
            "policy_without_handler.wasm",
        ),
        (guest("hello"), "incoming-handler"),
        (PathBuf::from("no/such/policy.wasm"), "no/such/policy.wasm"),
    ] {
        let output = Serve::new(guest("hello"))
            .arg("--policy")
            .arg(&policy)
            .refused();
        assert_eq!(output.code, Some(1));
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
}

#[test]
fn a_token_file_that_is_not_there_is_named() {
    let output = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .args(["--token-file", "no/such/tokens"])
        .refused();
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("no/such/tokens"),
        "{}",
        output.stderr
    );
}

//! A policy in front of an application: the project's own, and ones that fail.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, guest, run};

const TOKEN: &str = "correct-horse-battery-staple";
const WRONG: &str = "incorrect-horse-battery-staple";

/// Challenges in `WWW-Authenticate` (RFC 6750).
const MALFORMED: &str = "Bearer error=\"invalid_request\"";
const NOT_KNOWN: &str = "Bearer error=\"invalid_token\"";

/// What the project's policy asks for, among others.
const POLICYS: [&str; 3] = [
    "tensor:policy/credentials",
    "tensor:policy/limiter",
    "wasi:config/store",
];

/// A server with the project's policy in front of an application, and the token
/// file that it needs.
struct Guarded {
    server: Server,
    _folder: TempDir,
}

impl Guarded {
    /// The policy in front by `--policy`.
    fn by_option(application: &Path) -> Self {
        Self::of_by_option("policy", application)
    }

    /// One of the project's policies in front by `--policy`.
    fn of_by_option(policy: &str, application: &Path) -> Self {
        let (folder, tokens) = tokens();
        let server = Serve::new(application)
            .arg("--policy")
            .arg(component(policy))
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
        Self::of_by_compose("policy", application)
    }

    /// One of the project's policies composed in front beforehand.
    fn of_by_compose(policy: &str, application: &Path) -> Self {
        let (folder, tokens) = tokens();
        let composed = folder.path().join("composed.wasm");
        let policy = component(policy);
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
    guards(guarded, "hello\n");
}

/// Only known tokens reach the application, which answers with this text.
fn guards(guarded: &Guarded, answer: &str) {
    for (stranger, kind, challenge) in [
        (None, "unauthorized", "Bearer"),
        (Some(""), "invalid_auth", MALFORMED),
        (Some("Bearer"), "invalid_auth", MALFORMED),
        (Some("Bearer "), "invalid_auth", MALFORMED),
        (Some(TOKEN), "invalid_auth", MALFORMED),
        (Some("Basic YTpi"), "invalid_auth", MALFORMED),
        (Some("Bearer two words"), "invalid_auth", MALFORMED),
        (
            Some(&*format!("Bearer {}", "x".repeat(1018))),
            "invalid_auth",
            MALFORMED,
        ),
        (
            Some(&*format!("Bearer {}", "x".repeat(20_000))),
            "invalid_auth",
            MALFORMED,
        ),
        (
            Some(&*format!("Bearer {}", "x".repeat(1017))),
            "unauthorized",
            NOT_KNOWN,
        ),
        (Some(&*format!("Bearer {WRONG}")), "unauthorized", NOT_KNOWN),
        (
            Some(&*format!("Bearer {TOKEN}x")),
            "unauthorized",
            NOT_KNOWN,
        ),
        (
            Some(&*format!("Bearer {}", &TOKEN[1..])),
            "unauthorized",
            NOT_KNOWN,
        ),
        (
            Some(&*format!("Bearer alice:{TOKEN}")),
            "unauthorized",
            NOT_KNOWN,
        ),
    ] {
        let reply = guarded.get(stranger);
        reply.assert_error(401, kind);
        assert_eq!(reply.header("www-authenticate"), Some(challenge));
        for secret in [TOKEN, WRONG] {
            assert!(!reply.text().contains(secret), "a token is in an answer");
        }
    }
    for known in [TOKEN, "other-token"] {
        let reply = guarded.get(Some(&format!("Bearer {known}")));
        assert_eq!(
            (reply.status.as_u16(), reply.text().as_str()),
            (200, answer)
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
fn the_policy_of_0_3_has_the_same_rules() {
    let apart = Guarded::of_by_option("policy-p3", &guest("hello"));
    guards(&apart, "hello\n");
    let apart = Guarded::of_by_option("policy-p3", &guest("p3_hello"));
    guards(&apart, "hello from 0.3\n");
    let composed = Guarded::of_by_compose("policy-p3", &guest("p3_hello"));
    guards(&composed, "hello from 0.3\n");
}

#[test]
fn a_request_with_two_tokens_is_refused() {
    let guarded = Guarded::by_option(&guest("hello"));
    let request = guarded
        .server
        .request(Method::GET, "/")
        .header("authorization", format!("Bearer {WRONG}"))
        .header("authorization", format!("Bearer {TOKEN}"));
    let reply = guarded.server.send(request);
    reply.assert_error(401, "invalid_auth");
    assert_eq!(reply.header("www-authenticate"), Some(MALFORMED));
}

#[test]
fn a_request_names_its_tenant_by_one_number() {
    let guarded = Guarded::by_option(&guest("hello"));
    let ask = |tenants: &[&str]| {
        let request = guarded.server.request(Method::GET, "/").bearer_auth(TOKEN);
        guarded
            .server
            .send(tenants.iter().fold(request, |request, tenant| {
                request.header("x-tensorwasm-tenant", *tenant)
            }))
    };
    for tenants in [&[][..], &["0"], &["7"], &["18446744073709551615"]] {
        assert_eq!(ask(tenants).text(), "hello\n", "{tenants:?}");
    }
    for tenant in ["", "+1", "-1", "1 2", "1,2", "0x7", "18446744073709551616"] {
        ask(&[tenant]).assert_error(400, "invalid_tenant");
    }
    for tenants in [["1", "1"], ["1", "2"], ["1", "x"]] {
        ask(&tenants).assert_error(400, "duplicate_tenant_header");
    }
}

#[test]
fn an_invalid_tenant_header_is_not_reported_to_a_caller_without_a_token() {
    let guarded = Guarded::by_option(&guest("hello"));
    let request = guarded
        .server
        .request(Method::GET, "/")
        .header("x-tensorwasm-tenant", "x");
    guarded
        .server
        .send(request)
        .assert_error(401, "unauthorized");
}

#[test]
fn without_a_token_file_the_policy_refuses_every_request() {
    let server = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .start();
    let request = server.request(Method::GET, "/").bearer_auth(TOKEN);
    server.send(request).assert_error(401, "unauthorized");
}

#[test]
fn a_policy_passes_bodies_through_unchanged() {
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
fn a_client_refused_during_its_request_body_can_read_the_whole_response() {
    for guarded in [
        Guarded::by_option(&guest("echo")),
        Guarded::by_compose(&guest("echo")),
    ] {
        let mut client = guarded.server.raw();
        let body = "x".repeat(1 << 20);
        let post = format!(
            "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        client.send(post);
        // The end of the envelope: the head says its length.
        let answer = client.read_until("}}\n");
        assert!(
            answer.starts_with("HTTP/1.1 401") && answer.ends_with("}}\n"),
            "{answer}"
        );
        // After a long body the host may close the connection.
        if !answer.contains("connection: close") {
            client.send("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
            assert!(client.read_to_end().starts_with("HTTP/1.1 401"));
        }
    }
}

#[test]
fn the_start_lines_list_the_grants_of_policy_and_application_together() {
    let guarded = Guarded::by_compose(&component("saxpy"));
    let granted = &guarded.server.start().granted;
    for interface in POLICYS.iter().chain(&["tensor:gpu/kernels"]) {
        assert!(
            granted.iter().any(|name| name.starts_with(interface)),
            "{granted:?}"
        );
    }
}

#[test]
fn an_application_does_not_get_the_grants_of_its_policy() {
    let guarded = Guarded::by_option(&component("saxpy"));
    let granted = &guarded.server.start().granted;
    for interface in POLICYS {
        assert!(
            !granted.iter().any(|name| name.starts_with(interface)),
            "{granted:?}"
        );
    }
}

#[test]
fn a_policy_that_admits_every_request_forwards_them() {
    assert_eq!(behind(&["policy_admits"], &[]).get("/").text(), "hello\n");
}

#[test]
fn a_policy_that_refuses_a_request_sends_the_response_itself() {
    let reply = behind(&["policy_refuses"], &[]).get("/");
    assert_eq!(
        (reply.status.as_u16(), reply.text().as_str()),
        (403, "closed\n")
    );
}

#[test]
fn the_first_policy_given_is_the_outermost() {
    let both = behind(&["policy_admits", "policy_refuses"], &[]);
    assert_eq!(both.get("/").status, 403);
    let trapping = behind(&["policy_refuses", "policy_traps"], &[]);
    assert_eq!(trapping.get("/").status, 403);
}

#[test]
fn a_response_without_a_policy_decision_is_not_sent() {
    let server = behind(&["policy_never_decides"], &[]);
    for path in ["/", "/answer"] {
        let reply = server.get(path);
        reply.assert_error(500, "undecided");
        assert!(!reply.text().contains("hello"));
    }
    assert_eq!(server.get("/decide").text(), "hello\n");
}

#[test]
fn a_policy_that_traps_admits_no_request() {
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
fn a_component_that_is_not_a_policy_is_refused_by_name() {
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
fn a_missing_token_file_is_reported_by_name() {
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

#[test]
fn the_first_of_two_policy_decisions_holds() {
    let server = behind(&["policy_decides_twice"], &[]);
    assert_eq!(server.get("/").text(), "hello\n");
    // A refused request does not reach the application, though the policy forwards it.
    let reply = server.get("/refuse");
    reply.assert_error(500, "undecided");
    assert!(!reply.text().contains("hello"));
}

#[test]
fn a_policy_that_hangs_does_not_delay_other_requests() {
    let server = behind(
        &["policy_loops_before_deciding"],
        &["--request-timeout=300ms"],
    );
    server.get("/loop").assert_error(504, "timeout");
    assert_eq!(server.get("/").text(), "hello\n");
}

#[test]
fn a_policy_cannot_send_two_responses() {
    let server = behind(&["policy_answers_twice"], &[]);
    for path in ["/", "/set", "/trap"] {
        // The first response may have begun; it breaks off when the guest traps.
        match server.try_send(server.request(Method::GET, path)) {
            Ok(reply) if reply.status == 200 => assert_eq!(reply.text(), "first\n"),
            Ok(reply) => reply.assert_error(500, "trap"),
            Err(_) => {}
        }
        server.log_with(&["the guest failed"]);
    }
}

#[test]
fn the_request_size_limit_is_checked_after_the_policy() {
    let (_folder, tokens) = tokens();
    let server = Serve::new(guest("count_body"))
        .arg("--policy")
        .arg(component("policy"))
        .arg("--policy")
        .arg(component("request-limit"))
        .arg("--token-file")
        .arg(tokens)
        .start();
    let post = |path: &str, bytes: usize| {
        let request = server.request(Method::POST, path).bearer_auth(TOKEN);
        server.send(request.body(vec![b'x'; bytes]))
    };
    assert_eq!(post("/", 1024 * 1024).status, 200);
    post("/", 1024 * 1024 + 1).assert_error(413, "request_too_large");
    let path = format!("/{}", "x".repeat(8 * 1024));
    post(&path, 1).assert_error(414, "path_too_long");
    // The host itself accepts at most 100 over HTTP/1.1.
    let many = (0..101).fold(
        server.http2().get(server.url("/")).bearer_auth(TOKEN),
        |request, number| request.header(format!("x-{number}"), "1"),
    );
    server.send(many).assert_error(431, "too_many_headers");
    let mut raw = server.raw();
    raw.send(format!(
        "POST / HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    ));
    let answer = raw.read_to_end();
    assert!(
        answer.starts_with("HTTP/1.1 411") && answer.contains("length_required"),
        "{answer}"
    );
}

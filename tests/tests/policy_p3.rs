//! Policies of WASI 0.3, which see the answer, and chains of both versions.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::Value;
use tensor_wasm_tests::{Reply, Serve, Server, guest, run};

/// Serves a guest behind policies among the guests.
fn behind(policies: &[&str], application: &str, options: &[&str]) -> Server {
    let mut serve = Serve::new(guest(application)).args(options);
    for policy in policies {
        serve = serve.arg("--policy").arg(guest(policy));
    }
    serve.start()
}

const OF_0_2: &str = "policy_admits";
const OF_0_3: &str = "p3_policy_admits";

/// Chains of either version, and of both.
const CHAINS: [&[&str]; 5] = [
    &[OF_0_3],
    &[OF_0_3, OF_0_3],
    &[OF_0_2, OF_0_3],
    &[OF_0_3, OF_0_2],
    &[OF_0_3, OF_0_2, OF_0_3],
];

/// Ends a server, which has not panicked.
pub(crate) fn no_panic(server: Server) {
    let log = server.stop().stderr;
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn policies_of_both_versions_stand_in_any_order_before_services_of_either() {
    let body: Vec<u8> = (0..500_000u32).map(|i| ((i * 7) >> 2) as u8).collect();
    for chain in CHAINS {
        for (service, text) in [("hello", "hello\n"), ("p3_hello", "hello from 0.3\n")] {
            let server = behind(chain, service, &[]);
            let reply = server.get("/");
            assert_eq!(
                (reply.status.as_u16(), reply.text().as_str()),
                (200, text),
                "{chain:?} {service}"
            );
            no_panic(server);
        }
        for service in ["echo", "p3_echo"] {
            let server = behind(chain, service, &[]);
            let reply = server.post("/", body.clone());
            assert!(reply.body == body, "{chain:?} {service}");
            assert!(server.post("/", Vec::new()).body.is_empty());
            no_panic(server);
        }
    }
}

#[test]
fn a_target_and_a_head_reach_the_service_as_the_client_sent_them() {
    for chain in CHAINS {
        let server = behind(chain, "reflect", &[]);
        let request = server
            .request(Method::PUT, "/a%20b/c?d=e&f")
            .header("x-mark", "kept")
            .header("authorization", "Bearer secret");
        let seen = server.send(request).json();
        assert_eq!(seen["method"], "Method::Put", "{chain:?} {seen}");
        assert_eq!(seen["path"], "/a%20b/c?d=e&f", "{seen}");
        assert_eq!(seen["scheme"], "Scheme::Http", "{seen}");
        assert_eq!(seen["authority"], server.address().to_string(), "{seen}");
        assert_eq!(seen["headers"]["x-mark"], "kept", "{seen}");
        assert_eq!(seen["headers"]["x-tensorwasm-tenant"], "0", "{seen}");
        assert_eq!(seen["headers"]["authorization"], Value::Null, "{seen}");
        assert!(seen["headers"]["x-request-id"].is_string(), "{seen}");
    }
}

#[test]
fn trailers_pass_policies_of_0_3_in_both_directions() {
    for chain in CHAINS {
        let server = behind(chain, "p3_echo", &[]);
        let mut raw = server.raw();
        raw.send(
            "POST / HTTP/1.1\r\nhost: test\r\nte: trailers\r\ntrailer: x-sum\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n\
             2\r\nbo\r\n2\r\ndy\r\n0\r\nx-sum: 4\r\n\r\n",
        );
        let answer = raw.read_to_end();
        assert!(answer.starts_with("HTTP/1.1 200"), "{chain:?} {answer}");
        assert!(answer.contains("x-sum: 4\r\n"), "{chain:?} {answer}");
    }
}

#[test]
fn head_and_its_content_length_pass_a_policy_of_0_3() {
    for service in ["echo", "p3_echo", "hello"] {
        let server = behind(&[OF_0_3], service, &[]);
        for _ in 0..2 {
            let reply = server.send(server.request(Method::HEAD, "/"));
            assert_eq!(reply.status, 200);
            assert!(reply.body.is_empty());
        }
        no_panic(server);
    }
}

fn rewritten(query: &str) -> (Reply, Server) {
    let server = behind(&["p3_policy_rewrites"], "reflect", &[]);
    let request = server
        .request(Method::GET, &format!("/seen?{query}"))
        .header("x-request-id", "of-the-client")
        .header("authorization", "Bearer secret");
    (server.send(request), server)
}

#[test]
fn a_policy_may_change_method_path_and_headers_but_not_whose_request_it_is() {
    let seen = rewritten("method").0.json();
    assert!(seen["method"].as_str().unwrap().contains("BREW"), "{seen}");
    let (reply, server) = rewritten("path");
    let seen = reply.json();
    assert_eq!(seen["path"], "/elsewhere?made=by-the-policy", "{seen}");
    assert_eq!(seen["authority"], server.address().to_string(), "{seen}");
    // Tenant, credentials and id are the host's to say.
    let (reply, server) = rewritten("headers");
    let seen = reply.json();
    assert_eq!(seen["path"], "/seen?headers", "{seen}");
    assert_eq!(seen["authority"], server.address().to_string(), "{seen}");
    assert_eq!(seen["scheme"], "Scheme::Http", "{seen}");
    assert_eq!(seen["headers"]["x-added"], "by the policy", "{seen}");
    assert_eq!(seen["headers"]["x-tensorwasm-tenant"], "7", "{seen}");
    assert_eq!(seen["headers"]["authorization"], Value::Null, "{seen}");
    assert_eq!(seen["headers"]["x-request-id"], "of-the-client", "{seen}");
}

#[test]
fn a_policy_may_change_the_bodies_while_they_pass() {
    for service in ["echo", "p3_echo"] {
        let server = behind(&["p3_policy_rewrites"], service, &[]);
        let body = "abc ".repeat(300_000);
        let reply = server.post("/?body", body.clone());
        assert!(reply.text() == body.to_uppercase(), "{service}");
        let reply = server.post("/?response", body.clone());
        assert_eq!(reply.header("x-added"), Some("to the response"));
        assert!(reply.text() == body.to_uppercase(), "{service}");
        no_panic(server);
    }
}

#[test]
fn a_client_that_goes_away_stops_the_service_behind_a_policy_of_0_3() {
    for path in ["/", "/?response"] {
        let server = behind(&["p3_policy_rewrites"], "endless_response", &[]);
        for _ in 0..3 {
            let mut raw = server.begin(path);
            raw.read_until("200 OK");
            drop(raw);
        }
        // Both instances of each are gone, so that the server can end.
        no_panic(server);
    }
}

#[test]
fn a_response_that_the_client_does_not_take_is_not_gathered_in_memory() {
    let server = behind(&["p3_policy_rewrites"], "endless_response", &[]);
    let mut raw = server.begin("/?response");
    raw.read_until("200 OK");
    let before = server.memory_bytes("VmRSS");
    // The service waits for the policy, which waits for the client. Without that the service would
    // write gigabytes meanwhile.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let gathered = server.memory_bytes("VmRSS").saturating_sub(before);
    assert!(gathered < 64 << 20, "{gathered} bytes");
    drop(raw);
    no_panic(server);
}

fn misbehaving(application: &str, options: &[&str]) -> Server {
    behind(&["p3_policy_misbehaves"], application, options)
}

#[test]
fn a_policy_of_0_3_that_traps_before_while_or_after_its_call_is_a_500() {
    for application in ["hello", "p3_hello", "sleep"] {
        let server = misbehaving(application, &[]);
        for path in [
            "/trap-undecided",
            "/trap-before",
            "/trap-while",
            "/trap-after",
        ] {
            if application == "sleep" && path == "/trap-after" {
                continue;
            }
            server.get(path).assert_error(500, "trap");
        }
        no_panic(server);
    }
    // The response has begun: it breaks off.
    let server = misbehaving("hello", &[]);
    let request = server.request(Method::GET, "/trap-in-body");
    match server.try_send(request) {
        Ok(reply) => reply.assert_error(500, "trap"),
        Err(error) => assert!(!error.is_timeout(), "{error}"),
    }
    assert_eq!(server.get("/").text(), "hello\n");
    no_panic(server);
}

#[test]
fn a_policy_of_0_3_that_never_answers_is_a_504() {
    let server = misbehaving("hello", &["--request-timeout=300ms"]);
    server.get("/never").assert_error(504, "timeout");
    assert_eq!(server.get("/").text(), "hello\n");
    no_panic(server);
}

#[test]
fn without_a_decision_of_a_policy_of_0_3_nothing_is_forwarded_and_nothing_sent() {
    let server = misbehaving("hello", &[]);
    for path in ["/undecided", "/answer-undecided", "/refuse-and-forward"] {
        let reply = server.get(path);
        reply.assert_error(500, "undecided");
        assert!(!reply.text().contains("hello"));
    }
    no_panic(server);
}

#[test]
fn a_policy_of_0_3_may_drop_its_request_its_call_and_the_response() {
    for application in ["hello", "p3_hello", "endless_response"] {
        let server = misbehaving(application, &[]);
        for (path, text) in [
            ("/drop-request", "the request was dropped"),
            ("/drop-response", "the response was dropped"),
            ("/cancel", "the call was cancelled"),
        ] {
            assert_eq!(server.get(path).text(), text, "{application}");
            let reply = server.post(path, vec![b'x'; 1 << 20]);
            assert_eq!(reply.text(), text, "{application}");
        }
        no_panic(server);
    }
}

#[test]
fn an_error_of_a_policy_of_0_3_is_a_500_whatever_it_has_forwarded() {
    let server = misbehaving("hello", &[]);
    for path in ["/fail", "/fail-after"] {
        let reply = server.get(path);
        assert!(reply.status.is_server_error(), "{}", reply.text());
        assert!(!reply.text().contains("hello"));
    }
    no_panic(server);
}

#[test]
fn a_trap_behind_a_policy_of_0_3_is_told_as_that() {
    for chain in CHAINS {
        let server = behind(chain, "trap", &[]);
        server.get("/").assert_error(500, "trap");
        no_panic(server);
    }
}

#[test]
fn a_policy_of_0_3_forwards_one_request_for_each_that_it_receives() {
    let server = misbehaving("hello", &[]);
    assert_eq!(server.get("/twice").text(), "hello\n");
    server.log_with(&["a second request"]);
    no_panic(server);
}

#[test]
fn a_request_of_a_policy_that_is_not_as_its_head_says_does_not_hang_the_service() {
    for application in ["count_body", "echo", "p3_echo"] {
        let server = misbehaving(application, &["--request-timeout=500ms"]);
        for path in ["/short", "/long", "/broken", "/dropped", "/stalled"] {
            // The service may answer what it got, or break off; the client is told either way.
            if let Ok(reply) = server.try_send(server.request(Method::GET, path)) {
                assert!(
                    reply.status == 200 || reply.status.is_server_error(),
                    "{application} {path} {}",
                    reply.status
                );
            }
        }
        assert_eq!(server.get("/").status, 200);
        no_panic(server);
    }
}

#[test]
fn a_response_of_a_policy_that_is_not_as_its_head_says_is_seen_to_be_broken() {
    let server = misbehaving("hello", &["--request-timeout=500ms"]);
    for path in ["/response-short", "/response-broken"] {
        if let Ok(reply) = server.try_send(server.request(Method::GET, path)) {
            assert!(reply.status.is_server_error(), "{path} {}", reply.text());
        }
    }
    assert_eq!(server.get("/").text(), "hello\n");
    no_panic(server);
}

#[test]
fn parts_of_0_3_compose_into_one_component_and_others_are_to_stand_apart() {
    let folder = tempfile::tempdir().unwrap();
    let composed = folder.path().join("composed.wasm");
    let compose = |policy: PathBuf, application: PathBuf| {
        run([
            "compose".as_ref(),
            policy.as_os_str(),
            application.as_os_str(),
            "-o".as_ref(),
            composed.as_os_str(),
        ])
    };
    let output = compose(guest(OF_0_3), guest("p3_echo"));
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let server = Server::of(&composed);
    assert_eq!(server.post("/", "body").text(), "body");
    no_panic(server);
    for (policy, application) in [(OF_0_3, "hello"), (OF_0_2, "p3_hello")] {
        let output = compose(guest(policy), guest(application));
        assert_ne!(output.code, Some(0));
        assert!(output.stderr.contains("--policy"), "{}", output.stderr);
    }
}

#[test]
fn a_handler_of_another_version_is_refused_with_the_versions_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
        path
    };
    let importing = written(
        "importing.wasm",
        r#"(component
            (import "wasi:http/handler@0.4.0" (instance $h))
            (export "wasi:http/handler@0.4.0" (instance $h)))"#,
    );
    let draft = written(
        "draft.wasm",
        r#"(component
            (instance $h)
            (export "wasi:http/handler@0.3.0-rc-2025-09-16" (instance $h)))"#,
    );
    for (policy, told) in [
        (&importing, &["wasi:http/handler@0.4.0", "0.3.x"][..]),
        (&draft, &["0.3.0-rc-2025-09-16", "draft"]),
    ] {
        let served = Serve::new(guest("hello")).arg("--policy").arg(policy);
        for output in [served.refused(), Serve::new(policy).refused()] {
            for word in told.iter().chain(&["build"]) {
                assert!(output.stderr.contains(word), "{word}: {}", output.stderr);
            }
        }
    }
    // One that exports a handler and forwards nothing is no policy.
    let output = Serve::new(guest("hello"))
        .arg("--policy")
        .arg(guest("p3_hello"))
        .refused();
    assert!(output.stderr.contains("import"), "{}", output.stderr);
}

#[test]
fn the_middleware_of_the_documentation_is_one() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| fs::read_to_string(format!("{root}/{path}")).unwrap();
    let guest_code = read("tests/guests/examples/p3_middleware.rs");
    let code = &guest_code[guest_code.find("use exports").unwrap()..];
    assert!(read("docs/guests.md").contains(code));
    let server = behind(&["p3_middleware"], "hello", &[]);
    assert_eq!(server.get("/").text(), "hello\n");
    server.log_with(&[" ns"]);
}

//! A policy of WASI 0.3 in front of applications of both versions: traces, accounts and limits are
//! those of the request, whatever it passes.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, guest};

use crate::policy_p3::no_panic;

/// Admits requests for the tenant that they name, and makes a new response of each.
const POLICY: &str = "p3_policy_remembers";

/// Serves a guest behind the policy.
fn behind(application: &str, options: &[&str]) -> Server {
    Serve::new(guest(application))
        .arg("--policy")
        .arg(guest(POLICY))
        .arg("--audit-log=none")
        .args(options)
        .start()
}

fn ask(server: &Server, tenant: u64, path: &str) -> Reply {
    let request = server.request(Method::GET, path);
    server.send(request.header("x-tensorwasm-tenant", tenant.to_string()))
}

#[test]
fn a_body_that_is_longer_than_the_limit_reaches_neither_version_whole() {
    for application in ["echo", "p3_echo"] {
        let server = behind(application, &["--max-body-bytes=1000"]);
        for _ in 0..3 {
            let reply = server.post("/", vec![b'x'; 1000]);
            assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 1000));
            server
                .post("/", vec![b'x'; 1001])
                .assert_error(413, "body_too_large");
            // What does not say how long it is, is cut off on its way.
            let mut raw = server.raw();
            raw.send(
                "POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\
                 connection: close\r\n\r\n",
            );
            for _ in 0..3 {
                raw.send(format!("200\r\n{}\r\n", "x".repeat(512)));
            }
            raw.send("0\r\n\r\n");
            let answer = raw.read_to_end();
            assert!(
                answer.matches('x').count() <= 1100,
                "{application} {answer}"
            );
            assert!(!answer.ends_with("\r\n0\r\n\r\n"), "{application} {answer}");
        }
        assert_eq!(server.post("/", "after it").text(), "after it");
        no_panic(server);
    }
}

#[test]
fn an_application_that_takes_too_long_is_a_504() {
    let server = behind("sleep", &["--request-timeout=300ms"]);
    for _ in 0..2 {
        server.get("/5000").assert_error(504, "timeout");
        assert_eq!(server.get("/1").status, 200);
    }
    let server = behind("endless_loop", &["--request-timeout=300ms"]);
    for _ in 0..2 {
        server.get("/").assert_error(504, "timeout");
    }
    no_panic(server);
}

#[test]
fn the_memory_of_policy_and_application_is_their_tenants() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, "[tenants.9]\ntenant-memory-bytes = \"64KiB\"\n").unwrap();
    let configuration = format!("--config={}", file.display());
    for application in ["hello", "p3_hello"] {
        let server = behind(application, &[&configuration]);
        for _ in 0..3 {
            let reply = ask(&server, 9, "/");
            reply.assert_error(429, "tenant_capacity_exhausted");
            let reply = ask(&server, 8, "/");
            assert!(reply.text().starts_with("hello"), "{}", reply.text());
        }
        no_panic(server);
    }
}

/// Many requests of a tenant leave instances of the policy that wait for their next one: they are
/// nobody's, and so take nothing of the tenant's memory.
#[test]
fn instances_of_a_policy_that_wait_are_nobodys() {
    let server = behind("hello", &["--tenant-memory-bytes=24MiB"]);
    for tenant in [7, 8] {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let reply = ask(&server, tenant, "/");
                        assert_eq!(reply.text(), "hello\n", "{}", reply.status);
                    }
                });
            }
        });
    }
    no_panic(server);
}

#[test]
fn the_rate_of_a_caller_is_limited_in_front_of_both_versions() {
    for (application, text) in [("hello", "hello\n"), ("p3_hello", "hello from 0.3\n")] {
        let server = Serve::new(guest(application))
            .arg("--policy")
            .arg(component("policy-p3"))
            .args(["--insecure-no-auth", "--audit-log=none"])
            .args(["--rate-limit-qps=1", "--rate-limit-burst=5"])
            .start();
        let replies: Vec<Reply> = (0..30).map(|_| server.get("/")).collect();
        let (admitted, refused): (Vec<&Reply>, Vec<&Reply>) =
            replies.iter().partition(|reply| reply.status == 200);
        // The bucket fills while the test runs, which no second of it may exceed by much.
        assert!((5..25).contains(&admitted.len()), "{}", admitted.len());
        for reply in admitted {
            assert_eq!(reply.text(), text);
        }
        for reply in refused {
            reply.assert_error(429, "rate_limited");
        }
        no_panic(server);
    }
}

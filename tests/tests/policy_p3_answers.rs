//! What the project's policy for WASI 0.3 adds to the answers of services and of a node.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, guest};

use crate::policy_p3::no_panic;

/// Serves a guest behind the project's policy of 0.3, without tokens.
fn open(application: &str, settings: &[&str]) -> Server {
    let mut serve = Serve::new(guest(application))
        .arg("--policy")
        .arg(component("policy-p3"))
        .arg("--insecure-no-auth");
    for setting in settings {
        serve = serve.arg("--setting").arg(setting);
    }
    serve.start()
}

fn from_page(server: &Server, origin: &str) -> Reply {
    server.send(server.request(Method::GET, "/").header("origin", origin))
}

#[test]
fn pages_of_allowed_origins_may_read_the_answers_of_the_service() {
    let server = open("hello", &["cors-allow-origins=https://a.example"]);
    let reply = from_page(&server, "https://a.example");
    assert_eq!(reply.text(), "hello\n");
    let allowed = reply.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://a.example"));
    let readable = reply.header("access-control-expose-headers").unwrap();
    assert!(readable.contains("x-request-id"), "{readable}");
    assert_eq!(reply.header("vary"), Some("Origin"));
    let reply = from_page(&server, "https://b.example");
    assert_eq!(reply.text(), "hello\n");
    assert_eq!(reply.header("access-control-allow-origin"), None);
    // A shared cache would give this answer to others.
    assert_eq!(reply.header("vary"), Some("Origin"));
    no_panic(server);
}

#[test]
fn answers_say_what_is_left_of_the_rate_limit() {
    let limit = ["rate-limit-qps=1", "rate-limit-burst=4"];
    let server = open("hello", &limit);
    for left in [3, 2] {
        let reply = server.get("/");
        assert_eq!(reply.text(), "hello\n");
        let policy = reply.header("ratelimit-policy");
        assert_eq!(policy, Some("\"token\";q=4;w=4"));
        // The bucket fills while the test runs.
        let said = reply.header("ratelimit").unwrap().to_owned();
        let said: u32 = said.strip_prefix("\"token\";r=").unwrap().parse().unwrap();
        assert!((left..=3).contains(&said), "{said}");
    }
    let refused = (0..100)
        .map(|_| server.get("/"))
        .find(|reply| reply.status == 429)
        .expect("no request exceeded the limit");
    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("ratelimit"), Some("\"token\";r=0;t=1"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let server = open(
        "hello",
        &[limit[0], limit[1], "rate-limit-by=token-and-tenant"],
    );
    let reply = server.get("/");
    assert_eq!(
        reply.header("ratelimit-policy"),
        Some("\"token\";q=4;w=4, \"token-and-tenant\";q=4;w=4")
    );
    let left = reply.header("ratelimit").unwrap();
    assert_eq!(left, "\"token\";r=3, \"token-and-tenant\";r=3");
    // Without a limit there is nothing to say.
    let reply = open("hello", &[]).get("/");
    assert_eq!(reply.header("ratelimit"), None);
    assert_eq!(reply.header("ratelimit-policy"), None);
}

#[test]
fn answers_limit_what_browsers_do_with_them_where_the_operator_says_so() {
    let settings = [
        "security-headers=true",
        "strict-transport-security=max-age=60",
    ];
    let server = open("echo", &settings);
    let reply = server.post("/", "body");
    assert_eq!(reply.text(), "body");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=60"),
        // What the service says stays.
        ("content-type", "application/octet-stream"),
    ] {
        assert_eq!(reply.header(name), Some(value));
    }
    assert_eq!(open("hello", &[]).get("/").header("x-frame-options"), None);
    no_panic(server);
}

#[test]
fn a_node_takes_a_policy_of_0_3_as_one_of_0_2() {
    let data = TempDir::new().unwrap();
    let server = Serve::node(data.path())
        .arg("--policy")
        .arg(component("policy-p3"))
        .args(["--insecure-no-auth", "--setting=security-headers=true"])
        .start();
    for (name, kind) in [("echo", "echo"), ("echo-p3", "p3_echo")] {
        let request = server.request(Method::POST, &format!("/functions?name={name}"));
        let request = request.header("content-type", "application/wasm");
        let reply = server.send(request.body(fs::read(guest(kind)).unwrap()));
        assert_eq!(reply.status, 201, "{}", reply.text());
        let body: Vec<u8> = (0..1_000_000u32).map(|i| i.wrapping_mul(i) as u8).collect();
        let reply = server.post(&format!("/f/{name}"), body.clone());
        assert_eq!(reply.header("x-frame-options"), Some("DENY"));
        assert!(reply.body == body, "{name}");
    }
    // Errors of the node's own code pass the policy as well.
    let reply = server.get("/f/nothing");
    assert_eq!(reply.status, 404, "{}", reply.text());
    assert_eq!(reply.header("x-frame-options"), Some("DENY"));
    no_panic(server);
}

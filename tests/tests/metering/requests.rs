//! Requests are counted, each once, by what became of them.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{PATIENCE, Serve, component, guest};

use super::{Page, measured};

#[test]
fn so_many_requests_of_each_kind_are_so_many_in_the_metrics() {
    let server = measured(Serve::new(guest("status_of_path")));
    let mut all = 0.0;
    for (method, path, number) in [
        ("GET", "/200", 7),
        ("GET", "/404", 3),
        ("POST", "/200", 2),
        ("HEAD", "/200", 4),
        ("DELETE", "/204", 1),
        ("BREW", "/418", 2),
    ] {
        for _ in 0..number {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            server.send(server.request(method, path));
        }
        all += f64::from(number);
    }
    let page = Page::eventually(&server, "all requests", |page| {
        page.sum("tensor_wasm_http_requests_total") == all
            && page.of_tenant("tensor_wasm_tenant_requests_total", 0) == all
    });
    assert_eq!(page.requests("GET", 200), 7.0);
    assert_eq!(page.requests("GET", 404), 3.0);
    assert_eq!(page.requests("POST", 200), 2.0);
    assert_eq!(page.requests("HEAD", 200), 4.0);
    assert_eq!(page.requests("DELETE", 204), 1.0);
    assert_eq!(page.requests("other", 418), 2.0);
    let duration = "tensor_wasm_http_request_duration_seconds";
    assert_eq!(
        page.of_label(&format!("{duration}_count"), "route", "component"),
        all
    );
    assert_eq!(page.value("tensor_wasm_http_requests_in_flight"), 0.0);
    // An instance for each.
    assert_eq!(page.value("tensor_wasm_instantiation_seconds_count"), all);
    assert_eq!(page.value("tensor_wasm_compilation_seconds_count"), 1.0);
    assert_eq!(page.sum("tensor_wasm_failures_total"), 0.0);
    assert_eq!(page.sum("tensor_wasm_policy_decisions_total"), 0.0);
}

#[test]
fn failures_and_rejections_are_counted_by_kind_and_by_limit() {
    let server = measured(
        Serve::new(guest("sleep"))
            .arg("--max-concurrent-requests=1")
            .arg("--max-body-bytes=10")
            .arg("--request-timeout=100s"),
    );
    server
        .post("/0", "more than ten bytes")
        .assert_error(413, "body_too_large");
    server
        .post("/0", "more than ten bytes")
        .assert_error(413, "body_too_large");
    let sleeper = server.begin("/100000");
    Page::eventually(&server, "a running request", |page| {
        page.value("tensor_wasm_http_requests_in_flight") == 1.0
            && page.value("tensor_wasm_active_instances") == 1.0
    });
    server.get("/0").assert_error(503, "overloaded");
    drop(sleeper);
    let page = Page::eventually(&server, "the end of all requests", |page| {
        page.value("tensor_wasm_http_requests_in_flight") == 0.0
            && page.value("tensor_wasm_active_instances") == 0.0
    });
    let rejections = |limit| page.of_label("tensor_wasm_rejections_total", "limit", limit);
    assert_eq!(rejections("body_bytes"), 2.0);
    assert_eq!(rejections("concurrent_requests"), 1.0);
    let failures = |kind| page.of_label("tensor_wasm_failures_total", "kind", kind);
    assert_eq!(failures("body_too_large"), 2.0);
    assert_eq!(failures("overloaded"), 1.0);
    assert_eq!(page.requests("POST", 413), 2.0);
    assert_eq!(page.requests("GET", 503), 1.0);
    // The sleeper's client went away.
    assert_eq!(page.requests("GET", 499), 1.0);
}

#[test]
fn a_trap_and_a_timeout_are_failures() {
    let server = measured(Serve::new(guest("trap")));
    server.get("/").assert_error(500, "trap");
    let page = Page::of(&server);
    assert_eq!(
        page.of_label("tensor_wasm_failures_total", "kind", "trap"),
        1.0
    );
    assert_eq!(page.sum("tensor_wasm_rejections_total"), 0.0);
    let server = measured(Serve::new(guest("endless_loop")).arg("--request-timeout=300ms"));
    server.get("/").assert_error(504, "timeout");
    let page = Page::of(&server);
    let limit = page.of_label("tensor_wasm_rejections_total", "limit", "request_time");
    assert_eq!(limit, 1.0);
}

#[test]
fn decisions_of_policies_are_counted_by_kind() {
    let folder = TempDir::new().unwrap();
    let tokens = folder.path().join("tokens");
    let token = "twt_a-token-that-only-this-test-knows-000001";
    fs::write(&tokens, format!("alice:{token}\n")).unwrap();
    let server = measured(
        Serve::new(guest("hello"))
            .arg("--policy")
            .arg(component("policy"))
            .arg("--token-file")
            .arg(tokens)
            .arg(format!(
                "--audit-log=file:{}",
                folder.path().join("log").display()
            )),
    );
    for _ in 0..3 {
        let request = server.request(Method::GET, "/").bearer_auth(token);
        assert_eq!(server.send(request).status, 200);
    }
    for _ in 0..2 {
        server.get("/").assert_error(401, "unauthorized");
    }
    // The start of the server is a record too.
    let page = Page::eventually(&server, "all records and requests", |page| {
        page.value("tensor_wasm_audit_records_written_total") == 6.0
            && page.sum("tensor_wasm_tenant_requests_total") == 5.0
    });
    let decisions = |kind| page.of_label("tensor_wasm_policy_decisions_total", "decision", kind);
    assert_eq!(decisions("admitted"), 3.0);
    assert_eq!(decisions("unauthorized"), 2.0);
    assert_eq!(page.value("tensor_wasm_audit_records_lost_total"), 0.0);
    assert_eq!(page.value("tensor_wasm_audit_failing"), 0.0);
    let requests = "tensor_wasm_tenant_requests_total";
    assert_eq!(page.of_tenant(requests, 0), 3.0);
    // The policy refused them for nobody.
    assert_eq!(page.of_label(requests, "tenant", "none"), 2.0);
    // A policy and an application, compiled once each.
    assert_eq!(page.value("tensor_wasm_compilation_seconds_count"), 2.0);
}

#[test]
fn code_of_components_that_the_cache_has_is_a_hit() {
    let folder = TempDir::new().unwrap();
    let cache = format!("--cache-dir={}", folder.path().display());
    for (hits, misses) in [(0.0, 1.0), (1.0, 0.0)] {
        let server = measured(Serve::new(guest("hello")).arg(&cache));
        let page = Page::of(&server);
        assert_eq!(page.value("tensor_wasm_compile_cache_hits_total"), hits);
        assert_eq!(page.value("tensor_wasm_compile_cache_misses_total"), misses);
        server.terminate();
        let written =
            || fs::read_dir(folder.path().join("components")).is_ok_and(|mut f| f.next().is_some());
        assert!(written(), "within {PATIENCE:?}");
    }
}

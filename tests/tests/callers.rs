//! Authentication and rate limits of the policy: tokens from the environment and from a
//! file, reloading them under load, and rates that a client cannot get around.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::prelude::*;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, component, eventually, guest};

const ONE: &str = "twt_the-first-token-of-this-test-0000000001";
const TWO: &str = "twt_the-second-token-of-this-test-000000002";

fn policed() -> Serve {
    Serve::new(guest("hello"))
        .arg("--policy")
        .arg(component("policy"))
        .arg("--audit-log=none")
}

fn ask(server: &Server, token: &str, tenant: Option<&str>) -> Reply {
    let request = server.request(Method::GET, "/").bearer_auth(token);
    server.send(match tenant {
        Some(tenant) => request.header("x-tensorwasm-tenant", tenant),
        None => request,
    })
}

#[test]
fn a_token_from_the_environment_admits_only_the_tenants_listed_with_it() {
    let server = policed()
        .env(
            "TENSOR_WASM_API_TOKENS",
            format!("{ONE}:tenant=*,{TWO}:tenant=1,2,3"),
        )
        .start();
    for tenant in [None, Some("0"), Some("9")] {
        assert_eq!(ask(&server, ONE, tenant).text(), "hello\n");
    }
    for tenant in ["1", "2", "3"] {
        assert_eq!(ask(&server, TWO, Some(tenant)).text(), "hello\n");
    }
    for tenant in [None, Some("4")] {
        ask(&server, TWO, tenant).assert_error(403, "tenant_scope_denied");
    }
    assert!(!server.log().contains("deprecated"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_environment_of_a_running_server_holds_no_token() {
    let server = policed()
        .env("TENSOR_WASM_API_TOKENS", format!("{ONE}:tenant=*"))
        .env("TENSOR_WASM_SETTING", "password=hunter2-of-the-policy")
        .env("TENSOR_WASM_ENV", "PASSWORD=hunter2-of-the-component")
        // A name that nothing reads.
        .env("TENSOR_WASM_API_TOKEN", TWO)
        // Whoever started it may call a node, too.
        .env("TENSOR_WASM_TOKEN", "hunter2-of-the-client")
        .env("TENSOR_WASM_REQUEST_TIMEOUT", "29s")
        .start();
    assert_eq!(ask(&server, ONE, None).text(), "hello\n");
    let environment = fs::read(format!("/proc/{}/environ", server.id())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    for secret in [ONE, TWO, "hunter2"] {
        assert!(!environment.contains(secret), "{environment}");
    }
    // What is no secret stays, for those who look after the server.
    assert!(
        environment.contains("TENSOR_WASM_REQUEST_TIMEOUT=29s"),
        "{environment}"
    );
    server.log_with(&["TENSOR_WASM_API_TOKEN is not read"]);
}

#[test]
fn a_token_without_tenants_is_accepted_with_one_deprecation_warning() {
    let server = policed()
        .env("TENSOR_WASM_API_TOKENS", format!("{ONE},{TWO}"))
        .start();
    assert_eq!(ask(&server, ONE, Some("5")).text(), "hello\n");
    assert_eq!(ask(&server, TWO, Some("5")).text(), "hello\n");
    let warning = "bare bearer tokens in TENSOR_WASM_API_TOKENS are deprecated";
    assert_eq!(server.log().matches(warning).count(), 1, "{}", server.log());
}

#[test]
fn a_token_given_on_the_command_line_is_rejected() {
    let output = policed().arg(format!("--api-tokens={ONE}")).refused();
    assert_ne!(output.code, Some(0));
    assert!(
        output.stderr.contains("TENSOR_WASM_API_TOKENS"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains(ONE));
}

#[test]
fn without_tokens_every_request_is_refused_unless_the_operator_opens_the_service() {
    let server = policed().start();
    ask(&server, ONE, None).assert_error(401, "unauthorized");
    server.log_with(&["refuse every request"]);

    let open = policed().arg("--insecure-no-auth").start();
    assert_eq!(open.get("/").text(), "hello\n");
    open.log_with(&["WARN", "--insecure-no-auth"]);
    // A token that is sent is checked all the same.
    ask(&open, ONE, None).assert_error(401, "unauthorized");
}

#[test]
fn a_request_without_a_tenant_is_refused_where_one_is_required() {
    let server = policed()
        .env("TENSOR_WASM_API_TOKENS", format!("{ONE}:tenant=*"))
        .env("TENSOR_WASM_API_REQUIRE_TENANT", "1")
        .start();
    ask(&server, ONE, None).assert_error(400, "missing_tenant");
    assert_eq!(ask(&server, ONE, Some("0")).text(), "hello\n");
}

#[test]
fn sighup_reloads_the_token_file_without_dropping_a_request() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tokens");
    fs::write(&file, format!("alice:{ONE}\n")).unwrap();
    let server = policed().arg("--token-file").arg(&file).start();
    ask(&server, TWO, None).assert_error(401, "unauthorized");

    // While tokens are rotated the old and the new one are valid, and no other.
    fs::write(&file, format!("alice:{ONE}\nalice:{TWO}\n")).unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let steady = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(ask(&server, ONE, None).status, 200);
            }
        });
        for _ in 0..20 {
            server.hang_up();
        }
        eventually("the second token to be known", || {
            (ask(&server, TWO, None).status == 200).then_some(())
        });
        stop.store(true, Ordering::Relaxed);
        steady.join().unwrap();
    });

    // A token file that can't be read leaves the tokens in force unchanged.
    fs::write(&file, "alice:\n").unwrap();
    server.hang_up();
    server.log_with(&["stay as they were"]);
    assert_eq!(ask(&server, ONE, None).status, 200);

    fs::write(&file, format!("alice:{TWO}\n")).unwrap();
    server.hang_up();
    eventually("the first token to be forgotten", || {
        (ask(&server, ONE, None).status == 401).then_some(())
    });
    assert_eq!(ask(&server, TWO, None).status, 200);
}

#[test]
fn a_token_over_its_rate_gets_429_with_retry_after_and_other_tokens_do_not() {
    let server = policed()
        .env(
            "TENSOR_WASM_API_TOKENS",
            format!("{ONE}:tenant=*,{TWO}:tenant=*"),
        )
        // The rate is so low that no permit is refilled during the test.
        .env("TENSOR_WASM_API_RATE_LIMIT_QPS", "1")
        .env("TENSOR_WASM_API_RATE_LIMIT_BURST", "5")
        .start();
    // A wildcard token can't multiply its rate by changing tenants.
    let replies: Vec<_> = (0..50)
        .map(|tenant: u64| ask(&server, ONE, Some(&tenant.to_string())))
        .collect();
    let admitted = replies.iter().filter(|reply| reply.status == 200).count();
    assert!((5..50).contains(&admitted), "{admitted}");
    let refused = replies
        .iter()
        .find(|reply| reply.status == StatusCode::TOO_MANY_REQUESTS)
        .unwrap();
    refused.assert_error(429, "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(ask(&server, TWO, None).status, 200);
    server.log_with(&["rate limit: 1 requests/s", "burst 5"]);
}

#[test]
fn a_rate_without_a_burst_and_a_burst_without_a_rate_use_the_documented_defaults() {
    let log = |name: &str, value: &str| {
        let server = policed().env(name, value).start();
        server.log_with(&["rate limit:"])
    };
    let log_of_qps = log("TENSOR_WASM_API_RATE_LIMIT_QPS", "7");
    assert!(log_of_qps.contains("7 requests/s for each token, burst 200"));
    let log_of_burst = log("TENSOR_WASM_API_RATE_LIMIT_BURST", "7");
    assert!(log_of_burst.contains("100 requests/s for each token, burst 7"));
    let off = log("TENSOR_WASM_API_RATE_LIMIT_QPS", "0");
    assert!(off.contains("rate limit: none"));
}

#[test]
fn any_authorization_or_tenant_header_gets_a_response_in_the_error_envelope() {
    let server = policed()
        .env("TENSOR_WASM_API_TOKENS", format!("{ONE}:tenant=1"))
        .start();
    let value = || prop::collection::vec(any::<u8>(), 0..64);
    let likely = prop_oneof![
        value(),
        Just(format!("Bearer {ONE}").into_bytes()),
        Just(b"Bearer ".to_vec()),
        Just(b"1".to_vec()),
        "[0-9]{0,24}".prop_map(String::into_bytes),
    ];
    let name = prop::sample::select(vec![
        "authorization",
        "x-tensorwasm-tenant",
        "origin",
        "access-control-request-method",
        "x-request-id",
        "cookie",
    ]);
    let headers = prop::collection::vec((name, likely), 0..5);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&headers, |headers| {
        let mut request = server.request(Method::GET, "/");
        for (name, value) in &headers {
            // A client cannot send what is not a valid header value.
            if let Ok(value) = HeaderValue::from_bytes(value) {
                request = request.header(HeaderName::from_static(name), value);
            }
        }
        let reply = server.send(request);
        match reply.status.as_u16() {
            200 => prop_assert_eq!(reply.text(), "hello\n"),
            status @ (400 | 401 | 403) => {
                let error = &reply.json()["error"];
                let kind = error["kind"].as_str().unwrap_or_default();
                prop_assert!(
                    !kind.is_empty() && error["message"].is_string(),
                    "{}",
                    status
                );
            }
            status => prop_assert!(false, "{}: {}", status, reply.text()),
        }
        Ok(())
    });
    outcome.unwrap();
}

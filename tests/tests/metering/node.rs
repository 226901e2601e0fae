//! A node counts its requests by the routes of its API, and charges each to its tenant.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

use super::{Page, measured};

fn node(options: &[&str]) -> (Server, TempDir) {
    let data = TempDir::new().unwrap();
    let server = measured(Serve::node(data.path()).args(options));
    (server, data)
}

fn ask(server: &Server, method: Method, tenant: u64, path: &str, body: Vec<u8>) -> Reply {
    let request = server.request(method, path);
    let request = request.header("x-tensorwasm-tenant", tenant.to_string());
    server.send(
        request
            .header("content-type", "application/wasm")
            .body(body),
    )
}

fn requests(page: &Page, route: &str, method: &str, status: u16) -> f64 {
    page.value(&format!(
        "tensor_wasm_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"
    ))
}

#[test]
fn requests_of_functions_are_counted_by_route_and_charged_to_their_tenants() {
    let policy = guest("policy_admits_as").display().to_string();
    for options in [vec![], vec!["--policy", &policy, "--audit-log=none"]] {
        let (server, _data) = node(&[&options[..], &["--usage-header"]].concat());
        // Without a policy everybody is tenant 0.
        let tenant = if options.is_empty() { 0 } else { 5 };
        let component = fs::read(guest("launches_many")).unwrap();
        let size = component.len() as f64;
        let deployed = ask(
            &server,
            Method::POST,
            tenant,
            "/functions?name=busy",
            component,
        );
        assert_eq!(deployed.status, 201, "{}", deployed.text());
        let mut sent = deployed.body.len();
        for _ in 0..3 {
            let reply = ask(&server, Method::GET, tenant, "/f/busy/busy/2", vec![]);
            assert_eq!(reply.status, 200, "{}", reply.text());
            let timing = reply.header("server-timing").unwrap();
            assert!(timing.contains("launches;desc=\"2\""), "{timing}");
            sent += reply.body.len();
        }
        let missing = ask(&server, Method::GET, tenant, "/f/nothing/", vec![]);
        assert_eq!(missing.status, 404);
        sent += missing.body.len();
        let page = Page::eventually(&server, "all that the requests used", |page| {
            page.of_tenant("tensor_wasm_tenant_requests_total", tenant) == 5.0
                && page.value("tensor_wasm_kernel_latency_seconds_count") == 6.0
        });
        assert_eq!(requests(&page, "function.deploy", "POST", 201), 1.0);
        assert_eq!(requests(&page, "function.invoke", "GET", 200), 3.0);
        assert_eq!(requests(&page, "function.invoke", "GET", 404), 1.0);
        assert_eq!(page.sum("tensor_wasm_http_requests_total"), 5.0);
        let of = |name: &str| page.of_tenant(name, tenant);
        assert_eq!(of("tensor_wasm_kernel_dispatches_total"), 6.0);
        assert_eq!(of("tensor_wasm_http_request_body_bytes_total"), size);
        assert_eq!(
            of("tensor_wasm_http_response_body_bytes_total"),
            sent as f64
        );
        assert!(of("tensor_wasm_guest_cpu_seconds_total") > 0.0);
        assert!(of("tensor_wasm_device_seconds_total") > 0.0);
        assert!(of("tensor_wasm_gpu_memory_byte_seconds_total") >= 0.0);
    }
}

#[test]
fn what_functions_used_adds_up_to_what_their_tenant_was_charged() {
    for options in [&["--reuse=1"], &["--reuse=100"]] {
        let (server, _data) = node(options);
        for (name, component) in [
            ("one", "launches_many"),
            ("two", "launches_many"),
            ("holds", "tenant_device"),
        ] {
            let path = format!("/functions?name={name}");
            let component = fs::read(guest(component)).unwrap();
            let deployed = ask(&server, Method::POST, 0, &path, component);
            assert_eq!(deployed.status, 201, "{}", deployed.text());
        }
        let mut launches = [0, 0];
        for (function, number) in [(0, 3), (1, 5), (0, 2), (1, 0)] {
            let name = ["one", "two"][function];
            let path = format!("/f/{name}/busy/{number}");
            assert_eq!(ask(&server, Method::GET, 0, &path, vec![]).status, 200);
            launches[function] += number;
        }
        let path = "/functions/one/invoke-async/busy/4";
        assert_eq!(ask(&server, Method::POST, 0, path, vec![]).status, 202);
        launches[0] += 4;
        let held = ask(&server, Method::GET, 0, "/f/holds/1000000", vec![]);
        assert_eq!(held.status, 200, "{}", held.text());

        let (guest_time, device_time, memory) = (
            "tensor_wasm_guest_cpu_seconds_total",
            "tensor_wasm_device_seconds_total",
            "tensor_wasm_gpu_memory_byte_seconds_total",
        );
        tensor_wasm_tests::eventually("the functions' sums are the tenant's", || {
            let before = Page::of(&server);
            let usage = server.get("/usage").json();
            let after = Page::of(&server);
            // Nothing is charged meanwhile.
            for name in [guest_time, device_time, memory] {
                if before.of_tenant(name, 0) != after.of_tenant(name, 0) {
                    return None;
                }
            }
            let sum = |key: &str, of: Option<&str>| -> f64 {
                let records = usage["usage"].as_array().unwrap().iter();
                let records = records.filter(|record| of.is_none_or(|of| record["function"] == of));
                records.map(|record| record[key].as_f64().unwrap()).sum()
            };
            let is_near = |sum: f64, charged: f64, step: f64| (sum - charged).abs() <= step;
            let is_all = sum("launches", Some("one")) == f64::from(launches[0])
                && sum("launches", Some("two")) == f64::from(launches[1])
                && sum("launches", None)
                    == after.of_tenant("tensor_wasm_kernel_dispatches_total", 0)
                && sum("requests", None) == 6.0
                && sum("device_byte_seconds", Some("holds")) > 0.0
                && sum("device_ms", Some("two")) > 0.0
                && sum("guest_ms", Some("holds")) > 0.0;
            // The rounding of numbers of seconds, and of each function less than a byte for a
            // millisecond.
            (is_all
                && is_near(
                    sum("guest_ms", None) / 1e3,
                    after.of_tenant(guest_time, 0),
                    1e-9,
                )
                && is_near(
                    sum("device_ms", None) / 1e3,
                    after.of_tenant(device_time, 0),
                    1e-9,
                )
                && is_near(
                    sum("device_byte_seconds", None),
                    after.of_tenant(memory, 0),
                    0.003,
                ))
            .then_some(())
        });
    }
}

#[test]
fn what_a_job_uses_is_charged_to_its_tenant() {
    let (server, _data) = node(&[]);
    let component = fs::read(guest("launches_many")).unwrap();
    ask(&server, Method::POST, 0, "/functions?name=busy", component);
    let queued = ask(
        &server,
        Method::POST,
        0,
        "/functions/busy/invoke-async/busy/4",
        vec![],
    );
    assert_eq!(queued.status, 202, "{}", queued.text());
    let page = Page::eventually(&server, "the job's launches", |page| {
        page.of_tenant("tensor_wasm_kernel_dispatches_total", 0) == 4.0
            && page.of_tenant("tensor_wasm_tenant_requests_total", 0) == 3.0
    });
    assert_eq!(requests(&page, "function.invoke-async", "POST", 202), 1.0);
    // A job is no request of HTTP, and no policy has decided on it.
    assert_eq!(page.sum("tensor_wasm_http_requests_total"), 2.0);
    assert_eq!(page.sum("tensor_wasm_policy_decisions_total"), 0.0);
}

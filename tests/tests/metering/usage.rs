//! What requests use is charged once, to their tenants, with and without reuse of instances.

use std::fs;

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tensor_wasm_tests::{Reply, Serve, Server, guest};

use super::{Page, measured};

/// A server behind a policy that admits every request for the tenant that it names.
fn for_tenants(application: &str, options: &[&str]) -> Server {
    behind("policy_admits_as", application, options)
}

fn behind(policy: &str, application: &str, options: &[&str]) -> Server {
    measured(
        Serve::new(guest(application))
            .arg("--policy")
            .arg(guest(policy))
            .arg("--audit-log=none")
            .args(options),
    )
}

fn ask(server: &Server, method: Method, tenant: u64, path: &str, body: usize) -> Reply {
    let request = server.request(method, path);
    let request = request.header("x-tensorwasm-tenant", tenant.to_string());
    server.send(request.body(vec![b'x'; body]))
}

#[test]
fn bytes_of_bodies_add_up_to_what_was_sent_and_received_for_each_tenant() {
    for options in [vec![], vec!["--reuse=100"]] {
        let server = for_tenants("echo", &options);
        let (mut requests, mut bytes) = ([0.0; 3], [0.0; 3]);
        for (round, size) in [0, 1, 17, 70_000, 300_000, 5, 0, 9].into_iter().enumerate() {
            let tenant = round % 3;
            let reply = ask(&server, Method::POST, tenant as u64, "/", size);
            assert_eq!(reply.body.len(), size);
            requests[tenant] += 1.0;
            bytes[tenant] += size as f64;
        }
        Page::eventually(&server, "all bytes of all requests", |page| {
            (0..3).all(|tenant| {
                let of = |name: &str| page.of_tenant(name, tenant as u64);
                of("tensor_wasm_tenant_requests_total") == requests[tenant]
                    && of("tensor_wasm_http_request_body_bytes_total") == bytes[tenant]
                    && of("tensor_wasm_http_response_body_bytes_total") == bytes[tenant]
                    && of("tensor_wasm_guest_cpu_seconds_total") > 0.0
            })
        });
    }
}

#[test]
fn a_body_that_the_client_does_not_get_is_not_counted() {
    let server = measured(Serve::new(guest("status_of_path")));
    server.send(server.request(Method::HEAD, "/200"));
    server.get("/204");
    let reply = server.get("/200");
    let page = Page::eventually(&server, "three requests", |page| {
        page.of_tenant("tensor_wasm_tenant_requests_total", 0) == 3.0
    });
    let sent = page.of_tenant("tensor_wasm_http_response_body_bytes_total", 0);
    assert_eq!(sent, reply.body.len() as f64);
}

#[test]
fn a_guest_is_charged_for_the_time_that_it_runs_and_not_for_that_in_which_it_waits() {
    for options in [vec![], vec!["--reuse=100"]] {
        let server = for_tenants("sleep", &options);
        ask(&server, Method::GET, 7, "/700", 0);
        let page = Page::eventually(&server, "the end of the request", |page| {
            page.of_tenant("tensor_wasm_tenant_requests_total", 7) == 1.0
        });
        let ran = page.of_tenant("tensor_wasm_guest_cpu_seconds_total", 7);
        let took = page.of_tenant("tensor_wasm_tenant_request_seconds_total", 7);
        assert!(took >= 0.7, "{took}");
        assert!(ran > 0.0 && ran < took / 2.0, "{ran} of {took}");
    }
    let server = measured(Serve::new(guest("endless_loop")).arg("--request-timeout=1s"));
    server.get("/").assert_error(504, "timeout");
    let page = Page::eventually(&server, "the end of the loop", |page| {
        page.of_tenant("tensor_wasm_guest_cpu_seconds_total", 0) > 0.0
    });
    let ran = page.of_tenant("tensor_wasm_guest_cpu_seconds_total", 0);
    // Other tests may have the processor for most of the second.
    assert!(ran > 0.05 && ran < 10.0, "{ran}");
}

#[test]
fn launches_and_the_time_of_kernels_are_their_tenants() {
    for options in [vec![], vec!["--reuse=100"], vec!["--isolate"]] {
        let server = for_tenants("launches_many", &options);
        let mut launches = [0.0; 3];
        for (tenant, number) in [(0, 3), (1, 20), (2, 0), (1, 5), (0, 1)] {
            let reply = ask(&server, Method::GET, tenant, &format!("/busy/{number}"), 0);
            assert_eq!(reply.status, 200, "{}", reply.text());
            launches[tenant as usize] += f64::from(number);
        }
        let page = Page::eventually(&server, "all launches", |page| {
            page.sum("tensor_wasm_tenant_requests_total") == 5.0
                && page.value("tensor_wasm_kernel_latency_seconds_count") == 29.0
        });
        for (tenant, launches) in launches.into_iter().enumerate() {
            let of = |name: &str| page.of_tenant(name, tenant as u64);
            assert_eq!(
                of("tensor_wasm_kernel_dispatches_total"),
                launches,
                "{options:?}"
            );
            let seconds = of("tensor_wasm_device_seconds_total");
            assert_eq!(seconds > 0.0, launches > 0.0, "{options:?}: {seconds}");
        }
    }
}

#[test]
fn what_is_used_behind_a_policy_of_0_3_is_charged_to_its_tenants() {
    for (application, path) in [("launches_many", "/busy/"), ("p3_launches", "/")] {
        let server = behind("p3_policy_remembers", application, &[]);
        let (mut launches, mut bytes) = ([0.0; 3], [0.0; 3]);
        for (tenant, number) in [(0, 3), (1, 20), (2, 0), (1, 5), (0, 1)] {
            let reply = ask(&server, Method::GET, tenant, &format!("{path}{number}"), 0);
            assert_eq!(reply.status, 200, "{}", reply.text());
            launches[tenant as usize] += f64::from(number);
            bytes[tenant as usize] += reply.body.len() as f64;
        }
        let page = Page::eventually(&server, "all launches", |page| {
            page.sum("tensor_wasm_tenant_requests_total") == 5.0
                && page.value("tensor_wasm_kernel_latency_seconds_count") == 29.0
        });
        for tenant in 0..3 {
            let of = |name: &str| page.of_tenant(name, tenant as u64);
            assert_eq!(of("tensor_wasm_kernel_dispatches_total"), launches[tenant]);
            assert_eq!(
                of("tensor_wasm_http_response_body_bytes_total"),
                bytes[tenant]
            );
            let seconds = of("tensor_wasm_device_seconds_total");
            assert_eq!(seconds > 0.0, launches[tenant] > 0.0, "{application}");
            assert!(of("tensor_wasm_guest_cpu_seconds_total") > 0.0);
        }
    }
}

#[test]
fn memory_of_the_device_is_its_tenants_for_as_long_as_it_is_held() {
    let server = for_tenants("tenant_device", &[]);
    ask(&server, Method::GET, 3, "/1000000", 0);
    let held = "tensor_wasm_gpu_memory_byte_seconds_total";
    let page = Page::eventually(&server, "memory that was given back", |page| {
        page.of_tenant(held, 3) > 0.0
            && page
                .series
                .contains_key("tensor_wasm_gpu_memory_bytes{tenant=\"3\"}")
            && page.of_tenant("tensor_wasm_gpu_memory_bytes", 3) == 0.0
    });
    assert_eq!(page.of_tenant(held, 4), 0.0);
    let before = page.of_tenant(held, 3);
    assert_eq!(Page::of(&server).of_tenant(held, 3), before);
}

/// The value of an entry of `Server-Timing`.
fn timing(header: &str, name: &str, parameter: &str) -> f64 {
    let entry = header
        .split(", ")
        .find(|entry| entry.starts_with(&format!("{name};")));
    let entry = entry.unwrap_or_else(|| panic!("no {name} in {header}"));
    let value = entry.split_once(&format!("{parameter}=")).unwrap().1;
    value.trim_matches('"').parse().unwrap()
}

#[test]
fn a_response_says_what_its_request_used_where_the_operator_asks() {
    let quiet = Serve::new(guest("count_body")).start();
    assert_eq!(quiet.get("/").header("server-timing"), None);
    let server = Serve::new(guest("count_body"))
        .arg("--usage-header")
        .start();
    let reply = server.post("/", vec![b'x'; 12_345]);
    let header = reply.header("server-timing").unwrap();
    assert_eq!(timing(header, "request-bytes", "desc"), 12_345.0);
    assert_eq!(timing(header, "launches", "desc"), 0.0);
    assert_eq!(timing(header, "device", "dur"), 0.0);
    let (guest_ms, total) = (
        timing(header, "guest", "dur"),
        timing(header, "total", "dur"),
    );
    assert!(total > 0.0 && guest_ms <= total, "{header}");
    let server = Serve::new(guest("launches_many"))
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .arg("--audit-log=none")
        .arg("--usage-header")
        .start();
    let reply = server.get("/busy/4");
    let headers: Vec<_> = reply.headers.get_all("server-timing").iter().collect();
    assert_eq!(headers.len(), 1, "{headers:?}");
    let header = headers[0].to_str().unwrap();
    assert_eq!(timing(header, "launches", "desc"), 4.0);
    assert!(timing(header, "device", "dur") > 0.0, "{header}");
    assert!(timing(header, "guest", "dur") > 0.0, "{header}");
}

#[test]
fn a_record_says_what_its_request_had_used() {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("audit.log");
    let server = measured(
        Serve::new(guest("launches_many"))
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg(format!("--audit-log=file:{}", log.display()))
            .arg("--audit-sync"),
    );
    ask(&server, Method::POST, 5, "/busy/3", 100);
    let text = fs::read_to_string(&log).unwrap();
    let mut records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let record = records.next_back().unwrap();
    let usage = &record["usage"];
    assert_eq!(
        (&record["tenant"], &usage["launches"]),
        (&5.into(), &3.into())
    );
    assert!(usage["guest_ms"].as_f64().unwrap() > 0.0, "{usage}");
    assert!(usage["device_ms"].as_f64().unwrap() > 0.0, "{usage}");
    // What the record says is a part of what the tenant is charged.
    let page = Page::eventually(&server, "the request's end", |page| {
        page.of_tenant("tensor_wasm_tenant_requests_total", 5) == 1.0
    });
    let charged = page.of_tenant("tensor_wasm_guest_cpu_seconds_total", 5) * 1e3;
    let recorded = usage["guest_ms"].as_f64().unwrap();
    assert!(recorded <= charged + 0.001, "{recorded} of {charged}");
}

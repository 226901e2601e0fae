//! Which spans there are of a request, what they say, and which caused which.

use std::fs;
use std::thread;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, guest};

use super::collector::{assert_within, attribute, hexadecimal, is_of_kind, named, names, value};
use super::{Answer, CALLER, Collector, TRACE, exporting, get, parent, seen_parent};

/// The id of the caller, as a span has it.
fn caller() -> Vec<u8> {
    let digits = CALLER.as_bytes().chunks(2);
    let text = digits.map(|digits| std::str::from_utf8(digits).unwrap());
    text.map(|text| u8::from_str_radix(text, 16).unwrap())
        .collect()
}

#[test]
fn a_request_is_seen_from_its_head_through_policy_and_instances_to_its_kernels() {
    let collector = Collector::start(Answer::Accepts);
    let serve = Serve::new(guest("launches_many"))
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .arg("--audit-log=none")
        .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        .env("OTEL_SERVICE_NAME", "kernels");
    let server = exporting(serve, &collector).start();
    let parent = parent(true);
    let headers = [
        ("traceparent", &*parent),
        ("tracestate", "a=1"),
        ("x-tensorwasm-tenant", "7"),
    ];
    let reply = get(&server, "/busy/3?token=secret", &headers);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let spans = collector.wait(TRACE, 8);

    let root = named(&spans, "GET");
    assert!(is_of_kind(root, SpanKind::Server));
    assert_eq!(root.parent_span_id, caller());
    assert_eq!(root.trace_state, "a=1");
    // Its parent is another server's.
    assert_eq!(root.flags & 0x300, 0x300);
    for (name, expected) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("url.path", "/busy/3"),
        ("url.scheme", "http"),
        ("server.address", "127.0.0.1"),
        ("client.address", "127.0.0.1"),
        ("network.protocol.version", "1.1"),
        ("tensor_wasm.tenant", "7"),
        ("tensor_wasm.policy.decision", "admitted"),
        (
            "tensor_wasm.request_id",
            reply.header("x-request-id").unwrap(),
        ),
    ] {
        assert_eq!(attribute(root, name), expected, "{name}");
    }
    assert!(root.status.is_none());

    let policy = named(&spans, "policy");
    let application = named(&spans, "application");
    assert_within(policy, root);
    assert_within(application, policy);
    let made: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "instantiate")
        .collect();
    assert_eq!(made.len(), 2);
    for outer in [policy, application] {
        assert!(made.iter().any(|span| span.parent_span_id == outer.span_id));
        let digest = attribute(outer, "tensor_wasm.component.digest");
        assert!(digest.starts_with("blake3:"), "{digest}");
    }
    let kernels: Vec<_> = spans
        .iter()
        .filter(|span| span.name == "launch busy")
        .collect();
    assert_eq!(kernels.len(), 3);
    for kernel in kernels {
        assert_within(kernel, application);
        assert_eq!(attribute(kernel, "tensor_wasm.kernel.name"), "busy");
        assert_eq!(attribute(kernel, "tensor_wasm.kernel.grid"), "1x1x1");
        assert_eq!(attribute(kernel, "tensor_wasm.kernel.block"), "1x1x1");
        let time: u64 = attribute(kernel, "tensor_wasm.kernel.device_nanoseconds")
            .parse()
            .unwrap();
        assert!(time > 0);
    }
    assert!(!format!("{spans:?}").contains("secret"));

    collector.first(|export| {
        assert_eq!(export.path, "/v1/traces");
        assert_eq!(export.headers["content-type"], "application/x-protobuf");
        let resource = export.request.resource_spans[0].resource.as_ref().unwrap();
        let of = |name| value(&resource.attributes, name);
        assert_eq!(of("service.name").unwrap(), "kernels");
        assert_eq!(of("deployment.environment").unwrap(), "test");
        assert!(of("service.version").is_some());
    });
}

#[test]
fn a_request_is_seen_through_a_policy_of_0_3_and_its_instance_that_is_reused() {
    for (application, path) in [("launches_many", "/busy/2"), ("p3_launches", "/2")] {
        let collector = Collector::start(Answer::Accepts);
        let serve = Serve::new(guest(application))
            .arg("--policy")
            .arg(guest("p3_policy_remembers"))
            .arg("--audit-log=none");
        let server = exporting(serve, &collector).start();
        for number in 1..=3 {
            let trace = format!("{number:032x}");
            let parent = format!("00-{trace}-{CALLER}-01");
            let reply = get(
                &server,
                path,
                &[("traceparent", &parent), ("x-tensorwasm-tenant", "7")],
            );
            assert_eq!(reply.status, 200, "{}", reply.text());
            let count: u32 = reply.header("x-policy-count").unwrap().parse().unwrap();
            // An instance that is made is a span too.
            let made = 1 + usize::from(count == 1);
            let spans = collector.wait(&trace, 5 + made);
            let root = named(&spans, "GET");
            assert_eq!(root.parent_span_id, caller());
            assert_eq!(attribute(root, "tensor_wasm.tenant"), "7");
            assert_eq!(attribute(root, "tensor_wasm.policy.decision"), "admitted");
            let (policy, application) = (named(&spans, "policy"), named(&spans, "application"));
            assert_within(policy, root);
            assert_within(application, policy);
            let reused = value(&policy.attributes, "tensor_wasm.instance.reused");
            assert_eq!(reused, (count > 1).then(|| "true".to_owned()));
            let own = value(&application.attributes, "tensor_wasm.instance.reused");
            assert_eq!(own, None);
            let of = |name: &str| spans.iter().filter(|span| span.name == name).count();
            assert_eq!((of("instantiate"), of("launch busy")), (made, 2));
            for kernel in spans.iter().filter(|span| span.name == "launch busy") {
                assert_within(kernel, application);
            }
        }
    }
}

#[test]
fn a_guest_gets_its_own_span_as_the_parent_of_what_it_causes() {
    let collector = Collector::start(Answer::Accepts);
    let serve = Serve::new(guest("reflect")).arg("--reuse=10");
    let server = exporting(serve, &collector).start();
    // A trace that nobody named is sampled.
    let mut reused = Vec::new();
    for _ in 0..2 {
        let reply = get(&server, "/", &[]);
        let (trace, span, flags) = seen_parent(&reply);
        assert_eq!(flags, "01");
        let expected = if reused.is_empty() { 3 } else { 2 };
        let spans = collector.wait(&trace, expected);
        let application = named(&spans, "application");
        assert_eq!(hexadecimal(&application.span_id), span);
        assert!(named(&spans, "GET").parent_span_id.is_empty());
        reused.push(value(
            &application.attributes,
            "tensor_wasm.instance.reused",
        ));
    }
    assert_eq!(reused, [None, Some("true".to_owned())]);
}

#[test]
fn failures_are_marked_with_their_kinds() {
    let collector = Collector::start(Answer::Accepts);
    let server = exporting(Serve::new(guest("trap")), &collector).start();
    get(&server, "/", &[("traceparent", &parent(true))]).assert_error(500, "trap");
    let spans = collector.wait(TRACE, 3);
    for name in ["GET", "application"] {
        let span = named(&spans, name);
        assert_eq!(attribute(span, "error.type"), "trap", "{name}");
        let status = span.status.as_ref().unwrap();
        assert_eq!(status.code, i32::from(StatusCode::Error), "{name}");
    }
}

#[test]
fn a_request_that_launches_without_end_makes_so_many_spans_and_counts_the_rest() {
    let collector = Collector::start(Answer::Accepts);
    let server = exporting(Serve::new(guest("launches_many")), &collector).start();
    let reply = get(&server, "/empty/500", &[("traceparent", &parent(true))]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    // 128 within the request, and its own.
    let spans = collector.wait(TRACE, 129);
    let dropped: u32 = attribute(named(&spans, "GET"), "tensor_wasm.dropped_spans")
        .parse()
        .unwrap();
    // 500 launches, the application and its instance.
    assert_eq!(dropped, 502 - 128);
}

#[test]
fn a_request_that_a_guest_sends_is_a_span_of_its_own_and_the_parent_of_the_other_server_s() {
    let collector = Collector::start(Answer::Accepts);
    let upstream = exporting(Serve::new(guest("hello")), &collector).start();
    let address = upstream.address().to_string();
    let serve = Serve::new(guest("outgoing")).arg(format!("--allow-http={address}"));
    let server = exporting(serve, &collector).start();
    let reply = get(
        &server,
        &format!("/{address}"),
        &[("traceparent", &parent(true))],
    );
    assert_eq!(reply.json()["status"], 200, "{}", reply.text());
    let spans = collector.wait(TRACE, 7);
    let client = spans
        .iter()
        .find(|span| is_of_kind(span, SpanKind::Client))
        .unwrap();
    assert_eq!(attribute(client, "http.request.method"), "GET");
    assert_eq!(
        attribute(client, "server.port"),
        upstream.address().port().to_string()
    );
    assert_eq!(attribute(client, "http.response.status_code"), "200");
    let mut servers = spans
        .iter()
        .filter(|span| is_of_kind(span, SpanKind::Server));
    assert!(
        servers.any(|span| span.parent_span_id == client.span_id),
        "{:?}",
        names(&spans)
    );
}

#[test]
fn a_node_names_the_function_its_version_and_its_tenant_and_a_job_goes_on_with_the_trace() {
    let collector = Collector::start(Answer::Accepts);
    let data = TempDir::new().unwrap();
    // Each instance that is made is a span: of the policy, one for each request.
    let serve = Serve::node(data.path())
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(["--policy-reuse=1", "--audit-log=none"]);
    let server = exporting(serve, &collector).start();
    let send = |method, path: &str, trace: &str, body: Vec<u8>| {
        let request = server
            .request(method, path)
            .header("x-tensorwasm-tenant", "5");
        let request = request.header("traceparent", format!("00-{trace}-{CALLER}-01"));
        server.send(
            request
                .header("content-type", "application/wasm")
                .body(body),
        )
    };
    let other = "1".repeat(32);
    let component = fs::read(guest("launches_many")).unwrap();
    let deployed = send(Method::POST, "/functions?name=busy", &other, component);
    assert_eq!(deployed.status, 201, "{}", deployed.text());
    let id = deployed.json()["id"].as_str().unwrap().to_owned();

    assert_eq!(
        send(Method::GET, "/f/busy/empty/1", TRACE, Vec::new()).status,
        200
    );
    let spans = collector.wait(TRACE, 6);
    let root = named(&spans, "GET /f/{id}/{*path}");
    let function = named(&spans, "function");
    assert_within(named(&spans, "policy"), root);
    assert_within(function, named(&spans, "policy"));
    assert_within(named(&spans, "launch empty"), function);
    assert_eq!(attribute(root, "http.route"), "/f/{id}/{*path}");
    assert_eq!(attribute(root, "tensor_wasm.tenant"), "5");
    for span in [root, function] {
        assert_eq!(attribute(span, "tensor_wasm.function.id"), id);
        assert_eq!(attribute(span, "tensor_wasm.function.name"), "busy");
        assert_eq!(attribute(span, "tensor_wasm.function.version"), "1");
    }

    let trace = "2".repeat(32);
    let path = "/functions/busy/invoke-async/empty/1";
    let accepted = send(Method::POST, path, &trace, Vec::new());
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let job = accepted.json()["job_id"].as_str().unwrap().to_owned();
    // The request with its policy; the attempt with function, instance and kernel.
    let spans = collector.wait(&trace, 7);
    let attempt = named(&spans, "job attempt");
    assert!(is_of_kind(attempt, SpanKind::Consumer));
    assert_eq!(attribute(attempt, "tensor_wasm.job.id"), job);
    assert_eq!(attribute(attempt, "tensor_wasm.function.name"), "busy");
    assert_eq!(attribute(attempt, "tensor_wasm.tenant"), "5");
    assert_within(named(&spans, "function"), attempt);
    let asked = named(&spans, "POST /functions/{id}/invoke-async/{*path}");
    assert_eq!(attempt.parent_span_id, asked.span_id);
}

#[test]
fn streams_of_one_connection_are_traces_of_their_own() {
    let collector = Collector::start(Answer::Accepts);
    let server = exporting(Serve::new(guest("hello")), &collector).start();
    let client = server.http2();
    let traces: Vec<String> = (1..=8).map(|number| format!("{number:032x}")).collect();
    thread::scope(|scope| {
        for trace in &traces {
            let request = client.get(server.url("/"));
            let request = request.header("traceparent", format!("00-{trace}-{CALLER}-01"));
            scope.spawn(move || assert_eq!(request.send().unwrap().status(), 200));
        }
    });
    for trace in &traces {
        let spans = collector.wait(trace, 3);
        let root = named(&spans, "GET");
        assert_eq!(attribute(root, "network.protocol.version"), "2");
        assert_within(named(&spans, "application"), root);
    }
}

//! What a collector gets, and what becomes of spans and requests where it is away, slow or refuses.

use std::fs;

use tempfile::TempDir;
use tensor_wasm_tests::{Authority, Serve, Server, eventually, guest};

use super::{Answer, Collector, TRACE, exporting, get, parent};

const EXPORTED: &str = "tensor_wasm_spans_exported_total";
const FULL: &str = "tensor_wasm_spans_dropped_total{cause=\"queue_full\"}";
const FAILED: &str = "tensor_wasm_spans_dropped_total{cause=\"export_failed\"}";

/// The value of a series of a server's metrics.
fn metric(server: &Server, series: &str) -> f64 {
    let page = server.admin("/metrics").text();
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    let line = line.unwrap_or_else(|| panic!("{series} is not in\n{page}"));
    line.trim().parse().unwrap()
}

fn measured(collector: &Collector) -> Serve {
    exporting(Serve::new(guest("hello")), collector).arg("--admin=127.0.0.1:0")
}

#[test]
fn a_trace_that_the_caller_does_not_record_is_not_exported_unless_the_operator_says_so() {
    let collector = Collector::start(Answer::Accepts);
    let server = measured(&collector).start();
    assert_eq!(
        get(&server, "/", &[("traceparent", &parent(false))]).status,
        200
    );
    let sampled = format!("00-{}-b7ad6b7169203331-01", "3".repeat(32));
    assert_eq!(get(&server, "/", &[("traceparent", &sampled)]).status, 200);
    collector.wait(&"3".repeat(32), 3);
    assert_eq!(collector.spans(TRACE), []);
    eventually("the spans are counted", || {
        (metric(&server, EXPORTED) == 3.0).then_some(())
    });
    for (sampler, caller, number) in [("always_on", false, 3), ("always_off", true, 0)] {
        let collector = Collector::start(Answer::Accepts);
        let serve = measured(&collector).env("OTEL_TRACES_SAMPLER", sampler);
        let server = serve.start();
        assert_eq!(
            get(&server, "/", &[("traceparent", &parent(caller))]).status,
            200
        );
        server.stop();
        assert_eq!(collector.spans(TRACE).len(), number, "{sampler}");
    }
}

#[test]
fn what_waits_is_exported_when_the_server_ends() {
    let collector = Collector::start(Answer::Accepts);
    let serve = measured(&collector).env("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let server = serve.start();
    for _ in 0..10 {
        assert_eq!(server.get("/").status, 200);
    }
    assert_eq!(collector.count(), 0);
    let output = server.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(collector.count(), 30);
}

#[test]
fn a_collector_that_does_not_answer_holds_up_no_request_and_costs_so_many_spans() {
    let collector = Collector::start(Answer::Never);
    let serve = measured(&collector)
        .env("OTEL_BSP_MAX_QUEUE_SIZE", "20")
        .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
        .env("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")
        .env("OTEL_BSP_EXPORT_TIMEOUT", "3600000");
    let server = serve.start();
    for _ in 0..50 {
        assert_eq!(server.get("/").status, 200);
    }
    // A batch is on its way, and the queue is full.
    let dropped = eventually("spans are dropped", || {
        let dropped = metric(&server, FULL);
        (dropped >= 150.0 - 30.0).then_some(dropped)
    });
    assert!(dropped <= 150.0, "{dropped}");
    assert_eq!(metric(&server, EXPORTED), 0.0);
    let log = server.log_with(&["spans of traces are dropped"]);
    let lines = log
        .lines()
        .filter(|line| line.contains("spans of traces are dropped"));
    assert!(lines.count() < 5, "{log}");
    let output = server.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
}

#[test]
fn a_collector_that_is_away_or_refuses_loses_spans_and_gets_the_later_ones() {
    for answer in [None, Some(Answer::Status(400)), Some(Answer::Status(503))] {
        let collector = Collector::start(answer.unwrap_or(Answer::Accepts));
        let mut serve = measured(&collector)
            .env("OTEL_BSP_EXPORT_TIMEOUT", "200")
            .env(
                "OTEL_EXPORTER_OTLP_HEADERS",
                "authorization=Bearer%20c0ffee",
            );
        if answer.is_none() {
            // Nobody listens there.
            serve = serve.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");
        }
        let server = serve.start();
        assert_eq!(server.get("/").status, 200);
        eventually("the spans are lost", || {
            (metric(&server, FAILED) == 3.0).then_some(())
        });
        let log = server.log_with(&["the collector does not take them"]);
        assert!(!log.contains("c0ffee"), "{log}");
        if answer.is_some() {
            collector.set_answer(Answer::Accepts);
            assert_eq!(
                get(&server, "/", &[("traceparent", &parent(true))]).status,
                200
            );
            collector.wait(TRACE, 3);
            collector.first(|export| {
                assert_eq!(export.headers["authorization"], "Bearer c0ffee");
            });
        }
    }
}

#[test]
fn a_collector_that_is_busy_for_a_while_loses_nothing() {
    let collector = Collector::start(Answer::Status(503));
    let server = measured(&collector).start();
    assert_eq!(
        get(&server, "/", &[("traceparent", &parent(true))]).status,
        200
    );
    collector.set_answer(Answer::Accepts);
    collector.wait(TRACE, 3);
    assert_eq!(metric(&server, FAILED), 0.0);
}

#[test]
fn a_collector_of_https_is_verified_by_the_authorities_that_the_operator_names() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let authority = Authority::new();
    authority.write(path("authority.pem"));
    authority
        .issue("collector")
        .write(path("certificate.pem"), path("key.pem"));
    // What it answers is no message of OTLP, and says no more than its status.
    let collector = Serve::new(guest("hello"))
        .arg("--tls-cert")
        .arg(path("certificate.pem"))
        .arg("--tls-key")
        .arg(path("key.pem"))
        .start();
    for (certificate, series) in [(Some("authority.pem"), EXPORTED), (None, FAILED)] {
        let mut serve = Serve::new(guest("hello"))
            .arg("--admin=127.0.0.1:0")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url(""))
            .env("OTEL_BSP_SCHEDULE_DELAY", "20")
            .env("OTEL_BSP_EXPORT_TIMEOUT", "2000");
        if let Some(certificate) = certificate {
            let certificate = path(certificate).display().to_string();
            serve = serve.env("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate);
        }
        let server = serve.start();
        assert_eq!(server.get("/").status, 200);
        eventually("the spans are counted", || {
            (metric(&server, series) == 3.0).then_some(())
        });
    }
}

#[test]
fn a_variable_that_can_not_be_used_ends_the_start_and_is_named_without_its_secret() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "c0ffee"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
    ] {
        let serve = Serve::new(guest("hello"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "https://127.0.0.1:1")
            .env(name, value);
        let refused = serve.refused();
        let text = refused.stderr;
        let what = match name {
            "OTEL_EXPORTER_OTLP_CERTIFICATE" => value,
            name => name,
        };
        assert!(text.contains(what), "{name}: {text}");
        assert!(!text.contains("c0ffee"), "{text}");
    }
}

#[test]
fn the_secret_of_the_collector_is_not_in_the_environment_of_the_process() {
    let collector = Collector::start(Answer::Accepts);
    let serve = measured(&collector).env("OTEL_EXPORTER_OTLP_HEADERS", "x-key=c0ffee");
    let server = serve.start();
    let environment = fs::read(format!("/proc/{}/environ", server.id())).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("OTEL_EXPORTER_OTLP_HEADERS"));
    assert!(!environment.contains("c0ffee"), "{environment}");
}

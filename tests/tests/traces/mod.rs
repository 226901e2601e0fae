//! Traces: which one a request belongs to goes through the server in headers (W3C Trace
//! Context), and what its time went to is exported by OTLP.

mod collector;
mod context;
mod export;
mod spans;

use collector::{Answer, Collector};
use reqwest::Method;
use serde_json::Value;
use tensor_wasm_tests::{Reply, Serve, Server};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// With spans exported to a collector, each at once.
fn exporting(serve: Serve, collector: &Collector) -> Serve {
    serve
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("OTEL_BSP_SCHEDULE_DELAY", "20")
}

/// A request that belongs to a trace.
fn get(server: &Server, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = server.request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request)
}

/// The header of a caller that has recorded the trace, or has not.
fn parent(sampled: bool) -> String {
    format!("00-{TRACE}-{CALLER}-0{}", u8::from(sampled))
}

/// The headers that a guest has seen.
fn seen(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()["headers"].clone()
}

/// The parts of the header that a guest has seen.
#[track_caller]
fn seen_parent(reply: &Reply) -> (String, String, String) {
    let seen = seen(reply);
    let parent = seen["traceparent"].as_str().unwrap();
    let parts: Vec<&str> = parent.split('-').collect();
    let ["00", trace, span, flags] = parts[..] else {
        panic!("{parent}");
    };
    (trace.to_owned(), span.to_owned(), flags.to_owned())
}

//! A collector of traces: a server of OTLP over HTTP, on the messages of `opentelemetry-proto`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tensor_wasm_tests::eventually;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// How a collector answers an export.
#[derive(Clone, Copy)]
pub enum Answer {
    /// It takes it.
    Accepts,
    /// With this status.
    Status(u16),
    /// Not at all.
    Never,
}

/// A collector, for as long as it is not dropped.
pub struct Collector {
    address: SocketAddr,
    exports: Arc<Mutex<Vec<Export>>>,
    answer: Arc<Mutex<Answer>>,
    _runtime: Runtime,
}

/// What came in one request.
pub struct Export {
    pub path: String,
    pub headers: HeaderMap,
    pub request: ExportTraceServiceRequest,
}

impl Collector {
    pub fn start(answer: Answer) -> Collector {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let exports: Arc<Mutex<Vec<Export>>> = Arc::default();
        let answer = Arc::new(Mutex::new(answer));
        let (kept, answers) = (exports.clone(), answer.clone());
        runtime.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (kept, answers) = (kept.clone(), answers.clone());
                let service = service_fn(move |request| {
                    let (kept, answers) = (kept.clone(), answers.clone());
                    async move { Ok::<_, Infallible>(take(request, &kept, &answers).await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Collector {
            address,
            exports,
            answer,
            _runtime: runtime,
        }
    }

    /// The URL that `OTEL_EXPORTER_OTLP_ENDPOINT` names.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set_answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// What the first export was sent with.
    pub fn first<T>(&self, look: impl Fn(&Export) -> T) -> T {
        eventually("an export", || {
            self.exports.lock().unwrap().first().map(&look)
        })
    }

    /// All spans of a trace that have come.
    pub fn spans(&self, trace: &str) -> Vec<Span> {
        let exports = self.exports.lock().unwrap();
        let resources = exports
            .iter()
            .flat_map(|export| &export.request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        let spans = scopes.flat_map(|scope| &scope.spans);
        let of_trace = spans.filter(|span| hexadecimal(&span.trace_id) == trace);
        of_trace.cloned().collect()
    }

    /// Those spans, once this many have come.
    pub fn wait(&self, trace: &str, number: usize) -> Vec<Span> {
        let spans = eventually("all spans", || {
            Some(self.spans(trace)).filter(|spans| spans.len() >= number)
        });
        assert_eq!(spans.len(), number, "{:?}", names(&spans));
        spans
    }

    /// Spans of all traces that have come.
    pub fn count(&self) -> usize {
        let exports = self.exports.lock().unwrap();
        let resources = exports
            .iter()
            .flat_map(|export| &export.request.resource_spans);
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.map(|scope| scope.spans.len()).sum()
    }
}

async fn take(
    request: Request<Incoming>,
    exports: &Mutex<Vec<Export>>,
    answer: &Mutex<Answer>,
) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let answer = *answer.lock().unwrap();
    let status = match answer {
        Answer::Accepts => StatusCode::OK,
        Answer::Status(status) => StatusCode::from_u16(status).unwrap(),
        Answer::Never => std::future::pending().await,
    };
    if status == StatusCode::OK {
        exports.lock().unwrap().push(Export {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            request: ExportTraceServiceRequest::decode(body).unwrap(),
        });
    }
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

/// The one span of this name.
#[track_caller]
pub fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    match (found.next(), found.next()) {
        (Some(span), None) => span,
        _ => panic!("not one {name} in {:?}", names(spans)),
    }
}

/// The value of an attribute, as text.
pub fn value(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    Some(match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(value) => value.to_string(),
        other => panic!("{other:?}"),
    })
}

/// That of a span, which has it.
#[track_caller]
pub fn attribute(span: &Span, name: &str) -> String {
    value(&span.attributes, name)
        .unwrap_or_else(|| panic!("{} has no {name}: {:?}", span.name, span.attributes))
}

/// One span is caused by another one of this server, and lies within its time.
#[track_caller]
pub fn assert_within(inner: &Span, outer: &Span) {
    assert_eq!(
        inner.parent_span_id, outer.span_id,
        "{} in {}",
        inner.name, outer.name
    );
    assert!(inner.start_time_unix_nano <= inner.end_time_unix_nano);
    assert!(inner.start_time_unix_nano >= outer.start_time_unix_nano);
}

pub fn is_of_kind(span: &Span, kind: SpanKind) -> bool {
    span.kind == i32::from(kind)
}

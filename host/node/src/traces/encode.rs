//! Spans as messages of OTLP (`opentelemetry/proto/trace/v1/trace.proto`).

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind as Kind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as Message, Status};
use prost::Message as _;
use tensor_wasm_runtime::{Span, SpanKind, SpanValue};

/// The flags of a span say whether its parent is another server's (`SPAN_FLAGS_CONTEXT_*`).
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;
/// It is recorded, and so sampled.
const SAMPLED: u32 = 1;

/// Makes bodies of requests to a collector.
pub(super) struct Encoder {
    resource: Resource,
    scope: InstrumentationScope,
}

impl Encoder {
    /// Of what the spans are.
    pub(super) fn new(resource: &[(String, String)]) -> Encoder {
        let attributes = resource.iter().map(|(name, value)| {
            let value = Value::StringValue(value.clone());
            attribute(name, value)
        });
        Encoder {
            resource: Resource {
                attributes: attributes.collect(),
                ..Resource::default()
            },
            scope: InstrumentationScope {
                name: "tensor-wasm".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                ..InstrumentationScope::default()
            },
        }
    }

    /// A body with these spans.
    pub(super) fn encode(&self, spans: Vec<Span>) -> Vec<u8> {
        let spans = ScopeSpans {
            scope: Some(self.scope.clone()),
            spans: spans.into_iter().map(message).collect(),
            ..ScopeSpans::default()
        };
        let spans = ResourceSpans {
            resource: Some(self.resource.clone()),
            scope_spans: vec![spans],
            ..ResourceSpans::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![spans],
        };
        request.encode_to_vec()
    }
}

fn message(span: Span) -> Message {
    let id = |id: tensor_wasm_runtime::SpanId| id.number().to_be_bytes().to_vec();
    let kind = match span.kind {
        SpanKind::Server => Kind::Server,
        SpanKind::Client => Kind::Client,
        SpanKind::Consumer => Kind::Consumer,
        SpanKind::Internal => Kind::Internal,
    };
    let state = span.state.as_ref().and_then(|state| state.to_str().ok());
    let attributes = span.attributes.into_iter().map(|(name, value)| {
        let value = match value {
            SpanValue::Text(text) => Value::StringValue(text.into_owned()),
            SpanValue::Integer(number) => Value::IntValue(number),
            SpanValue::Boolean(value) => Value::BoolValue(value),
        };
        attribute(name, value)
    });
    let remote = if span.parent_is_remote { IS_REMOTE } else { 0 };
    Message {
        trace_id: span.trace.number().to_be_bytes().to_vec(),
        span_id: id(span.id),
        trace_state: state.unwrap_or_default().to_owned(),
        parent_span_id: span.parent.map(id).unwrap_or_default(),
        flags: SAMPLED | HAS_IS_REMOTE | remote,
        name: span.name.into_owned(),
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(span.start),
        end_time_unix_nano: nanoseconds(span.end),
        attributes: attributes.collect(),
        status: span.failed.then(|| Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        }),
        ..Message::default()
    }
}

fn attribute(name: &str, value: Value) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

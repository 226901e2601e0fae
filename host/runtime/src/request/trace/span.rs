//! Spans: what a request's time went to, in the terms of OpenTelemetry. The runtime makes them and
//! keeps none: whoever embeds it brings a [`Tracer`].

use std::borrow::Cow;
use std::time::SystemTime;

use http::{HeaderValue, Method};

use super::ids::{SpanId, TraceId};

/// The longest text that is kept as the value of an attribute or in a name, in bytes. Some of it is a
/// client's or a guest's.
const LONGEST_TEXT: usize = 256;

/// The attribute for the kind of an error in a response, as the response names it.
pub(crate) const ERROR_KIND: &str = "tensor_wasm.error.kind";

/// Decides which requests are traced, and takes their spans.
///
/// Called in the middle of requests, on the threads that serve HTTP and on those that run kernels:
/// it may neither block nor take long, and what it holds has to be bounded.
pub trait Tracer: Send + Sync {
    /// Whether the spans of a request are recorded. `caller` is whether the caller recorded its own,
    /// where one named the trace.
    fn samples(&self, trace: TraceId, caller: Option<bool>) -> bool;

    /// Takes a span that has ended.
    fn ended(&self, span: Span);
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// The trace that it is a part of.
    pub trace: TraceId,
    /// Its own id.
    pub id: SpanId,
    /// The span that caused it.
    pub parent: Option<SpanId>,
    /// Whether that span is another server's.
    pub parent_is_remote: bool,
    /// What vendors keep about the trace: a valid `tracestate`.
    pub state: Option<HeaderValue>,
    /// Its part in the exchange.
    pub kind: SpanKind,
    /// What it is called. There are few names, but for those of kernels.
    pub name: Cow<'static, str>,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What is known of it.
    pub attributes: Vec<Attribute>,
    /// Whether it failed, by its own account.
    pub failed: bool,
}

/// The part of a span in the exchange between two servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A request that was received.
    Server,
    /// A request that was sent.
    Client,
    /// Work that another request left for later: an attempt of a job.
    Consumer,
    /// Anything else.
    Internal,
}

/// A name, of OpenTelemetry's conventions or of our own, and its value.
pub type Attribute = (&'static str, SpanValue);

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum SpanValue {
    /// Text of at most 256 bytes.
    Text(Cow<'static, str>),
    /// A number.
    Integer(i64),
    /// A boolean.
    Boolean(bool),
}

/// Text, cut to what is kept.
pub(super) fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

impl SpanValue {
    /// Text that somebody else made.
    pub fn of_text(text: &str) -> SpanValue {
        SpanValue::Text(cut(text).to_owned().into())
    }

    /// A number, or the largest where it is larger.
    pub fn of_number(number: impl TryInto<i64>) -> SpanValue {
        SpanValue::Integer(number.try_into().unwrap_or(i64::MAX))
    }
}

impl From<&'static str> for SpanValue {
    fn from(text: &'static str) -> SpanValue {
        SpanValue::Text(text.into())
    }
}

/// A method that the conventions know: those of RFC 9110, and PATCH.
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::CONNECT => "CONNECT",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}

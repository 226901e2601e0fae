//! Tracing: which trace a request belongs to, which every request has, and what its time went to,
//! where that is recorded.
//!
//! The place in a trace comes and goes in headers ([`context`], W3C Trace Context); spans go to a
//! [`Tracer`], in the terms of OpenTelemetry ([`span`]). A request's own span is that of whoever
//! began its [`RequestTrace`]; components, instances, kernels and outgoing requests have spans
//! within it, as many as there is room for.

mod component;
mod context;
mod ids;
mod recording;
mod span;

pub(crate) use component::ComponentTrace;
pub(crate) use context::TRACE_PARENT;
pub(super) use ids::hexadecimal;
pub use ids::{SpanId, TraceId};
pub use recording::RequestTrace;
pub(crate) use recording::{OpenSpan, Recording};
pub use span::{Attribute, Span, SpanKind, SpanValue, Tracer};
pub(crate) use span::{ERROR_KIND, known_method};

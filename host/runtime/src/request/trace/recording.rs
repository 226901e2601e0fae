//! The trace of one request: its place in it, which every request has, and its spans, where they
//! are recorded.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use http::HeaderMap;

use super::context::TraceContext;
use super::ids::{SpanId, TraceId};
use super::span::{Attribute, Span, SpanKind, SpanValue, Tracer, cut};
use crate::lock::ignore_poison;

/// The most spans of one request beside its own: a guest decides how many kernels it launches, and
/// how many requests it sends.
const SPANS: u32 = 128;

/// The attribute that says how many spans are missing for that.
const DROPPED: &str = "tensor_wasm.dropped_spans";

/// The trace of one request. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestTrace {
    /// What is passed on where nothing is recorded in between.
    context: TraceContext,
    recording: Option<Arc<Recording>>,
    /// Whether the request's headers name its place already.
    is_named: bool,
}

/// What the spans of one request share.
pub(crate) struct Recording {
    tracer: Arc<dyn Tracer>,
    context: TraceContext,
    /// The caller's span.
    caller: Option<SpanId>,
    /// One time by both clocks.
    anchor: (Instant, SystemTime),
    /// What has become known of the request.
    attributes: Mutex<Vec<Attribute>>,
    /// Spans that there are, of those that there may be.
    taken: AtomicU32,
    /// Spans for which there was no room.
    dropped: AtomicU32,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}

impl RequestTrace {
    /// The trace of a request with these headers, of which nothing that is invalid is left.
    /// Where they named no trace, `random` becomes its id.
    pub fn begin(
        headers: &mut HeaderMap,
        random: TraceId,
        tracer: Option<&Arc<dyn Tracer>>,
    ) -> RequestTrace {
        let caller = TraceContext::take(headers);
        let Some(tracer) = tracer else {
            return RequestTrace {
                is_named: caller.is_some(),
                context: caller.unwrap_or_else(|| TraceContext::new(random)),
                recording: None,
            };
        };
        let trace = caller.as_ref().map_or(random, |caller| caller.trace);
        let sampled = tracer.samples(trace, caller.as_ref().map(|caller| caller.sampled));
        let (caller, state) = caller.map(|caller| (caller.span, caller.state)).unzip();
        let context = TraceContext {
            sampled,
            state: state.flatten(),
            ..TraceContext::new(trace)
        };
        let recording = sampled.then(|| {
            Arc::new(Recording {
                tracer: tracer.clone(),
                context: context.clone(),
                caller,
                anchor: (Instant::now(), SystemTime::now()),
                attributes: Mutex::default(),
                taken: AtomicU32::new(0),
                dropped: AtomicU32::new(0),
            })
        });
        RequestTrace {
            context,
            recording,
            is_named: false,
        }
    }

    /// Names the request's place in the trace to whom it is passed on.
    pub fn put(&self, headers: &mut HeaderMap) {
        if !self.is_named {
            self.context.put(headers);
        }
    }

    /// That of a request whose headers could not be read.
    pub fn unknown(id: TraceId) -> RequestTrace {
        RequestTrace {
            context: TraceContext::new(id),
            recording: None,
            is_named: false,
        }
    }

    /// Its id.
    pub fn id(&self) -> TraceId {
        self.context.trace
    }

    /// The recording of its spans, where they are recorded.
    pub(crate) fn recording(&self) -> Option<&Arc<Recording>> {
        self.recording.as_ref()
    }

    /// What this request causes outside of any span of its own.
    pub(crate) fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Adds to what is known of the request, if that is recorded.
    pub(crate) fn annotate(&self, name: &'static str, value: impl FnOnce() -> SpanValue) {
        if let Some(recording) = &self.recording {
            recording.annotate(name, value());
        }
    }
}

impl TraceContext {
    /// A trace that begins here, and is not recorded.
    fn new(trace: TraceId) -> TraceContext {
        TraceContext {
            trace,
            span: SpanId::random(),
            sampled: false,
            state: None,
        }
    }
}

impl Recording {
    /// Adds to what is known of the request. The first value of a name holds.
    pub(crate) fn annotate(&self, name: &'static str, value: SpanValue) {
        let mut attributes = ignore_poison(self.attributes.lock());
        if attributes.iter().all(|(known, _)| *known != name) {
            attributes.push((name, value));
        }
    }

    /// What is known of the request by names that begin like this.
    pub(crate) fn known_of(&self, prefix: &str) -> Vec<Attribute> {
        let attributes = ignore_poison(self.attributes.lock());
        let found = attributes
            .iter()
            .filter(|(name, _)| name.starts_with(prefix));
        found.cloned().collect()
    }

    /// What is known of the request by this name.
    pub(crate) fn known(&self, name: &str) -> Option<SpanValue> {
        let attributes = ignore_poison(self.attributes.lock());
        let mut found = attributes.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.clone())
    }

    /// The span of the request itself.
    pub(crate) fn root(&self) -> SpanId {
        self.context.span
    }

    /// The same place in the trace, within this span.
    pub(crate) fn within(&self, span: SpanId) -> TraceContext {
        TraceContext {
            span,
            ..self.context.clone()
        }
    }

    /// Begins a span within the request; `None` where there are too many.
    pub(crate) fn begin(
        self: &Arc<Self>,
        kind: SpanKind,
        name: impl Into<Cow<'static, str>>,
        parent: SpanId,
    ) -> Option<OpenSpan> {
        let room = |taken: u32| (taken < SPANS).then_some(taken + 1);
        let taken = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room);
        if taken.is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(OpenSpan {
            recording: self.clone(),
            id: SpanId::random(),
            parent,
            kind,
            name: shortened(name.into()),
            start: Instant::now(),
            attributes: Vec::new(),
            failed: false,
        })
    }

    /// Ends the span of the request itself, which began when its trace did.
    pub(crate) fn end(&self, kind: SpanKind, name: Cow<'static, str>, failed: bool) {
        let mut attributes = ignore_poison(self.attributes.lock()).clone();
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            attributes.push((DROPPED, SpanValue::Integer(dropped.into())));
        }
        self.tracer.ended(Span {
            trace: self.context.trace,
            id: self.context.span,
            parent: self.caller,
            parent_is_remote: self.caller.is_some(),
            state: self.context.state.clone(),
            kind,
            name: shortened(name),
            start: self.anchor.1,
            end: self.time(Instant::now()),
            attributes,
            failed,
        });
    }

    /// The time of the other clock.
    fn time(&self, at: Instant) -> SystemTime {
        let (instant, time) = self.anchor;
        let found = match at.checked_duration_since(instant) {
            Some(later) => time.checked_add(later),
            None => time.checked_sub(instant.saturating_duration_since(at)),
        };
        found.unwrap_or(time)
    }
}

/// A span that has begun within a request.
#[derive(Debug)]
pub(crate) struct OpenSpan {
    recording: Arc<Recording>,
    pub(crate) id: SpanId,
    parent: SpanId,
    kind: SpanKind,
    name: Cow<'static, str>,
    start: Instant,
    attributes: Vec<Attribute>,
    failed: bool,
}

impl OpenSpan {
    /// It began at this time.
    pub(crate) fn began(mut self, at: Instant) -> OpenSpan {
        self.start = at;
        self
    }

    /// What it causes.
    pub(crate) fn context(&self) -> TraceContext {
        self.recording.within(self.id)
    }

    /// Adds to what is known of it.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<SpanValue>) {
        self.attributes.push((name, value.into()));
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// It failed, for this reason.
    pub(crate) fn fail(&mut self, reason: impl Into<SpanValue>) {
        self.failed = true;
        self.set("error.type", reason);
    }

    /// It has ended, at this time.
    pub(crate) fn end_at(self, end: Instant) {
        let recording = &self.recording;
        let context = &recording.context;
        recording.tracer.ended(Span {
            trace: context.trace,
            id: self.id,
            parent: Some(self.parent),
            parent_is_remote: false,
            state: context.state.clone(),
            kind: self.kind,
            start: recording.time(self.start),
            end: recording.time(end.max(self.start)),
            name: self.name,
            attributes: self.attributes,
            failed: self.failed,
        });
    }

    /// It has ended.
    pub(crate) fn end(self) {
        self.end_at(Instant::now());
    }
}

/// A name, cut to what is kept.
fn shortened(name: Cow<'static, str>) -> Cow<'static, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(cut(name)),
        Cow::Owned(mut name) => {
            name.truncate(cut(&name).len());
            Cow::Owned(name)
        }
    }
}

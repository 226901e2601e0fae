//! The spans of one component of a chain, and of the kernels that it launches.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tensor_wasm_device::{Extent, LaunchConfig, LaunchTimes};

use super::context::TraceContext;
use super::ids::SpanId;
use super::recording::{OpenSpan, Recording};
use super::span::{SpanKind, SpanValue};
use crate::lock::ignore_poison;

/// How the attributes begin that say which function of which tenant a request is for.
const FUNCTION: &str = "tensor_wasm.function.";

/// What is recorded of one component's work on a request.
#[derive(Debug)]
pub(crate) struct ComponentTrace {
    recording: Arc<Recording>,
    id: SpanId,
    /// Until it has ended.
    span: Mutex<Option<OpenSpan>>,
    /// The launches whose end is not known, by their numbers less one.
    launches: Mutex<Vec<Option<OpenSpan>>>,
}

impl ComponentTrace {
    /// Begins the span of a component, caused by another one; `None` where there are too many.
    pub(crate) fn begin(
        recording: &Arc<Recording>,
        name: &'static str,
        parent: SpanId,
    ) -> Option<ComponentTrace> {
        let span = recording.begin(SpanKind::Internal, name, parent)?;
        Some(ComponentTrace {
            recording: recording.clone(),
            id: span.id,
            span: Mutex::new(Some(span)),
            launches: Mutex::default(),
        })
    }

    /// The id of the component's span.
    pub(crate) fn id(&self) -> SpanId {
        self.id
    }

    /// What the component causes.
    pub(crate) fn context(&self) -> TraceContext {
        self.recording.within(self.id)
    }

    /// Begins a span that the component causes.
    pub(crate) fn child(
        &self,
        kind: SpanKind,
        name: impl Into<Cow<'static, str>>,
    ) -> Option<OpenSpan> {
        self.recording.begin(kind, name, self.id)
    }

    /// An instance was made for the component, between these times.
    pub(crate) fn instantiated(&self, began: Instant, ended: Instant) {
        if let Some(span) = self.child(SpanKind::Internal, "instantiate") {
            span.began(began).end_at(ended);
        }
    }

    /// Adds to what is known of the component's work.
    pub(crate) fn set(&self, name: &'static str, value: impl Into<SpanValue>) {
        if let Some(span) = &mut *ignore_poison(self.span.lock()) {
            span.set(name, value);
        }
    }

    /// The component failed, for this reason. The first reason holds.
    pub(crate) fn fail(&self, reason: impl Into<SpanValue>) {
        if let Some(span) = &mut *ignore_poison(self.span.lock())
            && !span.has_failed()
        {
            span.fail(reason);
        }
    }

    /// The component's work is over. The first call counts.
    pub(crate) fn end(&self) {
        let span = ignore_poison(self.span.lock()).take();
        if let Some(mut span) = span {
            for (name, value) in self.recording.known_of(FUNCTION) {
                span.set(name, value);
            }
            span.end();
        }
    }

    /// A kernel is about to be launched. Returns the launch's number; 0 where it is not recorded.
    pub(crate) fn launch_begins(&self, kernel: &str, config: &LaunchConfig) -> u64 {
        let Some(mut span) = self.child(SpanKind::Internal, format!("launch {kernel}")) else {
            return 0;
        };
        let extent = |extent: Extent| format!("{}x{}x{}", extent.x, extent.y, extent.z);
        span.set("tensor_wasm.kernel.name", SpanValue::of_text(kernel));
        span.set(
            "tensor_wasm.kernel.grid",
            SpanValue::Text(extent(config.grid).into()),
        );
        span.set(
            "tensor_wasm.kernel.block",
            SpanValue::Text(extent(config.block).into()),
        );
        let mut launches = ignore_poison(self.launches.lock());
        launches.push(Some(span));
        launches.len() as u64
    }

    /// A launch has ended.
    pub(crate) fn launch_ended(&self, launch: &LaunchTimes) {
        let place = usize::try_from(launch.number).unwrap_or(0).checked_sub(1);
        let mut launches = ignore_poison(self.launches.lock());
        let span = place.and_then(|place| launches.get_mut(place)?.take());
        drop(launches);
        if let Some(mut span) = span {
            let device = SpanValue::of_number(launch.device.as_nanos());
            span.set("tensor_wasm.kernel.device_nanoseconds", device);
            span.end();
        }
    }
}

//! The task of one request in one component of a chain.

use super::context::RequestContext;
use super::error::HandleError;
use super::forwarded_request::ForwardedSlot;
use super::guest_run::GuestRun;
use super::held::HeldRequest;
use super::trace::{ComponentTrace, SpanId};
use std::fmt;
use std::sync::{Arc, OnceLock};
use tensor_wasm_device::{LaunchConfig, LaunchTimes, Meter};

/// One request in one component: what whoever waits for the response, the worker that
/// runs the guest, and the guest's own calls share about it. A request that passes a
/// policy and an application has two tasks and one context.
pub(crate) struct RequestTask {
    context: ContextOf,
    /// Between whoever waits for the response and the worker.
    pub(crate) run: GuestRun,
    /// In a policy's task: the request, for the component behind.
    pub(crate) held: HeldRequest,
    /// In a policy's task: what the policy has forwarded, for whoever runs the policy.
    pub(crate) forwarded: ForwardedSlot,
    /// Why the host gave up on the request while this guest worked on it.
    failure: OnceLock<HandleError>,
    /// What is recorded of this component's work, where the request's spans are recorded.
    trace: OnceLock<Box<ComponentTrace>>,
}

/// Where the context of the request is. It is not allocated for itself, since most
/// requests have one task.
#[expect(
    clippy::large_enum_variant,
    reason = "the larger one is the common one, and would need an allocation of its own"
)]
enum ContextOf {
    /// Here: this is the task of the outermost component.
    Own(RequestContext),
    /// In the task of the component in front.
    Front(Arc<RequestTask>),
}

impl RequestTask {
    /// The task of the outermost component.
    pub(crate) fn new(context: RequestContext) -> RequestTask {
        RequestTask::with(ContextOf::Own(context))
    }

    /// The task of the component behind this task's, for the same request.
    pub(crate) fn behind(self: &Arc<RequestTask>) -> RequestTask {
        RequestTask::with(ContextOf::Front(self.clone()))
    }

    fn with(context: ContextOf) -> RequestTask {
        RequestTask {
            context,
            run: GuestRun::default(),
            held: HeldRequest::default(),
            forwarded: ForwardedSlot::default(),
            failure: OnceLock::new(),
            trace: OnceLock::new(),
        }
    }

    /// The request's context, the same in each task of the request.
    pub(crate) fn context(&self) -> &RequestContext {
        match &self.context {
            ContextOf::Own(context) => context,
            ContextOf::Front(front) => front.context(),
        }
    }

    /// Whether this is the task of the outermost component, whose response the client gets.
    pub(crate) fn is_outermost(&self) -> bool {
        matches!(self.context, ContextOf::Own(_))
    }

    /// Begins the span of this component, where the request's spans are recorded.
    pub(crate) fn begin_span(&self, name: &'static str) -> Option<&ComponentTrace> {
        let recording = self.context().trace().recording()?;
        let parent = self.nearest_span().unwrap_or(recording.root());
        let trace = ComponentTrace::begin(recording, name, parent)?;
        Some(self.trace.get_or_init(|| Box::new(trace)))
    }

    /// What is recorded of this component's work.
    pub(crate) fn trace(&self) -> Option<&ComponentTrace> {
        self.trace.get().map(|trace| &**trace)
    }

    /// The span of this component, or of the nearest one in front that has one.
    fn nearest_span(&self) -> Option<SpanId> {
        match (self.trace(), &self.context) {
            (Some(trace), _) => Some(trace.id()),
            (None, ContextOf::Front(front)) => front.nearest_span(),
            (None, ContextOf::Own(_)) => None,
        }
    }

    /// Something that may hold what counts in the tenant's limits of the device, until the value
    /// that this returns is dropped.
    pub(crate) fn device_holder(self: &Arc<RequestTask>) -> DeviceHolder {
        self.run.add_device_holder();
        DeviceHolder(self.clone())
    }

    /// Records what the client is told where this guest can't respond. A guest knows
    /// only that the component behind it failed; this says why. The first error holds.
    pub(crate) fn fail(&self, error: HandleError) {
        let _ = self.failure.set(error);
    }

    /// What the client is told, where that is already known.
    pub(crate) fn failure(&self) -> Option<HandleError> {
        self.failure.get().copied()
    }
}

/// Something that may hold what counts in the tenant's limits of the device.
pub(crate) struct DeviceHolder(Arc<RequestTask>);

impl Drop for DeviceHolder {
    fn drop(&mut self) {
        self.0.run.remove_device_holder();
    }
}

/// What a guest launches is charged to the request that it works on.
impl Meter for RequestTask {
    fn begins(&self, kernel: &str, config: &LaunchConfig) -> u64 {
        let trace = self.trace();
        trace.map_or(0, |trace| trace.launch_begins(kernel, config))
    }

    fn launched(&self) {
        self.context().usage().add_launch();
    }

    fn ran(&self, launch: LaunchTimes) {
        if let Some(trace) = self.trace() {
            trace.launch_ended(&launch);
        }
        self.context().launch_ended(launch);
    }
}

impl fmt::Debug for RequestTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestTask")
            .field("request_id", &self.context().id())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Decision, RequestId, RequestTrace, TraceId};
    use std::time::Instant;

    #[test]
    fn the_components_of_a_chain_share_the_decision_and_not_the_failure() {
        let trace = RequestTrace::unknown(TraceId::random());
        let now = Instant::now();
        let context = RequestContext::new(RequestId::random(), trace, now, now, true);
        let policy = Arc::new(RequestTask::new(context));
        let application = policy.behind();
        policy.context().decide(Decision::Admitted {
            caller: None,
            tenant: 7,
        });
        assert_eq!(application.context().tenant(), Some(7));
        assert_eq!(application.context().id(), policy.context().id());
        application.fail(HandleError::Trapped);
        assert_eq!(application.failure(), Some(HandleError::Trapped));
        assert_eq!(policy.failure(), None);
    }
}

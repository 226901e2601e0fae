//! What code of the embedder knows of a request that it answers.

use super::context::RequestContext;
use super::decision::{Decision, Principal};
use super::id::RequestId;
use super::observer::{Observer, UsageAccount};
use super::task::RequestTask;
use super::trace::{RequestTrace, SpanKind, SpanValue};
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

/// A request that code of the embedder answers, behind the policies. What it passes on to an
/// application belongs to the same request: its id, its deadline and its tenant.
#[derive(Clone)]
pub struct RequestScope(Arc<RequestTask>);

impl RequestScope {
    /// The scope of a request that no client sent, such as that of a job: `tenant` is whose it
    /// is, `caller` who asked for it. The observer learns what it uses.
    pub fn internal(
        id: RequestId,
        trace: RequestTrace,
        deadline: Instant,
        tenant: u64,
        caller: Option<Principal>,
        observer: Option<Arc<dyn Observer>>,
    ) -> RequestScope {
        let context = RequestContext::new(id, trace, Instant::now(), deadline, true);
        // No policy's decision, of which the observer would learn.
        context.decide(Decision::Admitted { caller, tenant });
        let context = context.observed(None, observer);
        RequestScope(Arc::new(RequestTask::new(context)))
    }

    pub(crate) fn of(task: Arc<RequestTask>) -> RequestScope {
        RequestScope(task)
    }

    /// The task of the component that the request has reached.
    pub(crate) fn into_task(self) -> Arc<RequestTask> {
        self.0
    }

    /// The task of the component behind.
    pub(crate) fn behind(&self) -> Arc<RequestTask> {
        Arc::new(self.0.behind())
    }

    /// Names the request in logs and in responses.
    pub fn id(&self) -> &RequestId {
        self.0.context().request_id()
    }

    /// When the request runs out of time.
    pub fn deadline(&self) -> Instant {
        self.0.context().deadline()
    }

    /// Whose request it is: the tenant that a policy admitted it for, and tenant 0 where no
    /// policy decides. `None` where a policy let it pass without a decision.
    pub fn tenant(&self) -> Option<u64> {
        self.0.context().tenant()
    }

    /// Says what the request does, in the words of the embedder's own routes, for the record
    /// that is kept of it. The first word holds.
    pub fn set_action(&self, action: &'static str) {
        self.0.context().set_action(action);
    }

    /// Says that the response is an error of this kind, for the record that is kept of the
    /// request. The first kind holds.
    pub fn set_error_kind(&self, kind: &'static str) {
        self.0.context().set_error_kind(kind);
    }

    /// Attributes what the request is charged from now on, as a whole and whichever component
    /// uses it, to an account within its tenant. The first account holds.
    pub fn attribute_to(&self, account: Arc<dyn UsageAccount>) {
        self.0.context().attribute_to(account);
    }

    /// Keeps something until the guest has ended that the request is passed on to, which may be later
    /// than its response: a guest that works on has what is counted by this.
    pub fn keep_for_guest(&self, kept: Arc<dyn Any + Send + Sync>) {
        self.0.context().keep_for_guest(kept);
    }

    /// Adds to what the request's span says, where its spans are recorded. The first value of a
    /// name holds.
    pub fn annotate(&self, name: &'static str, value: impl FnOnce() -> SpanValue) {
        self.0.context().trace().annotate(name, value);
    }

    /// The work that another request left for later is over: ends the span of a request that no
    /// client sent. To be called once.
    pub fn end_span(&self, name: &'static str, failed: bool) {
        if let Some(recording) = self.0.context().trace().recording() {
            recording.end(SpanKind::Consumer, name.into(), failed);
        }
    }

    /// Who calls, where a policy knows.
    pub fn caller(&self) -> Option<&Principal> {
        self.0.context().decision()?.caller()
    }
}

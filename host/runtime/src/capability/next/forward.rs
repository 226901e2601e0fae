//! Whether a request that a policy forwards may reach what is behind, and how it looks there.

use super::context::NextCtxView;
use super::handler::ResponseFuture;
use crate::request::{
    Decision, ForwardedHead, HandleError, RequestScope, RequestTask, ResponseReceiver,
};
use std::sync::Arc;
use wasmtime_wasi_http::WasiBody;

/// A request on its way to what is behind, which whoever runs the policy polls beside it.
pub(super) struct Forwarding {
    /// The policy's own.
    pub(super) task: Arc<RequestTask>,
    /// Where the response comes.
    pub(super) response: ResponseReceiver,
}

/// Forwards the request of the policy's task. `None` stands for one that the policy does not have
/// any more.
///
/// # Errors
///
/// A call outside of a request, which ends the policy.
pub(super) fn forward(
    view: &NextCtxView<'_>,
    request: impl FnOnce(&RequestTask) -> Option<http::Request<WasiBody>>,
) -> wasmtime::Result<Forwarding> {
    let Some(task) = view.task else {
        wasmtime::bail!("a policy can forward a request only while it handles one");
    };
    let behind = send(task, request(task), view);
    Ok(Forwarding {
        task: task.clone(),
        response: task.forwarded.put(behind),
    })
}

/// The response of the component behind, if the request may reach it.
fn send(
    task: &Arc<RequestTask>,
    request: Option<http::Request<WasiBody>>,
    view: &NextCtxView<'_>,
) -> Result<ResponseFuture, HandleError> {
    let policy = view.context;
    let context = task.context();
    let (request_id, trace_id) = (context.id(), context.trace_id());
    let Some(next) = &policy.handler else {
        // A component that imports the handler is not loaded without one.
        return Err(HandleError::Internal);
    };
    match context.decision() {
        Some(Decision::Refused { kind, .. }) => {
            tracing::error!(
                request_id,
                %trace_id,
                kind,
                "the policy refused the request and then forwarded it; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        None if policy.decides => {
            tracing::error!(
                request_id,
                %trace_id,
                "the policy forwarded the request without a decision; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        Some(Decision::Admitted { tenant, .. }) if next.refuses(*tenant) => {
            return Err(HandleError::GpuRefused { tenant: *tenant });
        }
        Some(Decision::Admitted { .. }) | None => {}
    }
    let Some(mut request) = request else {
        tracing::error!(
            request_id,
            %trace_id,
            "the policy forwarded a request whose body it had begun to read, or forwarded it \
             twice; a policy of WASI 0.2 has to forward requests untouched, and once"
        );
        return Err(HandleError::Internal);
    };
    if !task.forwarded.claim() {
        tracing::error!(
            request_id,
            %trace_id,
            "the policy forwarded a second request for the one that it was given; it goes no further"
        );
        return Err(HandleError::Internal);
    }
    if let Some(Decision::Admitted { tenant, .. }) = context.decision() {
        let keep_authorization = policy.keep_authorization || next.imports().deciding_policy;
        ForwardedHead::new(*tenant, keep_authorization).apply(request.headers_mut());
    }
    let scope = RequestScope::of(Arc::new(task.behind()));
    Ok(next.clone().respond(request, scope))
}

//! The path of a request through an application: its task, its deadline, its record, and
//! what the client is told where it fails.

use super::Application;
use super::given_back::given_back;
use super::guest_body::{GuestBody, StopOnDrop};
use super::{refusal, server_timing};
use crate::capability::next::{BorrowedBody, ChainImports, NextHandler, ResponseFuture};
use crate::capability::policy::{PendingRecord, RequestRecord};
use crate::instance::attached_guest::AttachedGuest;
use crate::instance::worker::NotStarted;
use crate::journal::Journal;
use crate::request::{
    Decision, Finish, HandleError, RefusedRequest, RequestContext, RequestInfo, RequestScope,
    RequestTask, SpanValue, Stop,
};
use crate::server::{Handler, has_content};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use std::sync::Arc;
use wasmtime::Trap;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::ProxyPre;

impl Handler for Application {
    async fn handle(
        &self,
        request: http::Request<WasiBody>,
        mut info: RequestInfo,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        let began = info.received;
        let id = info.request_id.clone();
        let deadline = began + self.request_timeout;
        let trace = info.trace.clone();
        let context = RequestContext::new(id, trace, began, deadline, self.chain.decision)
            .of_target(request.uri())
            .observed(info.body.take(), self.observer.clone())
            .counting_guests(info.guests.take());
        let task = Arc::new(RequestTask::new(context));
        let mut outcome = self.respond_and_record(request, info, &task).await;
        if let Ok(response) = &mut outcome {
            if self.usage_header {
                let usage = task.context().usage().until_now();
                server_timing::add(response.headers_mut(), &usage);
                // For code of the embedder around this application.
                response.extensions_mut().insert(usage);
            }
            task.context().name_route(response);
        }
        outcome
    }

    async fn refused(&self, request: RefusedRequest) {
        if let Some(auditor) = self.auditor.as_ref().filter(|_| self.chain.decision) {
            auditor.record(RequestRecord::refused(request)).wait().await;
        }
    }
}

impl NextHandler for Application {
    fn refuses(&self, tenant: u64) -> bool {
        self.chain.gpu && self.gpu.is_refused(tenant)
    }

    fn imports(&self) -> ChainImports {
        self.chain
    }

    fn respond(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        scope: RequestScope,
    ) -> ResponseFuture {
        Box::pin(async move {
            let name = self.span_name();
            self.respond_as(request, scope.into_task(), name).await
        })
    }
}

/// Why an application gave no response to a request that code of the embedder passed on to it.
#[derive(Clone, Copy, Debug)]
pub struct InvokeFailure {
    /// The error, as the host's own response would tell it.
    pub error: HandleError,
    /// What trapped, where the guest did.
    pub trap: Option<Trap>,
}

impl Application {
    /// Responds to a request as its outermost component, and keeps a record of it where a
    /// policy decides on it.
    async fn respond_and_record(
        &self,
        request: http::Request<WasiBody>,
        info: RequestInfo,
        task: &Arc<RequestTask>,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        let Some(auditor) = self.auditor.as_ref().filter(|_| self.chain.decision) else {
            return self
                .respond_as(request, task.clone(), self.span_name())
                .await;
        };
        // A request of a safe method (RFC 9110, section 9.2.1) changes nothing, so it may
        // go on without a record.
        let may_go_on = request.method().is_safe() || auditor.ready();
        let pending = PendingRecord::new(auditor.as_ref(), &request, info, task.clone());
        let outcome = match may_go_on {
            true => {
                let name = self.span_name();
                self.respond_as(request, task.clone(), name).await
            }
            false => Err(HandleError::AuditUnavailable),
        };
        pending.finish(&outcome).wait().await;
        outcome
    }

    /// Responds to a request of code of the embedder, which is behind the policies and in
    /// front of this application.
    ///
    /// # Errors
    ///
    /// [`InvokeFailure`] where the guest gave no response.
    pub async fn invoke(
        &self,
        request: http::Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<http::Response<WasiBody>, InvokeFailure> {
        let task = scope.behind();
        if let Some(tenant) = scope.tenant()
            && self.refuses(tenant)
        {
            return Err(InvokeFailure {
                error: HandleError::GpuRefused { tenant },
                trap: None,
            });
        }
        let response = self.respond_as(request, task.clone(), "function").await;
        response.map_err(|error| InvokeFailure {
            error,
            trap: task.run.trap(),
        })
    }

    /// What the spans of its requests are called.
    fn span_name(&self) -> &'static str {
        match self.is_policy() {
            true => "policy",
            false => "application",
        }
    }

    /// Responds to a request, and keeps no record of it. `name` is what the component's span is
    /// called, where the request's spans are recorded.
    async fn respond_as(
        &self,
        mut request: http::Request<WasiBody>,
        task: Arc<RequestTask>,
        name: &'static str,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        // One of WASI 0.3 is given the request itself, and gives it back.
        if self.is_policy() && matches!(self.workers.pre, ProxyPre::P2(_)) {
            request = BorrowedBody::hold(request, &task);
        }
        if let Some(trace) = task.begin_span(name) {
            trace.set(
                "tensor_wasm.component.digest",
                SpanValue::of_text(&self.digest),
            );
            trace.context().put(request.headers_mut());
        }
        let open = self.workers.occupancy.open();
        let stop_on_drop = StopOnDrop::new(task.clone()).of_open(open);
        let method = request.method().clone();
        let journal = self.journals.begin(&task, &request, || self.settings());
        let responded = self.respond_to(request, &task, &method, journal.clone());
        let responded = responded.await;
        if let Some(journal) = journal {
            let outcome = responded.as_ref();
            let status = outcome.map(|(response, _)| response.status().as_u16());
            journal.responded(status.map_err(HandleError::kind));
        }
        let (response, guest) = match responded {
            Ok(responded) => responded,
            Err(error) => {
                if let Some(trace) = task.trace() {
                    trace.fail(error.kind());
                }
                given_back(&task).await;
                return Err(error);
            }
        };
        let has_content = has_content(&method, response.status());
        let response = GuestBody::wrap(response, stop_on_drop, has_content);
        let response = response.map(|body| body.of_guest(guest));
        if response.body().is_complete() {
            given_back(&task).await;
        }
        let response = response.map(BodyExt::boxed_unsync);
        Ok(match task.context().decision() {
            Some(Decision::Refused { .. }) => {
                Box::pin(refusal::take(response, task.context().deadline())).await
            }
            Some(Decision::Admitted { .. }) | None => response,
        })
    }

    /// The guest's response, if it gives one that can be sent, and the guest, which may have more to
    /// do.
    async fn respond_to(
        &self,
        request: http::Request<WasiBody>,
        task: &Arc<RequestTask>,
        method: &Method,
        journal: Option<Arc<Journal>>,
    ) -> Result<(http::Response<WasiBody>, AttachedGuest), HandleError> {
        let mut responding = self.workers.respond(task, request, journal);
        let deadline = task.context().deadline();
        let response = match tokio::time::timeout_at(deadline.into(), &mut responding).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                // The guest may have more to do, and tells how it ended when it has.
                responding.into_guest().detach();
                return Err(match task.failure() {
                    Some(failure) => failure,
                    // Apart, as what is rare, so that the future of a request is small.
                    None => Box::pin(self.explain(&error, task)).await,
                });
            }
            Err(_) => {
                task.run.stop(Stop::TimedOut);
                return Err(timed_out(task));
            }
        };
        if self.decides && task.context().decision().is_none() {
            tracing::error!(
                request_id = task.context().id(),
                trace_id = %task.context().trace_id(),
                "the policy let a response out without a decision; it is withheld"
            );
            return Err(HandleError::Undecided);
        }
        let status = response.status();
        if !may_be_final(method, status) {
            let (request_id, trace_id) = (task.context().id(), task.context().trace_id());
            // Any client can send CONNECT to a component that answers everything.
            match *method {
                Method::CONNECT => {
                    tracing::debug!(request_id, %trace_id, %status, "a guest's answer to CONNECT is withheld");
                }
                _ => tracing::error!(
                    request_id,
                    %trace_id,
                    %status,
                    "the guest answered with a status that no response can have; it is withheld"
                ),
            }
            let status = status.as_u16();
            return Err(HandleError::InvalidStatus { status });
        }
        Ok((response, responding.into_guest()))
    }

    /// What the client of a failed request is told; the rest is logged.
    async fn explain(&self, error: &wasmtime::Error, task: &RequestTask) -> HandleError {
        let failure = explain(error, task).await;
        if failure == HandleError::NoResponse && task.run.stopped().is_none() {
            self.workers.gave_no_response(task);
        }
        failure
    }

    /// What its instances find in `wasi:config/store` now.
    fn settings(&self) -> Vec<(String, String)> {
        self.workers.instances.capabilities().config.pairs()
    }

    /// Whether the component is a policy, with another component behind it.
    fn is_policy(&self) -> bool {
        self.workers.instances.capabilities().next.is_some()
    }
}

/// Whether a response that ends an exchange may have this status. One below 200 announces
/// another response, or another protocol (RFC 9110, section 15.2); one from 600 on does not
/// exist (section 15); and success in answer to CONNECT makes a tunnel of the connection
/// (section 9.3.6), which a guest does not have.
fn may_be_final(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        200..300 => method != Method::CONNECT,
        300..600 => true,
        _ => false,
    }
}

/// What the client is told of a guest that failed; the rest is logged.
async fn explain(error: &wasmtime::Error, task: &RequestTask) -> HandleError {
    let (request_id, trace_id) = (task.context().id(), task.context().trace_id());
    match task.run.stopped() {
        Some(Stop::TimedOut) => return timed_out(task),
        Some(Stop::ClientGone) => return HandleError::NoResponse,
        None => {}
    }
    match error.downcast_ref::<NotStarted>() {
        Some(NotStarted::TimedOut) => return timed_out(task),
        Some(NotStarted::Failed(error)) if error.is::<wasmtime::PoolConcurrencyLimitError>() => {
            tracing::warn!(
                request_id,
                %trace_id,
                "there is no room for another instance: {error:#}"
            );
            return HandleError::Overloaded;
        }
        Some(NotStarted::Failed(error)) => {
            tracing::error!(
                request_id,
                %trace_id,
                "the guest could not be instantiated: {error:?}"
            );
            return HandleError::Trapped;
        }
        None => {}
    }
    let deadline = task.context().deadline();
    match tokio::time::timeout_at(deadline.into(), task.run.finished()).await {
        // The worker logs the trap, with its backtrace.
        Ok(Finish::Failed) => HandleError::Trapped,
        // The worker logs why.
        Ok(Finish::NotStarted) => HandleError::Internal,
        Err(_) => timed_out(task),
        Ok(Finish::Returned) => {
            tracing::error!(request_id, %trace_id, "the guest set no response: {error:#}");
            HandleError::NoResponse
        }
    }
}

fn timed_out(task: &RequestTask) -> HandleError {
    tracing::warn!(
        request_id = task.context().id(),
        trace_id = %task.context().trace_id(),
        "the request ran past its deadline, and its guest was stopped"
    );
    HandleError::TimedOut
}

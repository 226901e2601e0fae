//! What one instance of a policy holds, and the view that its calls have.

use super::authenticator::Authenticator;
use super::incoming;
use super::limiter::Limiter;
use crate::capability::account::InstanceAccount;
use crate::capability::gpu::GpuContext;
use crate::capability::http::{HttpLimits, held_bytes};
use crate::capability::tenant_memory::TenantMemory;
use crate::request::{Decision, ForwardedHead, HandleError, Principal, RequestTask, SpanValue};
use std::sync::Arc;
use wasmtime::component::HasData;
use wasmtime_wasi_http::WasiHttpCtxView;

/// The mechanisms behind one instance's calls.
pub(crate) struct PolicyContext {
    pub(super) authenticator: Option<Arc<dyn Authenticator>>,
    pub(super) limiter: Option<Arc<dyn Limiter>>,
    /// Whether an application sees the `Authorization` of its callers.
    pub(super) keep_authorization: bool,
    /// Whether the component is a composite, whose application sees the very request that
    /// its policy sees.
    pub(super) is_composite: bool,
}

/// A store whose instance may be a policy.
pub(crate) trait PolicyView: Send {
    fn policy(&mut self) -> PolicyCtxView<'_>;
}

/// The borrowed view that implements the generated traits.
pub(crate) struct PolicyCtxView<'a> {
    pub(crate) context: &'a PolicyContext,
    /// In a composed component: what the application in it holds of the GPU.
    pub(crate) gpu: &'a mut GpuContext,
    /// What the instance holds, and its tenant is charged for.
    pub(crate) account: &'a mut InstanceAccount,
    pub(crate) tenants: &'a TenantMemory,
    pub(crate) limits: HttpLimits,
    /// Where the request lies.
    pub(crate) http: WasiHttpCtxView<'a>,
    /// The task that calls, and whose request a decision is for.
    pub(crate) task: Option<&'a RequestTask>,
}

/// The type-level name of the view.
pub(super) struct HasPolicy;

impl HasData for HasPolicy {
    type Data<'a> = PolicyCtxView<'a>;
}

impl<'a> PolicyCtxView<'a> {
    /// Records a decision on the request. See [`crate::request::RequestContext::decide`].
    pub(super) fn decide(&self, decision: Decision) -> wasmtime::Result<&'a RequestTask> {
        let Some(task) = self.task else {
            wasmtime::bail!("a policy can decide only while it handles a request");
        };
        let context = task.context();
        context
            .trace()
            .annotate("tensor_wasm.policy.decision", || match &decision {
                Decision::Admitted { .. } => "admitted".into(),
                Decision::Refused { kind, .. } => SpanValue::of_text(kind),
            });
        context.decide(decision);
        Ok(task)
    }

    /// Records that the request is admitted for a tenant. Ends the guest where the tenant
    /// is refused what the component asks for, or has no memory left for the instance: in a
    /// composed component only this call comes between policy and application. So it also
    /// takes from the request what the application is not to see.
    pub(super) fn admit_request(
        &mut self,
        caller: Option<Principal>,
        tenant: u64,
    ) -> wasmtime::Result<()> {
        if self.gpu.refuses(tenant) {
            let error = HandleError::GpuRefused { tenant };
            let kind = error.kind().to_owned();
            let task = self.decide(Decision::Refused { caller, kind })?;
            task.fail(error);
            wasmtime::bail!("tenant {tenant} is refused the GPU, which the component imports");
        }
        let task = self.decide(Decision::Admitted { caller, tenant })?;
        // The first decision holds, and may have been another one.
        let tenant = task.context().tenant();
        let (table, limits) = (&mut *self.http.table, self.limits);
        let measure = || held_bytes(table, limits);
        if let Err(error) = self.account.serve(self.tenants, tenant, measure) {
            task.fail(error);
            wasmtime::bail!("there is no memory left for the tenant's request: {error}");
        }
        self.gpu.serve(tenant);
        if self.context.is_composite
            && let Some(tenant) = tenant
        {
            let keep = self.context.keep_authorization;
            incoming::rewrite(&mut self.http, |headers| {
                ForwardedHead::new(tenant, keep).apply(headers);
            })?;
        }
        Ok(())
    }
}

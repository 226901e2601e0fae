//! The data of an instance's store: the state of each capability, the request whose task
//! runs in the instance, and the instance's limits.

use crate::capability::account::InstanceAccount;
use crate::capability::config::ConfigView;
use crate::capability::gpu::{GpuContext, GpuCtxView, GpuView};
use crate::capability::http::{
    HttpAccountView, HttpLimits, Outgoing, RespondedView, SchemeView, held_bytes,
};
use crate::capability::next::{NextContext, NextCtxView, NextView};
use crate::capability::output::GuestOutput;
use crate::capability::policy::{ConfigReader, PolicyContext, PolicyCtxView, PolicyView};
use crate::capability::tenant_memory::TenantMemory;
use crate::journal::{AttachedJournal, Journal, JournalView};
use crate::request::{HandleError, RequestTask};
use http::uri::Scheme;
use std::any::Any;
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// How many WASI and GPU resources an instance can hold at one time. What the host holds for
/// them counts in the instance's account.
const RESOURCES: usize = 16_384;

/// What an element of a table takes, in bytes.
const TABLE_ELEMENT_BYTES: usize = size_of::<usize>();

/// The data of an instance's store.
pub(crate) struct InstanceState {
    pub(super) capabilities: CapabilityStates,
    http: WasiHttpCtx,
    table: ResourceTable,
    account: InstanceAccount,
    tenants: Arc<TenantMemory>,
    task: CurrentTask,
    /// Of the one request that the instance serves, where that is recorded or replayed.
    journal: Option<AttachedJournal>,
}

/// What the instance holds of each capability.
pub(crate) struct CapabilityStates {
    pub(super) wasi: WasiCtx,
    /// Where standard output and error go, with the name of the request.
    pub(super) output: GuestOutput,
    pub(super) outgoing: Outgoing,
    pub(super) config: ConfigReader,
    pub(super) gpu: GpuContext,
    pub(super) policy: PolicyContext,
    pub(super) next: NextContext,
}

/// The task of the request that runs in an instance. What depends on the request, such as
/// its tenant, is the task's and not the instance's.
///
/// At most one task runs at a time, so that the one is the caller of every host function.
/// Where an instance of WASI 0.3 runs several, this is where a call finds its own, by
/// `StoreContextMut::async_call_stack` and the id that a worker is given with each.
#[derive(Default)]
struct CurrentTask(Option<Arc<RequestTask>>);

impl CurrentTask {
    fn get(&self) -> Option<&Arc<RequestTask>> {
        self.0.as_ref()
    }
}

impl InstanceState {
    pub(super) fn new(
        capabilities: CapabilityStates,
        memory_bytes: usize,
        tenants: Arc<TenantMemory>,
        most_resources: Option<usize>,
    ) -> InstanceState {
        let mut table = ResourceTable::new();
        table.set_max_capacity(most_resources.unwrap_or(RESOURCES).min(RESOURCES));
        InstanceState {
            capabilities,
            http: WasiHttpCtx::new(),
            table,
            account: InstanceAccount::new(memory_bytes),
            tenants,
            task: CurrentTask::default(),
            journal: None,
        }
    }

    /// Its request is recorded or replayed.
    pub(super) fn with_journal(mut self, journal: Option<Arc<Journal>>) -> InstanceState {
        if journal.as_ref().is_some_and(|journal| journal.is_replay()) {
            self.capabilities.outgoing.send_nothing();
        }
        self.journal = journal.map(Journal::attach);
        self
    }

    /// Whether the memories or tables may grow by so many bytes.
    fn may_grow(&mut self, bytes: usize) -> bool {
        let limits = self.http_limits();
        let table = &mut self.table;
        self.account.grow(bytes, || held_bytes(table, limits))
    }

    /// The guest is interrupted for others to run.
    pub(super) fn gives_way(&self) {
        if let Some(task) = self.task.get() {
            task.run.mark_gave_way();
        }
    }

    /// Begins a request's task, which ends the one before.
    ///
    /// # Errors
    ///
    /// [`HandleError::TenantCapacityExhausted`]: the guest may not run.
    pub(super) fn begin(&mut self, task: Arc<RequestTask>) -> Result<(), HandleError> {
        let context = task.context();
        let tenant = context.tenant();
        let output = &self.capabilities.output;
        output.begin(context.request_id(), context.trace_id());
        self.capabilities.gpu.begin(&task);
        self.capabilities.outgoing.begin(task.clone());
        self.task = CurrentTask(Some(task));
        let limits = self.http_limits();
        let table = &mut self.table;
        self.account
            .serve(&self.tenants, tenant, || held_bytes(table, limits))
    }

    /// Ends the request's task: until the next one the instance is nobody's, and no tenant is
    /// charged for it. Returns whether the guest has given back what it had of the request: it
    /// holds no resources but the streams of its standard output, input and error.
    pub(super) fn rest(&mut self) -> bool {
        self.capabilities.output.flush();
        self.capabilities.gpu.serve(None);
        self.capabilities.outgoing.rest();
        self.task = CurrentTask::default();
        // Serving nobody is refused to nobody.
        let _ = self.account.serve(&self.tenants, None, || 0);
        // A stream of a body does not outlive the body.
        self.table
            .iter_mut()
            .all(|resource| resource.is::<DynOutputStream>() || resource.is::<DynInputStream>())
    }

    /// The resources of the host that the guest has handles of.
    pub(super) fn resources(&mut self) -> impl Iterator<Item = &mut (dyn Any + Send)> {
        self.table.iter_mut()
    }

    /// Whether what the instance may remember of the operator's settings holds.
    pub(super) fn has_current_settings(&mut self) -> bool {
        self.capabilities.config.is_as_at_start()
    }
}

/// All memories and tables of the instance share one limit. A growth that fails later, since
/// the system refuses it, stays counted.
impl ResourceLimiter for InstanceState {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grows = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(grows && self.may_grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let grows = maximum.is_none_or(|maximum| desired <= maximum);
        let elements = desired.saturating_sub(current);
        Ok(grows && self.may_grow(elements.saturating_mul(TABLE_ELEMENT_BYTES)))
    }
}

impl HttpAccountView for InstanceState {
    fn http_limits(&self) -> HttpLimits {
        self.capabilities.outgoing.limits()
    }

    fn reserve(&mut self, bytes: usize) -> wasmtime::Result<()> {
        let limits = self.http_limits();
        let table = &mut self.table;
        self.account.reserve(bytes, || held_bytes(table, limits))?;
        Ok(())
    }
}

impl JournalView for InstanceState {
    fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref().map(AttachedJournal::journal)
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.capabilities.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.capabilities.outgoing,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl RespondedView for InstanceState {
    fn has_responded(&self) {
        if let Some(task) = self.task.get() {
            task.run.mark_responded();
        }
    }
}

impl SchemeView for InstanceState {
    fn scheme(&self) -> Option<&Scheme> {
        self.task.get()?.context().scheme()
    }
}

impl ConfigView for InstanceState {
    fn config(&mut self) -> &WasiConfigVariables {
        self.capabilities.config.variables()
    }
}

impl GpuView for InstanceState {
    fn gpu(&mut self) -> GpuCtxView<'_> {
        GpuCtxView {
            task: self.task.get(),
            context: &mut self.capabilities.gpu,
            table: &mut self.table,
            output: &self.capabilities.output,
        }
    }
}

impl PolicyView for InstanceState {
    fn policy(&mut self) -> PolicyCtxView<'_> {
        PolicyCtxView {
            context: &self.capabilities.policy,
            gpu: &mut self.capabilities.gpu,
            account: &mut self.account,
            tenants: &self.tenants,
            limits: self.capabilities.outgoing.limits(),
            http: WasiHttpCtxView {
                hooks: &mut self.capabilities.outgoing,
                table: &mut self.table,
                ctx: &mut self.http,
            },
            task: self.task.get().map(|task| &**task),
        }
    }
}

impl NextView for InstanceState {
    fn next(&mut self) -> NextCtxView<'_> {
        NextCtxView {
            context: &self.capabilities.next,
            task: self.task.get(),
        }
    }
}

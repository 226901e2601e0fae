//! What the store of one instance holds: the contexts of every capability, and
//! the instance's limits.

use crate::gpu::GpuContext;
use crate::network::Outgoing;
use crate::output::GuestOutput;
use crate::policy::PolicyContext;
use wasmtime::component::ResourceTable;
use wasmtime::{StoreLimits, StoreLimitsBuilder};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// How many WASI and GPU resources an instance can hold at one time. Each is memory
/// of the host, up to 128 KiB where it is a set of header fields.
const RESOURCES: usize = 16_384;

/// The data of an instance's store.
pub(crate) struct InstanceState {
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) hooks: Outgoing,
    pub(crate) table: ResourceTable,
    pub(crate) limits: StoreLimits,
    pub(crate) gpu: GpuContext,
    pub(crate) policy: PolicyContext,
    /// Where standard output and error go, told which request they belong to.
    pub(crate) output: GuestOutput,
}

impl InstanceState {
    pub(crate) fn new(
        wasi: WasiCtx,
        gpu: GpuContext,
        policy: PolicyContext,
        outgoing: Outgoing,
        output: GuestOutput,
        memory_bytes: usize,
    ) -> InstanceState {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        InstanceState {
            wasi,
            http: WasiHttpCtx::new(),
            hooks: outgoing,
            table,
            limits: StoreLimitsBuilder::new().memory_size(memory_bytes).build(),
            gpu,
            policy,
            output,
        }
    }
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

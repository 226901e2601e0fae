//! Makes the stores of an application's instances.

use super::state::{CapabilityStates, InstanceState};
use crate::capability::registry::Capabilities;
use crate::capability::shape::CapabilityModule;
use crate::capability::sockets::Sockets;
use crate::capability::tenant_memory::TenantMemory;
use crate::capability::wasi::Wasi;
use crate::engine::Engine;
use crate::journal::Journal;
use std::sync::Arc;
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::WasiCtxBuilder;

/// How many tasks, streams and futures an instance of WASI 0.3 can have at one time. Each takes
/// some kilobytes of the host's memory.
const CONCURRENT_RESOURCES: usize = 16_384;

/// Makes the stores of an application's instances.
pub(crate) struct InstanceFactory {
    engine: Engine,
    capabilities: Capabilities,
    tenants: Arc<TenantMemory>,
}

impl InstanceFactory {
    pub(crate) fn new(
        engine: Engine,
        capabilities: Capabilities,
        tenants: Arc<TenantMemory>,
    ) -> InstanceFactory {
        InstanceFactory {
            engine,
            capabilities,
            tenants,
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What all instances of each tenant have of this machine's memory.
    pub(crate) fn tenants(&self) -> &TenantMemory {
        &self.tenants
    }

    /// A store for one instance, with the state of each capability, and the journal of its request.
    pub(super) fn store(
        &self,
        journal: Option<Arc<Journal>>,
    ) -> wasmtime::Result<Store<InstanceState>> {
        let states = self.capability_states()?;
        let memory_bytes = self.engine.instance_memory_bytes();
        let most_resources = self.capabilities.filesystem.most_resources();
        let tenants = self.tenants.clone();
        let state =
            InstanceState::new(states, memory_bytes, tenants, most_resources).with_journal(journal);
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| state);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(CONCURRENT_RESOURCES);
        }
        store.epoch_deadline_callback(|store| {
            store.data().gives_way();
            Ok(UpdateDeadline::Yield(1))
        });
        store.set_epoch_deadline(1);
        Ok(store)
    }

    fn capability_states(&self) -> wasmtime::Result<CapabilityStates> {
        let from = &self.capabilities;
        let mut wasi = WasiCtxBuilder::new();
        let output = Wasi.instantiate(&mut wasi)?;
        if let Some(sink) = &from.output {
            output.set_sink(sink.clone());
        }
        from.environment.instantiate(&mut wasi)?;
        from.filesystem.instantiate(&mut wasi)?;
        Sockets.instantiate(&mut wasi)?;
        Ok(CapabilityStates {
            output,
            outgoing: from.http.instantiate(&mut wasi)?,
            config: from.config.instantiate(&mut wasi)?,
            gpu: from.gpu.instantiate(&mut wasi)?,
            policy: from.policy.instantiate(&mut wasi)?,
            next: from.next.instantiate(&mut wasi)?,
            wasi: wasi.build(),
        })
    }
}

//! What the configuration grants tenants, as the host takes it. `options` is what the options of
//! `serve` say of each of them.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use tensor_wasm_device::Limits;
use tensor_wasm_node::grants::Tenant;
use tensor_wasm_runtime::ProcessorShare;

use crate::config::{TenantGrant, Tenants};

/// The tenants that have a table of their own. Each limit is the table's, else the default
/// tenant's, else that of the options.
pub fn listed(tenants: &Tenants, options: &Tenant) -> BTreeMap<u64, Tenant> {
    tenants
        .by_id
        .keys()
        .map(|&id| (id, tenant(tenants.of(id), options)))
        .collect()
}

/// Each other tenant: the default tenant's limits, else those of the options.
pub fn others(tenants: &Tenants, options: &Tenant) -> Tenant {
    tenant(tenants.default.clone(), options)
}

fn tenant(grant: TenantGrant, options: &Tenant) -> Tenant {
    let limits = &options.limits;
    Tenant {
        name: grant.name,
        gpu: grant.gpu.unwrap_or(options.gpu),
        memory_bytes: grant.tenant_memory_bytes.or(options.memory_bytes),
        processors: ProcessorShare {
            weight: grant.cpu_share.unwrap_or(options.processors.weight),
            limit_ms_per_second: grant
                .tenant_cpu
                .map(|processors| processors.0)
                .or(options.processors.limit_ms_per_second),
        },
        limits: Limits {
            memory_bytes: grant
                .gpu_memory_bytes
                .map_or(limits.memory_bytes, NonZeroU64::get),
            host_bytes: grant
                .gpu_host_memory_bytes
                .map_or(limits.host_bytes, NonZeroU64::get),
            modules: grant.gpu_modules.map_or(limits.modules, Into::into),
            queues: grant.gpu_queues.map_or(limits.queues, Into::into),
            launches_in_flight: grant
                .gpu_launches_in_flight
                .map_or(limits.launches_in_flight, Into::into),
            kernel_time: grant.kernel_timeout.unwrap_or(limits.kernel_time),
            launches_per_second: grant.gpu_launches_per_second.or(limits.launches_per_second),
            share: grant.gpu_share.unwrap_or(limits.share),
            ..limits.clone()
        },
    }
}

//! What the configuration grants tenants, as the host takes it.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use tensor_wasm_device::Limits;
use tensor_wasm_node::grants::Tenant;
use tensor_wasm_runtime::Grant;

use crate::config::{TenantGrant, Tenants};

/// The tenants that have a table of their own. Each limit is the table's, else the default
/// tenant's, else that of the options.
pub fn listed(tenants: &Tenants, gpu: Grant, limits: &Limits) -> BTreeMap<u64, Tenant> {
    tenants
        .by_id
        .keys()
        .map(|&id| (id, tenant(tenants.of(id), gpu, limits)))
        .collect()
}

/// Each other tenant: the default tenant's limits, else those of the options.
pub fn others(tenants: &Tenants, gpu: Grant, limits: &Limits) -> Tenant {
    tenant(tenants.default.clone(), gpu, limits)
}

fn tenant(grant: TenantGrant, gpu: Grant, limits: &Limits) -> Tenant {
    Tenant {
        name: grant.name,
        gpu: grant.gpu.unwrap_or(gpu),
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

//! What the configuration says of tenants, as the node takes it.

use std::num::NonZeroU64;

use tensor_wasm_device::{Device, Limits};
use tensor_wasm_node::grants::{Tenant, TenantGrants};
use tensor_wasm_runtime::Grant;

use crate::config::{TenantGrant, Tenants};

/// The grants of all tenants: each limit as the tenant's table says, else as that of
/// the default tenant, else as the options of `serve`.
pub(super) fn grants(
    device: Option<Device>,
    tenants: &Tenants,
    gpu: Grant,
    limits: &Limits,
) -> TenantGrants {
    let tenant = |grant| tenant(grant, gpu, limits);
    let listed = tenants
        .by_id
        .keys()
        .map(|&id| (id, tenant(tenants.of(id))))
        .collect();
    TenantGrants::new(device, tenant(tenants.default.clone()), listed)
}

fn tenant(grant: TenantGrant, gpu: Grant, limits: &Limits) -> Tenant {
    Tenant {
        name: grant.name,
        gpu: grant.gpu.unwrap_or(gpu),
        limits: Limits {
            memory_bytes: grant
                .gpu_memory_bytes
                .map_or(limits.memory_bytes, NonZeroU64::get),
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

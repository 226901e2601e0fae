//! Which tenant has which grant of the GPU. One function may serve many tenants; on
//! whose account it computes is known once a policy has admitted the request.

use super::GpuGrant;

/// How a component that imports `tensor:gpu/*` stands, before any tenant is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// At least one tenant may use the GPU.
    Granted,
    /// No tenant may, and each call answers `error.denied`.
    Denied,
    /// No tenant may have the component at all.
    Refused {
        /// Who they are, for the error.
        tenants: String,
    },
}

/// The grants of all tenants.
///
/// Called on the threads that serve HTTP, once for a request that opens the device: it
/// may not block.
pub trait GpuGrants: Send + Sync {
    /// What a tenant may do. Tenant 0 is the one of a host without policies.
    fn of(&self, tenant: u64) -> GpuGrant;

    /// Whether [`GpuGrants::of`] is [`GpuGrant::Refused`], without making anything.
    fn is_refused(&self, tenant: u64) -> bool;

    /// What to make of a component when it is loaded for all tenants.
    fn standing(&self) -> Standing;

    /// What to make of one that is loaded for this tenant alone.
    fn standing_of(&self, tenant: u64) -> Standing {
        match self.of(tenant) {
            GpuGrant::Granted(_) => Standing::Granted,
            GpuGrant::Denied => Standing::Denied,
            GpuGrant::Refused => Standing::Refused {
                tenants: format!("tenant {tenant}"),
            },
        }
    }
}

/// The same for each tenant, on one account: for a host of one tenant.
impl GpuGrants for GpuGrant {
    fn of(&self, _tenant: u64) -> GpuGrant {
        self.clone()
    }

    fn is_refused(&self, _tenant: u64) -> bool {
        matches!(self, GpuGrant::Refused)
    }

    fn standing(&self) -> Standing {
        self.standing_of(0)
    }
}

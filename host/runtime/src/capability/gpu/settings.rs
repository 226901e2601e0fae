//! What an operator sets: which tenant has which grant of the GPU. One function may serve
//! many tenants; which one it computes for is known once a policy has admitted the
//! request.

use crate::grant::{Grant, LoadDecision};
use std::sync::Arc;
use tensor_wasm_device::{Lease, MemoryMeter, Residency, Session};

/// What a tenant may do with the GPU.
pub type GpuGrant = Grant<GpuAccess>;

/// A function's own part of its tenant's session.
#[derive(Clone)]
pub struct GpuAccess {
    session: Session,
    residency: Arc<Residency>,
    /// Meters what the function holds of the device's memory.
    memory: Option<MemoryMeter>,
    /// Keeps the access that this one was made of from being idle.
    _whole: Option<Arc<Residency>>,
}

impl GpuAccess {
    /// Grants a function the use of its tenant's session, with a residency of its own.
    pub fn new(session: Session) -> GpuAccess {
        let residency = Arc::new(session.residency());
        GpuAccess {
            session,
            residency,
            memory: None,
            _whole: None,
        }
    }

    /// Grants another function the use of the same session, with a residency of its own and a
    /// meter of the device memory that it holds. For as long as it lives, this access is not idle.
    pub fn for_function(&self, memory: MemoryMeter) -> GpuAccess {
        GpuAccess {
            memory: Some(memory),
            _whole: Some(self.residency.clone()),
            ..GpuAccess::new(self.session.clone())
        }
    }

    /// The tenant's session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// A hold on the session for work of the host on the function's buffers. What is allocated through
    /// it is the function's.
    pub fn lease(&self) -> Lease {
        let lease = self.session.lease();
        match &self.memory {
            Some(meter) => lease.with_memory_meter(meter.clone()),
            None => lease,
        }
    }

    /// What meters the memory that the function holds.
    pub(super) fn memory(&self) -> Option<&MemoryMeter> {
        self.memory.as_ref()
    }

    /// The buffers that the function keeps on the device.
    pub fn residency(&self) -> &Residency {
        &self.residency
    }

    /// Whether nothing would be lost with it: no instance has the device open through it
    /// or a clone, and no buffer is kept on the device.
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.residency) == 1 && self.session.is_idle()
    }
}

/// The grants of all tenants.
///
/// Called on the threads that serve HTTP, once for a request that opens the device: it
/// may not block.
pub trait GpuGrants: Send + Sync {
    /// What a tenant may do. Tenant 0 is the one of a host without policies.
    fn of(&self, tenant: u64) -> GpuGrant;

    /// Whether [`GpuGrants::of`] is [`Grant::Refused`], without creating a session.
    fn is_refused(&self, tenant: u64) -> bool;

    /// What becomes of a component that imports the GPU and is loaded for all tenants.
    fn load_decision(&self) -> LoadDecision;

    /// What becomes of one that is loaded for this tenant alone.
    fn load_decision_of(&self, tenant: u64) -> LoadDecision {
        match self.of(tenant).decision() {
            Grant::Refused => LoadDecision::refused(format!("tenant {tenant}")),
            grant => LoadDecision::granted_if(grant == Grant::Granted(())),
        }
    }
}

/// The same grant for each tenant, in one session: for a host of one tenant.
impl GpuGrants for GpuGrant {
    fn of(&self, _tenant: u64) -> GpuGrant {
        self.clone()
    }

    fn is_refused(&self, _tenant: u64) -> bool {
        matches!(self, Grant::Refused)
    }

    fn load_decision(&self) -> LoadDecision {
        self.load_decision_of(0)
    }
}

//! One tenant's use of a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::Account;
use crate::backend::SessionBackend;
use crate::identity::SessionId;
use crate::tenant::Tenant;
use crate::{Device, Limits, Residency, Usage};

/// One tenant's use of a device: its memory, its limits, its share of the time.
/// Clones are the same session.
///
/// A session costs the host a few hundred bytes and no thread, so it may be
/// opened with a tenant's first request and dropped once it is
/// [idle](Session::is_idle).
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) shared: Arc<SessionShared>,
}

/// What the instances of one tenant share. Every queue holds it, so that work
/// may outlive the [`Session`].
#[derive(Debug)]
pub(crate) struct SessionShared {
    pub(crate) device: Device,
    pub(crate) backend: Arc<dyn SessionBackend>,
    /// With the scheduler of the device's compiler.
    pub(crate) compiler_id: SessionId,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) leases: AtomicU64,
}

impl Drop for SessionShared {
    fn drop(&mut self) {
        let compiler = &self.device.shared.compiler;
        compiler.remove_session(self.compiler_id);
    }
}

impl Device {
    /// Opens the session of a tenant that has a name, which its worker is known by in
    /// the log, and its compiled modules on the disk.
    pub fn session_of(&self, tenant: &str, limits: Limits) -> Session {
        Session::new(self, tenant, limits)
    }

    /// Opens a tenant's session. The tenant sees nothing of other sessions, of
    /// the same tenant or of another.
    pub fn session(&self, limits: Limits) -> Session {
        Session::new(self, "", limits)
    }
}

impl Session {
    fn new(device: &Device, name: &str, limits: Limits) -> Session {
        let of = &device.shared;
        let compiler_id = of.compiler.add_session(limits.share);
        let tenant = Arc::new(Tenant::new(Account::new(limits, of.timer.now())));
        let shared = SessionShared {
            device: device.clone(),
            backend: of.backend.open_session(&tenant, name, compiler_id),
            compiler_id,
            tenant,
            leases: AtomicU64::new(0),
        };
        Session {
            shared: Arc::new(shared),
        }
    }

    /// What the session uses now. Buffers that a [`Residency`] keeps are used.
    pub fn usage(&self) -> Usage {
        self.shared.tenant.account.usage()
    }

    /// The device memory that the session has held until now, times how long it has held it,
    /// in bytes times nanoseconds: the integral of [`Usage::memory_bytes`] over time. Memory is
    /// the session's and no request's, since buffers may outlive the request that made them.
    pub fn memory_byte_nanoseconds(&self) -> u128 {
        self.shared.tenant.account.memory_byte_nanoseconds()
    }

    /// Whether nothing would be lost if the session were dropped and opened
    /// again when its tenant next comes: nothing is used of any limit, and no
    /// [`Lease`](crate::Lease) is held, which an instance has before it uses anything.
    ///
    /// A host that drops idle sessions asks under the lock under which it takes
    /// leases. With the session go its [residencies](Session::residency): one
    /// that is kept refuses the buffers of the next session.
    pub fn is_idle(&self) -> bool {
        self.shared.leases.load(Ordering::Acquire) == 0 && self.usage() == Usage::default()
    }

    /// Names for buffers that outlive the instances of one function. They count
    /// against this session for as long as they are kept.
    pub fn residency(&self) -> Residency {
        Residency::new(&self.shared.tenant)
    }
}

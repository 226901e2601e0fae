//! One tenant's use of a device.

use std::sync::Arc;

use crate::account::Account;
use crate::cpu::{Scheduler, SessionId};
use crate::memory::AddressMap;
use crate::{Device, Lease, Limits, Residency, Usage};

/// One tenant's use of a device: its memory, its limits, its share of the time.
/// Clones are the same session.
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
}

/// What the instances of one tenant share. Every queue holds it, so that work
/// may outlive the [`Session`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) device: Device,
    pub(crate) id: SessionId,
    pub(crate) tenant: Arc<Tenant>,
}

/// What a tenant holds on the device.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) account: Arc<Account>,
    pub(crate) map: AddressMap,
    pub(crate) scheduler: Arc<Scheduler>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.device.shared.scheduler.remove_session(self.id);
    }
}

impl Session {
    pub(crate) fn new(device: &Device, limits: Limits) -> Session {
        let account = Account::new(limits, Arc::clone(&device.shared.memory));
        let tenant = Tenant {
            account: Arc::new(account),
            map: AddressMap::new(),
            scheduler: Arc::clone(&device.shared.scheduler),
        };
        let shared = Shared {
            device: device.clone(),
            id: device.shared.scheduler.add_session(),
            tenant: Arc::new(tenant),
        };
        Session {
            shared: Arc::new(shared),
        }
    }

    /// A hold on the session for one component instance.
    pub fn lease(&self) -> Lease {
        Lease::new(&self.shared)
    }

    /// What the session uses now.
    pub fn usage(&self) -> Usage {
        self.shared.tenant.account.usage()
    }

    /// Names for buffers that outlive the instances of one function. They count
    /// against this session for as long as they are kept.
    pub fn residency(&self) -> Residency {
        Residency::new(&self.shared.tenant)
    }
}

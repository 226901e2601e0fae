//! One tenant's use of a device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::account::{Account, Room, Total};
use crate::cpu::SessionId;
use crate::janitor::Janitor;
use crate::memory::AddressMap;
use crate::remote::{Slot, Worker};
use crate::{Device, Lease, Limits, Output, Residency, Usage};

/// One tenant's use of a device: its memory, its limits, its share of the time.
/// Clones are the same session.
///
/// A session costs the host a few hundred bytes and no thread, so it may be
/// opened with a tenant's first request and dropped once it is
/// [idle](Session::is_idle).
#[derive(Clone, Debug)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
}

/// What the instances of one tenant share. Every queue holds it, so that work
/// may outlive the [`Session`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) device: Device,
    /// With the device's scheduler.
    pub(crate) id: SessionId,
    /// With the compiler's.
    pub(crate) compiler_id: SessionId,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) leases: AtomicU64,
    /// The tenant's name, which may be empty.
    name: String,
    /// Its worker, where the device has any.
    worker: tokio::sync::Mutex<Slot>,
}

impl Shared {
    /// The tenant's worker, started if need be, where the device has any. Whoever gets
    /// it owes a [`leave`](Worker::leave).
    ///
    /// # Errors
    /// [`Error::DeviceLost`](crate::Error::DeviceLost) where none can be had.
    pub(crate) async fn worker(&self) -> Result<Option<Arc<Worker>>, crate::Error> {
        let device = &self.device.shared;
        let Some(workers) = &device.workers else {
            return Ok(None);
        };
        let limits = self.tenant.account.limits();
        workers
            .get(&self.worker, &device.timer, &self.name, limits)
            .await
            .map(Some)
    }
}

/// What a tenant holds on the device.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) account: Arc<Account>,
    pub(crate) map: AddressMap,
    pub(crate) janitor: Arc<Janitor>,
    total: Arc<Total>,
}

impl Tenant {
    /// Room on the device; `None` where it is full, also once all is given back
    /// that was freed already.
    pub(crate) fn room(&self, bytes: u64) -> Option<Room> {
        if bytes > self.total.limit {
            return None;
        }
        // No more than there is now: others may free as fast as we help.
        let mut attempts = self.janitor.backlog();
        loop {
            match self.total.take(bytes) {
                Some(room) => return Some(room),
                None if attempts > 0 && self.janitor.help() => attempts -= 1,
                // The last of it may have gone between the two calls.
                None => return self.total.take(bytes),
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let device = &self.device.shared;
        device.scheduler.remove_session(self.id);
        device.compiler.remove_session(self.compiler_id);
    }
}

impl Session {
    pub(crate) fn new(device: &Device, name: &str, limits: Limits) -> Session {
        let of = &device.shared;
        let share = limits.share;
        let tenant = Tenant {
            account: Arc::new(Account::new(limits, of.timer.now())),
            map: AddressMap::new(of.checks),
            janitor: Arc::clone(&of.janitor),
            total: Arc::clone(&of.memory),
        };
        let shared = Shared {
            device: device.clone(),
            id: of.scheduler.add_session(share),
            compiler_id: of.compiler.add_session(share),
            tenant: Arc::new(tenant),
            leases: AtomicU64::new(0),
            name: name.to_owned(),
            worker: tokio::sync::Mutex::default(),
        };
        Session {
            shared: Arc::new(shared),
        }
    }

    /// A hold on the session for one component instance. What its kernels print is
    /// dropped.
    pub fn lease(&self) -> Lease {
        Lease::new(&self.shared, None)
    }

    /// A hold on the session for one component instance, whose kernels print here. What
    /// kernels in a process of their own print is logged, with the tenant's name.
    pub fn lease_printing(&self, output: Arc<dyn Output>) -> Lease {
        Lease::new(&self.shared, Some(output))
    }

    /// What the session uses now. Buffers that a [`Residency`] keeps are used.
    pub fn usage(&self) -> Usage {
        self.shared.tenant.account.usage()
    }

    /// Whether nothing would be lost if the session were dropped and opened
    /// again when its tenant next comes: nothing is used of any limit, and no
    /// [`Lease`] is held, which an instance has before it uses anything.
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

//! Quota accounting behind [`Limits`]. What a tenant uses is a [`QuotaCharge`], which
//! gives back what it took when it is dropped, so that no path, an error or a
//! cancelled instance included, can leak quota.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::{OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock, Semaphore};

use crate::memory_meter::MemoryMeter;
use crate::rate::{RateLimit, RatePermit};
use crate::timer::Timer;
use crate::{Error, Limits, Usage};

/// What [`Account::charge`] counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource {
    Memory,
    HostMemory,
    Buffers,
    Modules,
    Queues,
    Events,
}

impl Resource {
    fn name(self) -> &'static str {
        match self {
            Resource::Memory => "memory in bytes",
            Resource::HostMemory => "host memory of modules in bytes",
            Resource::Buffers => "buffers",
            Resource::Modules => "modules",
            Resource::Queues => "queues",
            Resource::Events => "events",
        }
    }

    fn limit(self, limits: &Limits) -> u64 {
        match self {
            Resource::Memory => limits.memory_bytes,
            Resource::HostMemory => limits.host_bytes,
            Resource::Buffers => limits.buffers.into(),
            Resource::Modules => limits.modules.into(),
            Resource::Queues => limits.queues.into(),
            Resource::Events => limits.events.into(),
        }
    }
}

/// The accounting of the whole device's memory, which all tenants share.
#[derive(Debug)]
pub(crate) struct DeviceMemory {
    pub(crate) limit: u64,
    used: AtomicU64,
}

impl DeviceMemory {
    pub(crate) fn new(limit: u64) -> DeviceMemory {
        DeviceMemory {
            limit,
            used: AtomicU64::new(0),
        }
    }

    /// In bytes.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Acquire)
    }

    /// Reserves `bytes` bytes; `None` where the device has no room for them.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Option<Reservation> {
        take(&self.used, self.limit, bytes).ok()?;
        Some(Reservation {
            memory: Arc::clone(self),
            bytes,
        })
    }
}

/// Device memory that is reserved until this is dropped: after the memory itself,
/// which may be later than the tenant's own charge for it.
#[derive(Debug)]
pub(crate) struct Reservation {
    memory: Arc<DeviceMemory>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// One tenant's account.
#[derive(Debug)]
pub(crate) struct Account {
    limits: Limits,
    memory: AtomicU64,
    memory_meter: MemoryMeter,
    host_memory: AtomicU64,
    buffers: AtomicU64,
    modules: AtomicU64,
    queues: AtomicU64,
    events: AtomicU64,
    commands: Arc<Semaphore>,
    /// Counts the launches.
    launches: AtomicU64,
    /// Held exclusively while commands are held back.
    admission: Arc<RwLock<()>>,
    /// In units of [`STAGED_UNIT`].
    staged: Arc<Semaphore>,
    staged_units: u32,
    rate: Option<RateLimit>,
}

/// A semaphore counts to less than 2³² at once; in steps of 64 bytes that is
/// more than any host stages.
const STAGED_UNIT: u64 = 64;

impl Account {
    pub(crate) fn new(limits: Limits, now: Instant) -> Account {
        let commands = most_commands(&limits);
        let staged_units = u32::try_from(limits.staged_bytes.div_ceil(STAGED_UNIT))
            .unwrap_or(u32::MAX)
            .clamp(1, 1 << 28);
        Account {
            rate: limits
                .launches_per_second
                .map(|per_second| RateLimit::new(per_second, now)),
            limits,
            memory: AtomicU64::new(0),
            memory_meter: MemoryMeter::default(),
            host_memory: AtomicU64::new(0),
            buffers: AtomicU64::new(0),
            modules: AtomicU64::new(0),
            queues: AtomicU64::new(0),
            events: AtomicU64::new(0),
            commands: Arc::new(Semaphore::new(commands as usize)),
            launches: AtomicU64::new(0),
            admission: Arc::default(),
            staged: Arc::new(Semaphore::new(staged_units as usize)),
            staged_units,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    fn counter(&self, resource: Resource) -> &AtomicU64 {
        match resource {
            Resource::Memory => &self.memory,
            Resource::HostMemory => &self.host_memory,
            Resource::Buffers => &self.buffers,
            Resource::Modules => &self.modules,
            Resource::Queues => &self.queues,
            Resource::Events => &self.events,
        }
    }

    /// Charges `amount` of a resource until the charge is dropped.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub(crate) fn charge(
        self: &Arc<Self>,
        resource: Resource,
        amount: u64,
    ) -> Result<QuotaCharge, Error> {
        let limit = resource.limit(&self.limits);
        take(self.counter(resource), limit, amount).map_err(|requested| Error::QuotaExceeded {
            resource: resource.name(),
            limit,
            requested,
        })?;
        Ok(QuotaCharge {
            account: Arc::clone(self),
            resource,
            amount,
        })
    }

    /// Waits until the tenant's rate allows another launch; `None` where there is no
    /// such limit. While the permit is held other launches wait.
    pub(crate) async fn rate_permit<'a>(&'a self, timer: &'a Timer) -> Option<RatePermit<'a>> {
        match &self.rate {
            None => None,
            Some(rate) => Some(rate.permit(timer).await),
        }
    }

    /// Waits until the tenant may queue one more command that makes the host
    /// hold `staged_bytes`.
    ///
    /// # Errors
    /// None in practice: the semaphores are never closed.
    pub(crate) async fn in_flight_permit(
        &self,
        staged_bytes: u64,
    ) -> Result<InFlightPermit, Error> {
        let _admitted = self.admission.read().await;
        let command = Arc::clone(&self.commands).acquire_owned().await;
        let command = command.map_err(|_| Error::lease_ended())?;
        let units = u32::try_from(staged_bytes.div_ceil(STAGED_UNIT))
            .unwrap_or(u32::MAX)
            .min(self.staged_units);
        let staged = if units == 0 {
            None
        } else {
            let staged = Arc::clone(&self.staged).acquire_many_owned(units).await;
            Some(staged.map_err(|_| Error::lease_ended())?)
        };
        Ok(InFlightPermit {
            _command: command,
            _staged: staged,
        })
    }

    /// A launch is about to be queued.
    pub(crate) fn count_launch(&self) {
        self.launches.fetch_add(1, Ordering::AcqRel);
    }

    /// How many launches there were.
    pub(crate) fn launches(&self) -> u64 {
        self.launches.load(Ordering::Acquire)
    }

    /// Holds back the commands that come from now on, and waits until none is queued or runs. They go
    /// on when the pause is dropped, also where it is not waited for.
    ///
    /// # Errors
    /// None in practice: the semaphores are never closed.
    pub(crate) async fn pause(&self) -> Result<Pause, Error> {
        let held_back = Arc::clone(&self.admission).write_owned().await;
        let all = most_commands(&self.limits);
        let ended = self.commands.acquire_many(all).await;
        drop(ended.map_err(|_| Error::lease_ended())?);
        Ok(Pause {
            _held_back: held_back,
        })
    }

    pub(crate) fn memory_used(&self) -> u64 {
        self.memory.load(Ordering::Acquire)
    }

    /// The device memory that was held until now, times how long it was, in bytes times
    /// nanoseconds.
    pub(crate) fn memory_byte_nanoseconds(&self) -> u128 {
        self.memory_meter.byte_nanoseconds()
    }

    /// Meters the memory of the tenant.
    pub(crate) fn memory_meter(&self) -> &MemoryMeter {
        &self.memory_meter
    }

    pub(crate) fn usage(&self) -> Usage {
        let of = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        let commands = (most_commands(&self.limits) as usize)
            .saturating_sub(self.commands.available_permits());
        let staged = (self.staged_units as usize).saturating_sub(self.staged.available_permits());
        Usage {
            memory_bytes: of(&self.memory),
            host_bytes: of(&self.host_memory),
            buffers: of(&self.buffers),
            modules: of(&self.modules),
            queues: of(&self.queues),
            events: of(&self.events),
            launches_in_flight: commands as u64,
            staged_bytes: staged as u64 * STAGED_UNIT,
        }
    }
}

/// How many commands may be queued or running, a number.
fn most_commands(limits: &Limits) -> u32 {
    limits.launches_in_flight.clamp(1, 1 << 28)
}

/// Holds back a tenant's commands until it is dropped.
#[derive(Debug)]
pub(crate) struct Pause {
    _held_back: OwnedRwLockWriteGuard<()>,
}

/// Adds `amount` to `used` unless that passes `limit`; the sum, if it does.
fn take(used: &AtomicU64, limit: u64, amount: u64) -> Result<(), u64> {
    used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
        used.checked_add(amount).filter(|sum| *sum <= limit)
    })
    .map(|_| ())
    .map_err(|used| used.saturating_add(amount))
}

/// An amount of a resource, charged to an account until this is dropped.
#[derive(Debug)]
pub(crate) struct QuotaCharge {
    account: Arc<Account>,
    resource: Resource,
    amount: u64,
}

impl Drop for QuotaCharge {
    fn drop(&mut self) {
        self.account
            .counter(self.resource)
            .fetch_sub(self.amount, Ordering::AcqRel);
    }
}

/// Permission for one command to be queued or running, given back when the command is
/// done or dropped.
#[derive(Debug)]
pub(crate) struct InFlightPermit {
    _command: OwnedSemaphorePermit,
    _staged: Option<OwnedSemaphorePermit>,
}

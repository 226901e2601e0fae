//! What an operator grants a tenant on a device, and how much of it is in use.

use std::num::NonZeroU32;
use std::time::Duration;

/// The limits of one tenant's session.
///
/// A call that would go past one of the first six fails with
/// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded). At the three after
/// those, calls that queue work wait instead, until there is room or their
/// lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Device memory, in bytes: buffers, and the variables of loaded modules. 1 GiB.
    pub memory_bytes: u64,
    /// Memory of the host that loaded modules take, in bytes, about: what was parsed, and what
    /// running their kernels adds. A text counts once, however often it is loaded. 512 MiB.
    pub host_bytes: u64,
    /// Allocations of device memory, a number, whatever their size: each costs
    /// the host some bookkeeping, one of zero bytes included. 4096.
    pub buffers: u32,
    /// Loaded modules, a number. 64.
    pub modules: u32,
    /// Queues, a number, those included whose handle is gone but whose work is
    /// not. 16.
    pub queues: u32,
    /// Events, a number. 4096.
    pub events: u32,
    /// Commands queued or running, a number: launches and, since each takes host
    /// memory too, copies, events and loads. Zero counts as one. 1024.
    pub launches_in_flight: u32,
    /// Bytes that the host holds for queued writes, reads, arguments of launches and
    /// module texts, counted in steps of 64. What is larger than all of it goes alone. 64 MiB.
    pub staged_bytes: u64,
    /// Launches queued per second, over all instances. After a second without
    /// any, as many as this may go at once: in any `t` seconds there are at most
    /// `launches_per_second * (1 + t)`. `None` sets no limit. None.
    pub launches_per_second: Option<NonZeroU32>,
    /// How long one launch may run. Only time in which at least one of the
    /// device's threads works on it counts. 10 s.
    pub kernel_time: Duration,
    /// The session's weight beside others, a number without unit. Sessions that
    /// have work for every thread of the device get its time in the ratio of
    /// their shares; what one does not use goes to the others, and is not owed
    /// later. 100, so that there is room for less.
    pub share: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 1 << 30,
            host_bytes: 512 << 20,
            buffers: 4096,
            modules: 64,
            queues: 16,
            events: 4096,
            launches_in_flight: 1024,
            staged_bytes: 64 << 20,
            launches_per_second: None,
            kernel_time: Duration::from_secs(10),
            share: DEFAULT_SHARE,
        }
    }
}

const DEFAULT_SHARE: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

/// What a tenant's session uses now, in the units of [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Device memory, in bytes, with the buffers that a
    /// [`Residency`](crate::Residency) keeps.
    pub memory_bytes: u64,
    /// Memory of the host that loaded modules take, in bytes, about.
    pub host_bytes: u64,
    /// Allocations of device memory, a number.
    pub buffers: u64,
    /// Loaded modules, a number.
    pub modules: u64,
    /// Queues, a number.
    pub queues: u64,
    /// Events, a number.
    pub events: u64,
    /// Commands queued or running, a number.
    pub launches_in_flight: u64,
    /// Bytes that the host holds for queued writes, reads, arguments of launches and
    /// module texts, in steps of 64.
    pub staged_bytes: u64,
}

//! What an operator grants a tenant on a device, and how much of it is in use.

use std::time::Duration;

/// The limits of one tenant's session. A call that would go past one of the
/// first five fails with [`Error::QuotaExceeded`](crate::Error::QuotaExceeded);
/// at the two after those, calls that queue work wait instead.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Device memory, in bytes: buffers, and the variables of loaded modules. 1 GiB.
    pub memory_bytes: u64,
    /// Allocations of device memory, whatever their size: each costs the host
    /// some bookkeeping, one of zero bytes included. 4096.
    pub buffers: u32,
    /// Loaded modules. 64.
    pub modules: u32,
    /// Queues, those included whose handle is gone but whose work is not. 16.
    pub queues: u32,
    /// Events. 4096.
    pub events: u32,
    /// Commands queued or running: launches and, since each takes host memory
    /// too, copies and events. 1024.
    pub launches_in_flight: u32,
    /// Bytes that the host holds for queued writes, reads and module texts.
    /// What is larger than all of it goes alone. 64 MiB.
    pub staged_bytes: u64,
    /// How long one launch may run. Only time in which at least one of the
    /// device's threads works on it counts. 10 s.
    pub kernel_time: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory_bytes: 1 << 30,
            buffers: 4096,
            modules: 64,
            queues: 16,
            events: 4096,
            launches_in_flight: 1024,
            staged_bytes: 64 << 20,
            kernel_time: Duration::from_secs(10),
        }
    }
}

/// What a tenant's session uses now, in the units of [`Limits`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Device memory, in bytes.
    pub memory_bytes: u64,
    /// Allocations of device memory.
    pub buffers: u64,
    /// Loaded modules.
    pub modules: u64,
    /// Queues.
    pub queues: u64,
    /// Events.
    pub events: u64,
    /// Commands queued or running.
    pub launches_in_flight: u64,
    /// Bytes that the host holds for queued writes, reads and module texts.
    pub staged_bytes: u64,
}

//! Metering device memory: how much is held on somebody's behalf, and for how long. A tenant has a
//! meter, and whoever opens a [`Lease`](crate::Lease) may name another one, such as a function's,
//! which counts what is allocated through the lease until it is given back.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::sync::lock;

/// Meters device memory. Clones are the same meter.
#[derive(Clone, Debug, Default)]
pub struct MemoryMeter(Arc<Mutex<Integral>>);

/// Bytes, and their integral over time until they changed last.
#[derive(Debug)]
struct Integral {
    bytes: u64,
    since: Instant,
    byte_nanoseconds: u128,
}

impl Default for Integral {
    fn default() -> Integral {
        Integral {
            bytes: 0,
            since: Instant::now(),
            byte_nanoseconds: 0,
        }
    }
}

impl Integral {
    fn advance(&mut self, now: Instant) {
        let held = now.saturating_duration_since(self.since).as_nanos();
        let added = held.saturating_mul(u128::from(self.bytes));
        self.byte_nanoseconds = self.byte_nanoseconds.saturating_add(added);
        self.since = self.since.max(now);
    }
}

impl MemoryMeter {
    /// What is held now, in bytes.
    pub fn bytes(&self) -> u64 {
        lock(&self.0).bytes
    }

    /// What was held until now times how long it was, in bytes times nanoseconds.
    pub fn byte_nanoseconds(&self) -> u128 {
        let mut integral = lock(&self.0);
        integral.advance(Instant::now());
        integral.byte_nanoseconds
    }

    /// Whether this is the only handle, so that nothing is held and nothing will be.
    pub fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn change(&self, now: Instant, how: impl FnOnce(u64) -> u64) {
        let mut integral = lock(&self.0);
        integral.advance(now);
        integral.bytes = how(integral.bytes);
    }
}

/// Memory that is metered until this is dropped. All of its meters see it begin at one time and
/// end at one time, so that what functions hold adds up to what their tenant holds.
#[derive(Debug)]
pub(crate) struct MeteredMemory {
    tenant: MemoryMeter,
    /// Of whoever opened the lease, where that is metered.
    holder: Option<MemoryMeter>,
    bytes: u64,
}

impl MeteredMemory {
    pub(crate) fn new(
        tenant: MemoryMeter,
        holder: Option<MemoryMeter>,
        bytes: u64,
    ) -> MeteredMemory {
        let memory = MeteredMemory {
            tenant,
            holder,
            bytes,
        };
        memory.change(|before| before.saturating_add(bytes));
        memory
    }

    fn change(&self, how: impl Fn(u64) -> u64) {
        if self.bytes == 0 {
            return;
        }
        let now = Instant::now();
        for meter in self.holder.iter().chain([&self.tenant]) {
            meter.change(now, &how);
        }
    }
}

impl Drop for MeteredMemory {
    fn drop(&mut self) {
        self.change(|before| before.saturating_sub(self.bytes));
    }
}

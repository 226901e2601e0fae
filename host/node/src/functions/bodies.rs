//! The memory of bodies that are whole in memory: requests that are to become jobs, until they are in the
//! database, and results, until they are sent. A slow client holds its own tenant's part alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::NoPlace;
use crate::lock::ignore_poison;

/// What those of one tenant may take together, in bytes; at least two of the longest fit.
const OF_EACH: usize = 64 << 20;

/// Those of all tenants may take as much as those of so many.
const TENANTS: usize = 4;

/// The bodies of all tenants.
#[derive(Default)]
pub(super) struct BodyMemory(Mutex<Held>);

#[derive(Default)]
struct Held {
    bytes: usize,
    /// Tenants without a body have no entry.
    of_tenants: HashMap<u64, usize>,
}

/// The memory of one body, until this is dropped.
pub(crate) struct HeldBody {
    memory: Arc<BodyMemory>,
    tenant: u64,
    bytes: usize,
    /// What all of its tenant may take.
    of_each: usize,
}

impl BodyMemory {
    /// A body of nothing, which may become as long as this.
    pub(super) fn begin(self: &Arc<Self>, tenant: u64, longest: u64) -> HeldBody {
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        HeldBody {
            memory: self.clone(),
            tenant,
            bytes: 0,
            of_each: longest.saturating_mul(2).max(OF_EACH),
        }
    }
}

impl HeldBody {
    /// The body has so many bytes more.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), NoPlace> {
        if more == 0 {
            return Ok(());
        }
        let mut held = ignore_poison(self.memory.0.lock());
        let own = held.of_tenants.get(&self.tenant).copied().unwrap_or(0);
        if own.saturating_add(more) > self.of_each {
            let limit = self.of_each;
            return Err(NoPlace::Tenant { limit });
        }
        if held.bytes.saturating_add(more) > self.of_each.saturating_mul(TENANTS) {
            return Err(NoPlace::Node);
        }
        held.bytes += more;
        held.of_tenants.insert(self.tenant, own + more);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        let mut held = ignore_poison(self.memory.0.lock());
        held.bytes -= self.bytes;
        if let Some(own) = held.of_tenants.get_mut(&self.tenant) {
            *own -= self.bytes;
            if *own == 0 {
                held.of_tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn bodies_of_a_tenant_take_no_memory_of_others_and_give_it_back() {
        let memory = Arc::new(BodyMemory::default());
        let held = |tenant, bytes| {
            let mut body = memory.begin(tenant, 1);
            body.grow(bytes).map(|()| body)
        };
        let limit = OF_EACH;
        let first = held(1, OF_EACH - 10).unwrap();
        let second = held(1, 10).unwrap();
        assert_eq!(held(1, 1).err(), Some(NoPlace::Tenant { limit }));
        let others: Vec<_> = (2..5)
            .map(|tenant| held(tenant, OF_EACH).unwrap())
            .collect();
        assert_eq!(held(9, 1).err(), Some(NoPlace::Node));
        drop(second);
        assert!(held(9, 10).is_ok());
        drop((first, others));
        let held = ignore_poison(memory.0.lock());
        assert!(held.bytes == 0 && held.of_tenants.is_empty());
    }

    #[test]
    fn two_of_the_longest_fit_however_long_that_is() {
        let memory = Arc::new(BodyMemory::default());
        let longest = 3 * OF_EACH;
        let mut bodies = [0, 1].map(|_| memory.begin(1, longest as u64));
        for body in &mut bodies {
            body.grow(longest).unwrap();
        }
        assert!(memory.begin(1, longest as u64).grow(1).is_err());
    }
}

//! How many of its deployments each tenant has at one time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use crate::lock::ignore_poison;

/// The deployments that run, by tenant.
#[derive(Clone, Default)]
pub(super) struct Places {
    /// Tenants without a deployment have no entry: a token may be valid for any number of them.
    running: Running,
}

/// How many deployments of each tenant run.
type Running = Arc<Mutex<HashMap<u64, usize>>>;

impl Places {
    /// A place for one deployment of a tenant, if it has one left of so many.
    pub(super) fn take(&self, tenant: u64, of_each: NonZeroUsize) -> Option<FunctionPlace> {
        let mut running = ignore_poison(self.running.lock());
        let count = running.entry(tenant).or_default();
        if *count >= of_each.get() {
            return None;
        }
        *count += 1;
        Some(FunctionPlace {
            tenant,
            running: self.running.clone(),
        })
    }
}

/// The place of a deployment that runs, until it is dropped.
pub(crate) struct FunctionPlace {
    tenant: u64,
    running: Running,
}

impl Drop for FunctionPlace {
    fn drop(&mut self) {
        let mut running = ignore_poison(self.running.lock());
        if let Some(count) = running.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_tenant_that_has_no_place_left_takes_none_of_the_others() {
        let places = Places::default();
        let two = NonZeroUsize::new(2).unwrap();
        let held: Vec<_> = (0..2).map(|_| places.take(1, two).unwrap()).collect();
        assert!(places.take(1, two).is_none());
        let other = places.take(2, two).unwrap();
        drop(held);
        assert!(places.take(1, two).is_some());
        drop(other);
        assert!(places.running.lock().unwrap().is_empty());
    }
}

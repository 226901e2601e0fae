//! Which compiled kernels are kept. Each is a module of the engine, with memory mappings of its own,
//! of which the operating system gives a process so many; and with machine code. So there are bounds on
//! both, and where one is reached, the kernels that were not used for longest go, as long as no launch
//! uses them. A tenant has a part of the bound: whoever has ever more kernels compiled replaces its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use crate::identity::SessionId;
use crate::sync::lock;

/// The most compiled kernels of a device. Each takes three mappings, and Linux gives a process 65,530.
const MOST_KERNELS: usize = 4096;

/// The most that one tenant had compiled.
const MOST_OF_TENANT: usize = MOST_KERNELS / 4;

/// What keeps the code of a compiled kernel.
pub(super) trait Evict: std::fmt::Debug + Send + Sync {
    /// Drops the code, if no launch uses it.
    fn evict(&self);
}

/// The compiled kernels of a device.
#[derive(Debug)]
pub(super) struct KeptKernels {
    most_kernels: usize,
    most_of_tenant: usize,
    most_bytes: u64,
    state: Mutex<KeptState>,
}

#[derive(Debug, Default)]
struct KeptState {
    /// By when they were last used.
    entries: BTreeMap<u64, Entry>,
    clock: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Entry {
    /// The tenant's session that had it compiled.
    owner: SessionId,
    bytes: u64,
    slot: Weak<dyn Evict>,
}

/// A compiled kernel's place among those that are kept, until it is dropped: after the kernel.
#[derive(Debug)]
pub(super) struct KeptPlace {
    kept: Arc<KeptKernels>,
    /// Its key. It changes under the lock alone.
    used: AtomicU64,
}

impl KeptKernels {
    /// Keeps machine code of so many bytes, about.
    pub(super) fn new(most_bytes: u64) -> KeptKernels {
        KeptKernels {
            most_kernels: MOST_KERNELS,
            most_of_tenant: MOST_OF_TENANT,
            most_bytes,
            state: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn with_limits(most_kernels: usize, most_of_tenant: usize) -> KeptKernels {
        KeptKernels {
            most_kernels,
            most_of_tenant,
            ..KeptKernels::new(u64::MAX)
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        lock(&self.state).entries.len()
    }

    /// A place for one more kernel, which is to be compiled for this session. `None` where all are
    /// taken by kernels that launches use.
    pub(super) fn reserve(
        self: &Arc<Self>,
        owner: SessionId,
        slot: Weak<dyn Evict>,
    ) -> Option<KeptPlace> {
        let mut tried = 0;
        loop {
            let mut state = lock(&self.state);
            let owned = state.entries.values().filter(|entry| entry.owner == owner);
            let is_owner_full = owned.count() >= self.most_of_tenant;
            if !is_owner_full && state.entries.len() < self.most_kernels {
                state.clock += 1;
                let used = state.clock;
                let entry = Entry {
                    owner,
                    bytes: 0,
                    slot: Weak::clone(&slot),
                };
                state.entries.insert(used, entry);
                return Some(KeptPlace {
                    kept: Arc::clone(self),
                    used: AtomicU64::new(used),
                });
            }
            let oldest = state.next(tried, |entry| !is_owner_full || entry.owner == owner)?;
            drop(state);
            tried = oldest.evict();
        }
    }

    /// Makes room where there is too much machine code.
    fn trim(&self) {
        let mut tried = 0;
        loop {
            let state = lock(&self.state);
            if state.bytes <= self.most_bytes {
                return;
            }
            let Some(oldest) = state.next(tried, |_| true) else {
                return;
            };
            drop(state);
            tried = oldest.evict();
        }
    }
}

/// A kernel that may have to go.
struct Oldest {
    used: u64,
    slot: Option<Arc<dyn Evict>>,
}

impl Oldest {
    /// Drops the kernel, if no launch uses it. Returns from where on to look for the next one. To be
    /// called without the lock, which the kernel's own place takes.
    fn evict(self) -> u64 {
        if let Some(slot) = self.slot {
            slot.evict();
        }
        self.used + 1
    }
}

impl KeptState {
    /// The kernel that was not used for longest, from this key on.
    fn next(&self, from: u64, may_go: impl Fn(&Entry) -> bool) -> Option<Oldest> {
        let mut entries = self.entries.range(from..);
        let (used, entry) = entries.find(|(_, entry)| may_go(entry))?;
        Some(Oldest {
            used: *used,
            slot: entry.slot.upgrade(),
        })
    }
}

impl KeptPlace {
    /// The kernel takes so many bytes: others may have to go for it.
    pub(super) fn fill(&self, bytes: u64) {
        let mut state = lock(&self.kept.state);
        let used = self.used.load(Ordering::Relaxed);
        if let Some(entry) = state.entries.get_mut(&used) {
            let before = std::mem::replace(&mut entry.bytes, bytes);
            state.bytes = state.bytes.saturating_sub(before).saturating_add(bytes);
        }
        drop(state);
        self.kept.trim();
    }

    /// A launch uses the kernel.
    pub(super) fn touch(&self) {
        let mut state = lock(&self.kept.state);
        let used = self.used.load(Ordering::Relaxed);
        if let Some(entry) = state.entries.remove(&used) {
            state.clock += 1;
            let now = state.clock;
            state.entries.insert(now, entry);
            self.used.store(now, Ordering::Relaxed);
        }
    }
}

impl Drop for KeptPlace {
    fn drop(&mut self) {
        let mut state = lock(&self.kept.state);
        let used = self.used.load(Ordering::Relaxed);
        if let Some(entry) = state.entries.remove(&used) {
            state.bytes = state.bytes.saturating_sub(entry.bytes);
        }
    }
}

//! Handles: what the caller holds instead of our objects. They are numbers that are never used
//! twice, so a stale or invented handle is refused, where the real driver may crash.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::code::{Code, Result};
use crate::sync::lock;

/// A handle; it has a pointer's size.
pub(crate) type Handle = usize;

/// Looks like a pointer, and lies where no process has memory.
static NEXT: AtomicUsize = AtomicUsize::new(0x5a00_0000_0000);

/// A handle that nobody has.
pub(crate) fn fresh() -> Handle {
    NEXT.fetch_add(0x40, Ordering::Relaxed)
}

/// All objects of one kind.
pub(crate) struct Table<T>(Mutex<BTreeMap<Handle, Arc<T>>>);

impl<T> Table<T> {
    pub(crate) const fn new() -> Table<T> {
        Table(Mutex::new(BTreeMap::new()))
    }

    pub(crate) fn insert(&self, object: Arc<T>) -> Handle {
        let handle = fresh();
        self.insert_as(handle, object);
        handle
    }

    pub(crate) fn insert_as(&self, handle: Handle, object: Arc<T>) {
        lock(&self.0).insert(handle, object);
    }

    pub(crate) fn get(&self, handle: Handle) -> Result<Arc<T>> {
        let found = lock(&self.0).get(&handle).cloned();
        found.ok_or(Code::INVALID_HANDLE)
    }

    pub(crate) fn remove(&self, handle: Handle) -> Result<Arc<T>> {
        lock(&self.0).remove(&handle).ok_or(Code::INVALID_HANDLE)
    }

    /// Forgets what meets a condition.
    pub(crate) fn forget(&self, condition: impl Fn(&T) -> bool) {
        let mut gone = Vec::new();
        lock(&self.0).retain(|_, object| {
            let goes = condition(object);
            if goes {
                gone.push(Arc::clone(object));
            }
            !goes
        });
        // Their ends may take other locks.
        drop(gone);
    }
}

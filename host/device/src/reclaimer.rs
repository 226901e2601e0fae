//! Deferred reclamation of large memory, and of modules. Unmapping a gigabyte takes tens of
//! milliseconds, and so does dropping a module of many kernels, which neither a thread that serves
//! requests nor one that runs kernels has: one tenant's freed memory would be another's delay. So a
//! thread of its own does it, and the device counts its memory as used until it is done.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tensor_wasm_ptx::Module;

use crate::Error;
use crate::account::{DeviceMemory, Reservation};
use crate::essential_thread::spawn_essential;
use crate::memory::Storage;
use crate::sync::{lock, wait, wait_at_most};

/// When to try again with memory that a slice of a kernel still references.
const RETRY: Duration = Duration::from_millis(1);

/// What is to be dropped.
#[derive(Debug)]
pub(crate) struct Retired(RetiredItem);

/// The fields are dropped in this order: the reservation ends once the memory is gone.
#[derive(Debug)]
#[expect(dead_code, reason = "they are only dropped")]
enum RetiredItem {
    /// Memory of the device.
    Memory(Arc<Storage>, Reservation),
    /// A module that nobody uses any more, with its compiled kernels.
    Module(Box<Module>),
}

impl Retired {
    pub(crate) fn new(storage: Arc<Storage>, reservation: Reservation) -> Retired {
        Retired(RetiredItem::Memory(storage, reservation))
    }

    /// Whether no slice of a kernel references it.
    fn is_free(&self) -> bool {
        match &self.0 {
            RetiredItem::Memory(storage, _) => Arc::strong_count(storage) == 1,
            RetiredItem::Module(_) => true,
        }
    }
}

/// A use of a module. Dropped as the last one, it leaves the module to the reclaimer. Whoever has it
/// drops their other references first.
#[derive(Debug)]
pub(crate) struct RetiringModule {
    module: Option<Arc<Module>>,
    reclaimer: Arc<Reclaimer>,
}

impl RetiringModule {
    pub(crate) fn new(module: &Arc<Module>, reclaimer: &Arc<Reclaimer>) -> RetiringModule {
        RetiringModule {
            module: Some(Arc::clone(module)),
            reclaimer: Arc::clone(reclaimer),
        }
    }
}

impl Drop for RetiringModule {
    fn drop(&mut self) {
        if let Some(module) = self.module.take().and_then(Arc::into_inner) {
            let module = RetiredItem::Module(Box::new(module));
            self.reclaimer.retire(Retired(module));
        }
    }
}

/// Drops what a device has no use for any more.
#[derive(Debug, Default)]
pub(crate) struct Reclaimer {
    state: Mutex<Backlog>,
    /// Memory was retired, or the device is shut down.
    wake: Condvar,
    /// Memory was unmapped.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Backlog {
    retired: VecDeque<Retired>,
    /// The thread is unmapping something.
    is_unmapping: bool,
    stopped: bool,
}

impl Backlog {
    /// The oldest that no slice of a kernel references any more. Dropped earlier, it would be
    /// unmapped by the thread that ends that slice.
    fn take(&mut self) -> Option<Retired> {
        let index = self.retired.iter().position(Retired::is_free)?;
        self.retired.remove(index)
    }
}

impl Reclaimer {
    /// Starts the thread. It ends when the device is shut down.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Error> {
        let shared = Arc::clone(self);
        spawn_essential("device-reclaimer", move || shared.run()).map_err(|error| {
            Error::DeviceLost(format!(
                "cannot start the thread that unmaps the device's memory: {error}"
            ))
        })?;
        Ok(())
    }

    pub(crate) fn shut_down(&self) {
        lock(&self.state).stopped = true;
        self.wake.notify_all();
    }

    /// Takes over freed memory.
    pub(crate) fn retire(&self, retired: Retired) {
        let mut state = lock(&self.state);
        if state.stopped {
            drop(state);
            drop(retired);
        } else {
            state.retired.push_back(retired);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Reserves memory of the device; `None` where it is full, also once all is unmapped that was
    /// freed already: a tenant that frees memory and asks for it again must not be told that the
    /// device is full.
    pub(crate) fn reserve(&self, memory: &Arc<DeviceMemory>, bytes: u64) -> Option<Reservation> {
        if bytes > memory.limit {
            return None;
        }
        // No more than there is now: others may free as fast as this unmaps.
        let mut attempts = self.backlog();
        loop {
            match memory.reserve(bytes) {
                Some(reservation) => return Some(reservation),
                None if attempts > 0 && self.reclaim_one() => attempts -= 1,
                // The last of it may have gone between the two calls.
                None => return memory.reserve(bytes),
            }
        }
    }

    /// How much is not dropped yet, as a number.
    fn backlog(&self) -> usize {
        let state = lock(&self.state);
        state.retired.len() + usize::from(state.is_unmapping)
    }

    /// Drops one of them on the calling thread, or waits for what is being unmapped. False where
    /// neither can be had.
    fn reclaim_one(&self) -> bool {
        let mut state = lock(&self.state);
        if let Some(retired) = state.take() {
            drop(state);
            drop(retired);
            return true;
        }
        if !state.is_unmapping {
            return false;
        }
        while state.is_unmapping {
            state = wait(&self.done, state);
        }
        true
    }

    fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(retired) = state.take() {
                state.is_unmapping = true;
                drop(state);
                drop(retired);
                state = lock(&self.state);
                state.is_unmapping = false;
                self.done.notify_all();
            } else if state.stopped {
                let rest = std::mem::take(&mut state.retired);
                drop(state);
                drop(rest);
                return;
            } else if state.retired.is_empty() {
                state = wait(&self.wake, state);
            } else {
                state = wait_at_most(&self.wake, state, RETRY);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn retired(memory: &Arc<DeviceMemory>, bytes: u64) -> (Retired, Arc<Storage>) {
        let storage = Arc::new(Storage::zeroed(bytes).unwrap());
        let reservation = memory.reserve(bytes).unwrap();
        (Retired::new(Arc::clone(&storage), reservation), storage)
    }

    #[test]
    fn memory_that_a_slice_still_references_is_left_for_later() {
        let reclaimer = Reclaimer::default();
        let memory = Arc::new(DeviceMemory::new(100));
        let ((seen, view), (free, _)) = (retired(&memory, 64), retired(&memory, 8));
        reclaimer.retire(seen);
        reclaimer.retire(free);
        assert_eq!((reclaimer.backlog(), memory.used()), (2, 72));
        assert!(reclaimer.reclaim_one());
        assert_eq!((reclaimer.backlog(), memory.used()), (1, 64));
        assert!(!reclaimer.reclaim_one());
        drop(view);
        assert!(reclaimer.reclaim_one());
        assert_eq!((reclaimer.backlog(), memory.used()), (0, 0));
    }

    #[test]
    fn a_device_is_full_only_once_what_was_freed_is_unmapped() {
        let reclaimer = Reclaimer::default();
        let memory = Arc::new(DeviceMemory::new(100));
        let (freed, _) = retired(&memory, 64);
        reclaimer.retire(freed);
        let reservation = reclaimer.reserve(&memory, 100).unwrap();
        assert!(reclaimer.reserve(&memory, 1).is_none());
        assert!(reclaimer.reserve(&memory, 101).is_none());
        drop(reservation);
    }

    #[test]
    fn after_the_end_of_the_device_memory_is_unmapped_at_once() {
        let reclaimer = Arc::new(Reclaimer::default());
        let memory = Arc::new(DeviceMemory::new(100));
        let (early, _) = retired(&memory, 8);
        reclaimer.retire(early);
        reclaimer.shut_down();
        let (late, _) = retired(&memory, 8);
        reclaimer.retire(late);
        assert_eq!(memory.used(), 8);
        reclaimer.run();
        assert_eq!(memory.used(), 0);
    }
}

//! Gives large memory back to the host. Unmapping a gigabyte takes tens of
//! milliseconds, which neither a thread that serves requests nor one that runs
//! kernels has: one tenant's freed memory would be another's delay. So a thread
//! of its own does it, and the device counts the memory as used until it is done.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::Error;
use crate::account::Room;
use crate::memory::Storage;
use crate::sync::lock;

/// When to look again at memory that a slice of a kernel still sees.
const LATER: Duration = Duration::from_millis(1);

/// Freed memory. The fields go in this order: the room is free once the memory is.
#[derive(Debug)]
pub(crate) struct Waste {
    storage: Arc<Storage>,
    _room: Room,
}

impl Waste {
    pub(crate) fn new(storage: Arc<Storage>, room: Room) -> Waste {
        Waste {
            storage,
            _room: room,
        }
    }
}

/// The device's one janitor.
#[derive(Debug, Default)]
pub(crate) struct Janitor {
    state: Mutex<State>,
    /// There is something to do.
    wake: Condvar,
    /// Something was given back.
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waste>,
    /// The thread has something at hand.
    at_work: bool,
    stopped: bool,
}

impl State {
    /// The oldest that no slice of a kernel sees any more. Dropped earlier, it
    /// would be unmapped by the thread that ends that slice.
    fn take(&mut self) -> Option<Waste> {
        let index = self
            .waiting
            .iter()
            .position(|waste| Arc::strong_count(&waste.storage) == 1)?;
        self.waiting.remove(index)
    }
}

impl Janitor {
    /// Starts the thread. It ends when the device is shut down.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where the operating system gives no thread.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), Error> {
        let shared = Arc::clone(self);
        std::thread::Builder::new()
            .name("device-janitor".to_owned())
            .spawn(move || shared.work())
            .map_err(|error| {
                Error::DeviceLost(format!("cannot start the device's janitor: {error}"))
            })?;
        Ok(())
    }

    pub(crate) fn shut_down(&self) {
        lock(&self.state).stopped = true;
        self.wake.notify_all();
    }

    /// Takes over what is to be given back.
    pub(crate) fn discard(&self, waste: Waste) {
        let mut state = lock(&self.state);
        if state.stopped {
            drop(state);
            drop(waste);
        } else {
            state.waiting.push_back(waste);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// How much is waiting, what is at hand included.
    pub(crate) fn backlog(&self) -> usize {
        let state = lock(&self.state);
        state.waiting.len() + usize::from(state.at_work)
    }

    /// Gives something back at once, or waits for what is being given back: a
    /// tenant that frees memory and asks for it again must not be told that the
    /// device is full. False where nothing can be had this way.
    pub(crate) fn help(&self) -> bool {
        let mut state = lock(&self.state);
        if let Some(waste) = state.take() {
            drop(state);
            drop(waste);
            return true;
        }
        if !state.at_work {
            return false;
        }
        while state.at_work {
            state = self
                .done
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(waste) = state.take() {
                state.at_work = true;
                drop(state);
                drop(waste);
                state = lock(&self.state);
                state.at_work = false;
                self.done.notify_all();
            } else if state.stopped {
                let rest = std::mem::take(&mut state.waiting);
                drop(state);
                drop(rest);
                return;
            } else if state.waiting.is_empty() {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.wake.wait_timeout(state, LATER);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::account::Total;

    fn waste(total: &Arc<Total>, bytes: u64) -> (Waste, Arc<Storage>) {
        let storage = Arc::new(Storage::zeroed(bytes).unwrap());
        let room = total.take(bytes).unwrap();
        (Waste::new(Arc::clone(&storage), room), storage)
    }

    #[test]
    fn memory_that_a_slice_still_sees_is_left_for_later() {
        let (janitor, total) = (Janitor::default(), Arc::new(Total::new(100)));
        let ((seen, view), (free, _)) = (waste(&total, 64), waste(&total, 8));
        janitor.discard(seen);
        janitor.discard(free);
        assert_eq!((janitor.backlog(), total.used()), (2, 72));
        assert!(janitor.help());
        assert_eq!((janitor.backlog(), total.used()), (1, 64));
        assert!(!janitor.help());
        drop(view);
        assert!(janitor.help());
        assert_eq!((janitor.backlog(), total.used()), (0, 0));
    }

    #[test]
    fn after_the_end_of_the_device_memory_goes_at_once() {
        let (janitor, total) = (Arc::new(Janitor::default()), Arc::new(Total::new(100)));
        let (early, _) = waste(&total, 8);
        janitor.discard(early);
        janitor.shut_down();
        let (late, _) = waste(&total, 8);
        janitor.discard(late);
        assert_eq!(total.used(), 8);
        janitor.work();
        assert_eq!(total.used(), 0);
    }
}

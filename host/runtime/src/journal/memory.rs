//! The memory that recordings take until they are written: bounded for all components together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory of the recordings that are being taken, of all components together.
#[derive(Debug)]
pub struct RecordingMemory {
    most: usize,
    held: AtomicUsize,
}

impl RecordingMemory {
    /// At most so many bytes. A recording that finds none left ends there.
    pub fn new(most: usize) -> RecordingMemory {
        RecordingMemory {
            most,
            held: AtomicUsize::new(0),
        }
    }

    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let add = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.most);
        let reserved = self
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        reserved.is_ok()
    }

    fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Memory that a recording holds until it is written, or let go.
#[derive(Debug)]
pub struct HeldMemory {
    of: Arc<RecordingMemory>,
    bytes: usize,
}

impl HeldMemory {
    /// So many bytes that were [reserved](RecordingMemory::reserve).
    pub(super) fn new(of: Arc<RecordingMemory>, bytes: usize) -> HeldMemory {
        HeldMemory { of, bytes }
    }
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        self.of.release(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recording_holds_is_given_back_when_it_is_written_or_let_go() {
        let memory = Arc::new(RecordingMemory::new(100));
        assert!(memory.reserve(60));
        assert!(!memory.reserve(60));
        let held = HeldMemory::new(memory.clone(), 60);
        assert!(!memory.reserve(60));
        drop(held);
        assert!(memory.reserve(60));
    }
}

//! Asynchronous copies into shared memory (`cp.async`) that have begun and may not be complete (PTX ISA,
//! "Asynchronous Data Copy").
//!
//! A copy is complete once its own thread has waited for the group that it was committed in. Until then
//! nothing may touch what it writes. From then on it counts as a write by that thread at the time of the
//! wait, so that other threads need a barrier behind the wait.

/// A copy that nothing has waited for so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingCopy {
    pub thread: u32,
    /// The index of its step in the program.
    pub step: u32,
    pub address: u64,
    pub bytes: u64,
    /// The number of the group that it belongs to, or will once that is committed.
    group: u64,
}

/// Which of a thread's copies are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// All of them.
    All,
    /// Those of committed groups, but for so many of the last.
    Groups(u32),
}

/// What one thread has begun.
#[derive(Clone, Debug, Default)]
struct ThreadCopies {
    pending: Vec<PendingCopy>,
    /// How many groups were committed.
    committed: u64,
}

/// The pending copies of a block.
#[derive(Debug)]
pub(crate) struct AsyncCopies {
    threads: Vec<ThreadCopies>,
    /// By byte of shared memory, the thread whose copy writes it, counting from 1; empty before the first
    /// copy.
    writers: Vec<u16>,
    shared_bytes: usize,
}

impl AsyncCopies {
    pub(crate) fn new(threads: usize, shared_bytes: usize) -> AsyncCopies {
        AsyncCopies {
            threads: vec![ThreadCopies::default(); threads],
            writers: Vec::new(),
            shared_bytes,
        }
    }

    fn writers(&mut self, address: u64, bytes: u64) -> &mut [u16] {
        let begin = usize::try_from(address).unwrap_or(usize::MAX);
        let end = begin.saturating_add(usize::try_from(bytes).unwrap_or(usize::MAX));
        self.writers.get_mut(begin..end).unwrap_or_default()
    }

    /// A pending copy to one of these bytes.
    pub(crate) fn touched(&self, address: u64, bytes: u64) -> Option<PendingCopy> {
        if self.writers.is_empty() {
            return None;
        }
        (address..address.saturating_add(bytes)).find_map(|byte| {
            let writer = *self.writers.get(usize::try_from(byte).ok()?)?;
            let thread = self.threads.get(usize::from(writer.checked_sub(1)?))?;
            let writes_it = |copy: &&PendingCopy| byte.wrapping_sub(copy.address) < copy.bytes;
            thread.pending.iter().rev().find(writes_it).copied()
        })
    }

    /// A thread begins a copy to these bytes, or goes on with one.
    pub(crate) fn begin(&mut self, thread: u32, step: u32, address: u64, bytes: u64) {
        let Some(own) = self.threads.get_mut(thread as usize) else {
            return;
        };
        let group = own.committed;
        own.pending.push(PendingCopy {
            thread,
            step,
            address,
            bytes,
            group,
        });
        self.writers.resize(self.shared_bytes, 0);
        // A block has no more than 1024 threads.
        self.writers(address, bytes).fill(thread as u16 + 1);
    }

    /// A thread commits what it has begun as a group.
    pub(crate) fn commit(&mut self, thread: u32) {
        if let Some(own) = self.threads.get_mut(thread as usize) {
            own.committed += 1;
        }
    }

    /// A thread waits: the copies that are complete then.
    pub(crate) fn wait(&mut self, thread: u32, wait: Wait) -> Vec<PendingCopy> {
        let Some(own) = self.threads.get_mut(thread as usize) else {
            return Vec::new();
        };
        let committed = own.committed;
        let is_complete = |copy: &PendingCopy| match wait {
            Wait::All => true,
            Wait::Groups(last) => copy.group + u64::from(last) < committed,
        };
        let (complete, pending) = own.pending.iter().partition(|copy| is_complete(copy));
        own.pending = pending;
        let complete: Vec<PendingCopy> = complete;
        for copy in &complete {
            self.writers(copy.address, copy.bytes).fill(0);
        }
        complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(copies: &[PendingCopy]) -> Vec<u32> {
        copies.iter().map(|copy| copy.step).collect()
    }

    #[test]
    fn a_wait_completes_all_groups_but_the_last_ones() {
        let mut copies = AsyncCopies::new(2, 256);
        for step in 0..4 {
            copies.begin(1, step, 16 * u64::from(step), 16);
            if step < 3 {
                copies.commit(1);
            }
        }
        assert_eq!(steps(&copies.wait(0, Wait::All)), []);
        assert_eq!(steps(&copies.wait(1, Wait::Groups(5))), []);
        assert_eq!(steps(&copies.wait(1, Wait::Groups(2))), [0]);
        assert_eq!(copies.touched(0, 16), None);
        assert_eq!(copies.touched(12, 8).map(|copy| copy.step), Some(1));
        // What was not committed is in no group.
        assert_eq!(steps(&copies.wait(1, Wait::Groups(0))), [1, 2]);
        assert_eq!(copies.touched(63, 1).map(|copy| copy.thread), Some(1));
        assert_eq!(steps(&copies.wait(1, Wait::All)), [3]);
        assert_eq!(copies.touched(0, 256), None);
    }
}

//! Data races on shared memory, found as FastTrack finds them (Flanagan and Freund, PLDI 2009): for
//! each byte, who wrote it last and who has read it since, held against every access of another thread
//! that nothing [orders behind it](crate::interpret::checks::happens_before). Of the readers only three
//! are kept, so a race with a fourth may go unnoticed; none is reported that is not there.

use crate::interpret::checks::happens_before::VectorClocks;
use crate::simt::geometry::warp_of;

/// One access to a byte, with its thread's time: what FastTrack calls an epoch.
#[derive(Clone, Copy, Debug, Default)]
struct TimedAccess {
    /// The step of the program, counting from 1; 0 for no access.
    step: u32,
    /// The thread's clock at the access.
    clock: u32,
    thread: u16,
    atomic: bool,
}

/// What happened to a byte since the whole block was last at a barrier.
#[derive(Clone, Copy, Debug, Default)]
struct ShadowCell {
    phase: u32,
    written: TimedAccess,
    /// Who has read it: the first, the last, and the last of another warp than that. All of them
    /// would take a list without bound.
    first: TimedAccess,
    last: TimedAccess,
    other: TimedAccess,
}

/// An access as it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub thread: u32,
    /// The index of its step in the program.
    pub step: u32,
    pub address: u64,
    pub bytes: u64,
    pub reads: bool,
    pub writes: bool,
    /// Atomics do not race with each other.
    pub atomic: bool,
    /// Whether it writes what is there already: with another write that is no mistake.
    pub same: bool,
}

/// The earlier access of two that race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    pub thread: u32,
    pub step: u32,
    pub writes: bool,
    pub atomic: bool,
}

/// How many bytes the checks take for each byte of shared memory.
pub(crate) const CELL_BYTES: u64 = size_of::<ShadowCell>() as u64;

/// The history of a block's shared memory.
#[derive(Debug)]
pub(crate) struct History {
    cells: Vec<ShadowCell>,
}

impl History {
    pub(crate) fn new(bytes: usize) -> History {
        History {
            cells: vec![ShadowCell::default(); bytes],
        }
    }

    /// Notes an access; the earlier one where it races with one.
    pub(crate) fn access(&mut self, attempt: &Attempt, clocks: &VectorClocks) -> Option<Conflict> {
        let begin = usize::try_from(attempt.address).ok()?;
        let end = begin.checked_add(usize::try_from(attempt.bytes).ok()?)?;
        let access = TimedAccess {
            step: attempt.step.saturating_add(1),
            clock: clocks.now(attempt.thread),
            // A block has no more than 1024 threads.
            thread: attempt.thread as u16,
            atomic: attempt.atomic,
        };
        for cell in self.cells.get_mut(begin..end)? {
            if cell.phase != clocks.phase() {
                *cell = ShadowCell {
                    phase: clocks.phase(),
                    ..ShadowCell::default()
                };
            }
            if let Some(conflict) = cell.conflict(attempt, clocks) {
                return Some(conflict);
            }
            if attempt.writes {
                cell.written = access;
            } else {
                cell.read(access);
            }
        }
        None
    }
}

impl ShadowCell {
    fn conflict(&self, attempt: &Attempt, clocks: &VectorClocks) -> Option<Conflict> {
        let races = |earlier: &TimedAccess| {
            let (thread, clock) = (u32::from(earlier.thread), earlier.clock);
            earlier.step != 0
                && !(earlier.atomic && attempt.atomic)
                && !clocks.happens_before(thread, clock, attempt.thread)
        };
        let conflict = |earlier: &TimedAccess, writes: bool| Conflict {
            thread: earlier.thread.into(),
            step: earlier.step - 1,
            writes,
            atomic: earlier.atomic,
        };
        let repeats = attempt.same && !attempt.reads;
        if !repeats && races(&self.written) {
            return Some(conflict(&self.written, true));
        }
        if !attempt.writes {
            return None;
        }
        let readers = [&self.last, &self.other, &self.first];
        let reader = readers.into_iter().find(|reader| races(reader))?;
        Some(conflict(reader, false))
    }

    fn read(&mut self, access: TimedAccess) {
        if self.first.step == 0 {
            self.first = access;
        }
        if self.last.step != 0 && warp_of(self.last.thread.into()) != warp_of(access.thread.into())
        {
            self.other = self.last;
        }
        self.last = access;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(thread: u32, writes: bool) -> Attempt {
        Attempt {
            thread,
            step: thread,
            address: 4,
            bytes: 4,
            reads: !writes,
            writes,
            atomic: false,
            same: false,
        }
    }

    #[test]
    fn a_write_races_with_what_nothing_orders_before_it() {
        let clocks = VectorClocks::new(64);
        let mut history = History::new(16);
        assert_eq!(history.access(&attempt(1, true), &clocks), None);
        assert_eq!(history.access(&attempt(1, false), &clocks), None);
        let found = history.access(&attempt(2, false), &clocks);
        let written = Conflict {
            thread: 1,
            step: 1,
            writes: true,
            atomic: false,
        };
        assert_eq!(found, Some(written));
    }

    #[test]
    fn what_a_barrier_orders_does_not_race() {
        let mut clocks = VectorClocks::new(64);
        let mut history = History::new(16);
        assert_eq!(history.access(&attempt(1, true), &clocks), None);
        clocks.synchronize_warp(&[1, 2]);
        assert_eq!(history.access(&attempt(2, true), &clocks), None);
        assert!(history.access(&attempt(3, true), &clocks).is_some());
        clocks.synchronize_block();
        assert_eq!(history.access(&attempt(40, true), &clocks), None);
    }

    #[test]
    fn reads_race_with_writes_alone_and_atomics_not_with_each_other() {
        let clocks = VectorClocks::new(64);
        let mut history = History::new(16);
        for thread in [1, 2, 40] {
            assert_eq!(history.access(&attempt(thread, false), &clocks), None);
        }
        assert!(history.access(&attempt(2, true), &clocks).is_some());
        let atomic = |thread| Attempt {
            address: 8,
            reads: true,
            atomic: true,
            ..attempt(thread, true)
        };
        assert_eq!(history.access(&atomic(1), &clocks), None);
        assert_eq!(history.access(&atomic(2), &clocks), None);
        let plain = Attempt {
            address: 8,
            ..attempt(3, false)
        };
        assert!(history.access(&plain, &clocks).is_some());
    }
}

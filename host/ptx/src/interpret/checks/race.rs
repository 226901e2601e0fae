//! Races on shared memory: for each byte who wrote it last and who has read it since, held against
//! every access of another thread that nothing orders behind it.

use crate::interpret::checks::order::Order;

/// One access to a byte.
#[derive(Clone, Copy, Debug, Default)]
struct Event {
    /// The step of the program, counting from 1; 0 for no access.
    step: u32,
    count: u32,
    thread: u16,
    atomic: bool,
}

/// What happened to a byte in this epoch.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    epoch: u32,
    written: Event,
    /// Who has read it: the first, the last, and the last of another warp than that. All of them
    /// would take a list without bound.
    first: Event,
    last: Event,
    other: Event,
}

/// An access as it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub thread: usize,
    /// The place of its step in the program.
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
    pub thread: usize,
    pub step: u32,
    pub writes: bool,
    pub atomic: bool,
}

/// How many bytes the checks take for each byte of shared memory.
pub(crate) const CELL_BYTES: u64 = size_of::<Cell>() as u64;

/// The history of a block's shared memory.
#[derive(Debug)]
pub(crate) struct History {
    cells: Vec<Cell>,
}

impl History {
    pub(crate) fn new(bytes: usize) -> History {
        History {
            cells: vec![Cell::default(); bytes],
        }
    }

    /// Notes an access; the earlier one where it races with one.
    pub(crate) fn access(&mut self, attempt: &Attempt, order: &Order) -> Option<Conflict> {
        let begin = usize::try_from(attempt.address).ok()?;
        let end = begin.checked_add(usize::try_from(attempt.bytes).ok()?)?;
        let event = Event {
            step: attempt.step.saturating_add(1),
            count: order.now(attempt.thread),
            thread: u16::try_from(attempt.thread).unwrap_or(u16::MAX),
            atomic: attempt.atomic,
        };
        for cell in self.cells.get_mut(begin..end)? {
            if cell.epoch != order.epoch() {
                *cell = Cell {
                    epoch: order.epoch(),
                    ..Cell::default()
                };
            }
            if let Some(conflict) = cell.conflict(attempt, order) {
                return Some(conflict);
            }
            if attempt.writes {
                cell.written = event;
            } else {
                cell.read(event);
            }
        }
        None
    }
}

impl Cell {
    fn conflict(&self, attempt: &Attempt, order: &Order) -> Option<Conflict> {
        let races = |event: &Event| {
            event.step != 0
                && !(event.atomic && attempt.atomic)
                && !order.is_before(usize::from(event.thread), event.count, attempt.thread)
        };
        let conflict = |event: &Event, writes: bool| Conflict {
            thread: usize::from(event.thread),
            step: event.step - 1,
            writes,
            atomic: event.atomic,
        };
        let repeats = attempt.same && !attempt.reads;
        if !repeats && races(&self.written) {
            return Some(conflict(&self.written, true));
        }
        if !attempt.writes {
            return None;
        }
        let readers = [&self.last, &self.other, &self.first];
        let reader = readers.into_iter().find(|event| races(event))?;
        Some(conflict(reader, false))
    }

    fn read(&mut self, event: Event) {
        if self.first.step == 0 {
            self.first = event;
        }
        if self.last.step != 0 && self.last.thread / 32 != event.thread / 32 {
            self.other = self.last;
        }
        self.last = event;
    }
}

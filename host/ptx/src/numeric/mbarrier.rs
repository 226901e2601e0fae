//! Barriers in memory (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier"):
//! what 64 bits of one say, which are opaque to kernels, and what becomes of them.
//!
//! From the lowest on: 20 bits of arrivals that the phase still waits for, 20 bits of arrivals that
//! each phase expects, 21 bits of bytes that the phase waits for, with a sign since they may arrive
//! before they are expected, and the number of the phase modulo 8. A copy of them is the state of a
//! phase that `arrive` returns.

use crate::numeric::Flags;

const COUNT_BITS: u32 = 20;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Where the bytes begin that are waited for, and which bits they have.
const BYTES_SHIFT: u32 = 2 * COUNT_BITS;
const BYTES: u64 = (1 << (COUNT_BITS + 1)) - 1;

/// Where the number of the phase begins.
pub(crate) const PHASE_SHIFT: u32 = BYTES_SHIFT + COUNT_BITS + 1;

/// The parts of a barrier.
struct Barrier {
    pending: u64,
    expected: u64,
    /// In two's complement; those beyond its bits do not count.
    bytes: u64,
    phase: u64,
}

impl Barrier {
    fn of(bits: u64) -> Barrier {
        Barrier {
            pending: bits & COUNT,
            expected: (bits >> COUNT_BITS) & COUNT,
            bytes: (bits >> BYTES_SHIFT) & BYTES,
            phase: bits >> PHASE_SHIFT,
        }
    }

    /// Its bits, in the next phase where this one waits for nothing more.
    fn settled(mut self) -> u64 {
        self.bytes &= BYTES;
        if self.pending == 0 && self.bytes == 0 {
            self.pending = self.expected;
            self.phase = self.phase.wrapping_add(1);
        }
        self.phase << PHASE_SHIFT
            | self.bytes << BYTES_SHIFT
            | self.expected << COUNT_BITS
            | self.pending
    }
}

/// `init`: the first phase expects so many arrivals.
pub(crate) fn init(_: u64, count: u64, _: Flags) -> u64 {
    let count = count & COUNT;
    count << COUNT_BITS | count
}

/// `arrive`: so many arrivals less, and the next phase where nothing is left.
pub(crate) fn arrive(barrier: u64, arrivals: u64, _: Flags) -> u64 {
    let mut barrier = Barrier::of(barrier);
    barrier.pending = barrier.pending.saturating_sub(arrivals);
    barrier.settled()
}

/// `arrive_drop`: the same, and later phases expect so many less.
pub(crate) fn arrive_drop(barrier: u64, arrivals: u64, _: Flags) -> u64 {
    let mut barrier = Barrier::of(barrier);
    barrier.pending = barrier.pending.saturating_sub(arrivals);
    barrier.expected = barrier.expected.saturating_sub(arrivals);
    barrier.settled()
}

/// `expect_tx`: the phase waits for so many bytes more.
pub(crate) fn expect(barrier: u64, bytes: u64, _: Flags) -> u64 {
    let mut barrier = Barrier::of(barrier);
    barrier.bytes = barrier.bytes.wrapping_add(bytes);
    barrier.settled()
}

/// `complete_tx`: so many of them have come.
pub(crate) fn complete(barrier: u64, bytes: u64, _: Flags) -> u64 {
    let mut barrier = Barrier::of(barrier);
    barrier.bytes = barrier.bytes.wrapping_sub(bytes);
    barrier.settled()
}

/// `test_wait`: whether the phase of a state is complete.
pub(crate) fn is_complete(barrier: u64, state: u64, _: Flags) -> u64 {
    u64::from(barrier >> PHASE_SHIFT != state >> PHASE_SHIFT)
}

/// `test_wait.parity`: whether the phase is complete, the present one or the one before it, whose
/// number has this lowest bit.
pub(crate) fn is_parity_complete(barrier: u64, parity: u64, _: Flags) -> u64 {
    u64::from((barrier >> PHASE_SHIFT) & 1 != parity & 1)
}

/// `pending_count`: how many arrivals the phase of a state still waited for.
pub(crate) fn pending(state: u64, _: Flags) -> u64 {
    state & COUNT
}

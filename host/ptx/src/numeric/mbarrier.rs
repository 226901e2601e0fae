//! Barriers in memory (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier"):
//! what 64 bits of one say, which are opaque to kernels, and what becomes of them.
//!
//! From the lowest on: 20 bits of arrivals that the phase still waits for, 20 bits of arrivals that
//! each phase expects, and the number of the phase. A copy of them is the state of a phase that
//! `arrive` returns.

use crate::numeric::Flags;

const COUNT_BITS: u32 = 20;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// Where the number of the phase begins.
pub(crate) const PHASE_SHIFT: u32 = 2 * COUNT_BITS;

/// `init`: the first phase expects so many arrivals.
pub(crate) fn init(_: u64, count: u64, _: Flags) -> u64 {
    let count = count & COUNT;
    count << COUNT_BITS | count
}

/// `arrive`: so many arrivals less, and the next phase where none is left.
pub(crate) fn arrive(barrier: u64, arrivals: u64, _: Flags) -> u64 {
    let (pending, expected) = (barrier & COUNT, (barrier >> COUNT_BITS) & COUNT);
    let pending = pending.saturating_sub(arrivals);
    let phase = barrier >> PHASE_SHIFT;
    match pending {
        0 => phase.wrapping_add(1) << PHASE_SHIFT | expected << COUNT_BITS | expected,
        _ => phase << PHASE_SHIFT | expected << COUNT_BITS | pending,
    }
}

/// `arrive_drop`: the same, and later phases expect so many less.
pub(crate) fn arrive_drop(barrier: u64, arrivals: u64, flags: Flags) -> u64 {
    let expected = (barrier >> COUNT_BITS) & COUNT;
    let fewer = expected.saturating_sub(arrivals);
    arrive(
        barrier & !(COUNT << COUNT_BITS) | fewer << COUNT_BITS,
        arrivals,
        flags,
    )
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

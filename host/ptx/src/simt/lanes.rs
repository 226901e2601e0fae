//! The lanes of a warp, and a word of each.

/// Threads of a warp.
pub(crate) const WARP_LANES: u32 = 32;

/// One word of each lane of a warp.
pub(crate) type LaneWords = [u64; WARP_LANES as usize];

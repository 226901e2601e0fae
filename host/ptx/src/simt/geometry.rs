//! The shape of a launch: how many blocks of how many threads, and how blocks, threads and lanes are
//! numbered. Threads count along x, then y, then z; each 32 in a row are a warp.

use crate::Extent;
use crate::simt::warp::WARP_LANES;

/// The most threads that a block may have.
pub(crate) const MAX_BLOCK_THREADS: u32 = 1024;

/// The lane of a thread in its warp.
#[inline(always)]
pub(crate) fn lane_of(thread: u32) -> u32 {
    thread % WARP_LANES
}

/// The number of a thread's warp in the block.
#[inline(always)]
pub(crate) fn warp_of(thread: u32) -> u32 {
    thread / WARP_LANES
}

/// The first thread of a thread's warp.
#[inline(always)]
pub(crate) fn warp_begin(thread: u32) -> u32 {
    thread - lane_of(thread)
}

/// The extents of a grid and of its blocks, none of them empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub grid: Extent,
    pub block: Extent,
    /// How many blocks the grid has.
    pub blocks: u64,
    /// How many threads a block has.
    pub threads: u32,
}

impl Geometry {
    /// How many warps a block has, the last one perhaps with fewer lanes.
    pub(crate) fn warps(&self) -> u32 {
        self.threads.div_ceil(WARP_LANES)
    }

    /// The position of a thread in its block.
    #[inline(always)]
    pub(crate) fn thread_index(&self, thread: u32) -> Option<Extent> {
        self.block.position(u64::from(thread))
    }
}

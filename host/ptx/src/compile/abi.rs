//! The ABI between a compiled kernel and its runtime: the layout of an instance's scratch memory.
//!
//! Everything has a fixed address at compile time but the end of shared memory, whose size a launch
//! says; so shared memory comes last. The runtime's side is in [`exec`](crate::exec).

use crate::simt::geometry::MAX_BLOCK_THREADS;
use crate::simt::warp::{MAX_INPUTS, MAX_RESULTS, WARP_LANES};

/// The block's position in the grid, three words.
pub(crate) const CTAID: u32 = 16;
/// The extents of block and grid, three words each.
pub(crate) const NTID: u32 = 32;
pub(crate) const NCTAID: u32 = 48;
pub(crate) const NWARPID: u32 = 68;
pub(crate) const DYNAMIC_SHARED: u32 = 72;
pub(crate) const TOTAL_SHARED: u32 = 76;
/// Not zero where the block's shape lets lane groups run: its rows are whole groups.
pub(crate) const LANE_GROUPS: u32 = 80;
/// The resume index that all threads of the block have in common, or -1 where each has its own.
pub(crate) const COMMON_RESUME: u32 = 84;
/// How many further blocks of the grid this call runs after the present one.
pub(crate) const MORE_BLOCKS: u32 = 88;
/// The resume index at which the threads of a diverged lane group are awaited; 0 where they are not.
pub(crate) const RECONVERGE_AT: u32 = 92;
/// All ones where the lane group of the first thread has reconverged and is to go on from there, though
/// the block's threads have no resume index in common; else 0.
pub(crate) const KEEP_GOING: u32 = 96;
/// The suspend point at which the lane groups of the block wait so far; see
/// [`vector`](crate::compile::codegen).
pub(crate) const COMMON_SUSPENSION: u32 = 100;
/// Packed arguments, and after them the addresses of the module's variables.
pub(crate) const ARGUMENTS: u32 = 256;

/// How many threads a lane group has: those of vector code run in as many lanes of WebAssembly's
/// vectors, four or two to a vector. In kernels whose warps compute collectives in vectors, a lane
/// group is a warp instead.
pub(crate) const VECTOR_LANES: u32 = 16;
const _: () = assert!(WARP_LANES.is_multiple_of(VECTOR_LANES));

/// The most threads of a block.
pub(crate) const MOST_THREADS: u32 = MAX_BLOCK_THREADS;

/// A thread's resume index when it has ended.
pub(crate) const ENDED: i32 = -1;
/// A thread's resume index when it waits at suspend point `n` is this less `n`.
pub(crate) const SUSPENDED: i32 = -2;

/// A flag in the resume index of a thread that runs by itself until its lane group reconverges.
pub(crate) const SCALAR_FALLBACK: u32 = 1 << 30;

/// The bytes through which lanes pass one by one: arrays of a lane group's words of 64 bits.
const LANES: u32 = 24 * WARP_LANES * 8;

/// The bytes of the fragments of matrices that vector code keeps unpacked.
pub(crate) const FRAGMENTS: u32 = 12 << 10;

/// The most bytes of a kernel's scratch memory, shared memory included.
pub(crate) const MOST_SCRATCH: u64 = 1 << 30;

/// Where everything lies: addresses in scratch memory, and the sizes that they follow from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// How many threads there is room for: a multiple of 32.
    pub(crate) threads: u32,
    pub(crate) param_bytes: u32,
    pub(crate) symbols: u32,
    pub(crate) globals: u32,
    /// The resume index of each thread: a word for each.
    pub(crate) resume_indices: u32,
    /// The inputs and results of suspend points: arrays of 64-bit words, one word for each thread.
    pub(crate) exchange: u32,
    /// A word for each lane group: not zero where its uniform and affine registers are saved once for
    /// all of its threads, in the group's uniform spill frame.
    pub(crate) uniform_saved: u32,
    /// The uniform spill frames, one for each lane group, and the bytes of each.
    pub(crate) uniform_frames: u32,
    pub(crate) uniform_stride: u32,
    /// The limits of the bounds guards of shared memory: a word for each.
    pub(crate) guard_limits: u32,
    /// Where lanes pass one by one.
    pub(crate) lanes: u32,
    /// Unpacked fragments of matrices.
    pub(crate) fragments: u32,
    /// The spill frames of threads: for each spilled register, an array with a word for each thread.
    pub(crate) frames: u32,
    /// Local memory. Until [`finish`](Layout::finish), the end of what has been laid out.
    pub(crate) local: u32,
    /// Bytes of local memory of a thread, a multiple of 16, and as they were declared.
    pub(crate) local_stride: u32,
    pub(crate) local_bytes: u32,
    pub(crate) shared: u32,
    /// The interrupt flag, which threads read at each back edge: not zero where they are to return. It
    /// has a page of its own, after everything else.
    pub(crate) interrupt: u32,
}

/// Dynamic shared memory for which there is room.
pub(crate) const MOST_SHARED: u32 = 1 << 20;

/// A page of WebAssembly.
pub(crate) const PAGE: u64 = 64 << 10;

/// The most arrays of the exchange: a collective's mask of members and its words.
pub(crate) const MAX_EXCHANGED: usize = 1 + MAX_INPUTS;
const _: () = assert!(MAX_RESULTS <= MAX_EXCHANGED);

/// The padding between arrays, which keeps the words of one thread in different cache lines.
const PAD: u32 = 64;

impl Layout {
    /// Lays out everything up to the exchange, whose size the kernel's suspend points say.
    pub(crate) fn new(
        threads: u32,
        param_bytes: u32,
        globals: u32,
        local_bytes: u32,
    ) -> Option<Layout> {
        let threads = threads.checked_next_multiple_of(WARP_LANES)?;
        let symbols = (ARGUMENTS + param_bytes).checked_next_multiple_of(64)?;
        let resume_indices = globals
            .checked_mul(8)?
            .checked_add(symbols)?
            .checked_next_multiple_of(64)?;
        let exchange = resume_indices + threads * 4 + PAD;
        Some(Layout {
            threads,
            param_bytes,
            symbols,
            globals,
            resume_indices,
            exchange,
            uniform_saved: exchange,
            uniform_frames: 0,
            uniform_stride: 0,
            guard_limits: 0,
            lanes: exchange,
            fragments: exchange,
            frames: exchange,
            local: exchange,
            local_stride: local_bytes.checked_next_multiple_of(16)?,
            local_bytes,
            shared: 0,
            interrupt: 0,
        })
    }

    /// Adds the exchange, with so many words for each thread, and what comes after it up to the spill
    /// frames, which the pass `spill` adds.
    pub(crate) fn reserve_exchange(&mut self, words: usize) -> Option<()> {
        debug_assert!(words <= MAX_EXCHANGED, "{words} words at a suspend point");
        let arrays = u32::try_from(words)
            .ok()
            .filter(|_| words <= MAX_EXCHANGED)?;
        self.uniform_saved = self.exchanged(arrays);
        self.lanes = (self.uniform_saved + self.threads).checked_next_multiple_of(64)?;
        self.fragments = self.lanes + LANES;
        self.frames = self.fragments + FRAGMENTS;
        self.local = self.frames;
        Some(())
    }

    /// The address of an array of the exchange.
    pub(crate) fn exchanged(&self, array: u32) -> u32 {
        self.exchange + array * (self.threads * 8 + PAD)
    }

    /// Adds the array of one more spilled register of so many bytes: its address.
    pub(crate) fn frame_slot(&mut self, bytes: u32) -> Option<u32> {
        let begin = self.local;
        self.local = begin.checked_add(self.threads * bytes)?.checked_add(PAD)?;
        Some(begin)
    }

    /// Adds one more register to each uniform spill frame: its offset there.
    pub(crate) fn uniform_slot(&mut self, bytes: u32) -> u32 {
        let begin = self.uniform_stride.next_multiple_of(bytes);
        self.uniform_stride = begin + bytes;
        begin
    }

    /// Adds the uniform spill frames of lane groups of so many threads, once all registers have their
    /// offsets.
    pub(crate) fn reserve_uniform_frames(&mut self, width: u32) -> Option<()> {
        self.uniform_stride = self.uniform_stride.next_multiple_of(64);
        self.uniform_frames = self.local.checked_next_multiple_of(64)?;
        let bytes = self.uniform_stride.checked_mul(self.threads / width)?;
        self.local = self.uniform_frames.checked_add(bytes)?;
        Some(())
    }

    /// Adds so many limits of bounds guards.
    pub(crate) fn reserve_guard_limits(&mut self, count: usize) -> Option<()> {
        let bytes = u32::try_from(count).ok()?.checked_mul(4)?;
        self.guard_limits = self.local;
        self.local = self
            .local
            .checked_add(bytes)?
            .checked_next_multiple_of(64)?;
        Some(())
    }

    /// Adds what comes after the frames: local memory, shared memory, the interrupt flag.
    pub(crate) fn finish(&mut self, dynamic_shared: u32) -> Option<()> {
        let local = u64::from(self.local).next_multiple_of(64);
        let shared = local + u64::from(self.local_stride) * u64::from(self.threads);
        let shared = shared.next_multiple_of(256);
        let end = shared + u64::from(dynamic_shared) + u64::from(MOST_SHARED);
        let interrupt = end.next_multiple_of(PAGE);
        if interrupt + PAGE > MOST_SCRATCH {
            return None;
        }
        self.interrupt = u32::try_from(interrupt).ok()?;
        self.local = u32::try_from(local).ok()?;
        self.shared = u32::try_from(shared).ok()?;
        Some(())
    }
}

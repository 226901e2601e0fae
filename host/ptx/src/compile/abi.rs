//! Where things lie in the scratch memory of an instance. All of it is known when a kernel is
//! lowered, except how large shared memory is: it comes last.

/// The block's place in the grid, three words.
pub(crate) const CTAID: u32 = 16;
/// The extents of block and grid, three words each.
pub(crate) const NTID: u32 = 32;
pub(crate) const NCTAID: u32 = 48;
pub(crate) const NWARPID: u32 = 68;
pub(crate) const DYNAMIC_SHARED: u32 = 72;
pub(crate) const TOTAL_SHARED: u32 = 76;
/// Not zero where the block's shape lets groups of threads run together.
pub(crate) const GROUPS: u32 = 80;
/// The place that all threads of the block have, or -1 where each has its own.
pub(crate) const COMMON: u32 = 84;
/// How many more blocks of the grid are to run, one after another, behind this one.
pub(crate) const MORE: u32 = 88;
/// The resume point at which the threads of a group that parted are awaited; 0 where they are not.
pub(crate) const MEETING: u32 = 92;
/// Not zero where the group with the first thread goes on where its threads have met, all bits.
pub(crate) const AGAIN: u32 = 96;
/// Where the block's groups wait so far.
pub(crate) const MET: u32 = 100;
/// Packed arguments, and behind them the addresses of the module's variables.
pub(crate) const ARGUMENTS: u32 = 256;

/// The most threads of a block.
pub(crate) const MOST_THREADS: u32 = 1024;

/// A thread's place when it has ended; and this less the index of the stop when it waits.
pub(crate) const ENDED: i32 = -1;
pub(crate) const WAITS: i32 = -2;

/// Set in the place of a thread that goes on alone, until it meets the others.
pub(crate) const APART: u32 = 1 << 30;

/// The size of what lanes go through one by one: arrays of a group's words of 64 bits.
const LANES: u32 = 24 * 16 * 8;

/// What a kernel's scratch memory may take, shared memory included.
pub(crate) const MOST_SCRATCH: u64 = 1 << 30;

/// Where things lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// How many threads there is room for: a multiple of 32.
    pub(crate) threads: u32,
    pub(crate) param_bytes: u32,
    pub(crate) symbols: u32,
    pub(crate) globals: u32,
    /// Where each thread goes on: a word for each.
    pub(crate) places: u32,
    /// What threads bring to a stop and take away from it: arrays of 64-bit words.
    pub(crate) exchange: u32,
    /// A word for each group of threads: not zero where registers that its threads have in common, or
    /// a stride apart, are saved once for all of them, in the group's brief frame.
    pub(crate) brief: u32,
    /// The brief frames, one behind another, and the bytes of each.
    pub(crate) brief_frames: u32,
    pub(crate) brief_stride: u32,
    /// What looks at shared memory compare with: a word for each.
    pub(crate) limits: u32,
    /// Where lanes go through one by one.
    pub(crate) lanes: u32,
    /// Saved registers: an array for each.
    pub(crate) frames: u32,
    pub(crate) local: u32,
    /// Bytes of local memory of a thread, a multiple of 16, and as they were declared.
    pub(crate) local_stride: u32,
    pub(crate) local_bytes: u32,
    pub(crate) shared: u32,
    /// The flag that threads read at each back edge: not zero where they are to return. It lies on a
    /// page of its own, behind all else.
    pub(crate) stop: u32,
}

/// Dynamic shared memory for which there is room.
pub(crate) const MOST_SHARED: u32 = 1 << 20;

/// A page of WebAssembly.
pub(crate) const PAGE: u64 = 64 << 10;

/// How many arrays the exchange has.
pub(crate) const EXCHANGES: u32 = 4;

/// A few bytes between arrays keep those of one thread out of one another's cache lines.
const PAD: u32 = 64;

impl Layout {
    /// All but the frames.
    pub(crate) fn new(
        threads: u32,
        param_bytes: u32,
        globals: u32,
        local_bytes: u32,
    ) -> Option<Layout> {
        let threads = threads.checked_next_multiple_of(32)?;
        let symbols = (ARGUMENTS + param_bytes).checked_next_multiple_of(64)?;
        let places = globals
            .checked_mul(8)?
            .checked_add(symbols)?
            .checked_next_multiple_of(64)?;
        let exchange = places + threads * 4 + PAD;
        let brief = exchange + EXCHANGES * (threads * 8 + PAD);
        let lanes = (brief + threads).checked_next_multiple_of(64)?;
        let frames = lanes + LANES;
        Some(Layout {
            threads,
            param_bytes,
            symbols,
            globals,
            places,
            exchange,
            brief,
            brief_frames: 0,
            brief_stride: 0,
            limits: 0,
            lanes,
            frames,
            local: frames,
            local_stride: local_bytes.checked_next_multiple_of(16)?,
            local_bytes,
            shared: 0,
            stop: 0,
        })
    }

    /// The address of an array of the exchange.
    pub(crate) fn exchanged(&self, array: u32) -> u32 {
        self.exchange + array * (self.threads * 8 + PAD)
    }

    /// Room for one more saved register of so many bytes: where its array begins.
    pub(crate) fn frame_slot(&mut self, bytes: u32) -> Option<u32> {
        let begin = self.local;
        self.local = begin.checked_add(self.threads * bytes)?.checked_add(PAD)?;
        Some(begin)
    }

    /// Room for one more register in each brief frame: where in it.
    pub(crate) fn brief_slot(&mut self, bytes: u32) -> u32 {
        let begin = self.brief_stride.next_multiple_of(bytes);
        self.brief_stride = begin + bytes;
        begin
    }

    /// Room for the brief frames of groups of so many threads, once all their registers have theirs.
    pub(crate) fn brief_room(&mut self, width: u32) -> Option<()> {
        self.brief_stride = self.brief_stride.next_multiple_of(64);
        self.brief_frames = self.local.checked_next_multiple_of(64)?;
        let bytes = self.brief_stride.checked_mul(self.threads / width)?;
        self.local = self.brief_frames.checked_add(bytes)?;
        Some(())
    }

    /// Room for so many limits.
    pub(crate) fn limits(&mut self, count: usize) -> Option<()> {
        let bytes = u32::try_from(count).ok()?.checked_mul(4)?;
        self.limits = self.local;
        self.local = self
            .local
            .checked_add(bytes)?
            .checked_next_multiple_of(64)?;
        Some(())
    }

    /// To be called when all frames have their room.
    pub(crate) fn finish(&mut self, dynamic_shared: u32) -> Option<()> {
        let local = u64::from(self.local).next_multiple_of(64);
        let shared = local + u64::from(self.local_stride) * u64::from(self.threads);
        let shared = shared.next_multiple_of(256);
        let end = shared + u64::from(dynamic_shared) + u64::from(MOST_SHARED);
        let stop = end.next_multiple_of(PAGE);
        if stop + PAGE > MOST_SCRATCH {
            return None;
        }
        self.stop = u32::try_from(stop).ok()?;
        self.local = u32::try_from(local).ok()?;
        self.shared = u32::try_from(shared).ok()?;
        Some(())
    }
}

//! One block of a compiled kernel: each thread is resumed where it was suspended or preempted, until
//! all have ended.

use std::sync::Arc;

use crate::Extent;
use crate::compile::abi::{COMMON_RESUME, CTAID, ENDED, MORE_BLOCKS};
use crate::exec::launch::{CompiledLaunch, set_extent};
use crate::exec::scratch::{set_word, word};
use crate::simt::block_sync::BlockSync;
use crate::simt::warp::WarpExchange;
use crate::simt::{Fault, Progress};

/// An instance of a kernel's module, with the [launch](CompiledLaunch) behind its imports.
pub trait KernelInstance {
    /// Why a call failed.
    type Error;

    /// The module's scratch memory.
    fn scratch(&mut self) -> &mut [u8];

    /// Calls the module's function `run` for the threads from `first` up to `end`.
    ///
    /// # Errors
    /// Where the call traps, or an import ends it.
    fn run(&mut self, first: u32, end: u32) -> Result<i32, Self::Error>;

    /// Whether the interrupt flag is set.
    fn interrupt_requested(&mut self) -> bool;
}

/// Why [`CompiledBlock::run`] failed.
#[derive(Debug)]
pub enum Failure<E> {
    /// Threads wait for each other in a way that cannot be.
    Fault(Box<Fault>),
    /// The engine says so.
    Engine(E),
}

/// The resumable state of one running block, but for what lies in scratch memory.
#[derive(Debug)]
pub struct CompiledBlock {
    pub(crate) launch: Arc<CompiledLaunch>,
    pub(crate) index: Extent,
    begun: bool,
    /// How many blocks behind this one are to run too.
    more: u32,
    /// The thread that is resumed first.
    first: u32,
    /// Where threads wait for each other; without threads in kernels in which none ever does.
    pub(crate) sync: BlockSync,
    /// The suspend point that each thread waits in.
    pub(crate) suspended_at: Vec<u32>,
    pub(crate) exchange: WarpExchange,
    /// What lay in scratch memory when the block was taken out of it.
    parked: Option<Vec<u8>>,
}

impl CompiledBlock {
    /// The block at this place of the grid, before its first step.
    #[must_use]
    pub fn new(launch: Arc<CompiledLaunch>, index: Extent) -> CompiledBlock {
        let mut block = CompiledBlock {
            launch,
            index,
            begun: false,
            more: 0,
            first: 0,
            sync: BlockSync::default(),
            suspended_at: Vec::new(),
            exchange: WarpExchange::default(),
            parked: None,
        };
        block.restart(index, 0);
        block
    }

    /// Begins again as the block at another place of the grid, with so many behind it that are to run
    /// too.
    pub fn restart(&mut self, index: Extent, more: u32) {
        self.index = index;
        self.more = more;
        self.begun = false;
        self.first = 0;
        self.parked = None;
        if self.suspends() {
            let threads = self.launch.threads();
            self.sync.restart(threads);
            self.suspended_at.clear();
            self.suspended_at.resize(threads as usize, 0);
        }
    }

    /// Whether the kernel's threads ever wait for each other.
    fn suspends(&self) -> bool {
        !self.launch.kernel.body.suspend_points.is_empty()
    }

    /// How many of the blocks behind it have not begun. A kernel whose threads never wait for each
    /// other runs them by itself; else the caller restarts as each.
    #[must_use]
    pub fn more(&self) -> u32 {
        self.more
    }

    /// The block's place in the grid.
    #[must_use]
    pub fn index(&self) -> Extent {
        self.index
    }

    /// Runs until all threads have ended, or the interrupt flag was found set; where it can, through
    /// the blocks behind it. The launch must have been [prepared](CompiledLaunch::prepare) in the
    /// instance, and the flag cleared.
    ///
    /// # Errors
    /// What the kernel did wrong, or what the engine says.
    pub fn run<I: KernelInstance>(
        &mut self,
        instance: &mut I,
    ) -> Result<Progress, Failure<I::Error>> {
        if !self.begun {
            self.begin(instance.scratch());
        } else if let Some(parked) = self.parked.take() {
            self.unpark(instance.scratch(), &parked);
        }
        let threads = self.launch.threads();
        loop {
            let first = self.first;
            let preempted = instance.run(first, threads).map_err(Failure::Engine)?;
            self.note_running_block(instance.scratch());
            if let Ok(preempted) = u32::try_from(preempted) {
                self.split_common_resume(instance.scratch(), preempted);
                // The threads behind it have their turn first, when the block goes on.
                self.first = if preempted + 1 < threads {
                    preempted + 1
                } else {
                    0
                };
                return Ok(Progress::Yielded);
            }
            self.first = 0;
            if first > 0 {
                continue;
            }
            if !self.suspends() {
                return Ok(Progress::Done);
            }
            let progress = self
                .release_suspended(instance.scratch())
                .map_err(|fault| Failure::Fault(Box::new(fault)))?;
            if progress == Progress::Done {
                return Ok(Progress::Done);
            }
            // Between two barriers the kernel may have no loop that reads the flag.
            if instance.interrupt_requested() {
                self.give_common_resume(instance.scratch(), 0);
                return Ok(Progress::Yielded);
            }
        }
    }

    /// Finds out how far a call came that runs through several blocks.
    fn note_running_block(&mut self, scratch: &mut [u8]) {
        if self.launch.runs_several_blocks() {
            self.more = word(scratch, MORE_BLOCKS).cast_unsigned();
            let at = |at| word(scratch, at).cast_unsigned();
            self.index = self.launch.running_block(at);
        }
    }

    /// Gives each thread a resume index of its own, after this one was preempted while all had one in
    /// common.
    fn split_common_resume(&mut self, scratch: &mut [u8], preempted: u32) {
        if word(scratch, COMMON_RESUME) < 0 {
            return;
        }
        let lanes = self.launch.kernel.lanes();
        let (begin, end) = (
            preempted - preempted % lanes,
            (preempted / lanes + 1) * lanes,
        );
        // Those before have ended. In kernels without suspend points they did not say so.
        if !self.suspends() {
            for thread in 0..begin {
                set_word(scratch, self.resume_index(thread), ENDED.cast_unsigned());
            }
        }
        self.give_common_resume(scratch, end);
    }

    /// Gives threads from this one on the common resume index, where there is one, as their own.
    fn give_common_resume(&self, scratch: &mut [u8], first: u32) {
        let common = word(scratch, COMMON_RESUME);
        if common < 0 {
            return;
        }
        set_word(scratch, COMMON_RESUME, u32::MAX);
        for thread in first..self.launch.threads() {
            set_word(scratch, self.resume_index(thread), common.cast_unsigned());
        }
    }

    /// Takes the block out of scratch memory, so that another one may run in it. The blocks behind it
    /// are the caller's again.
    pub fn park(&mut self, scratch: &[u8]) {
        let mut parked = Vec::new();
        for (begin, end) in self.ranges() {
            parked.extend_from_slice(scratch.get(begin..end).unwrap_or_default());
        }
        self.parked = Some(parked);
        self.more = 0;
    }

    fn unpark(&self, scratch: &mut [u8], mut parked: &[u8]) {
        set_extent(scratch, CTAID, self.index);
        set_word(scratch, COMMON_RESUME, u32::MAX);
        set_word(scratch, MORE_BLOCKS, 0);
        for (begin, end) in self.ranges() {
            if let (Some(range), Some((part, rest))) = (
                scratch.get_mut(begin..end),
                parked.split_at_checked(end - begin),
            ) {
                range.copy_from_slice(part);
                parked = rest;
            }
        }
    }

    /// What of scratch memory is the block's: resume indices and spilled registers, local memory,
    /// shared memory.
    fn ranges(&self) -> [(usize, usize); 3] {
        let layout = &self.launch.kernel.layout;
        let local = layout.local_stride as usize * self.launch.threads() as usize;
        let (begin, shared) = (layout.local as usize, layout.shared as usize);
        [
            (layout.resume_indices as usize, begin),
            (begin, begin + local),
            (shared, shared + self.launch.launch.shared_bytes as usize),
        ]
    }

    fn begin(&mut self, scratch: &mut [u8]) {
        self.begun = true;
        set_extent(scratch, CTAID, self.index);
        let several = self.launch.runs_several_blocks();
        set_word(scratch, MORE_BLOCKS, if several { self.more } else { 0 });
        let has_common = self.launch.has_common_resume();
        set_word(
            scratch,
            COMMON_RESUME,
            if has_common { 0 } else { u32::MAX },
        );
        let [(indices, _), local, shared] = self.ranges();
        let own = if has_common { 0 } else { 4 };
        let indices = (indices, indices + own * self.launch.threads() as usize);
        for (begin, end) in [indices, local, shared] {
            if let Some(range) = scratch.get_mut(begin..end) {
                range.fill(0);
            }
        }
    }

    /// Where in scratch memory a thread's resume index lies.
    pub(crate) fn resume_index(&self, thread: u32) -> u32 {
        self.launch.kernel.layout.resume_indices + 4 * thread
    }
}

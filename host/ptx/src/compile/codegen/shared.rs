//! What all functions of a module have in common.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::abi::Layout;
use crate::compile::analysis::bounds_guards::{Limits, Plan};
use crate::compile::analysis::liveness::Live;
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{BlockId, Body, Reg};
use crate::compile::passes::divergence::Meetings;
use crate::compile::passes::spill::Frames;

/// A window onto device memory that an access found last: two globals, and two locals of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoundsCache {
    /// What the address was computed from.
    pub root: u32,
    /// The logarithm of the access's size.
    pub shift: u8,
    pub write: bool,
}

/// What all functions of a module share.
pub(crate) struct Shared<'k> {
    pub body: &'k Body,
    pub graph: &'k Graph,
    pub live: &'k Live,
    pub frames: Frames,
    pub layout: &'k Layout,
    /// Where each register is saved that has to be.
    pub slots: HashMap<Reg, u32>,
    /// Where in brief frames, of those that do not vary.
    pub brief: HashMap<Reg, u32>,
    /// The window of each site, by its place in `bounds_caches`.
    pub bounds_cache_of: HashMap<u32, usize>,
    pub bounds_caches: Vec<BoundsCache>,
    /// Where the threads of groups that part in a block are awaited.
    pub meetings: Meetings,
    /// What the threads of groups have in each register.
    pub classes: &'k UniformityInfo,
    /// Conditions that the threads with the least and the most answer for all, while they agree.
    pub by_ends: &'k HashSet<Reg>,
    /// What groups look at before blocks.
    pub plan: &'k Plan,
    /// What the looks of groups compare with.
    pub limits: Limits,
    /// The size of static shared memory: addresses within it need no check.
    pub static_shared: u32,
}

impl Shared<'_> {
    /// What is saved where a block begins, and behind it for the next one; and restored at one.
    pub(crate) fn saved(&self, block: BlockId) -> Vec<Reg> {
        self.frames.saved(self.live, block)
    }

    pub(crate) fn saved_behind(&self, block: BlockId, next: BlockId) -> Vec<Reg> {
        self.frames.saved_behind(self.live, block, next)
    }

    /// What is saved where a block goes on to the next.
    pub(crate) fn saved_ahead(&self, block: BlockId) -> Vec<Reg> {
        self.frames.saved_ahead(self.live, self.body, block)
    }

    pub(crate) fn restored(&self, block: BlockId) -> Vec<Reg> {
        self.frames.restored(self.live, block)
    }

    /// The global with a window's base; its count follows.
    pub(crate) fn window_global(window: usize) -> u32 {
        u32::try_from(window).unwrap_or(0) * 2
    }

    /// The global with a limit of looks, by its place among those of device memory.
    pub(crate) fn limit_global(&self, number: u32) -> u32 {
        Self::window_global(self.bounds_caches.len()) + number
    }

    /// How many globals there are.
    pub(crate) fn globals(&self) -> u32 {
        let limits = u32::try_from(self.limits.device.len()).unwrap_or(0);
        self.limit_global(limits)
    }
}

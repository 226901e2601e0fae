//! What all functions of a module have in common.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::abi::Layout;
use crate::compile::analysis::Analyses;
use crate::compile::analysis::allocation_roots::{BoundsCaches, CacheId};
use crate::compile::analysis::bounds_guards::{DeviceLimitId, GuardPlan, Limits};
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{BlockId, Body, Reg};
use crate::compile::passes::reconvergence::ReconvergencePoints;
use crate::compile::passes::spill::SpillPlan;

/// What all functions of a module share.
pub(crate) struct Shared<'k> {
    pub body: &'k Body,
    pub layout: &'k Layout,
    pub graph: &'k Graph,
    pub live: &'k Liveness,
    pub spills: &'k SpillPlan,
    /// Where each register is saved that has to be.
    pub slots: &'k HashMap<Reg, u32>,
    /// Where in uniform spill frames, of those that are uniform or affine.
    pub brief: &'k HashMap<Reg, u32>,
    pub bounds_caches: &'k BoundsCaches,
    /// Where the threads of diverged lane groups are awaited.
    pub meetings: &'k ReconvergencePoints,
    /// What the threads of a lane group have in each register.
    pub classes: &'k UniformityInfo,
    /// Conditions that the first and the last lane decide for all, while those two agree.
    pub by_ends: &'k HashSet<Reg>,
    /// The bounds guards of vector code, and the limits that they compare with.
    pub plan: &'k GuardPlan,
    pub limits: &'k Limits,
    /// The size of static shared memory: addresses within it need no check.
    pub static_shared: u32,
}

impl<'k> Shared<'k> {
    pub(crate) fn new(
        body: &'k Body,
        layout: &'k Layout,
        analyses: &'k Analyses,
        static_shared: u32,
    ) -> Shared<'k> {
        Shared {
            body,
            layout,
            graph: &analyses.graph,
            live: &analyses.liveness,
            spills: &analyses.spills,
            slots: &analyses.spills.slots,
            brief: &analyses.spills.uniform_slots,
            bounds_caches: &analyses.bounds_caches,
            meetings: &analyses.reconvergence,
            classes: &analyses.uniformity,
            by_ends: &analyses.endpoint_conditions,
            plan: &analyses.guards,
            limits: analyses.guards.limits(),
            static_shared,
        }
    }
}

impl Shared<'_> {
    /// The resume point of a block that has one of its own.
    pub(crate) fn resume_of(&self, block: BlockId) -> Option<u32> {
        let resumes = self.graph.resumes.iter().skip(1);
        let place = resumes.clone().position(|other| *other == block)?;
        u32::try_from(place + 1).ok()
    }

    /// What is saved where a block begins, and behind it for the next one; and restored at one.
    pub(crate) fn saved(&self, block: BlockId) -> Vec<Reg> {
        self.spills.saved(self.live, block)
    }

    pub(crate) fn saved_behind(&self, block: BlockId, next: BlockId) -> Vec<Reg> {
        self.spills.saved_behind(self.live, block, next)
    }

    /// What is saved where a block goes on to the next.
    pub(crate) fn saved_ahead(&self, block: BlockId) -> Vec<Reg> {
        self.spills.saved_ahead(self.live, self.body, block)
    }

    pub(crate) fn restored(&self, block: BlockId) -> Vec<Reg> {
        self.spills.restored(self.live, block)
    }

    /// The global with a window's base; its count follows.
    pub(crate) fn window_global(cache: CacheId) -> u32 {
        cache.0 * 2
    }

    /// The global with a limit of looks, by its place among those of device memory.
    pub(crate) fn limit_global(&self, limit: DeviceLimitId) -> u32 {
        Self::window_global(self.bounds_caches.all().next_key()) + limit.0
    }

    /// How many globals there are.
    pub(crate) fn globals(&self) -> u32 {
        self.limit_global(self.limits.device.next_key())
    }
}

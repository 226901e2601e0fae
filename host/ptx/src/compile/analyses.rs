//! What the analyses and passes found out about a kernel, for code generation.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::analysis::allocation_roots::BoundsCaches;
use crate::compile::analysis::bounds_guards::GuardPlan;
use crate::compile::analysis::fault_bound::FaultBound;
use crate::compile::analysis::liveness::Liveness;
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::Reg;
use crate::compile::passes::reconvergence::ReconvergencePoints;
use crate::compile::passes::spill::SpillPlan;

/// Everything that is known of a kernel when its code is written.
pub(crate) struct Analyses {
    /// What the threads of a lane group have in each register.
    pub uniformity: UniformityInfo,
    /// Conditions that the first and the last lane decide for all, while those two agree.
    pub endpoint_conditions: HashSet<Reg>,
    /// Blocks from which each path ends in a fault.
    pub fault_bound: FaultBound,
    /// Where the threads of diverged lane groups are awaited.
    pub reconvergence: ReconvergencePoints,
    pub liveness: Liveness,
    /// Control flow with suspension and resume points.
    pub graph: Graph,
    /// That of lane groups, where the kernel has vector code.
    pub lane_group_graph: Option<Graph>,
    /// Which registers are saved and restored, where.
    pub spills: SpillPlan,
    pub bounds_caches: BoundsCaches,
    /// The bounds guards of vector code.
    pub guards: GuardPlan,
    /// The live values, summed over all steps.
    pub pressure: u64,
    /// What its edges cost an engine, by the registers that they carry.
    pub carried: usize,
}

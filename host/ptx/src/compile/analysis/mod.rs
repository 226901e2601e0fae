//! Analyses: what is known of a kernel's registers, accesses and control flow, computed from the IR
//! without changing it. Each is a value that the passes after it take.

pub(crate) mod allocation_roots;
pub(crate) mod bounds_guards;
pub(crate) mod coalescing;
pub(crate) mod lane_offsets;
pub(crate) mod liveness;
pub(crate) mod register_pressure;
pub(crate) mod register_sets;
pub(crate) mod transfer;
pub(crate) mod uniformity;
pub(crate) mod vectorization;

use rustc_hash::FxHashSet as HashSet;

use crate::compile::analysis::allocation_roots::BoundsCaches;
use crate::compile::analysis::bounds_guards::GuardPlan;
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
    /// Where the threads of diverged lane groups are awaited.
    pub reconvergence: ReconvergencePoints,
    pub liveness: Liveness,
    /// Control flow with suspension and resume points.
    pub graph: Graph,
    /// Which registers are saved and restored, where.
    pub spills: SpillPlan,
    pub bounds_caches: BoundsCaches,
    /// The bounds guards of vector code.
    pub guards: GuardPlan,
}

//! Analyses: what is known of a kernel's registers, accesses and control flow, computed from the IR
//! without changing it. Each is a value that the passes after it take.

pub(crate) mod allocation_roots;
pub(crate) mod bounds_guards;
pub(crate) mod coalescing;
pub(crate) mod fault_bound;
pub(crate) mod fixed_values;
pub(crate) mod lane_offsets;
pub(crate) mod lane_symmetry;
pub(crate) mod liveness;
pub(crate) mod masked_steps;
pub(crate) mod register_pressure;
pub(crate) mod register_sets;
pub(crate) mod transfer;
pub(crate) mod uniformity;
pub(crate) mod uniformity_lattice;
pub(crate) mod vectorization;

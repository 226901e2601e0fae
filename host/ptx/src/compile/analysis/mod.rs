//! Analyses: what is known of a kernel's registers and accesses, computed from the IR without
//! changing it.

pub(crate) mod bounds_guards;
pub(crate) mod lane_offsets;
pub(crate) mod liveness;
pub(crate) mod transfer;
pub(crate) mod uniformity;

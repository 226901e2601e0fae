//! Passes: each changes the IR, or decides what the code generator does with it.

pub(crate) mod constant_branches;
pub(crate) mod copy_propagation;
pub(crate) mod dead_code;
pub(crate) mod endpoint_branches;
pub(crate) mod nan_canonicalization;
pub(crate) mod reconvergence;
pub(crate) mod rematerialization;
pub(crate) mod resume_points;
pub(crate) mod scalar_regions;
pub(crate) mod spill;
pub(crate) mod whole_warps;

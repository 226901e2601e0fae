//! Passes: each changes the IR, or decides what the code generator does with it.

pub(crate) mod divergence;
pub(crate) mod endpoint_branches;
pub(crate) mod nan_canonicalization;
pub(crate) mod spill;

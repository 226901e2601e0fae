//! What a grid of threads is, whoever runs it: device memory as the embedder gives it, and faults.

pub(crate) mod fault;
pub(crate) mod memory;

pub use fault::{Fault, RunError};
pub use memory::{Memory, MemoryError};

//! What a grid of threads is, whoever runs it: device memory as the embedder gives it, and faults.

pub mod address;
pub(crate) mod extent;
pub(crate) mod fault;
pub(crate) mod memory;
pub(crate) mod shadow;

pub use extent::Extent;
pub use fault::{Fault, RunError};
pub use memory::{Memory, MemoryError};
pub use shadow::{Allocation, Shadow};

//! Runs compiled kernels: what an embedder's engine needs to know of a launch, and how the threads of a
//! block that wait for each other go on. The engine itself is the embedder's.

mod block;
mod launch;
mod scratch;
mod sync;

pub use block::{CompiledBlock, Failure, KernelInstance};
pub use launch::{CompiledLaunch, Region};

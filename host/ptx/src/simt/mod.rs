//! What a grid of threads is, whoever runs it (single instruction, multiple threads): the interpreter
//! and what runs compiled kernels share all of this.
//!
//! - A [`Launch`] says what to run; `geometry`, `special_registers` and `variables` say how its
//!   threads and variables are numbered and placed, and `address` what an address means.
//! - `block_sync` is the state machine of a block's threads that wait for each other, with `barrier`
//!   for the counts of barriers and `warp` for what warp collectives compute. `instruction` reads both
//!   from PTX.
//! - `builtin_functions` is what `vprintf` and `__assertfail` do, with `printf` for formats.
//! - [`Memory`] is device memory as the embedder gives it, with its [`Shadow`] for checks; a [`Fault`]
//!   is what a kernel does wrong.
//!
//! Nothing here evaluates instructions or follows control flow: the interpreter and the compiler do
//! that, each in its own way, so that one can be held against the other.

pub mod address;
pub(crate) mod barrier;
pub(crate) mod block_sync;
pub(crate) mod builtin_functions;
pub(crate) mod extent;
pub(crate) mod fault;
pub(crate) mod geometry;
pub(crate) mod instruction;
pub(crate) mod lanes;
pub(crate) mod launch;
pub(crate) mod matrix;
pub(crate) mod memory;
pub(crate) mod printf;
pub(crate) mod quad_pairs;
pub(crate) mod shadow;
pub(crate) mod special_registers;
pub(crate) mod variables;
pub(crate) mod warp;
pub(crate) mod wgmma;
pub(crate) mod wmma;

pub use extent::Extent;
pub use fault::{Fault, RunError};
pub use launch::{Launch, LaunchError};
pub use memory::{Memory, MemoryError};
pub use shadow::{Allocation, Shadow};

/// How far a block came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All threads have ended.
    Done,
    /// It was interrupted, or its steps ran out: it is to be run again.
    Yielded,
}

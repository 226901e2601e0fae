//! The reference interpreter: runs a kernel one thread at a time, slowly and obviously.
//!
//! An [`InterpretedLaunch`] is a [`Launch`](crate::simt::Launch) with its entry decoded, an
//! [`InterpretedBlock`] the resumable state of one block of it. Device memory is the embedder's, behind
//! [`Memory`](crate::simt::Memory). What compiled kernels do is held against it.

mod async_copies;
mod block;
mod bytes;
pub mod checks;
mod decode;
mod grid;
mod launch;
pub mod profile;
mod program;
mod sync;
mod thread;

pub use block::InterpretedBlock;
pub use grid::run_grid;
pub use launch::InterpretedLaunch;

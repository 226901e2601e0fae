//! The reference interpreter: runs a kernel one thread at a time, slowly and obviously.
//!
//! A [`Launch`] is what to run, a [`Block`] the resumable state of one block of it. Device memory is
//! the embedder's, behind [`Memory`].

mod barrier;
mod block;
pub mod checks;
mod decode;
mod launch;
mod printf;
mod program;
mod thread;
mod warp;

pub(crate) use program::{BoolCombine, Program, WarpOp};
pub(crate) use warp::source_lane;

pub use block::{Block, Progress, run_grid};
pub use launch::{Launch, LaunchError};

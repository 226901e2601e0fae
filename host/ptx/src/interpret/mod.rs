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

/// Eight little-endian bytes at an offset; what lies past the end is zero.
pub(crate) fn read_bytes(bytes: &[u8], offset: u64) -> u64 {
    let rest = usize::try_from(offset)
        .ok()
        .and_then(|start| bytes.get(start..));
    let mut word = [0; 8];
    for (place, byte) in word.iter_mut().zip(rest.unwrap_or_default()) {
        *place = *byte;
    }
    u64::from_le_bytes(word)
}

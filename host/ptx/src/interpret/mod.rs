//! The reference interpreter: runs a kernel one thread at a time, slowly and obviously.
//!
//! A [`Launch`] is what to run, a [`Block`] the resumable state of one block of it. Device memory is
//! the embedder's, behind [`Memory`].

mod alu;
mod barrier;
mod block;
mod convert;
mod decode;
mod eighths;
mod fault;
mod float;
mod format;
mod helper;
mod integer;
mod launch;
mod memory;
mod program;
mod soft;
mod thread;
mod video;
mod warp;

pub(crate) use alu::Flags;
pub(crate) use helper::{Helper, combine};
pub(crate) use integer::mask;
pub(crate) use program::{Junction, Program, Together};
pub(crate) use soft::Round;
pub(crate) use warp::source_lane;

pub use block::{Block, Progress, run_grid};
pub use fault::{Fault, RunError};
pub use launch::{Launch, LaunchError};
pub use memory::{Memory, MemoryError};

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

/// What tests compare other arithmetic with.
#[cfg(test)]
pub(crate) mod arithmetic {
    pub(crate) use super::float::{BF16, F16, F32, F64, Float, max, min};
    pub(crate) use super::soft::{Value, add, divide, multiply, round, square_root};
}

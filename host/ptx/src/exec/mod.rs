//! Running a compiled kernel: what an embedder's engine needs to know, and how a block's threads
//! meet. The engine itself is the embedder's.

mod block;
mod setup;
mod warp;

pub use block::{Block, Failure, Machine, Progress};
pub use setup::{Region, Setup};

/// A word of scratch memory; zero outside of it.
fn word(scratch: &[u8], at: u32) -> i32 {
    let bytes = scratch
        .get(at as usize..)
        .and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| i32::from_le_bytes(*bytes))
}

fn set_word(scratch: &mut [u8], at: u32, value: u32) {
    let bytes = scratch
        .get_mut(at as usize..)
        .and_then(|rest| rest.first_chunk_mut());
    if let Some(bytes) = bytes {
        *bytes = value.to_le_bytes();
    }
}

fn long(scratch: &[u8], at: u32) -> u64 {
    let bytes = scratch
        .get(at as usize..)
        .and_then(|rest| rest.first_chunk());
    bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn set_long(scratch: &mut [u8], at: u32, value: u64) {
    let bytes = scratch
        .get_mut(at as usize..)
        .and_then(|rest| rest.first_chunk_mut());
    if let Some(bytes) = bytes {
        *bytes = value.to_le_bytes();
    }
}

//! Words of an instance's scratch memory, by address. The compiler has laid out all that is asked for
//! here, so none of it lies outside: what does not is read as zero and not written.

use crate::simt::warp::LaneWords;

/// So many bytes at an address.
fn chunk<const N: usize>(scratch: &[u8], at: u32) -> Option<&[u8; N]> {
    let found = scratch
        .get(at as usize..)
        .and_then(|rest| rest.first_chunk());
    debug_assert!(found.is_some(), "scratch memory has no {N} bytes at {at}");
    found
}

fn chunk_mut<const N: usize>(scratch: &mut [u8], at: u32) -> Option<&mut [u8; N]> {
    let found = scratch
        .get_mut(at as usize..)
        .and_then(|rest| rest.first_chunk_mut());
    debug_assert!(found.is_some(), "scratch memory has no {N} bytes at {at}");
    found
}

pub(crate) fn word(scratch: &[u8], at: u32) -> i32 {
    chunk(scratch, at).map_or(0, |bytes| i32::from_le_bytes(*bytes))
}

pub(crate) fn set_word(scratch: &mut [u8], at: u32, value: u32) {
    if let Some(bytes) = chunk_mut(scratch, at) {
        *bytes = value.to_le_bytes();
    }
}

pub(crate) fn long(scratch: &[u8], at: u32) -> u64 {
    chunk(scratch, at).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

pub(crate) fn set_long(scratch: &mut [u8], at: u32, value: u64) {
    if let Some(bytes) = chunk_mut(scratch, at) {
        *bytes = value.to_le_bytes();
    }
}

/// The bytes of [`LaneWords`].
const ROW: usize = size_of::<LaneWords>();

/// One word of each lane of a warp.
pub(crate) fn row(scratch: &[u8], at: u32, row: &mut LaneWords) {
    if let Some(bytes) = chunk::<ROW>(scratch, at) {
        for (word, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
    }
}

/// Writes one word of each lane of a warp.
pub(crate) fn set_row(scratch: &mut [u8], at: u32, row: &LaneWords) {
    if let Some(bytes) = chunk_mut::<ROW>(scratch, at) {
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(row) {
            *bytes = word.to_le_bytes();
        }
    }
}

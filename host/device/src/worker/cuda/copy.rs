//! Copies on the device. Their ranges may overlap, which the driver does not allow: then they go in
//! pieces that do not, from the end where the target lies behind.

use super::driver::{self, Outcome, Stream};
use super::queue::Pending;
use crate::channel::wire::{BOUNCE_BYTES, goes_by_bounce};

/// Copies in the order of a stream. Returns what is to be done when the copy has ended.
///
/// Where the ranges lie so close together that pieces would be small, these go by way of a bounce buffer,
/// for which the host has reserved memory. Where `pooled`, the device's memory comes and goes in the
/// order of the stream. Else, on few devices, it is had by a call that may wait for what runs, and freed
/// when the copy has ended.
pub(super) fn copy(
    stream: Stream,
    pooled: bool,
    to: u64,
    from: u64,
    bytes: u64,
) -> Outcome<Pending> {
    let distance = to.abs_diff(from);
    if distance == 0 {
        return Ok(Pending::Transfer);
    }
    if !goes_by_bounce(distance, bytes) {
        in_pieces(to > from, bytes, distance, |at, size| {
            stream.copy(to + at, from + at, size as usize)
        })?;
        return Ok(Pending::Transfer);
    }
    let bounce = match pooled {
        true => stream.allocate(BOUNCE_BYTES as usize)?,
        false => driver::allocate(BOUNCE_BYTES as usize)?,
    };
    let copied = in_pieces(to > from, bytes, BOUNCE_BYTES, |at, size| {
        stream.copy(bounce, from + at, size as usize)?;
        stream.copy(to + at, bounce, size as usize)
    });
    if pooled {
        let freed = stream.free(bounce);
        return copied.and(freed).map(|()| Pending::Bounced(None));
    }
    match copied {
        Ok(()) => Ok(Pending::Bounced(Some(bounce))),
        Err(refusal) => {
            // Where this fails too, the process is broken anyway.
            let _ = stream.synchronize().and_then(|()| driver::free(bounce));
            Err(refusal)
        }
    }
}

/// Calls for pieces of at most `piece` bytes, with the offset of each and its size: the last first, if
/// `backwards`.
fn in_pieces(
    backwards: bool,
    bytes: u64,
    piece: u64,
    mut copy: impl FnMut(u64, u64) -> Outcome<()>,
) -> Outcome<()> {
    let mut done = 0;
    while done < bytes {
        let size = piece.min(bytes - done);
        copy(if backwards { bytes - done - size } else { done }, size)?;
        done += size;
    }
    Ok(())
}

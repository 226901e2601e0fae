//! Staging memory: where the bytes of writes and reads lie on their way between caller and device.
//! For a backend in this process that is the heap; for a worker it is memory that both processes have
//! mapped, of which a transfer gets no more than a part at a time.

use std::sync::{Arc, LazyLock};

use crate::channel::{AreaSlice, StagingArea};
use crate::{Error, large_pages};

/// A backend's staging memory.
#[derive(Debug)]
pub(crate) enum Staging {
    Heap,
    Shared(Arc<StagingArea>),
}

/// Bytes on their way.
#[derive(Debug)]
pub(crate) enum StagedBytes {
    Heap(Vec<u8>),
    Shared(AreaSlice),
}

/// Why bytes find no staging memory.
#[derive(Debug)]
pub(crate) enum StagingError {
    /// The worker that had it is lost.
    Closed,
    /// The host has no memory for them.
    OutOfMemory,
}

/// How many bytes one piece of a transfer has at most, where it goes by way of shared memory: what stays in
/// a processor's caches while it is copied, and takes a device much longer than a message.
const PIECE_BYTES: usize = 2 << 20;

/// From how many bytes on two threads copy: one alone copies slower than a device takes them, and to start
/// the second one takes a tenth of the time that copying a piece does.
const TWO_THREADS_BYTES: usize = 32 << 20;

/// How many threads copy a transfer of so many bytes: one, where processors are few and others need them.
pub(crate) fn copying_threads(bytes: usize) -> usize {
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, usize::from));
    match bytes >= TWO_THREADS_BYTES && *PROCESSORS >= 4 {
        true => 2,
        false => 1,
    }
}

impl Staging {
    /// How many bytes one piece of a transfer has at most.
    pub(crate) fn largest_piece(&self) -> usize {
        match self {
            Staging::Heap => usize::MAX,
            Staging::Shared(area) => area.largest().min(PIECE_BYTES),
        }
    }

    /// Takes bytes as they are, where they need no copy.
    pub(crate) fn adopt(&self, data: Vec<u8>) -> Result<StagedBytes, Vec<u8>> {
        match self {
            Staging::Heap => Ok(StagedBytes::Heap(data)),
            Staging::Shared(_) => Err(data),
        }
    }

    /// Copies bytes, no more than [`largest_piece`](Staging::largest_piece) of them, on so many threads.
    /// Waits for room if need be.
    pub(crate) async fn copy_of(
        &self,
        data: &[u8],
        threads: usize,
    ) -> Result<StagedBytes, StagingError> {
        match self {
            Staging::Heap => {
                let mut copy = Vec::new();
                copy.try_reserve_exact(data.len())
                    .map_err(|_| StagingError::OutOfMemory)?;
                copy.extend_from_slice(data);
                Ok(StagedBytes::Heap(copy))
            }
            Staging::Shared(area) => {
                let slice = area.take(data.len()).await.ok_or(StagingError::Closed)?;
                slice.write(data, threads);
                Ok(StagedBytes::Shared(slice))
            }
        }
    }

    /// Room for bytes that will be read, no more than [`largest_piece`](Staging::largest_piece) of
    /// them. Waits for it if need be.
    pub(crate) async fn room(&self, bytes: usize) -> Result<StagedBytes, StagingError> {
        match self {
            Staging::Heap => match zeroed(bytes) {
                Some(room) => Ok(StagedBytes::Heap(room)),
                None => Err(StagingError::OutOfMemory),
            },
            Staging::Shared(area) => match area.take(bytes).await {
                Some(slice) => Ok(StagedBytes::Shared(slice)),
                None => Err(StagingError::Closed),
            },
        }
    }

    /// As [`room`](Staging::room), if there is some now.
    pub(crate) fn try_room(&self, bytes: usize) -> Option<StagedBytes> {
        match self {
            Staging::Heap => zeroed(bytes).map(StagedBytes::Heap),
            Staging::Shared(area) => area.try_take(bytes).map(StagedBytes::Shared),
        }
    }

    /// Where the pieces of a read of so many bytes are put together.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where the host has no memory for them.
    pub(crate) fn assembly(&self, bytes: usize) -> Result<Assembly, Error> {
        let whole = match self {
            // The one piece is the whole.
            Staging::Heap => Vec::new(),
            Staging::Shared(_) => {
                let mut whole = zeroed(bytes).ok_or(Error::OutOfMemory {
                    bytes: bytes as u64,
                })?;
                large_pages::prefer(&mut whole);
                whole
            }
        };
        Ok(Assembly {
            whole,
            filled: 0,
            threads: copying_threads(bytes),
        })
    }
}

/// What was read so far, of a read in pieces.
#[derive(Debug)]
pub(crate) struct Assembly {
    whole: Vec<u8>,
    filled: usize,
    /// How many copy.
    threads: usize,
}

impl Assembly {
    /// Adds the next piece.
    pub(crate) fn add(&mut self, piece: StagedBytes) {
        match piece {
            StagedBytes::Heap(bytes) => self.whole = bytes,
            StagedBytes::Shared(slice) => {
                let rest = self.whole.get_mut(self.filled..).unwrap_or_default();
                slice.read(rest, self.threads);
                self.filled += slice.bytes();
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.whole
    }
}

fn zeroed(bytes: usize) -> Option<Vec<u8>> {
    let zeroed = bytemuck::allocation::try_zeroed_slice_box(bytes).ok()?;
    Some(zeroed.into_vec())
}

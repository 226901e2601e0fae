//! The limits of what one instance can make the host hold through `wasi:http`. They follow from
//! the limit of the instance's memory.

use wasmtime_wasi_http::p2::DEFAULT_OUTGOING_BODY_BUFFER_CHUNKS;

/// The largest and the smallest chunk of an outgoing body, in bytes.
const MOST_CHUNK_BYTES: usize = 256 << 10;
const LEAST_CHUNK_BYTES: usize = 4 << 10;

/// The limits of one instance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpLimits {
    chunk_bytes: usize,
}

impl HttpLimits {
    /// The limits of an instance whose memory has this one.
    pub(crate) fn of_memory(memory_bytes: usize) -> HttpLimits {
        HttpLimits {
            chunk_bytes: (memory_bytes / 1024).clamp(LEAST_CHUNK_BYTES, MOST_CHUNK_BYTES),
        }
    }

    /// How much a guest may write to an outgoing body at a time, in bytes.
    pub(super) fn chunk_bytes(self) -> usize {
        self.chunk_bytes
    }

    /// How many bytes of an outgoing body the host holds at most. One chunk more is queued than
    /// the interface's implementation calls buffered.
    pub(super) fn body_bytes(self) -> usize {
        self.chunk_bytes * (DEFAULT_OUTGOING_BODY_BUFFER_CHUNKS + 1)
    }
}

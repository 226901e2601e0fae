//! Device memory for tests: separate buffers with gaps between them, and for each byte whether
//! it was written.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::simt::{self, Allocation, MemoryError, Shadow};

use super::Failure;

/// The alignment of buffers in bytes, the same as on a device.
const ALIGNMENT: u64 = 256;

/// The smallest gap between two buffers, in bytes, so that accesses outside of a buffer hit none.
const GAP: u64 = 4096;

/// The buffers of a device, sorted by address.
#[derive(Debug, Default)]
pub(super) struct Memory {
    // The interpreter's trait requires `Sync`, though a test uses only one thread.
    buffers: Mutex<Vec<TrackedBuffer>>,
}

#[derive(Debug)]
struct TrackedBuffer {
    /// The address of the first byte.
    base: u64,
    bytes: Vec<u8>,
    /// For each byte, whether anything has written it.
    written: Vec<bool>,
    is_constant: bool,
}

impl TrackedBuffer {
    /// The indices of a range of addresses, if all of it is within the buffer.
    fn indices(&self, address: u64, size: u64) -> Option<Range<usize>> {
        let begin = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let end = begin.checked_add(usize::try_from(size).ok()?)?;
        (end <= self.bytes.len()).then_some(begin..end)
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Vec<TrackedBuffer>> {
        // Nothing panics while the lock is held, so the buffers are consistent even if the
        // lock is poisoned.
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Allocates a buffer of zeros that count as not written, and returns its address.
    pub(super) fn allocate(&mut self, size: u64, is_constant: bool) -> Result<u64, Failure> {
        let out_of_memory = Failure::OutOfMemory { bytes: size };
        let mut buffers = self.lock();
        let end = buffers.last().map_or(GLOBAL_BASE, |last| {
            last.base + last.bytes.len() as u64 + GAP
        });
        let base = end.next_multiple_of(ALIGNMENT);
        let size = usize::try_from(size).map_err(|_| out_of_memory.clone())?;
        let (mut bytes, mut written) = (Vec::new(), Vec::new());
        bytes
            .try_reserve_exact(size)
            .and_then(|()| written.try_reserve_exact(size))
            .map_err(|_| out_of_memory)?;
        bytes.resize(size, 0);
        written.resize(size, false);
        buffers.push(TrackedBuffer {
            base,
            bytes,
            written,
            is_constant,
        });
        Ok(base)
    }

    /// Copies data to memory. Does nothing if the range is not within a buffer.
    pub(super) fn write(&self, address: u64, data: &[u8]) {
        self.with_buffer(address, data.len() as u64, |buffer, indices| {
            if let Some(target) = buffer.bytes.get_mut(indices.clone()) {
                target.copy_from_slice(data);
            }
            mark_written(buffer, indices);
        });
    }

    /// Marks bytes as written without changing them.
    pub(super) fn mark_written(&self, address: u64, size: u64) {
        self.with_buffer(address, size, mark_written);
    }

    /// Copies data from memory. Does nothing if the range is not within a buffer.
    pub(super) fn read(&self, address: u64, into: &mut [u8]) {
        self.with_buffer(address, into.len() as u64, |buffer, indices| {
            if let Some(source) = buffer.bytes.get(indices) {
                into.copy_from_slice(source);
            }
        });
    }

    /// Calls `access` with the buffer that contains the range, and the range's indices in it.
    /// `None` if the range is not within a buffer.
    fn with_buffer<T>(
        &self,
        address: u64,
        size: u64,
        access: impl FnOnce(&mut TrackedBuffer, Range<usize>) -> T,
    ) -> Option<T> {
        let mut buffers = self.lock();
        let after = buffers.partition_point(|buffer| buffer.base <= address);
        let buffer = buffers.get_mut(after.checked_sub(1)?)?;
        let indices = buffer.indices(address, size)?;
        Some(access(buffer, indices))
    }

    /// Replaces a word of up to 8 bytes, and returns the old one.
    fn update_word(
        &self,
        address: u64,
        size: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.with_buffer(address, size.into(), |buffer, indices| {
            if buffer.is_constant {
                return Err(MemoryError::ReadOnly { address });
            }
            let word = buffer
                .bytes
                .get_mut(indices)
                .ok_or(MemoryError::Unmapped { address })?;
            let old = load_word(word);
            for (byte, new) in word.iter_mut().zip(f(old).to_le_bytes()) {
                *byte = new;
            }
            Ok(old)
        })
        .unwrap_or(Err(MemoryError::Unmapped { address }))
    }
}

fn mark_written(buffer: &mut TrackedBuffer, indices: Range<usize>) {
    if let Some(written) = buffer.written.get_mut(indices) {
        written.fill(true);
    }
}

/// A little-endian word of up to 8 bytes.
fn load_word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (target, byte) in word.iter_mut().zip(bytes) {
        *target = *byte;
    }
    u64::from_le_bytes(word)
}

impl simt::Memory for Memory {
    fn shadow(&self) -> Option<&dyn Shadow> {
        Some(self)
    }

    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.with_buffer(address, bytes.into(), |buffer, indices| {
            buffer.bytes.get(indices).map(load_word)
        })
        .flatten()
        .ok_or(MemoryError::Unmapped { address })
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.update_word(address, bytes, &mut |_| value).map(drop)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.update_word(address, bytes, f)
    }

    /// Prints to the output of the test, which the test runner shows if the test fails.
    fn print(&self, text: &[u8]) {
        print!("{}", String::from_utf8_lossy(text));
    }
}

impl Shadow for Memory {
    fn allocation(&self, address: u64) -> Option<Allocation> {
        let buffers = self.lock();
        let after = buffers.partition_point(|buffer| buffer.base <= address);
        let buffer = buffers.get(after.checked_sub(1)?)?;
        Some(Allocation {
            base: buffer.base,
            bytes: buffer.bytes.len() as u64,
        })
    }

    fn unwritten(&self, address: u64, bytes: u64) -> Option<u64> {
        self.with_buffer(address, bytes, |buffer, indices| {
            let mut written = buffer.written.get(indices)?.iter();
            let index = written.position(|written| !written)?;
            Some(address + index as u64)
        })?
    }

    fn write(&self, address: u64, bytes: u64) {
        self.with_buffer(address, bytes, mark_written);
    }
}

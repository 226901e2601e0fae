//! Device memory of a profiled kernel: buffers of zeros with gaps between them, so that an access
//! outside of a buffer hits none.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::simt::{self, MemoryError};

/// Where a buffer begins is a multiple of so many bytes, as on a device.
const ALIGNMENT: u64 = 256;

/// The smallest gap between two buffers, in bytes.
const GAP: u64 = 4096;

/// Buffers in the order of their addresses.
#[derive(Default)]
pub struct Buffers(Mutex<Vec<Buffer>>);

struct Buffer {
    base: u64,
    bytes: Vec<u8>,
    is_constant: bool,
}

impl Buffer {
    fn range(&self, address: u64, size: u64) -> Option<Range<usize>> {
        let begin = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let end = begin.checked_add(usize::try_from(size).ok()?)?;
        (end <= self.bytes.len()).then_some(begin..end)
    }
}

impl Buffers {
    fn lock(&self) -> MutexGuard<'_, Vec<Buffer>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer with these bytes, and its address.
    pub fn add(&self, bytes: Vec<u8>, is_constant: bool) -> anyhow::Result<u64> {
        let mut buffers = self.lock();
        let end = buffers.last().map_or(Some(GLOBAL_BASE), |last| {
            last.base.checked_add(last.bytes.len() as u64 + GAP)
        });
        let base = end.and_then(|end| end.checked_next_multiple_of(ALIGNMENT));
        let base = base.context("there are no addresses left")?;
        buffers.push(Buffer {
            base,
            bytes,
            is_constant,
        });
        Ok(base)
    }

    /// Replaces the beginning of the buffer at this address.
    pub fn set(&self, base: u64, bytes: &[u8]) {
        let mut buffers = self.lock();
        if let Some(buffer) = buffers.iter_mut().find(|buffer| buffer.base == base)
            && let Some(target) = buffer.bytes.get_mut(..bytes.len())
        {
            target.copy_from_slice(bytes);
        }
    }

    fn with<T>(
        &self,
        address: u64,
        bytes: u32,
        access: impl FnOnce(&mut [u8], bool) -> T,
    ) -> Result<T, MemoryError> {
        let unmapped = MemoryError::Unmapped { address };
        let mut buffers = self.lock();
        let after = buffers.partition_point(|buffer| buffer.base <= address);
        let found = after
            .checked_sub(1)
            .and_then(|index| buffers.get_mut(index));
        let buffer = found.ok_or(unmapped)?;
        let range = buffer.range(address, u64::from(bytes)).ok_or(unmapped)?;
        let is_constant = buffer.is_constant;
        let word = buffer.bytes.get_mut(range).ok_or(unmapped)?;
        Ok(access(word, is_constant))
    }
}

fn read(word: &[u8]) -> u64 {
    let mut value = [0; 8];
    for (to, from) in value.iter_mut().zip(word) {
        *to = *from;
    }
    u64::from_le_bytes(value)
}

fn write(word: &mut [u8], value: u64) {
    for (to, from) in word.iter_mut().zip(value.to_le_bytes()) {
        *to = from;
    }
}

impl simt::Memory for Buffers {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.with(address, bytes, |word, _| read(word))
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.update(address, bytes, &mut |_| value).map(drop)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.with(address, bytes, |word, is_constant| {
            if is_constant {
                return Err(MemoryError::ReadOnly { address });
            }
            let old = read(word);
            write(word, f(old));
            Ok(old)
        })?
    }

    fn print(&self, text: &[u8]) {
        crate::output::to_stderr(format_args!("{}", String::from_utf8_lossy(text)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use simt::Memory as _;

    #[test]
    fn an_access_is_within_one_buffer_or_fails() {
        let memory = Buffers::default();
        let first = memory.add(vec![1, 2, 3, 4, 5], false).unwrap();
        let second = memory.add(vec![7; 8], true).unwrap();
        assert!(second >= first + 5 + GAP);
        assert_eq!(memory.load(first, 4), Ok(0x0403_0201));
        memory.store(first, 2, 0xaabb_ccdd).unwrap();
        assert_eq!(memory.load(first, 4), Ok(0x0403_ccdd));
        assert_eq!(memory.update(first, 1, &mut |old| old + 1), Ok(0xdd));
        for (address, bytes) in [(first + 4, 2), (first - 1, 1), (second + 8, 1)] {
            let unmapped = Err(MemoryError::Unmapped { address });
            assert_eq!(memory.load(address, bytes), unmapped);
        }
        let read_only = Err(MemoryError::ReadOnly { address: second });
        assert_eq!(memory.store(second, 4, 0), read_only);
    }
}

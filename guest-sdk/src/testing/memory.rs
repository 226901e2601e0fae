//! Device memory of a test: buffers far apart, each byte with whether anything has written it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::simt::{self, Allocation, MemoryError, Shadow};

use super::Failure;

/// Every buffer begins at a multiple of this, as those of devices do.
const ALIGNMENT: u64 = 256;

/// What lies between two buffers, at least, and is nobody's.
const GAP: u64 = 4096;

/// All buffers of a device, in the order of their addresses.
#[derive(Debug, Default)]
pub(super) struct Memory {
    // A lock, since the interpreter may ask from several threads. Here it is one.
    buffers: Mutex<Vec<Bytes>>,
}

#[derive(Debug)]
struct Bytes {
    base: u64,
    values: Vec<u8>,
    written: Vec<bool>,
    is_constant: bool,
}

impl Bytes {
    fn range(&self, address: u64, bytes: u64) -> Option<std::ops::Range<usize>> {
        let begin = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let end = begin.checked_add(usize::try_from(bytes).ok()?)?;
        (end <= self.values.len()).then_some(begin..end)
    }
}

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Vec<Bytes>> {
        // What is in it is always whole: nothing panics while it is changed.
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn allocate(&mut self, bytes: u64, is_constant: bool) -> Result<u64, Failure> {
        let full = Failure::OutOfMemory { bytes };
        let mut buffers = self.lock();
        let end = buffers.last().map_or(GLOBAL_BASE, |last| {
            last.base + last.values.len() as u64 + GAP
        });
        let base = end.next_multiple_of(ALIGNMENT);
        let size = usize::try_from(bytes).map_err(|_| full.clone())?;
        let (mut values, mut written) = (Vec::new(), Vec::new());
        let room = values
            .try_reserve_exact(size)
            .and_then(|()| written.try_reserve_exact(size));
        room.map_err(|_| full)?;
        values.resize(size, 0);
        written.resize(size, false);
        buffers.push(Bytes {
            base,
            values,
            written,
            is_constant,
        });
        Ok(base)
    }

    pub(super) fn write(&self, address: u64, data: &[u8]) {
        self.with(address, data.len() as u64, |buffer, range| {
            if let Some(place) = buffer.values.get_mut(range.clone()) {
                place.copy_from_slice(data);
            }
            mark(buffer, range);
        });
    }

    /// Notes that bytes are written as they are.
    pub(super) fn fill(&self, address: u64, bytes: u64) {
        self.with(address, bytes, mark);
    }

    pub(super) fn read(&self, address: u64, into: &mut [u8]) {
        self.with(address, into.len() as u64, |buffer, range| {
            if let Some(place) = buffer.values.get(range) {
                into.copy_from_slice(place);
            }
        });
    }

    /// Works on a range of the buffer that it lies in; `None` where it lies in none.
    fn with<T>(
        &self,
        address: u64,
        bytes: u64,
        work: impl FnOnce(&mut Bytes, std::ops::Range<usize>) -> T,
    ) -> Option<T> {
        let mut buffers = self.lock();
        let after = buffers.partition_point(|buffer| buffer.base <= address);
        let buffer = buffers.get_mut(after.checked_sub(1)?)?;
        let range = buffer.range(address, bytes)?;
        Some(work(buffer, range))
    }

    fn change(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.with(address, bytes.into(), |buffer, range| {
            if buffer.is_constant {
                return Err(MemoryError::ReadOnly { address });
            }
            let old = word(&buffer.values, range.clone());
            let new = f(old).to_le_bytes();
            let places = buffer.values.get_mut(range).unwrap_or_default();
            for (place, byte) in places.iter_mut().zip(new) {
                *place = byte;
            }
            Ok(old)
        })
        .unwrap_or(Err(MemoryError::Unmapped { address }))
    }
}

fn mark(buffer: &mut Bytes, range: std::ops::Range<usize>) {
    if let Some(written) = buffer.written.get_mut(range) {
        written.fill(true);
    }
}

fn word(values: &[u8], range: std::ops::Range<usize>) -> u64 {
    let mut word = [0; 8];
    let bytes = values.get(range).unwrap_or_default();
    for (place, byte) in word.iter_mut().zip(bytes) {
        *place = *byte;
    }
    u64::from_le_bytes(word)
}

impl simt::Memory for Memory {
    fn shadow(&self) -> Option<&dyn Shadow> {
        Some(self)
    }

    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.with(address, bytes.into(), |buffer, range| {
            word(&buffer.values, range)
        })
        .ok_or(MemoryError::Unmapped { address })
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.change(address, bytes, &mut |_| value).map(drop)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.change(address, bytes, f)
    }

    /// To the test's own output, which shows where the test fails.
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
            bytes: buffer.values.len() as u64,
        })
    }

    fn unwritten(&self, address: u64, bytes: u64) -> Option<u64> {
        self.with(address, bytes, |buffer, range| {
            let mut written = buffer.written.get(range)?.iter();
            let index = written.position(|written| !written)?;
            Some(address + index as u64)
        })?
    }

    fn write(&self, address: u64, bytes: u64) {
        self.with(address, bytes, mark);
    }
}

//! Device memory for tests: one flat buffer behind a lock. The fuzz targets use it too.
#![allow(dead_code, clippy::unwrap_used)]

use std::sync::Mutex;

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::simt::{Memory, MemoryError};

/// The most text that is kept of what kernels print.
const MOST_PRINTED: usize = 1 << 20;

/// Device memory: bytes from [`GLOBAL_BASE`] on, and what kernels printed.
pub struct Flat(pub Mutex<Vec<u8>>, Mutex<Vec<u8>>);

impl Flat {
    pub fn new(bytes: usize) -> Flat {
        Flat(Mutex::new(vec![0; bytes]), Mutex::default())
    }

    /// What was printed since it was asked for last.
    pub fn printed(&self) -> String {
        String::from_utf8(self.printed_bytes()).unwrap()
    }

    /// The same, whatever bytes it is.
    pub fn printed_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut *self.1.lock().unwrap())
    }

    /// Writes values at an offset from the memory's beginning.
    pub fn put<T: Number>(&self, offset: usize, values: &[T]) {
        let mut bytes = self.0.lock().unwrap();
        for (index, value) in values.iter().enumerate() {
            let start = offset + index * T::BYTES;
            bytes[start..start + T::BYTES].copy_from_slice(&value.bits().to_le_bytes()[..T::BYTES]);
        }
    }

    pub fn get<T: Number>(&self, offset: usize, count: usize) -> Vec<T> {
        let bytes = self.0.lock().unwrap();
        (0..count)
            .map(|index| {
                let start = offset + index * T::BYTES;
                let mut word = [0; 8];
                word[..T::BYTES].copy_from_slice(&bytes[start..start + T::BYTES]);
                T::of(u64::from_le_bytes(word))
            })
            .collect()
    }

    fn range(&self, address: u64, bytes: u32) -> Result<std::ops::Range<usize>, MemoryError> {
        let unmapped = MemoryError::Unmapped { address };
        let start = address.checked_sub(GLOBAL_BASE).ok_or(unmapped)?;
        let start = usize::try_from(start).map_err(|_| unmapped)?;
        let end = start.checked_add(bytes as usize).ok_or(unmapped)?;
        if end > self.0.lock().unwrap().len() {
            return Err(unmapped);
        }
        Ok(start..end)
    }
}

impl Memory for Flat {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        let range = self.range(address, bytes)?;
        let mut word = [0; 8];
        word[..bytes as usize].copy_from_slice(&self.0.lock().unwrap()[range]);
        Ok(u64::from_le_bytes(word))
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        let range = self.range(address, bytes)?;
        let value = &value.to_le_bytes()[..bytes as usize];
        self.0.lock().unwrap()[range].copy_from_slice(value);
        Ok(())
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        let old = self.load(address, bytes)?;
        self.store(address, bytes, f(old))?;
        Ok(old)
    }

    fn print(&self, text: &[u8]) {
        let mut printed = self.1.lock().unwrap();
        let room = MOST_PRINTED.saturating_sub(printed.len());
        printed.extend(&text[..text.len().min(room)]);
    }
}

/// A number with its bits.
pub trait Number: Copy {
    const BYTES: usize;
    fn bits(self) -> u64;
    fn of(bits: u64) -> Self;
}

macro_rules! numbers {
    ($($ty:ty),*) => {
        $(impl Number for $ty {
            const BYTES: usize = size_of::<$ty>();
            fn bits(self) -> u64 {
                let mut word = [0; 8];
                word[..Self::BYTES].copy_from_slice(&self.to_le_bytes());
                u64::from_le_bytes(word)
            }
            fn of(bits: u64) -> Self {
                Self::from_le_bytes(bits.to_le_bytes()[..Self::BYTES].try_into().unwrap())
            }
        })*
    };
}

numbers!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);

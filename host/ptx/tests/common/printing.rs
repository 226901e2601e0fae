//! Device memory that keeps what kernels print.

use std::sync::Mutex;

use tensor_wasm_ptx::interpret::{Memory, MemoryError};

use super::Flat;

pub struct Printing {
    pub memory: Flat,
    printed: Mutex<Vec<u8>>,
}

impl Printing {
    pub fn new(bytes: usize) -> Printing {
        Printing {
            memory: Flat::new(bytes),
            printed: Mutex::default(),
        }
    }

    /// What was printed since it was asked for last.
    pub fn printed(&self) -> String {
        let printed = std::mem::take(&mut *self.printed.lock().unwrap());
        String::from_utf8(printed).unwrap()
    }
}

impl Memory for Printing {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.memory.load(address, bytes)
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.memory.store(address, bytes, value)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.memory.update(address, bytes, f)
    }

    fn print(&self, text: &[u8]) {
        self.printed.lock().unwrap().extend(text);
    }
}

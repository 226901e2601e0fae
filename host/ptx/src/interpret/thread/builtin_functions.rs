//! Functions of CUDA's device runtime: printing, and assertions that fail.

use crate::interpret::bytes;
use crate::interpret::printf::{self, Arguments};
use crate::interpret::program::{BuiltinCall, Passed};
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::address::AddressSpace;
use crate::simt::memory::Memory;
use crate::syntax::builtin_functions::BuiltinFunction;

/// The most bytes that one call prints; the rest is dropped.
const MOST_PRINTED: usize = 64 << 10;

/// The longest format.
const LONGEST_FORMAT: usize = 8 << 10;

/// The longest part of an assertion's message.
const LONGEST_PART: usize = 512;

/// A format's arguments, which lie in memory each at a multiple of its size.
struct InMemory<'m, 'a, M: ?Sized> {
    thread: &'m RunningThread<'a, M>,
    address: u64,
}

impl<M: Memory + ?Sized> Arguments for InMemory<'_, '_, M> {
    type Error = Refused;

    fn value(&mut self, bytes: u32) -> Result<u64, Refused> {
        let size = u64::from(bytes);
        let address = self.address.wrapping_add(size - 1) & !(size - 1);
        self.address = address.wrapping_add(size);
        self.thread.load(AddressSpace::Generic, address, bytes)
    }

    fn text(&mut self, address: u64, most: usize) -> Result<Vec<u8>, Refused> {
        if address == 0 {
            return Ok(b"(null)".iter().copied().take(most).collect());
        }
        self.thread.text(address, most)
    }
}

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    pub(crate) fn builtin(&mut self, call: &BuiltinCall) -> Result<(), Refused> {
        let argument = |index: usize| {
            let passed = call.arguments.get(index);
            passed.map_or(0, |passed| self.passed(*passed))
        };
        match call.function {
            BuiltinFunction::Print => {
                let (format, address) = (argument(0), argument(1));
                let used = if format == 0 {
                    // C's printf says so of a null format.
                    u32::MAX
                } else {
                    self.print(format, address)?
                };
                if let Some(result) = call.result {
                    self.give(result, u64::from(used));
                }
                Ok(())
            }
            BuiltinFunction::AssertFail => {
                let part = |index: usize| -> Result<String, Refused> {
                    match argument(index) {
                        0 => Ok("?".to_owned()),
                        address => Ok(shown(&self.text(address, LONGEST_PART)?)),
                    }
                };
                let (message, file, function) = (part(0)?, part(1)?, part(3)?);
                let line = argument(2) & 0xffff_ffff;
                Err(Box::new(format!(
                    "{file}:{line}: {function}: assertion `{message}` failed"
                )))
            }
        }
    }

    fn print(&mut self, format: u64, address: u64) -> Result<u32, Refused> {
        let text = self.text(format, LONGEST_FORMAT)?;
        let mut arguments = InMemory {
            thread: self,
            address,
        };
        let mut out = Vec::new();
        let used = printf::format(&text, &mut arguments, MOST_PRINTED, &mut out)?;
        self.memory.print(&out);
        self.extra += (text.len() + out.len()) as u64;
        Ok(used)
    }

    /// The bytes at an address, up to a NUL.
    fn text(&self, address: u64, most: usize) -> Result<Vec<u8>, Refused> {
        let mut text = Vec::new();
        for offset in 0..most as u64 {
            match self.load(AddressSpace::Generic, address.wrapping_add(offset), 1)? {
                0 => break,
                byte => text.push(byte as u8),
            }
        }
        Ok(text)
    }

    /// What the caller passes.
    fn passed(&self, passed: Passed) -> u64 {
        match passed {
            Passed::Value(source) => self.get(source),
            Passed::Variable { offset, bytes } => {
                let start = u64::from(self.thread.frame_base) + u64::from(offset);
                bytes::read(self.local, start, bytes.min(8)).unwrap_or(0)
            }
        }
    }

    /// Writes a result where the caller wants it.
    fn give(&mut self, place: Passed, value: u64) {
        match place {
            Passed::Value(source) => {
                let index = self.thread.slot_base as usize + source.index();
                if let Some(register) = self.registers.get_mut(index) {
                    *register = value;
                }
            }
            Passed::Variable { offset, bytes } => {
                let start = u64::from(self.thread.frame_base) + u64::from(offset);
                // Frames were laid out to fit.
                let _ = bytes::write(self.local, start, bytes.min(8), value);
            }
        }
    }
}

/// A text of the kernel's as part of a message.
fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect()
}

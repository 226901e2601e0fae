//! Calls of functions of CUDA's device runtime: where their arguments come from, and what becomes of
//! their results.

use crate::interpret::bytes;
use crate::interpret::program::{BuiltinCall, Passed};
use crate::interpret::thread::{Refused, RunningThread};
use crate::simt::address::AddressSpace;
use crate::simt::builtin_functions::{self, CallerMemory, MOST_ARGUMENTS};
use crate::simt::memory::Memory;

impl<M: Memory + ?Sized> CallerMemory for RunningThread<'_, M> {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, Refused> {
        RunningThread::load(self, AddressSpace::Generic, address, bytes)
    }

    fn print(&self, text: &[u8]) {
        self.memory.print(text);
    }
}

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    pub(crate) fn builtin(&mut self, call: &BuiltinCall) -> Result<(), Refused> {
        let mut arguments = [0; MOST_ARGUMENTS];
        for (argument, passed) in arguments.iter_mut().zip(&call.arguments) {
            *argument = self.passed(*passed);
        }
        let returned = builtin_functions::call(call.function, arguments, self)?;
        self.extra += returned.bytes;
        if let Some(result) = call.result {
            self.give(result, returned.value);
        }
        Ok(())
    }

    /// What the caller passes.
    fn passed(&self, passed: Passed) -> u64 {
        match passed {
            Passed::Value(source) => self.get(source),
            Passed::Variable { offset, bytes } => {
                let start = u64::from(self.thread.frame_base) + u64::from(offset);
                let value = bytes::read(self.local, start, bytes.min(8));
                debug_assert!(value.is_some(), "a variable outside of its frame");
                value.unwrap_or(0)
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
                let written = bytes::write(self.local, start, bytes.min(8), value);
                debug_assert!(written.is_some(), "a variable outside of its frame");
            }
        }
    }
}

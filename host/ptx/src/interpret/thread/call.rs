//! Calls: arguments go into the callee's slots and frame, results come back out of them.

use crate::interpret::bytes;
use crate::interpret::program::{Action, CallStep, Passed, Source};
use crate::interpret::thread::{CallFrame, Refused, RunningThread, TurnEnd};
use crate::simt::memory::Memory;

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    pub(crate) fn enter(&mut self, call: &CallStep) -> Result<(), Refused> {
        let (slots, frame) = (self.thread.slot_base, self.thread.frame_base);
        let (inner_slots, inner_frame) = (slots + call.slots, frame + call.frame);
        // Only recursion can go past what the launch laid out.
        let slots_end = inner_slots as usize + call.needed_slots as usize;
        let frame_end = inner_frame as usize + call.needed_frame as usize;
        if slots_end > self.registers.len() || frame_end > self.local.len() {
            let depth = self.thread.calls.len() + 1;
            return Err(Box::new(format!(
                "calls are nested too deep: at {depth} of them the thread has no room for one more"
            )));
        }
        for (from, to) in &call.arguments {
            self.pass(*from, (slots, frame), *to, (inner_slots, inner_frame));
        }
        self.thread.calls.push(CallFrame {
            // The step itself, so that the results are found again.
            call: self.thread.pc - 1,
            slot_base: slots,
            frame_base: frame,
        });
        self.thread.slot_base = inner_slots;
        self.thread.frame_base = inner_frame;
        self.thread.pc = call.target;
        Ok(())
    }

    pub(crate) fn leave(&mut self) -> Option<TurnEnd> {
        let Some(back) = self.thread.calls.pop() else {
            return Some(TurnEnd::Exit);
        };
        let inner = (self.thread.slot_base, self.thread.frame_base);
        let outer = (back.slot_base, back.frame_base);
        let launch = self.launch;
        if let Some(Action::Call(call)) = launch
            .program
            .code
            .get(back.call as usize)
            .map(|step| &step.action)
        {
            for (from, to) in &call.results {
                self.pass(*from, inner, *to, outer);
            }
        }
        self.thread.slot_base = outer.0;
        self.thread.frame_base = outer.1;
        self.thread.pc = back.call + 1;
        None
    }

    /// Copies an argument or a result between two functions, each given by its slots and frame.
    pub(crate) fn pass(
        &mut self,
        from: Passed,
        from_bases: (u32, u32),
        to: Passed,
        to_bases: (u32, u32),
    ) {
        let slot = |base: u32, source: Source| base as usize + source.index();
        let start = |base: u32, offset: u32| u64::from(base) + u64::from(offset);
        if let (
            Passed::Variable { offset, bytes },
            Passed::Variable {
                offset: to_offset, ..
            },
        ) = (from, to)
        {
            let begin = start(from_bases.1, offset) as usize;
            let target = start(to_bases.1, to_offset) as usize;
            let end = begin + bytes as usize;
            if end <= self.local.len() && target + bytes as usize <= self.local.len() {
                self.local.copy_within(begin..end, target);
            }
            return;
        }
        let value = match from {
            Passed::Value(source) if source.is_constant() => self.get(source),
            Passed::Value(source) => {
                let register = self.registers.get(slot(from_bases.0, source));
                debug_assert!(register.is_some(), "a value that is not there");
                register.copied().unwrap_or(0)
            }
            Passed::Variable { offset, bytes } => {
                let value = bytes::read(self.local, start(from_bases.1, offset), bytes.min(8));
                debug_assert!(value.is_some(), "a variable outside of its frame");
                value.unwrap_or(0)
            }
        };
        match to {
            Passed::Value(source) => {
                if let Some(register) = self.registers.get_mut(slot(to_bases.0, source)) {
                    *register = value;
                }
            }
            Passed::Variable { offset, bytes } => {
                // Frames were laid out to fit.
                let written =
                    bytes::write(self.local, start(to_bases.1, offset), bytes.min(8), value);
                debug_assert!(written.is_some(), "a variable outside of its frame");
            }
        }
    }
}

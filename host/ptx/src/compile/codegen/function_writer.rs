//! Writes one function of WebAssembly: its locals and instructions, hints for its branches, and which
//! line of the text its code comes from.

use std::cell::Cell;

use rustc_hash::FxHashMap as HashMap;
use wasm_encoder::{BlockType, Encode, Instruction as W, ValType};

use crate::compile::Unsupported;
use crate::compile::source_lines::CodeLine;

/// The most locals of a function that the engine takes, less a few.
const MOST_LOCALS: usize = 45_000;

/// About how many bytes of code a step becomes, so that the code needs not to grow often.
const CODE_PER_STEP: usize = 64;

/// The steps of a kernel from which on each constant vector of a function is written once: it takes 18
/// bytes, and reading a local two or three. In smaller ones it is written where it is used, and easier to
/// read.
const LEAST_STEPS_TO_SHARE: usize = 1000;

/// The parameters of a function: the first thread, and the one behind the last.
pub(crate) const FIRST_THREAD: u32 = 0;
pub(crate) const END_THREAD: u32 = 1;
const PARAMETERS: usize = 2;

/// A finished function.
pub(crate) struct Function {
    /// The types of its locals without the parameters.
    pub locals: Vec<ValType>,
    pub code: Vec<u8>,
    /// The offsets of branches that are hardly ever taken.
    pub unlikely: Vec<u32>,
    pub lines: Vec<CodeLine>,
}

/// A function as it is written.
pub(crate) struct FunctionWriter {
    code: Vec<u8>,
    /// The types of the locals, parameters included.
    locals: Vec<ValType>,
    unlikely: Vec<u32>,
    lines: Vec<CodeLine>,
    /// The locals of constant vectors, which are set where the function begins; `None` where each is
    /// written where it is used.
    constants: Option<HashMap<i128, u32>>,
    /// The first thing in which the analyses and this code contradict each other.
    inconsistency: Cell<Option<&'static str>>,
}

impl FunctionWriter {
    /// A function of two parameters for a kernel of so many steps.
    pub(crate) fn new(steps: usize) -> FunctionWriter {
        FunctionWriter {
            code: Vec::with_capacity(steps * CODE_PER_STEP),
            locals: vec![ValType::I32; PARAMETERS],
            unlikely: Vec::new(),
            lines: Vec::new(),
            constants: (steps >= LEAST_STEPS_TO_SHARE).then(HashMap::default),
            inconsistency: Cell::new(None),
        }
    }

    /// The local of a constant vector, where it has one.
    fn constant(&mut self, vector: i128) -> Option<u32> {
        let constants = self.constants.as_mut()?;
        if let Some(local) = constants.get(&vector) {
            return Some(*local);
        }
        if self.locals.len() >= MOST_LOCALS {
            return None;
        }
        let local = u32::try_from(self.locals.len()).ok()?;
        constants.insert(vector, local);
        self.locals.push(ValType::V128);
        Some(local)
    }

    /// Sets the locals of constant vectors, before all other code.
    fn set_constants(&mut self) {
        let mut constants: Vec<(u32, i128)> = self
            .constants
            .take()
            .into_iter()
            .flatten()
            .map(|(vector, local)| (local, vector))
            .collect();
        constants.sort_unstable();
        let mut code = Vec::with_capacity(self.code.len() + 24 * constants.len());
        for (local, vector) in constants {
            W::V128Const(vector).encode(&mut code);
            W::LocalSet(local).encode(&mut code);
        }
        let before = code.len() as u32;
        code.append(&mut self.code);
        self.code = code;
        let lines = self.lines.iter_mut().map(|line| &mut line.offset);
        for offset in self.unlikely.iter_mut().chain(lines) {
            *offset += before;
        }
    }

    /// Whether the engine takes as many locals as there are so far.
    ///
    /// # Errors
    /// Where it does not.
    pub(crate) fn check_locals(&self) -> Result<(), Unsupported> {
        if self.locals.len() > MOST_LOCALS {
            return Err(Unsupported::limit("too many registers"));
        }
        Ok(())
    }

    /// Ends the function.
    ///
    /// # Errors
    /// Where something was [inconsistent](Emit::inconsistent): the code may be wrong, and is not used.
    pub(crate) fn finish(mut self) -> Result<Function, Unsupported> {
        self.set_constants();
        W::End.encode(&mut self.code);
        if let Some(what) = self.inconsistency.get() {
            return Err(Unsupported::internal(what));
        }
        Ok(Function {
            locals: self.locals.split_off(PARAMETERS),
            code: self.code,
            unlikely: self.unlikely,
            lines: self.lines,
        })
    }

    /// The offset of the next instruction.
    fn offset(&self) -> u32 {
        let offset = u32::try_from(self.code.len()).ok();
        self.require(offset, "more code than there are offsets")
    }
}

/// What every emitter does with the function that it writes.
pub(crate) trait Emit {
    fn function(&self) -> &FunctionWriter;
    fn function_mut(&mut self) -> &mut FunctionWriter;

    /// Notes that the analyses and this code contradict each other, in this: a mistake in the
    /// compiler. What is written is then not used, so the kernel is interpreted.
    #[track_caller]
    fn inconsistent(&self, what: &'static str) {
        debug_assert!(false, "the compiler contradicts itself: {what}");
        let inconsistency = &self.function().inconsistency;
        inconsistency.set(inconsistency.get().or(Some(what)));
    }

    /// An entry that has to be there; where it is not, that is [inconsistent](Emit::inconsistent).
    #[track_caller]
    fn require<T: Default>(&self, entry: Option<T>, what: &'static str) -> T {
        entry.unwrap_or_else(|| {
            self.inconsistent(what);
            T::default()
        })
    }

    /// A new local.
    fn local(&mut self, ty: ValType) -> u32 {
        let locals = &mut self.function_mut().locals;
        let local = u32::try_from(locals.len());
        locals.push(ty);
        self.require(local.ok(), "more locals than there are numbers")
    }

    fn op(&mut self, instruction: W<'_>) {
        let writer = self.function_mut();
        if let W::V128Const(vector) = instruction
            && let Some(local) = writer.constant(vector)
        {
            return W::LocalGet(local).encode(&mut writer.code);
        }
        instruction.encode(&mut writer.code);
    }

    fn get(&mut self, local: u32) {
        self.op(W::LocalGet(local));
    }

    fn set(&mut self, local: u32) {
        self.op(W::LocalSet(local));
    }

    fn i32(&mut self, value: u32) {
        self.op(W::I32Const(value.cast_signed()));
    }

    fn i64(&mut self, value: u64) {
        self.op(W::I64Const(value.cast_signed()));
    }

    /// `if` for what hardly ever happens.
    fn if_unlikely(&mut self) {
        let writer = self.function_mut();
        writer.unlikely.push(writer.offset());
        self.op(W::If(BlockType::Empty));
    }

    /// `br_if` for what hardly ever happens.
    fn br_if_unlikely(&mut self, level: u32) {
        let writer = self.function_mut();
        writer.unlikely.push(writer.offset());
        self.op(W::BrIf(level));
    }

    /// What is written from here on comes from this line of the text; from none if it is 0.
    fn at_line(&mut self, line: u32) {
        let writer = self.function_mut();
        let offset = writer.offset();
        match writer.lines.last_mut() {
            Some(last) if last.line == line => {}
            Some(last) if last.offset == offset => last.line = line,
            _ => writer.lines.push(CodeLine { offset, line }),
        }
    }
}

impl Emit for FunctionWriter {
    fn function(&self) -> &FunctionWriter {
        self
    }

    fn function_mut(&mut self) -> &mut FunctionWriter {
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Where assertions are on, it ends the test; else the function is not finished.
    #[test]
    fn a_function_that_contradicts_the_analyses_is_not_finished() {
        let outcome = std::panic::catch_unwind(|| {
            let mut writer = FunctionWriter::new(1);
            let local = writer.require(None, "a register without a local");
            writer.get(local);
            writer.finish().is_ok()
        });
        assert_ne!(outcome.ok(), Some(true));
    }

    #[test]
    fn a_large_function_sets_each_constant_vector_once_before_all_other_code() {
        let code = |steps: usize| {
            let mut writer = FunctionWriter::new(steps);
            writer.at_line(3);
            for vector in [7, 0, 7, 7] {
                writer.op(W::V128Const(vector));
                writer.op(W::Drop);
            }
            writer.i32(1);
            writer.if_unlikely();
            writer.op(W::End);
            writer.finish().unwrap()
        };
        let constant = |code: &mut Vec<u8>, vector| W::V128Const(vector).encode(code);
        let (small, large) = (code(1), code(LEAST_STEPS_TO_SHARE));
        let mut expected = Vec::new();
        for (vector, local) in [(7, 2), (0, 3)] {
            constant(&mut expected, vector);
            W::LocalSet(local).encode(&mut expected);
        }
        let before = expected.len() as u32;
        for local in [2, 3, 2, 2] {
            W::LocalGet(local).encode(&mut expected);
            W::Drop.encode(&mut expected);
        }
        assert!(large.code.starts_with(&expected), "{:?}", large.code);
        assert_eq!(large.locals, [ValType::V128; 2]);
        assert_eq!(large.lines.first().map(|line| line.offset), Some(before));
        // The branch is behind four reads and a number, where it was behind four constants.
        assert_eq!(large.unlikely, [expected.len() as u32 + 2]);
        assert_eq!(small.unlikely, [4 * 19 + 2]);
        assert_eq!(small.locals, []);
    }

    #[test]
    fn a_line_begins_where_its_code_does_and_once_for_adjacent_code() {
        let mut writer = FunctionWriter::new(1);
        writer.at_line(3);
        writer.at_line(4);
        writer.i32(0);
        writer.at_line(4);
        writer.op(W::Drop);
        writer.at_line(5);
        let function = writer.finish();
        let lines = function.map(|function| {
            let pairs = function.lines.iter().map(|at| (at.offset, at.line));
            pairs.collect::<Vec<_>>()
        });
        assert_eq!(lines, Ok(vec![(0, 4), (3, 5)]));
    }
}

//! Source lines: which code of a compiled kernel comes from which line of its PTX. They are found only
//! where they are asked for, by a reader of both; nothing that runs a kernel needs them.

use std::sync::Arc;

use crate::Module;
use crate::compile::pass::Observer;
use crate::compile::{CompiledKernel, Unsupported, Vectorize, pipeline};

/// From where in a function's code a line of the text follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeLine {
    /// The offset from the function's first instruction.
    pub offset: u32,
    /// The line, counting from 1; 0 for code that resumes threads.
    pub line: u32,
}

/// A function of a compiled module and its lines, by offset.
#[derive(Clone, Debug)]
pub struct FunctionLines {
    /// Its name among the module's exports.
    pub name: &'static str,
    /// Where each line begins; one begins as often as there is code of it.
    pub lines: Vec<CodeLine>,
}

/// Compiles an entry as [`compile`](crate::compile::compile) does; and says which lines of the text the
/// code of each function comes from, in the module's order.
///
/// # Errors
/// What of it cannot be compiled.
pub fn compile_with_lines(
    module: &Arc<Module>,
    entry: &str,
) -> Result<(CompiledKernel, Vec<FunctionLines>), Unsupported> {
    let mut observer = Observer::default();
    pipeline::compile(module, entry, Vectorize::Auto, true, &mut observer)
}

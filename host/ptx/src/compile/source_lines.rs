//! Source lines: which code of a compiled kernel comes from which line of its PTX. They are found only
//! where they are asked for, by a reader of both; nothing that runs a kernel needs them.

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

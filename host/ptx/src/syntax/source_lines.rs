//! Debug information: which line of an author's source the instructions of a text come from, as the
//! directives `.file` and `.loc` say it (PTX ISA, "Debugging Directives").

use std::collections::HashMap;

/// A line of an author's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceLine<'m> {
    /// The file, as the compiler named it.
    pub file: &'m str,
    /// The line, from 1.
    pub line: u32,
}

/// What the directives of a text say.
#[derive(Debug, Default)]
pub(crate) struct SourceLines {
    files: HashMap<u64, String>,
    /// By the line of the text from which on it holds: a file and a line, or nothing where a
    /// function begins.
    places: Vec<(u32, Option<(u64, u32)>)>,
}

impl SourceLines {
    /// `.file`.
    pub(crate) fn add_file(&mut self, number: u64, name: String) {
        self.files.insert(number, name);
    }

    /// `.loc`, which stands in this line of the text.
    pub(crate) fn add_place(&mut self, at: u32, file: u64, line: u64) {
        if let Ok(line) = u32::try_from(line) {
            self.push(at, Some((file, line)));
        }
    }

    /// A function, whose instructions have no place before its first `.loc`.
    pub(crate) fn begin_function(&mut self, at: u32) {
        self.push(at, None);
    }

    /// Functions of ours that are read after a text, such as `malloc`, have lines of their own.
    fn push(&mut self, at: u32, place: Option<(u64, u32)>) {
        if self.places.last().is_none_or(|(last, _)| *last <= at) {
            self.places.push((at, place));
        }
    }

    /// Where the instructions of a line of the text come from.
    pub(crate) fn find(&self, line: u32) -> Option<SourceLine<'_>> {
        let after = self.places.partition_point(|(at, _)| *at <= line);
        let (_, place) = self.places.get(after.checked_sub(1)?)?;
        let (file, line) = (*place)?;
        // Compilers write line 0 for what comes from no line.
        let line = Some(line).filter(|line| *line > 0)?;
        let file = self.files.get(&file)?;
        Some(SourceLine { file, line })
    }
}

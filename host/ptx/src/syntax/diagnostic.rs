//! What is wrong with a module's text, and where: the only thing that the parser says when it refuses.

use std::fmt;

/// The most diagnostics that one [`parse`](crate::parse()) hands back.
pub const MOST_DIAGNOSTICS: usize = 20;

/// The most bytes of a source line that a diagnostic quotes.
const EXCERPT_BYTES: usize = 100;

/// The most bytes of a message, but for the mark where it was cut.
const MESSAGE_BYTES: usize = 400;

/// A place in a module's text.
///
/// Two places are always equal, so that comparing two modules compares what they mean and not how
/// they were laid out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    /// Counts from 1.
    pub line: u32,
    /// Counts from 1, in bytes.
    pub column: u32,
}

impl PartialEq for Position {
    fn eq(&self, _: &Position) -> bool {
        true
    }
}

/// One thing that is wrong with a module's text.
///
/// [`Display`](fmt::Display) gives the place, the message, the source line and a caret under the
/// column:
///
/// ```text
/// 12:5: instruction wmma.mma.sync is not supported by this device
///     wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 {%f1}, {%r1}, {%r2}, {%f1};
///     ^
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, counting from 1; the first one where the whole text is meant.
    pub line: u32,
    /// The column in bytes, counting from 1.
    pub column: u32,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The source line or, of a long one, the part around the column; below it a caret that points
    /// at the column. Empty where the whole text is meant.
    pub excerpt: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        if !self.excerpt.is_empty() {
            write!(f, "\n{}", self.excerpt)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

impl Diagnostic {
    /// A diagnostic of the text as a whole: at its beginning, quoting nothing.
    pub(crate) fn of_text(message: String) -> Diagnostic {
        Diagnostic {
            line: 1,
            column: 1,
            message: bounded(message),
            excerpt: String::new(),
        }
    }

    /// A diagnostic of one place, quoting the line around it.
    pub(crate) fn at(text: &[u8], position: Position, message: String) -> Diagnostic {
        Diagnostic {
            line: position.line,
            column: position.column,
            message: bounded(message),
            excerpt: excerpt(text, position),
        }
    }
}

/// The message, cut in the middle where it is too long. It may quote a word of the
/// text, and a word can be as long as the text: 20 messages of 8 MB would go back to
/// the guest that sent it.
fn bounded(message: String) -> String {
    if message.len() <= MESSAGE_BYTES {
        return message;
    }
    let half = MESSAGE_BYTES / 2;
    let head = message.floor_char_boundary(half);
    let tail = message.ceil_char_boundary(message.len() - half);
    match (message.get(..head), message.get(tail..)) {
        (Some(head), Some(tail)) => format!("{head} ... {tail}"),
        _ => message,
    }
}

/// The line around a place and a caret under it, safe to print on a terminal.
fn excerpt(text: &[u8], position: Position) -> String {
    let Some(index) = (position.line as usize).checked_sub(1) else {
        return String::new();
    };
    let line = text.split(|byte| *byte == b'\n').nth(index).unwrap_or(&[]);
    let column = (position.column as usize).saturating_sub(1).min(line.len());
    let start = if line.len() <= EXCERPT_BYTES {
        0
    } else {
        column.saturating_sub(EXCERPT_BYTES / 2)
    };
    let window = line.get(start..).unwrap_or(&[]);
    let window = window.get(..EXCERPT_BYTES).unwrap_or(window);
    let shown: String = window
        .iter()
        .map(|byte| match byte {
            b' '..=b'~' => char::from(*byte),
            b'\t' | b'\r' => ' ',
            _ => '?',
        })
        .collect();
    format!(
        "    {}\n    {:>2$}",
        shown.trim_end(),
        '^',
        column - start + 1
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_diagnostic_shows_the_line_and_points_at_the_column() {
        let text = b"first\n\tsecond line\n";
        let shown = Diagnostic::at(text, Position { line: 2, column: 9 }, "odd".into()).to_string();
        assert_eq!(shown, "2:9: odd\n     second line\n            ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_column() {
        let mut text = vec![b'x'; 10_000];
        text[5_000] = b'!';
        let position = Position {
            line: 1,
            column: 5_001,
        };
        let excerpt = Diagnostic::at(&text, position, "odd".into()).excerpt;
        let (line, caret) = excerpt.split_once('\n').unwrap();
        assert!(line.len() <= 4 + EXCERPT_BYTES);
        assert_eq!(line.find('!'), caret.find('^'));
    }

    #[test]
    fn a_message_that_quotes_an_endless_word_is_cut_and_keeps_both_ends() {
        let message = format!("`{}` is not a number", "é9".repeat(1 << 20));
        let message = Diagnostic::at(b"", Position { line: 1, column: 1 }, message).message;
        assert!(message.len() <= MESSAGE_BYTES + 5, "{}", message.len());
        assert!(message.starts_with('`') && message.ends_with("is not a number"));
    }

    #[test]
    fn bytes_that_are_no_text_are_not_printed() {
        let excerpt = Diagnostic::at(
            b"\x1b[2J\xff",
            Position { line: 1, column: 1 },
            String::new(),
        );
        assert!(excerpt.excerpt.starts_with("    ?[2J?\n"));
    }
}

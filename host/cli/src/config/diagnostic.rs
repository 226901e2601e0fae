//! Diagnostics of a configuration: what is wrong in its file, with the position.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use thiserror::Error;

/// The exit code for a configuration file that is invalid, the same as for an invalid
/// command line.
pub const INVALID: u8 = 2;

/// A position in a file. Both numbers count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The position of a byte of a text, or of its end.
    pub fn of(text: &str, byte: usize) -> Self {
        let before = text
            .char_indices()
            .take_while(|(index, _)| *index < byte)
            .map(|(_, letter)| letter);
        let mut position = Self { line: 1, column: 1 };
        for letter in before {
            if letter == '\n' {
                position.line += 1;
                position.column = 1;
            } else {
                position.column += 1;
            }
        }
        position
    }
}

/// One error in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ConfigDiagnostic {
    #[serde(flatten)]
    pub position: Position,
    /// What is wrong, and how to correct it. It never contains a secret.
    pub message: String,
}

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum Error {
    /// The file can't be read.
    #[error("can't read the configuration {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file is longer than a configuration can be.
    #[error(
        "the configuration {} is longer than {limit} bytes: is it the right file?",
        path.display()
    )]
    TooLarge { path: PathBuf, limit: u64 },
    /// The file can be read, and is invalid.
    #[error("{} in {}", count(diagnostics.len()), path.display())]
    Invalid {
        path: PathBuf,
        diagnostics: Vec<ConfigDiagnostic>,
    },
    /// The command line is invalid, or a variable, or a combination of both; or help was
    /// asked for.
    #[error(transparent)]
    Usage(#[from] clap::Error),
}

impl Error {
    /// What is wrong, on one line: for a log.
    pub fn on_one_line(&self) -> String {
        let text = match self {
            Self::Usage(error) => error.to_string(),
            Self::Invalid { path, diagnostics } => lines(path, diagnostics),
            other => other.to_string(),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("; ")
    }

    /// Prints the error, or the help that was asked for.
    pub fn report(&self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // A reader that went away has no use for the text.
                let _ = error.print();
                u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
            }
            Self::Invalid { path, diagnostics } => {
                crate::output::to_stderr(format_args!("{}", lines(path, diagnostics)));
                ExitCode::from(INVALID)
            }
            Self::Unreadable { .. } | Self::TooLarge { .. } => {
                tell!("error: {self}");
                ExitCode::FAILURE
            }
        }
    }
}

/// The diagnostics as lines of a form that editors can jump to.
pub fn lines(path: &Path, diagnostics: &[ConfigDiagnostic]) -> String {
    diagnostics
        .iter()
        .map(|ConfigDiagnostic { position, message }| {
            let Position { line, column } = position;
            format!("error: {}:{line}:{column}: {message}\n", path.display())
        })
        .collect()
}

/// `1 mistake`, `2 diagnostics`.
fn count(number: usize) -> impl fmt::Display {
    format!("{number} mistake{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "a\näö = 1\n";
        let at = |byte| {
            let Position { line, column } = Position::of(text, byte);
            (line, column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(4), (2, 2));
        assert_eq!(at(7), (2, 4));
        assert_eq!(at(1000), (3, 1), "the end");
    }
}

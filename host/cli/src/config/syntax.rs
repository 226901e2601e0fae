//! The syntax of the file: TOML with positions.
//!
//! The parser recovers from errors, so that all of them can be reported at once. It
//! limits how deep arrays and inline tables nest, but not how many parts a dotted key
//! has, each of which becomes a table in a table: that is checked first.

use std::ops::Range;

use toml::de::DeTable;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The parts that a dotted key may have. Ours have three.
const MOST_PARTS: usize = 16;

/// An error at a byte of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub byte: usize,
    pub message: String,
    /// Whether the syntax is invalid there, so that later errors may follow from it.
    pub is_syntax: bool,
}

/// The tables of a text, as far as it is valid, and its errors.
pub fn parse(text: &str) -> (DeTable<'_>, Vec<Note>) {
    if let Some(byte) = too_deep(text) {
        let message = format!("this key has more than {MOST_PARTS} parts");
        let is_syntax = true;
        let note = Note {
            byte,
            message,
            is_syntax,
        };
        return (DeTable::default(), vec![note]);
    }
    let (table, errors) = DeTable::parse_recoverable(text);
    let notes = errors
        .iter()
        .map(|error| Note {
            byte: error.span().map_or(text.len(), |Range { start, .. }| start),
            // The error's own display quotes the line, which may hold a secret.
            message: format!("this is no TOML: {}", error.message()),
            is_syntax: true,
        })
        .collect();
    (table.into_inner(), notes)
}

/// Where the first key with too many parts exceeds the limit.
fn too_deep(text: &str) -> Option<usize> {
    let mut dots = 0;
    for token in Source::new(text).lex() {
        match token.kind() {
            TokenKind::Dot => dots += 1,
            TokenKind::Atom
            | TokenKind::BasicString
            | TokenKind::LiteralString
            | TokenKind::Whitespace => {}
            _ => dots = 0,
        }
        if dots >= MOST_PARTS {
            return Some(token.span().start());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn every_error_is_reported_with_its_position() {
        let text = "a = \nb = 1\nb = 2\nc = \"open\n";
        let (_, diagnostics) = parse(text);
        let line = |byte: usize| 1 + text[..byte].matches('\n').count();
        let lines: Vec<usize> = diagnostics.iter().map(|note| line(note.byte)).collect();
        for line in [1, 3, 4] {
            assert!(lines.contains(&line), "{diagnostics:?}");
        }
    }

    #[test]
    fn no_error_quotes_the_file() {
        for text in [
            "key = hush",
            "key = \"hush",
            "key = \"hush\" \"hush\"",
            "key = [\"hush\"",
            "key = \"a\"\nkey = \"hush\"",
            "key = 'hush\u{1}'",
            "hush",
        ] {
            let (_, diagnostics) = parse(text);
            assert!(!diagnostics.is_empty(), "{text:?}");
            assert!(
                !format!("{diagnostics:?}").contains("hush"),
                "{diagnostics:?}"
            );
        }
    }

    #[test]
    fn keys_of_very_many_parts_are_refused_before_they_become_tables() {
        let parts = "a.".repeat(400_000);
        for text in [
            format!("{parts}a = 1"),
            format!("[{parts}a]"),
            format!("[[{parts}a]]"),
            format!("a = {{ {parts}a = 1 }}"),
            format!("{}a = 1", "a . ".repeat(200_000)),
            format!("{}a = 1", "'a'.\"a\".".repeat(100_000)),
        ] {
            let (_, diagnostics) = parse(&text);
            assert!(
                diagnostics[0].message.contains("16 parts"),
                "{diagnostics:?}"
            );
        }
        assert!(parse("a.b.c = 1.5\n[d.e]\n").1.is_empty());
    }

    #[test]
    fn values_that_nest_very_deep_are_refused() {
        for text in [
            format!("a = {}", "[".repeat(500_000)),
            format!("a = {}", "{ a = ".repeat(100_000)),
            format!("a = {}{}", "[".repeat(1000), "]".repeat(1000)),
        ] {
            assert!(!parse(&text).1.is_empty());
        }
    }
}

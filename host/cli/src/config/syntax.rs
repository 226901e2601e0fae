//! TOML, with where each thing stands.
//!
//! The parser recovers from mistakes, so that all of them can be told at once. It
//! bounds how deep arrays and inline tables nest, but not how many parts a dotted
//! key has, each of which is a table in a table: that is looked at before.

use std::ops::Range;

use toml::de::DeTable;
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// The parts that a dotted key may have. Ours have three.
const MOST_PARTS: usize = 16;

/// Something that is wrong at a byte of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub byte: usize,
    pub message: String,
    /// Whether the text is no TOML there, so that what follows may be misunderstood.
    pub is_syntax: bool,
}

/// The tables of a text, as far as it can be understood, and what can't be.
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
            // The error's own display would quote the line, and a secret with it.
            message: format!("this is no TOML: {}", error.message()),
            is_syntax: true,
        })
        .collect();
    (table.into_inner(), notes)
}

/// Where the first key of too many parts begins to have too many.
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
    fn every_mistake_is_told_with_its_place() {
        let text = "a = \nb = 1\nb = 2\nc = \"open\n";
        let (_, mistakes) = parse(text);
        let line = |byte: usize| 1 + text[..byte].matches('\n').count();
        let lines: Vec<usize> = mistakes.iter().map(|note| line(note.byte)).collect();
        for line in [1, 3, 4] {
            assert!(lines.contains(&line), "{mistakes:?}");
        }
    }

    #[test]
    fn no_mistake_quotes_what_the_file_holds() {
        for text in [
            "key = hush",
            "key = \"hush",
            "key = \"hush\" \"hush\"",
            "key = [\"hush\"",
            "key = \"a\"\nkey = \"hush\"",
            "key = 'hush\u{1}'",
            "hush",
        ] {
            let (_, mistakes) = parse(text);
            assert!(!mistakes.is_empty(), "{text:?}");
            assert!(!format!("{mistakes:?}").contains("hush"), "{mistakes:?}");
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
            let (_, mistakes) = parse(&text);
            assert!(mistakes[0].message.contains("16 parts"), "{mistakes:?}");
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

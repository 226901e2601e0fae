//! JSON in ASCII. Clients may send characters that some readers interpret as the end of a
//! line (U+0085, U+2028) and some terminals as a command (U+009B). As `\u` escapes they are
//! neither.

use std::io::{self, Write};

use serde_json::ser::Formatter;

/// Writes compact JSON without a byte over 0x7e.
pub(super) struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !matches!(c, ' '..='~')) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = special.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;

    fn written(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut json = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
        text.serialize(&mut json).unwrap();
        bytes
    }

    #[test]
    fn what_ends_a_line_or_commands_a_terminal_is_escaped() {
        let bytes = written("a\n\u{85}\u{2028}\u{9b}\u{7f}\u{1b}é𝄞\"");
        let text = r#""a\n\u0085\u2028\u009b\u007f\u001b\u00e9\ud834\udd1e\"""#;
        assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    proptest! {
        #[test]
        fn any_text_is_ascii_and_reads_back(text in any::<String>()) {
            let bytes = written(&text);
            prop_assert!(bytes.iter().all(|byte| (0x20..0x7f).contains(byte)));
            let back: String = serde_json::from_slice(&bytes).unwrap();
            prop_assert_eq!(back, text);
        }
    }
}

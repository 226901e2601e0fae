//! Text into tokens, one at a time: the parser of a long text never holds all of its tokens.

use crate::syntax::diagnostic::Position;

/// A token, borrowing from the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// A name, with its `%`, `$` or `_`.
    Name(&'a str),
    /// A word after a dot, without the dot.
    Dot(&'a str),
    /// An integer of at most 64 bits.
    Integer(u64),
    /// The bits of a number written `0f` and eight hexadecimal digits.
    Float32(u32),
    /// The bits of any other floating-point number.
    Float64(u64),
    /// What stands between quotes.
    Text(&'a str),
    /// Any other character.
    Mark(char),
    /// The end of the text.
    End,
}

/// What cannot be read, and where.
#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub at: Position,
    pub message: String,
    /// Whether it follows from a mistake that was reported, and is not worth a message of its own.
    pub is_consequence: bool,
}

impl Issue {
    pub(crate) fn new(at: Position, message: impl Into<String>) -> Issue {
        Issue {
            at,
            message: message.into(),
            is_consequence: false,
        }
    }

    /// What follows from a mistake that was reported.
    pub(crate) fn consequence(at: Position) -> Issue {
        Issue {
            at,
            message: String::new(),
            is_consequence: true,
        }
    }
}

/// A place in the text from which tokens are read. Copying it is how the parser looks ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    offset: usize,
    line: u32,
    line_start: usize,
    /// Where the last token began.
    token_start: usize,
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'%')
}

fn continues_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$')
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Lexer<'a> {
        Lexer {
            text,
            offset: 0,
            line: 1,
            line_start: 0,
            token_start: 0,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        // A NUL stands for the end: as a byte of the text it is refused like any other control.
        self.text
            .get(self.offset.saturating_add(ahead))
            .copied()
            .unwrap_or(0)
    }

    fn at_end(&self) -> bool {
        self.offset >= self.text.len()
    }

    /// Where the next byte is.
    fn position(&self) -> Position {
        let column = (self.offset - self.line_start).saturating_add(1);
        Position {
            line: self.line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    fn advance(&mut self) {
        if self.peek(0) == b'\n' {
            self.line = self.line.saturating_add(1);
            self.line_start = self.offset + 1;
        }
        self.offset += 1;
    }

    fn slice(&self, start: usize) -> &'a str {
        let bytes = self.text.get(start..self.offset).unwrap_or(&[]);
        // Only ASCII is ever taken into a token.
        std::str::from_utf8(bytes).unwrap_or("")
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a str {
        let start = self.offset;
        while !self.at_end() && wanted(self.peek(0)) {
            self.advance();
        }
        self.slice(start)
    }

    fn begins_with_dwarf(&self) -> bool {
        const DIRECTIVE: &[u8] = b"@@dwarf";
        let end = self.offset.saturating_add(DIRECTIVE.len());
        let here = self.text.get(self.offset..end).unwrap_or_default();
        here.eq_ignore_ascii_case(DIRECTIVE) && !continues_name(self.peek(DIRECTIVE.len()))
    }

    fn skip_blank(&mut self) -> Result<(), Issue> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\r' | b'\n' | 0x0c, _) => self.advance(),
                (b'/', b'/') => {
                    while !self.at_end() && self.peek(0) != b'\n' {
                        self.advance();
                    }
                }
                (b'/', b'*') => {
                    let opened = self.position();
                    self.offset += 2;
                    while (self.peek(0), self.peek(1)) != (b'*', b'/') {
                        if self.at_end() {
                            return Err(Issue::new(opened, "this comment does not end"));
                        }
                        self.advance();
                    }
                    self.offset += 2;
                }
                // A line for the C preprocessor: `#line`, or a leftover.
                (b'#', _) if self.offset == self.line_start => {
                    while !self.at_end() && self.peek(0) != b'\n' {
                        self.advance();
                    }
                }
                // A line of debugging information, as compilers for PTX 1 to 3 write it (PTX ISA,
                // "Debugging Directives: @@dwarf").
                (b'@', b'@') if self.begins_with_dwarf() => {
                    while !self.at_end() && self.peek(0) != b'\n' {
                        self.advance();
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// Reads the next token and says where it began. What cannot be read is stepped over.
    pub(crate) fn next(&mut self) -> Result<(Token<'a>, Position), Issue> {
        self.skip_blank()?;
        let at = self.position();
        self.token_start = self.offset;
        if self.at_end() {
            return Ok((Token::End, at));
        }
        let (first, second) = (self.peek(0), self.peek(1));
        let token = match first {
            b'.' if continues_name(second) => {
                self.advance();
                Token::Dot(self.dotted())
            }
            b'0'..=b'9' => self.number(at)?,
            b'%' if !begins_name(second) || second == b'%' => {
                self.advance();
                Token::Mark('%')
            }
            _ if begins_name(first) => {
                let start = self.offset;
                self.advance();
                self.take_while(continues_name);
                Token::Name(self.slice(start))
            }
            b'"' => {
                self.advance();
                let inside = self.take_while(|byte| byte != b'"' && byte != b'\n');
                if self.peek(0) != b'"' {
                    return Err(Issue::new(
                        at,
                        "this text in quotes does not end on its line",
                    ));
                }
                self.advance();
                Token::Text(inside)
            }
            b'!'..=b'~' => {
                self.advance();
                Token::Mark(char::from(first))
            }
            _ => {
                self.advance();
                let message = format!("byte {first:#04x} does not belong in PTX");
                return Err(Issue::new(at, message));
            }
        };
        Ok((token, at))
    }

    /// A word after a dot; `L1::evict_last` and the like are one word.
    fn dotted(&mut self) -> &'a str {
        let start = self.offset;
        self.take_while(continues_name);
        while self.peek(0) == b':' && self.peek(1) == b':' && continues_name(self.peek(2)) {
            self.offset += 2;
            self.take_while(continues_name);
        }
        self.slice(start)
    }

    fn number(&mut self, at: Position) -> Result<Token<'a>, Issue> {
        let start = self.offset;
        let bad = |what: &str| Issue::new(at, format!("`{what}` is not a number that PTX knows"));
        match (self.peek(0), self.peek(1)) {
            (b'0', marker @ (b'f' | b'F' | b'd' | b'D')) => {
                self.offset += 2;
                let digits = self.take_while(|byte| byte.is_ascii_alphanumeric());
                let double = marker.eq_ignore_ascii_case(&b'd');
                let wanted = if double { 16 } else { 8 };
                let bits = u64::from_str_radix(digits, 16).ok();
                match bits.filter(|_| digits.len() == wanted) {
                    Some(bits) if double => Ok(Token::Float64(bits)),
                    Some(bits) => u32::try_from(bits)
                        .map(Token::Float32)
                        .map_err(|_| bad(self.slice(start))),
                    None => Err(bad(self.slice(start))),
                }
            }
            (b'0', marker @ (b'x' | b'X' | b'b' | b'B')) => {
                self.offset += 2;
                let digits = self.take_while(|byte| byte.is_ascii_alphanumeric());
                let radix = if marker.eq_ignore_ascii_case(&b'x') {
                    16
                } else {
                    2
                };
                u64::from_str_radix(digits.trim_end_matches(['U', 'u']), radix)
                    .map(Token::Integer)
                    .map_err(|_| bad(self.slice(start)))
            }
            _ => {
                self.take_while(|byte| byte.is_ascii_digit());
                let fraction = self.peek(0) == b'.' && self.peek(1).is_ascii_digit();
                if fraction {
                    self.advance();
                    self.take_while(|byte| byte.is_ascii_digit());
                }
                let exponent = matches!(self.peek(0), b'e' | b'E');
                if exponent {
                    self.advance();
                    if matches!(self.peek(0), b'+' | b'-') {
                        self.advance();
                    }
                    self.take_while(|byte| byte.is_ascii_digit());
                }
                if fraction || exponent {
                    let text = self.slice(start);
                    return text
                        .parse::<f64>()
                        .map(|value| Token::Float64(value.to_bits()))
                        .map_err(|_| bad(text));
                }
                let digits = self.slice(start);
                self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let suffix = self.slice(start).get(digits.len()..).unwrap_or("");
                let octal = digits.len() > 1 && digits.starts_with('0');
                let value = u64::from_str_radix(digits, if octal { 8 } else { 10 });
                match (value, suffix) {
                    (Ok(value), "" | "U" | "u") => Ok(Token::Integer(value)),
                    _ => Err(bad(self.slice(start))),
                }
            }
        }
    }

    /// The text of the last token.
    pub(crate) fn token_text(&self) -> &'a str {
        self.slice(self.token_start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut tokens = Vec::new();
        loop {
            match lexer.next().unwrap().0 {
                Token::End => return tokens,
                token => tokens.push(token),
            }
        }
    }

    #[test]
    fn numbers_are_read_in_every_base_and_as_bits_of_floats() {
        assert_eq!(
            tokens("0 17 017 0x1F 0b101 7U 0f3F800000 0d4000000000000000 1.5 2e3"),
            [
                Token::Integer(0),
                Token::Integer(17),
                Token::Integer(15),
                Token::Integer(31),
                Token::Integer(5),
                Token::Integer(7),
                Token::Float32(1.0f32.to_bits()),
                Token::Float64(2.0f64.to_bits()),
                Token::Float64(1.5f64.to_bits()),
                Token::Float64(2000f64.to_bits()),
            ]
        );
    }

    #[test]
    fn names_words_and_marks_are_told_apart() {
        assert_eq!(
            tokens("ld.global.L1::evict_last %f1, [%rd2+4]; // rest\n/* a\nb */ $L:"),
            [
                Token::Name("ld"),
                Token::Dot("global"),
                Token::Dot("L1::evict_last"),
                Token::Name("%f1"),
                Token::Mark(','),
                Token::Mark('['),
                Token::Name("%rd2"),
                Token::Mark('+'),
                Token::Integer(4),
                Token::Mark(']'),
                Token::Mark(';'),
                Token::Name("$L"),
                Token::Mark(':'),
            ]
        );
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_place() {
        for text in [
            "0x",
            "0f3F8",
            "0b12",
            "99999999999999999999",
            "089",
            "12ab",
            "0d1",
        ] {
            let issue = Lexer::new(text.as_bytes()).next().unwrap_err();
            assert_eq!((issue.at.line, issue.at.column), (1, 1), "{text}");
        }
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        let mut lexer = Lexer::new(b"/* \n */ a\n  b");
        let (_, first) = lexer.next().unwrap();
        let (_, second) = lexer.next().unwrap();
        assert_eq!((first.line, first.column), (2, 5));
        assert_eq!((second.line, second.column), (3, 3));
    }
}

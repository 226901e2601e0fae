//! Debug information: `.file` and `.loc`, which say which line of the source the text comes from, and
//! sections, which are stepped over. None of it changes what a module means.

use crate::syntax::lex::Token;
use crate::syntax::parse::{Parsed, Parser, shortened};

impl Parser<'_> {
    /// Reads `.file` and `.loc`, which change nothing of what the module means.
    pub(super) fn debug_line(&mut self) -> Parsed<()> {
        let at = self.at.line;
        let Token::Dot(word) = self.bump() else {
            return Ok(());
        };
        match word {
            "file" => {
                let number = self.integer("the number of the file")?;
                if !matches!(self.token, Token::Text(_)) {
                    return Err(self.unexpected("the name of the file in quotes"));
                }
                // The directory may stand before the name.
                let mut name = "";
                while let Token::Text(text) = self.token {
                    name = text;
                    self.bump();
                }
                self.module.source_lines.add_file(number, name.to_owned());
                while self.eat(',') {
                    self.integer("the file's time or size")?;
                }
                Ok(())
            }
            _ => {
                let (file, line) = self.source_place()?;
                self.module.source_lines.add_place(at, file, line);
                while self.eat(',') {
                    let (word, at) = self.name("`function_name` or `inlined_at`")?;
                    match word {
                        "function_name" => {
                            self.name("a label")?;
                            if self.eat('+') {
                                self.integer("an offset")?;
                            }
                        }
                        "inlined_at" => {
                            self.source_place()?;
                        }
                        _ => {
                            let word = shortened(word);
                            return self.issue(at, format!("`{word}` does not belong in `.loc`"));
                        }
                    }
                }
                Ok(())
            }
        }
    }

    /// The number of a file, and a line of it.
    pub(super) fn source_place(&mut self) -> Parsed<(u64, u64)> {
        let file = self.integer("the number of the file")?;
        let line = self.integer("a line")?;
        self.integer("a column")?;
        Ok((file, line))
    }

    /// Steps over a section, which holds debug information.
    pub(super) fn section(&mut self) -> Parsed<()> {
        self.bump();
        match self.token {
            Token::Dot(_) | Token::Name(_) => self.bump(),
            _ => return Err(self.unexpected("the name of a section")),
        };
        let opened = self.at;
        self.expect('{')?;
        let mut depth = 1u32;
        while depth > 0 {
            match self.bump() {
                Token::Mark('{') => depth = depth.saturating_add(1),
                Token::Mark('}') => depth -= 1,
                Token::End => return self.issue(opened, "this section does not end"),
                _ => {}
            }
        }
        Ok(())
    }
}

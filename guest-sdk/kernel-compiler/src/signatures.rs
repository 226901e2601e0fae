//! Reads which kernels a PTX text has, and their parameters. It does not check the instructions:
//! the host does that when the module is loaded, and `tensor-wasm kernel check` before.

/// A kernel of the text.
#[derive(Debug, PartialEq)]
pub struct Entry {
    pub name: String,
    pub params: Vec<Param>,
    pub position: Position,
}

#[derive(Debug, PartialEq)]
pub struct Param {
    pub name: String,
    pub ty: ParamType,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParamType {
    /// An integer of this many bits; of 64 bits also an address.
    Integer(u32),
    /// Bits that may be an integer or a floating-point number.
    Bits(u32),
    F16,
    Bf16,
    F32,
    F64,
    /// A structure of this many bytes.
    Bytes(u64),
}

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in bytes.
    pub column: usize,
}

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq)]
pub struct Mistake {
    pub position: Position,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A name, a number, or a word with a dot before it.
    Word(String),
    Mark(char),
    End,
}

struct Reader<'t> {
    rest: &'t str,
    position: Position,
    token: Token,
    /// Where the token begins.
    at: Position,
}

/// The kernels of a text, in its order.
///
/// # Errors
/// The first place where the text is no PTX, or has a parameter that no launch can pass.
pub fn entries(text: &str) -> Result<Vec<Entry>, Mistake> {
    let start = Position { line: 1, column: 1 };
    let mut reader = Reader {
        rest: text,
        position: start,
        token: Token::End,
        at: start,
    };
    reader.next()?;
    if reader.token != Token::Word(".version".into()) {
        return Err(reader.mistake("this is no PTX: a module begins with `.version`"));
    }
    let mut found: Vec<Entry> = Vec::new();
    while reader.token != Token::End {
        match &reader.token {
            Token::Word(word) if word == ".entry" => {
                let entry = reader.entry()?;
                if found.iter().any(|known| known.name == entry.name) {
                    return Err(Mistake {
                        position: entry.position,
                        message: format!("there are two kernels with the name `{}`", entry.name),
                    });
                }
                found.push(entry);
            }
            Token::Mark('{') => reader.block()?,
            Token::Mark('}') => return Err(reader.mistake("`}` closes nothing")),
            _ => reader.next()?,
        }
    }
    match found.is_empty() {
        true => Err(reader.mistake("the module has no kernel (`.entry`)")),
        false => Ok(found),
    }
}

impl Reader<'_> {
    fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake {
            position: self.at,
            message: message.into(),
        }
    }

    fn advance(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        for byte in passed.bytes() {
            if byte == b'\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        self.rest = rest;
    }

    fn skip_spaces(&mut self) -> Result<(), Mistake> {
        loop {
            let spaces = self.rest.len() - self.rest.trim_start().len();
            self.advance(spaces);
            // A line of debug information of another kind.
            if self.rest.starts_with("//") || self.rest.starts_with("@@") {
                self.advance(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                let end = self.rest.find("*/").map(|end| end + 2);
                self.at = self.position;
                let end = end.ok_or_else(|| self.mistake("the comment does not end"))?;
                self.advance(end);
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<(), Mistake> {
        self.skip_spaces()?;
        self.at = self.position;
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || "_$%.".contains(letter);
        let mut letters = self.rest.char_indices();
        let Some((_, first)) = letters.next() else {
            self.token = Token::End;
            return Ok(());
        };
        if first == '"' {
            let end = self.rest[1..].find(['"', '\n']).map(|end| end + 2);
            let end = end.ok_or_else(|| self.mistake("the text in quotes does not end"))?;
            self.token = Token::Mark('"');
            self.advance(end);
        } else if is_word(first) {
            let end = letters.find(|(_, letter)| !is_word(*letter) || *letter == '.');
            let end = end.map_or(self.rest.len(), |(at, _)| at);
            self.token = Token::Word(self.rest[..end].to_owned());
            self.advance(end);
        } else {
            self.token = Token::Mark(first);
            self.advance(first.len_utf8());
        }
        Ok(())
    }

    /// Passes over what is between braces.
    fn block(&mut self) -> Result<(), Mistake> {
        let opened = self.at;
        let mut depth = 0usize;
        loop {
            match self.token {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => depth -= 1,
                Token::End => {
                    return Err(Mistake {
                        position: opened,
                        message: "`{` is not closed".into(),
                    });
                }
                _ => {}
            }
            self.next()?;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn word(&mut self, what: &str) -> Result<String, Mistake> {
        match &self.token {
            Token::Word(word) => {
                let word = word.clone();
                self.next()?;
                Ok(word)
            }
            _ => Err(self.mistake(format!("{what} is expected here"))),
        }
    }

    fn mark(&mut self, mark: char) -> Result<(), Mistake> {
        match self.token == Token::Mark(mark) {
            true => self.next(),
            false => Err(self.mistake(format!("`{mark}` is expected here"))),
        }
    }

    fn entry(&mut self) -> Result<Entry, Mistake> {
        self.next()?;
        let position = self.at;
        let name = self.word("the name of a kernel")?;
        let mut params = Vec::new();
        if self.token == Token::Mark('(') {
            self.next()?;
            while self.token != Token::Mark(')') {
                params.push(self.param()?);
                if self.token != Token::Mark(')') {
                    self.mark(',')?;
                }
            }
            self.next()?;
        }
        Ok(Entry {
            name,
            params,
            position,
        })
    }

    fn param(&mut self) -> Result<Param, Mistake> {
        let position = self.at;
        if self.word("`.param`")? != ".param" {
            return Err(Mistake {
                position,
                message: "`.param` is expected here".into(),
            });
        }
        let mut ty = None;
        loop {
            let position = self.at;
            let word = self.word("the type or the name of a parameter")?;
            match word.as_str() {
                ".align" => {
                    self.word("a number of bytes")?;
                }
                ".ptr" | ".global" | ".const" | ".local" | ".shared" => {}
                _ if word.starts_with('.') => match param_type(&word) {
                    Some(found) => ty = Some(found),
                    None => {
                        return Err(Mistake {
                            position,
                            message: format!("a launch cannot pass a parameter of type `{word}`"),
                        });
                    }
                },
                _ => {
                    let Some(element) = ty else {
                        return Err(Mistake {
                            position,
                            message: format!("the parameter `{word}` has no type"),
                        });
                    };
                    let ty = match self.token {
                        Token::Mark('[') => self.array(element)?,
                        _ => element,
                    };
                    return Ok(Param { name: word, ty });
                }
            }
        }
    }

    fn array(&mut self, element: ParamType) -> Result<ParamType, Mistake> {
        self.next()?;
        let position = self.at;
        let len = self.word("a number of elements")?;
        let bytes = match element {
            ParamType::Integer(bits) | ParamType::Bits(bits) => u64::from(bits) / 8,
            ParamType::F16 | ParamType::Bf16 => 2,
            ParamType::F32 => 4,
            ParamType::F64 => 8,
            ParamType::Bytes(bytes) => bytes,
        };
        let total = len
            .parse::<u64>()
            .ok()
            .and_then(|len| len.checked_mul(bytes));
        let total = total.ok_or(Mistake {
            position,
            message: format!("`{len}` is no number of elements"),
        })?;
        self.mark(']')?;
        Ok(ParamType::Bytes(total))
    }
}

fn param_type(word: &str) -> Option<ParamType> {
    Some(match word {
        ".u8" | ".s8" => ParamType::Integer(8),
        ".u16" | ".s16" => ParamType::Integer(16),
        ".u32" | ".s32" => ParamType::Integer(32),
        ".u64" | ".s64" => ParamType::Integer(64),
        ".b8" => ParamType::Bits(8),
        ".b16" => ParamType::Bits(16),
        ".b32" => ParamType::Bits(32),
        ".b64" => ParamType::Bits(64),
        ".f16" => ParamType::F16,
        ".bf16" => ParamType::Bf16,
        ".f32" => ParamType::F32,
        ".f64" => ParamType::F64,
        _ => return None,
    })
}

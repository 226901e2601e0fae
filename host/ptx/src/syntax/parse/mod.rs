//! Tokens into a module. This file reads what stands at module scope; its neighbours read constant
//! expressions, variables, functions and instructions.
//!
//! Nothing here recurses without a bound, and every count in the text is held against the
//! [`Limits`] before memory is taken for it. After a mistake the parser goes on with the next
//! statement, until it has [`MOST_DIAGNOSTICS`].

mod body;
mod constant;
mod debug_information;
mod declared;
mod function;
mod head;
pub(crate) mod heap;
mod initial;
mod instruction;
mod operand;
mod refused;
mod scope;
mod variable;

use std::collections::HashSet;

use crate::syntax::diagnostic::{Diagnostic, MOST_DIAGNOSTICS, Position};
use crate::syntax::lex::{Issue, Lexer, Token};
use crate::syntax::tree::{Function, Linkage};
use crate::syntax::{check, layout_entries, pointers};
use crate::{Limits, Module};

use scope::{Binding, BlockScope, Reference, VectorRegister};

pub(crate) type Parsed<T> = Result<T, Issue>;

/// Reads the whole text into a module whose names are resolved and whose instructions are checked.
pub(crate) fn module(text: &[u8], limits: &Limits) -> Result<Module, Vec<Diagnostic>> {
    let mut parser = Parser::new(text, limits);
    parser.run();
    if parser.issues.is_empty() {
        parser.provide_heap();
    }
    let (mut module, mut issues) = (parser.module, parser.issues);
    if issues.is_empty() {
        issues = match pointers::resolve(&mut module) {
            Ok(()) => check::check(&module),
            Err(issue) => vec![issue],
        };
    }
    if issues.is_empty() {
        issues = layout_entries::lay_out(&mut module, limits);
    }
    if issues.is_empty() {
        module.block_bytes = limits.block_bytes;
        return Ok(module);
    }
    Err(diagnostics(text, issues))
}

/// Issues as the caller gets them: in the order of the text, and not too many.
fn diagnostics(text: &[u8], mut issues: Vec<Issue>) -> Vec<Diagnostic> {
    issues.sort_by_key(|issue| (issue.at.line, issue.at.column));
    issues.truncate(MOST_DIAGNOSTICS);
    issues
        .into_iter()
        .map(|issue| Diagnostic::at(text, issue.at, issue.message))
        .collect()
}

struct Parser<'a> {
    limits: &'a Limits,
    /// Stands behind the current token.
    lexer: Lexer<'a>,
    token: Token<'a>,
    at: Position,
    issues: Vec<Issue>,
    module: Module,
    /// The module's scope, the function's, and those of its open blocks.
    scopes: Vec<BlockScope<'a>>,
    /// Names of all scopes, counted for [`Limits::names`].
    names: u32,
    instructions: u32,
    global_bytes: u64,
    /// The function whose body is being read.
    function: Function,
    /// The names that are taken in it.
    taken: HashSet<String>,
    /// Its vector registers.
    vectors: Vec<VectorRegister<'a>>,
    /// Names that were reported not to be declared: each is said once.
    unknown: HashSet<String>,
    /// Labels that operands name, before it is known where they are.
    references: Vec<Reference<'a>>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a [u8], limits: &'a Limits) -> Parser<'a> {
        let mut parser = Parser {
            limits,
            lexer: Lexer::new(text),
            token: Token::End,
            at: Position::default(),
            issues: Vec::new(),
            module: Module::default(),
            scopes: vec![BlockScope::default()],
            names: 0,
            instructions: 0,
            global_bytes: 0,
            function: Function::default(),
            taken: HashSet::new(),
            vectors: Vec::new(),
            unknown: HashSet::new(),
            references: Vec::new(),
        };
        parser.bump();
        parser
    }

    /// Notes a mistake; after too many, the text ends here. One that follows from another that was
    /// noted is left out.
    fn report(&mut self, issue: Issue) {
        if issue.is_consequence {
            return;
        }
        if self.issues.len() < MOST_DIAGNOSTICS {
            self.issues.push(issue);
        }
        if self.issues.len() >= MOST_DIAGNOSTICS {
            self.token = Token::End;
        }
    }

    /// Steps to the next token and returns the one before.
    fn bump(&mut self) -> Token<'a> {
        let before = self.token;
        loop {
            if self.issues.len() >= MOST_DIAGNOSTICS {
                self.token = Token::End;
                return before;
            }
            match self.lexer.next() {
                Ok((token, at)) => {
                    self.token = token;
                    self.at = at;
                    return before;
                }
                Err(issue) => self.report(issue),
            }
        }
    }

    /// The token behind the current one.
    fn peek(&self) -> Token<'a> {
        let mut ahead = self.lexer;
        ahead.next().map_or(Token::End, |(token, _)| token)
    }

    /// Steps over this character if it is next.
    fn eat(&mut self, mark: char) -> bool {
        let found = self.token == Token::Mark(mark);
        if found {
            self.bump();
        }
        found
    }

    fn expect(&mut self, mark: char) -> Parsed<()> {
        if self.eat(mark) {
            return Ok(());
        }
        Err(self.unexpected(&format!("`{mark}`")))
    }

    /// Steps over this word after a dot if it is next.
    fn eat_dot(&mut self, word: &str) -> bool {
        let found = self.token == Token::Dot(word);
        if found {
            self.bump();
        }
        found
    }

    fn name(&mut self, what: &str) -> Parsed<(&'a str, Position)> {
        let at = self.at;
        match self.token {
            Token::Name(name) => {
                self.bump();
                Ok((name, at))
            }
            _ => Err(self.unexpected(what)),
        }
    }

    fn unexpected(&self, wanted: &str) -> Issue {
        let found = match self.token {
            Token::End => "the end of the text".to_owned(),
            Token::Dot(word) => format!("`.{}`", shortened(word)),
            Token::Name(name) => format!("`{}`", shortened(name)),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::Text(_) => "a text in quotes".to_owned(),
            Token::Integer(_) | Token::Float32(_) | Token::Float64(_) => "a number".to_owned(),
        };
        Issue::new(self.at, format!("expected {wanted}, found {found}"))
    }

    fn issue<T>(&self, at: Position, message: impl Into<String>) -> Parsed<T> {
        Err(Issue::new(at, message))
    }

    /// Steps over the rest of a statement: behind its semicolon, or before the brace that closes
    /// what it stands in.
    fn recover(&mut self) {
        let mut depth = 0u32;
        loop {
            match self.token {
                Token::End => return,
                Token::Mark('{') => depth = depth.saturating_add(1),
                Token::Mark('}') if depth == 0 => return,
                Token::Mark('}') => depth -= 1,
                Token::Mark(';') if depth == 0 => {
                    self.bump();
                    return;
                }
                _ => {}
            }
            self.bump();
        }
    }

    /// Counts one more name.
    fn count_name(&mut self, at: Position) -> Parsed<()> {
        self.names = self.names.saturating_add(1);
        if self.names > self.limits.names {
            let limit = self.limits.names;
            return self.issue(at, format!("the module has more than {limit} names"));
        }
        Ok(())
    }

    fn run(&mut self) {
        let mut seen_version = false;
        let mut seen_target = false;
        loop {
            let at = self.at;
            let result = match self.token {
                Token::End => break,
                Token::Dot("version") if !seen_version => {
                    seen_version = true;
                    self.version()
                }
                Token::Dot(_) if seen_version => {
                    seen_target |= self.token == Token::Dot("target");
                    self.item()
                }
                _ if seen_version => Err(self.unexpected("a declaration, such as `.entry`")),
                _ => Err(self.unexpected("`.version` at the beginning of the module")),
            };
            if let Err(issue) = result {
                self.report(issue);
                if !seen_version {
                    return;
                }
                self.recover();
                // A mistake in an initial value leaves the end of the declaration behind.
                if self.eat('}') {
                    self.eat(';');
                } else if self.at_same_place(at) {
                    self.bump();
                }
            }
        }
        if self.issues.is_empty() {
            let missing = match (seen_version, seen_target) {
                (false, _) => "the module has no `.version`",
                (true, false) => "the module has no `.target`",
                (true, true) => return,
            };
            self.report(Issue::new(self.at, missing));
        }
    }

    fn at_same_place(&self, at: Position) -> bool {
        (self.at.line, self.at.column) == (at.line, at.column)
    }

    /// Reads one thing at module scope.
    fn item(&mut self) -> Parsed<()> {
        let at = self.at;
        // A function that is only declared, or that failed, leaves its scope behind.
        self.scopes.truncate(1);
        let mut linkage = Linkage::Internal;
        loop {
            let Token::Dot(word) = self.token else {
                return Err(self.unexpected("a declaration, such as `.entry`"));
            };
            match word {
                "visible" => linkage = Linkage::Visible,
                "weak" | "common" => linkage = Linkage::Weak,
                "extern" => linkage = Linkage::Extern,
                "entry" => return self.entry(linkage),
                "func" => return self.device_function(linkage),
                "global" | "const" | "shared" => return self.variable(linkage),
                "target" => return self.target(),
                "address_size" => return self.address_size(),
                "pragma" => {
                    self.bump();
                    self.module.is_unrolling_off |= self.pragma_forbids_unrolling()?;
                    return Ok(());
                }
                "file" | "loc" => return self.debug_line(),
                "section" => return self.section(),
                _ => {
                    let word = shortened(word);
                    let message = format!("`.{word}` is not supported by this device");
                    return self.issue(at, message);
                }
            }
            self.bump();
        }
    }

    /// Reads what follows `.pragma`, to its semicolon, and says whether it is `"nounroll"`. All else is
    /// without effect, as PTX ISA has it for pragmas that a compiler does not know.
    fn pragma_forbids_unrolling(&mut self) -> Parsed<bool> {
        let mut forbids = false;
        loop {
            let Token::Text(text) = self.token else {
                return Err(self.unexpected("a text in quotes"));
            };
            forbids |= text == "nounroll";
            self.bump();
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')?;
        Ok(forbids)
    }

    fn integer(&mut self, what: &str) -> Parsed<u64> {
        match self.token {
            Token::Integer(value) => {
                self.bump();
                Ok(value)
            }
            _ => Err(self.unexpected(what)),
        }
    }

    /// What a name means here: in the innermost scope that has it.
    fn lookup(&self, name: &str) -> Option<Binding> {
        self.scopes.iter().rev().find_map(|scope| scope.find(name))
    }
}

/// A word of the text, short enough to repeat in a message.
fn shortened(word: &str) -> &str {
    word.get(..60).unwrap_or(word)
}

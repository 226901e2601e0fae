//! The body of a function: its statements, and the labels that they name.

use crate::syntax::diagnostic::Position;
use crate::syntax::lex::{Issue, Token};
use crate::syntax::parse::scope::Binding;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::{Linkage, Operand};

impl<'a> Parser<'a> {
    /// Reads a `.pragma` between instructions: of the loop that begins here, if it does.
    pub(super) fn pragma(&mut self) -> Parsed<()> {
        self.bump();
        if self.pragma_forbids_unrolling()? {
            let next = u32::try_from(self.function.body.len()).unwrap_or(u32::MAX);
            let places = &mut self.function.unrolling.is_off_at;
            if places.last() != Some(&next) {
                places.push(next);
            }
        }
        Ok(())
    }

    /// Reads a body with its braces. Mistakes inside are noted, and reading goes on.
    pub(super) fn body(&mut self) -> Parsed<()> {
        let opened = self.at;
        self.module.source_lines.begin_function(opened.line);
        self.expect('{')?;
        self.function.defined = true;
        let outermost = self.scopes.len();
        loop {
            match self.token {
                Token::End => {
                    if self.issues.is_empty() {
                        return self.issue(opened, "this body does not end");
                    }
                    return Ok(());
                }
                Token::Mark('}') => {
                    self.bump();
                    let last = self.scopes.len() <= outermost;
                    self.close_scope();
                    if last {
                        break;
                    }
                }
                _ => {
                    let at = self.at;
                    if let Err(issue) = self.statement() {
                        self.report(issue);
                        self.recover();
                        if self.at_same_place(at) {
                            self.bump();
                        }
                    }
                }
            }
        }
        self.resolve_labels();
        let limit = self.limits.registers as usize;
        if self.function.registers.len() > limit {
            let at = self.function.at;
            return self.issue(at, format!("the function uses more than {limit} registers"));
        }
        Ok(())
    }

    pub(super) fn statement(&mut self) -> Parsed<()> {
        match self.token {
            Token::Mark('{') => {
                let at = self.at;
                self.open_scope(at)?;
                self.bump();
                Ok(())
            }
            Token::Mark(';') => {
                self.bump();
                Ok(())
            }
            Token::Dot("reg") => self.registers(),
            Token::Dot("local" | "shared" | "param" | "global" | "const") => {
                self.variable(Linkage::Internal)
            }
            Token::Dot("pragma") => self.pragma(),
            Token::Dot("loc" | "file") => self.debug_line(),
            Token::Dot("extern" | "visible" | "weak") => {
                let linkage = if self.token == Token::Dot("extern") {
                    Linkage::Extern
                } else {
                    Linkage::Internal
                };
                self.bump();
                self.variable(linkage)
            }
            Token::Dot(word) => {
                let word = shortened(word);
                self.issue(
                    self.at,
                    format!("`.{word}` is not supported by this device"),
                )
            }
            Token::Name(_) if self.peek() == Token::Mark(':') => self.label(),
            Token::Name(_) | Token::Mark('@') => self.instruction(),
            _ => Err(self.unexpected("an instruction")),
        }
    }

    /// Gives operands that name labels what they name, now that all labels are known.
    pub(super) fn resolve_labels(&mut self) {
        let mut issues = Vec::new();
        let mut found = |reference: u32, at: Position, list: bool| {
            let binding = self
                .references
                .get(reference as usize)
                .and_then(|reference| reference.found);
            match binding {
                Some(Binding::Label(label)) if !list => Operand::Label(label),
                Some(Binding::Table(table)) if list => Operand::Labels(table),
                Some(_) => {
                    let wanted = if list {
                        "a list of labels"
                    } else {
                        "a single label"
                    };
                    issues.push(Issue::new(at, format!("this instruction needs {wanted}")));
                    Operand::Sink
                }
                // A missing label has been reported where its scope ended.
                None => Operand::Sink,
            }
        };
        for instruction in &mut self.function.body {
            for operand in &mut instruction.operands {
                match operand {
                    Operand::Label(label) => *operand = found(label.0, instruction.at, false),
                    Operand::Labels(table) => *operand = found(*table, instruction.at, true),
                    _ => {}
                }
            }
        }
        for table in &mut self.function.tables {
            for label in &mut table.labels {
                if let Operand::Label(target) = found(label.0, Position::default(), false) {
                    *label = target;
                }
            }
        }
        for issue in issues {
            self.report(issue);
        }
    }
}

//! Labels and instructions: the mnemonic is looked up in the table, and what it says decides.

use crate::syntax::lex::{Issue, Token};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::parse::scope::Binding;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::table::{self, Row};
use crate::syntax::tree::{
    Guard, Instruction, Label, LabelId, LabelTable, Operand, Prototype, PrototypeKind,
};

/// The most operands of one instruction.
const MOST_OPERANDS: usize = 8;

impl<'a> Parser<'a> {
    /// Reads a label, or a list of labels that is named like one.
    pub(crate) fn label(&mut self) -> Parsed<()> {
        let (name, at) = self.name("a label")?;
        self.expect(':')?;
        match self.token {
            Token::Dot("branchtargets") => {
                self.bump();
                let mut labels = Vec::new();
                loop {
                    let (target, at) = self.name("a label")?;
                    self.count_name(at)?;
                    labels.push(LabelId(self.refer(target, at)));
                    if !self.eat(',') {
                        break;
                    }
                }
                self.expect(';')?;
                let index = u32::try_from(self.function.tables.len()).unwrap_or(u32::MAX);
                let unique = self.unique(name);
                self.function.tables.push(LabelTable {
                    name: unique,
                    labels,
                });
                self.declare(name, at, Binding::Table(index))
            }
            Token::Dot(word @ ("calltargets" | "callprototype")) => {
                self.bump();
                let of = match word {
                    "calltargets" => self.call_targets(),
                    _ => {
                        let shape = self.prototype();
                        shape.map(|shape| PrototypeKind::Shape(Box::new(shape)))
                    }
                };
                let of = match of {
                    Ok(of) => of,
                    Err(issue) => {
                        self.fail(name);
                        return Err(issue);
                    }
                };
                let unique = self.unique(name);
                let index = self.add_prototype(unique, of);
                self.declare(name, at, Binding::Prototype(index))
            }
            _ => {
                let id = LabelId(u32::try_from(self.function.labels.len()).unwrap_or(u32::MAX));
                let target = u32::try_from(self.function.body.len()).unwrap_or(u32::MAX);
                let unique = self.unique(name);
                self.function.labels.push(Label {
                    name: unique,
                    target,
                });
                self.declare(name, at, Binding::Label(id))
            }
        }
    }

    /// Reads the functions that follow `.calltargets`.
    fn call_targets(&mut self) -> Parsed<PrototypeKind> {
        let mut numbers = Vec::new();
        loop {
            let (target, at) = self.name("the name of a function")?;
            self.count_name(at)?;
            match self.lookup(target) {
                Some(Binding::Function(index)) => numbers.push(self.number_of(index)),
                Some(Binding::Failed) => return Err(Issue::consequence(at)),
                _ => {
                    let target = shortened(target);
                    return self.issue(at, format!("function `{target}` is not declared"));
                }
            }
            if !self.eat(',') {
                break;
            }
        }
        self.expect(';')?;
        Ok(PrototypeKind::Targets(numbers))
    }

    /// The number of a device function, by its index.
    pub(crate) fn number_of(&self, index: u32) -> u32 {
        let function = self.module.functions.get(index as usize);
        function.map_or(u32::MAX, |function| function.number)
    }

    /// Adds a prototype to the function, and returns its index.
    pub(crate) fn add_prototype(&mut self, name: String, of: PrototypeKind) -> u32 {
        let index = u32::try_from(self.function.prototypes.len()).unwrap_or(u32::MAX);
        self.function.prototypes.push(Prototype { name, of });
        index
    }

    /// Reads an instruction with its guard and its semicolon.
    pub(crate) fn instruction(&mut self) -> Parsed<()> {
        let guard = self.guard()?;
        let (name, at) = self.name("an instruction")?;
        self.instructions = self.instructions.saturating_add(1);
        if self.instructions > self.limits.instructions {
            let limit = self.limits.instructions;
            return self.issue(at, format!("the module has more than {limit} instructions"));
        }
        let mut written = shortened(name).to_owned();
        let mut modifiers = Some(Modifiers::new());
        while let Token::Dot(word) = self.token {
            if written.len() < 100 {
                written.push('.');
                written.push_str(shortened(word));
            }
            modifiers = modifiers.and_then(|mut words| {
                words.push(Modifier::written(word)?)?;
                Some(words)
            });
            self.bump();
        }
        let rows = table::rows(name);
        let refused = || {
            let message = format!("instruction {written} is not supported by this device");
            match crate::syntax::parse::refused::family(name, &written) {
                Some(family) => format!("{message} yet: {family}"),
                None => message,
            }
        };
        let Some(mut modifiers) = modifiers.filter(|_| !rows.is_empty()) else {
            return self.issue(at, refused());
        };
        let as_written = rows.iter().any(|row| row.accepts(modifiers.as_slice()));
        if !as_written {
            let ordered = rows
                .iter()
                .find_map(|row| row.ordered(modifiers.as_slice()));
            modifiers = ordered.map_or(modifiers, |words| Modifiers::of(&words));
        }
        let forms: Vec<&'static Row> = rows
            .iter()
            .copied()
            .filter(|row| row.accepts(modifiers.as_slice()))
            .collect();
        let Some(first) = forms.first() else {
            return self.issue(at, refused());
        };
        let operands = if first.op == table::Op::Call {
            vec![self.call()?]
        } else {
            self.operands(first)?
        };
        let row = forms
            .iter()
            .find(|row| row.operands.len() == operands.len());
        let Some(row) = row.copied() else {
            let counts: Vec<String> = forms
                .iter()
                .map(|row| row.operands.len().to_string())
                .collect();
            let (wanted, given) = (counts.join(" or "), operands.len());
            return self.issue(
                at,
                format!("{written} takes {wanted} operands, not {given}"),
            );
        };
        self.expect(';')?;
        self.function.body.push(Instruction {
            at,
            guard,
            row,
            modifiers,
            operands,
        });
        Ok(())
    }

    fn guard(&mut self) -> Parsed<Option<Guard>> {
        if !self.eat('@') {
            return Ok(None);
        }
        let negated = self.eat('!');
        let (name, at) = self.name("a predicate")?;
        match self.register(name) {
            Some(register) => Ok(Some(Guard { register, negated })),
            None => self.undeclared(name, at),
        }
    }

    fn operands(&mut self, row: &Row) -> Parsed<Vec<Operand>> {
        let mut operands = Vec::new();
        if self.token == Token::Mark(';') {
            return Ok(operands);
        }
        loop {
            let kind = row.operands.get(operands.len());
            operands.push(self.operand(kind.copied())?);
            if !self.eat(',') {
                return Ok(operands);
            }
            if operands.len() >= MOST_OPERANDS {
                return self.issue(self.at, "no instruction has so many operands");
            }
        }
    }
}

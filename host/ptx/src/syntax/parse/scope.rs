//! What names mean, block by block.

use std::collections::HashMap;

use crate::syntax::diagnostic::Position;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::{LabelId, Register, RegisterId, Symbol};
use crate::syntax::types::Type;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Binding {
    /// A register that has been used.
    Register(RegisterId),
    /// A register that has only been declared.
    Declared(Type),
    /// A vector register: an index into the parser's list of their elements.
    Vector(u32),
    /// What was to be declared, and is wrong: its uses are no mistakes of their own.
    Failed,
    Symbol(Symbol),
    /// An index into the module's functions.
    Function(u32),
    /// An index into the module's entries.
    Entry(u32),
    Label(LabelId),
    /// An index into the function's label tables.
    Table(u32),
    /// An index into the function's prototypes.
    Prototype(u32),
}

/// A vector register of the function.
#[derive(Debug)]
pub(crate) struct VectorRegister<'a> {
    pub name: &'a str,
    pub ty: Type,
    /// Those that have been used.
    pub elements: Vec<Option<RegisterId>>,
}

/// One block of the text.
#[derive(Debug, Default)]
pub(crate) struct BlockScope<'a> {
    names: HashMap<&'a str, Binding>,
    /// Registers declared as `%r<10>`, by prefix.
    ranges: HashMap<&'a str, (u64, Binding)>,
    /// References to labels that this block has not defined yet: indices into the parser's list.
    pending: Vec<usize>,
}

/// A label that an operand names.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    pub name: &'a str,
    pub at: Position,
    pub found: Option<Binding>,
}

impl BlockScope<'_> {
    pub(crate) fn find(&self, name: &str) -> Option<Binding> {
        if let Some(binding) = self.names.get(name) {
            return Some(*binding);
        }
        if self.ranges.is_empty() {
            return None;
        }
        // The prefix of a range may itself end in digits: try each place where it could end.
        let digits = name.bytes().rev().take_while(u8::is_ascii_digit).take(10);
        for count in 1..=digits.count() {
            let (prefix, number) = name.split_at(name.len() - count);
            let plain = number == "0" || !number.starts_with('0');
            let range = self.ranges.get(prefix).filter(|_| plain);
            if let (Some((count, binding)), Ok(number)) = (range, number.parse::<u64>())
                && number < *count
            {
                return Some(*binding);
            }
        }
        None
    }
}

/// How deep blocks may be nested in one another.
const DEEPEST: usize = 64;

impl<'a> Parser<'a> {
    /// Gives a name its meaning in the innermost scope.
    pub(crate) fn declare(&mut self, name: &'a str, at: Position, binding: Binding) -> Parsed<()> {
        self.count_name(at)?;
        let taken = self
            .scopes
            .last_mut()
            .and_then(|scope| scope.names.insert(name, binding));
        match taken {
            Some(_) => {
                let name = shortened(name);
                self.issue(at, format!("`{name}` is declared twice in this block"))
            }
            None => Ok(()),
        }
    }

    /// Declares the registers `prefix0` to `prefixN-1`.
    pub(crate) fn declare_range(
        &mut self,
        prefix: &'a str,
        at: Position,
        count: u64,
        binding: Binding,
    ) -> Parsed<()> {
        self.count_name(at)?;
        let taken = self
            .scopes
            .last_mut()
            .and_then(|scope| scope.ranges.insert(prefix, (count, binding)));
        match taken {
            Some(_) => {
                let prefix = shortened(prefix);
                self.issue(at, format!("`{prefix}` is declared twice in this block"))
            }
            None => Ok(()),
        }
    }

    /// Remembers that a name was to be declared in the innermost scope, and is not.
    pub(crate) fn fail(&mut self, name: &'a str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.entry(name).or_insert(Binding::Failed);
        }
    }

    /// The same, for a function.
    pub(crate) fn fail_at_module_scope(&mut self, name: &'a str) {
        if let Some(scope) = self.scopes.first_mut() {
            scope.names.entry(name).or_insert(Binding::Failed);
        }
    }

    /// Turns a declared register into one that is used, in the scope that declares it.
    pub(crate) fn use_register(&mut self, name: &'a str, ty: Type) -> RegisterId {
        let id = RegisterId(u32::try_from(self.function.registers.len()).unwrap_or(u32::MAX));
        let unique = self.unique(name);
        self.function.registers.push(Register { name: unique, ty });
        let scope = self
            .scopes
            .iter_mut()
            .rev()
            .find(|scope| scope.find(name).is_some());
        if let Some(scope) = scope {
            scope.names.insert(name, Binding::Register(id));
        }
        id
    }

    /// A name that nothing else in the function has: blocks are flattened, and names that were apart
    /// must stay apart.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let of_module = |name: &str| {
            let scope = self.scopes.first();
            scope.is_some_and(|scope| scope.names.contains_key(name))
        };
        while self.taken.contains(&unique) || of_module(&unique) {
            // The set only grows, so its size is a number that has most likely not been used.
            unique = format!("{unique}${}", self.taken.len());
        }
        self.taken.insert(unique.clone());
        unique
    }

    pub(crate) fn open_scope(&mut self, at: Position) -> Parsed<()> {
        if self.scopes.len() > DEEPEST {
            return self.issue(at, format!("blocks are nested more than {DEEPEST} deep"));
        }
        self.scopes.push(BlockScope::default());
        Ok(())
    }

    /// Closes the innermost block. Labels that it names and does not define must be further out.
    pub(crate) fn close_scope(&mut self) {
        let Some(scope) = self.scopes.pop() else {
            return;
        };
        let outermost = self.scopes.len() <= 1;
        // Each is said once.
        let mut missing: Vec<&str> = Vec::new();
        for index in scope.pending {
            let Some(reference) = self.references.get_mut(index) else {
                continue;
            };
            match scope.names.get(reference.name) {
                Some(binding @ (Binding::Label(_) | Binding::Table(_))) => {
                    reference.found = Some(*binding);
                }
                _ if outermost => {
                    let (at, name) = (reference.at, shortened(reference.name));
                    if missing.contains(&name) {
                        continue;
                    }
                    missing.push(name);
                    let message =
                        format!("there is no label `{name}` that can be reached from here");
                    self.report(crate::syntax::lex::Issue::new(at, message));
                }
                _ => {
                    if let Some(outer) = self.scopes.last_mut() {
                        outer.pending.push(index);
                    }
                }
            }
        }
    }

    /// Notes that an operand names a label, which may come later. The number stands for it until
    /// the function has been read.
    pub(crate) fn refer(&mut self, name: &'a str, at: Position) -> u32 {
        let index = self.references.len();
        self.references.push(Reference {
            name,
            at,
            found: None,
        });
        if let Some(scope) = self.scopes.last_mut() {
            scope.pending.push(index);
        }
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

//! Operands of instructions.

use crate::syntax::diagnostic::Position;
use crate::syntax::lex::{Issue, Token};
use crate::syntax::parse::scope::Binding;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::table::OperandKind;
use crate::syntax::tree::{
    Base, CallSite, Callee, LabelId, Operand, Part, PartOperand, PointerCall, PrototypeKind,
    Register, RegisterId, Symbol,
};
use crate::syntax::types::Special;

/// The most elements of a vector operand.
const MOST_LANES: usize = 8;

/// The most registers that an instruction writes: those of `wgmma` for 256 columns.
const MOST_RESULTS: usize = 128;

/// The most arguments or results of a call.
const MOST_ARGUMENTS: usize = 256;

impl<'a> Parser<'a> {
    /// Reads one operand. The kind only decides how a name is understood; whether the operand fits
    /// is checked later.
    pub(crate) fn operand(&mut self, kind: Option<OperandKind>) -> Parsed<Operand> {
        if matches!(kind, Some(OperandKind::Label | OperandKind::Labels)) {
            let (name, at) = self.name("a label")?;
            let reference = self.refer(name, at);
            return Ok(match kind {
                Some(OperandKind::Label) => Operand::Label(LabelId(reference)),
                _ => Operand::Labels(reference),
            });
        }
        if matches!(
            kind,
            Some(
                OperandKind::DstPart(_)
                    | OperandKind::SrcPart(_)
                    | OperandKind::DstMasked(_)
                    | OperandKind::SrcSelected(_)
            )
        ) {
            return self.part();
        }
        match self.token {
            Token::Mark('{') => {
                self.bump();
                let mut elements = Vec::new();
                loop {
                    elements.push(self.scalar()?);
                    if !self.eat(',') {
                        break;
                    }
                    let most = match kind {
                        Some(OperandKind::DstWarpgroup(_)) => MOST_RESULTS,
                        _ => MOST_LANES,
                    };
                    if elements.len() >= most {
                        return self.issue(self.at, "no vector has so many elements");
                    }
                }
                self.expect('}')?;
                Ok(Operand::Vector(elements))
            }
            Token::Mark('[') => self.memory(),
            _ => self.scalar(),
        }
    }

    /// Reads a register of which a part may be meant, and that may be negated; or a constant.
    fn part(&mut self) -> Parsed<Operand> {
        let negated = self.token == Token::Mark('-') && matches!(self.peek(), Token::Name(_));
        if negated {
            self.bump();
        }
        let at = self.at;
        let operand = self.scalar()?;
        let Operand::Register(register) = operand else {
            if negated {
                return self.issue(at, "only a register can be negated here");
            }
            return Ok(operand);
        };
        let part = match self.token {
            Token::Dot(text) => Part::named(text),
            _ => Some(Part::Word),
        };
        let Some(part) = part else {
            return Err(self.unexpected("a part of the register, such as `.b0` or `.h1`"));
        };
        if part != Part::Word {
            self.bump();
        } else if !negated {
            return Ok(operand);
        }
        Ok(Operand::Part(PartOperand {
            register,
            part,
            negated,
        }))
    }

    /// Reads an operand without braces or brackets.
    fn scalar(&mut self) -> Parsed<Operand> {
        let at = self.at;
        match self.token {
            Token::Float32(bits) => {
                self.bump();
                Ok(Operand::Float32(bits))
            }
            Token::Float64(bits) => {
                self.bump();
                Ok(Operand::Float64(bits))
            }
            Token::Mark('-') if matches!(self.peek(), Token::Float32(_) | Token::Float64(_)) => {
                self.bump();
                match self.bump() {
                    Token::Float32(bits) => Ok(Operand::Float32(bits ^ 0x8000_0000)),
                    Token::Float64(bits) => Ok(Operand::Float64(bits ^ (1 << 63))),
                    _ => Err(self.unexpected("a number")),
                }
            }
            Token::Mark('!') => {
                self.bump();
                let (name, at) = self.name("a predicate")?;
                match self.register(name) {
                    Some(register) => Ok(Operand::Not(register)),
                    None => self.undeclared(name, at),
                }
            }
            Token::Name(name) => {
                self.bump();
                self.named(name, at)
            }
            _ if self.begins_constant() => Ok(Operand::Integer(self.constant()?)),
            _ => Err(self.unexpected("an operand")),
        }
    }

    /// Reads the rest of an operand that begins with a name.
    fn named(&mut self, name: &'a str, at: Position) -> Parsed<Operand> {
        if name == "_" {
            if self.eat('|') {
                let (second, at) = self.name("a predicate")?;
                return match self.register(second) {
                    Some(second) => Ok(Operand::Pair(None, Some(second))),
                    None => self.undeclared(second, at),
                };
            }
            return Ok(Operand::Sink);
        }
        if let Some(register) = self.register(name) {
            if !self.eat('|') {
                return Ok(Operand::Register(register));
            }
            let (second, at) = self.name("a predicate")?;
            if second == "_" {
                return Ok(Operand::Pair(Some(register), None));
            }
            return match self.register(second) {
                Some(second) => Ok(Operand::Pair(Some(register), Some(second))),
                None => self.undeclared(second, at),
            };
        }
        if let (true, Token::Dot(dimension)) = (Special::has_dimensions(name), self.token)
            && let Some(special) = Special::named(name, Some(dimension))
        {
            self.bump();
            return Ok(Operand::Special(special));
        }
        if let (true, Token::Dot(dimension)) = (Special::has_dimensions(name), self.token)
            && let Some(value) = Special::constant(name, Some(dimension))
        {
            self.bump();
            return Ok(Operand::Integer(value));
        }
        if let Some(value) = Special::constant(name, None) {
            return Ok(Operand::Integer(value));
        }
        if let Some(special) = Special::named(name, None) {
            return Ok(Operand::Special(special));
        }
        match self.lookup(name) {
            Some(Binding::Vector(vector)) => Ok(match self.element(vector)? {
                Some(element) => Operand::Register(element),
                None => Operand::Vector(self.elements(vector)),
            }),
            Some(Binding::Symbol(symbol)) => Ok(Operand::AddressOf(symbol, self.offset()?)),
            Some(Binding::Function(index)) => {
                let number = self.number_of(index);
                Ok(Operand::AddressOf(Symbol::Function(number), 0))
            }
            Some(Binding::Entry(_)) => {
                let name = shortened(name);
                let message = format!(
                    "the address of entry `{name}` is not supported by this device: kernels launch no kernels"
                );
                self.issue(at, message)
            }
            Some(Binding::Label(_) | Binding::Table(_) | Binding::Prototype(_)) => {
                let name = shortened(name);
                self.issue(at, format!("label `{name}` cannot be an operand here"))
            }
            _ => self.undeclared(name, at),
        }
    }

    /// A name that means nothing: said where it is met first.
    pub(crate) fn undeclared<T>(&mut self, name: &str, at: Position) -> Parsed<T> {
        if self.lookup(name) == Some(Binding::Failed) || !self.unknown.insert(name.to_owned()) {
            return Err(Issue::consequence(at));
        }
        let name = shortened(name);
        if name.starts_with('%') {
            return self.issue(
                at,
                format!("register `{name}` is not declared, or not known to this device"),
            );
        }
        self.issue(at, format!("`{name}` is not declared"))
    }

    /// The register of an element of a vector register, where one is named next, such as `.x`.
    fn element(&mut self, vector: u32) -> Parsed<Option<RegisterId>> {
        let Token::Dot(element) = self.token else {
            return Ok(None);
        };
        let place = match element {
            "x" | "r" => 0,
            "y" | "g" => 1,
            "z" | "b" => 2,
            "w" | "a" => 3,
            _ => usize::MAX,
        };
        let found = self.vector_element(vector, place);
        if found.is_none() {
            return Err(self.unexpected("an element of the vector, such as `.x`"));
        }
        self.bump();
        Ok(found)
    }

    /// The register of an element of a vector register, by its place; `None` where there are fewer.
    fn vector_element(&mut self, vector: u32, place: usize) -> Option<RegisterId> {
        let found = self.vectors.get(vector as usize)?;
        let (name, ty) = (found.name, found.ty);
        if let Some(known) = found.elements.get(place)? {
            return Some(*known);
        }
        let id = RegisterId(u32::try_from(self.function.registers.len()).unwrap_or(u32::MAX));
        let element = ["x", "y", "z", "w"].get(place)?;
        let name = self.unique(&format!("{name}${element}"));
        self.function.registers.push(Register { name, ty });
        let vector = self.vectors.get_mut(vector as usize)?;
        *vector.elements.get_mut(place)? = Some(id);
        Some(id)
    }

    /// All elements of a vector register.
    fn elements(&mut self, vector: u32) -> Vec<Operand> {
        let places = self.vectors.get(vector as usize);
        let places = 0..places.map_or(0, |vector| vector.elements.len());
        places
            .filter_map(|place| self.vector_element(vector, place))
            .map(Operand::Register)
            .collect()
    }

    /// Reads what is added to an address, if anything.
    fn offset(&mut self) -> Parsed<i64> {
        match self.token {
            Token::Mark('+') => {
                self.bump();
                Ok(self.constant()?.cast_signed())
            }
            Token::Mark('-') => Ok(self.constant()?.cast_signed()),
            _ => Ok(0),
        }
    }

    /// Reads an address in brackets.
    fn memory(&mut self) -> Parsed<Operand> {
        self.expect('[')?;
        let at = self.at;
        let operand = match self.token {
            Token::Name(name) => {
                self.bump();
                let base = if let Some(register) = self.register(name) {
                    Base::Register(register)
                } else if let Some(Binding::Vector(vector)) = self.lookup(name) {
                    match self.element(vector)? {
                        Some(element) => Base::Register(element),
                        None => return self.issue(at, "an address is one register, not a vector"),
                    }
                } else if let Some(Binding::Symbol(symbol)) = self.lookup(name) {
                    Base::Symbol(symbol)
                } else {
                    return self.undeclared(name, at);
                };
                Operand::Memory(base, self.offset()?)
            }
            _ => Operand::Memory(Base::Zero, self.constant()?.cast_signed()),
        };
        self.expect(']')?;
        Ok(operand)
    }

    /// Reads what follows `call`.
    pub(crate) fn call(&mut self) -> Parsed<Operand> {
        let mut results = Vec::new();
        if self.eat('(') {
            results = self.arguments()?;
            self.expect(',')?;
        }
        let (name, at) = self.name("the name of a function")?;
        let register = self.register(name);
        let function = match self.lookup(name) {
            _ if register.is_some() => None,
            Some(Binding::Function(function)) => Some(function),
            Some(Binding::Failed) => return Err(Issue::consequence(at)),
            _ => {
                if !self.unknown.insert(name.to_owned()) {
                    return Err(Issue::consequence(at));
                }
                let name = shortened(name);
                return self.issue(at, format!("function `{name}` is not declared"));
            }
        };
        let mut arguments = Vec::new();
        let mut more = self.eat(',');
        if more && self.eat('(') {
            arguments = self.arguments()?;
            more = register.is_some() && self.eat(',');
        }
        let callee = match (function, register) {
            (Some(function), _) if !more => Callee::Function(function),
            (Some(_), _) => return Err(self.unexpected("`(`")),
            (None, Some(register)) if more => Callee::Pointer(PointerCall {
                register,
                prototype: self.prototype_of_call()?,
                functions: Vec::new(),
            }),
            (None, _) => {
                return self.issue(
                    at,
                    "a call through a register ends with the name of a `.callprototype`, of `.calltargets`, or of a table of functions",
                );
            }
        };
        Ok(Operand::Call(Box::new(CallSite {
            callee,
            results,
            arguments,
        })))
    }

    /// Reads what a call through a register names at its end: an index into the function's prototypes.
    fn prototype_of_call(&mut self) -> Parsed<u32> {
        let (name, at) = self.name("the name of a prototype")?;
        match self.lookup(name) {
            Some(Binding::Prototype(prototype)) => Ok(prototype),
            Some(Binding::Symbol(Symbol::Global(global))) => {
                let of = PrototypeKind::Table(global);
                let known = self.function.prototypes.iter();
                match known.into_iter().position(|known| known.of == of) {
                    Some(known) => Ok(u32::try_from(known).unwrap_or(u32::MAX)),
                    None => Ok(self.add_prototype(name.to_owned(), of)),
                }
            }
            Some(Binding::Failed) => Err(Issue::consequence(at)),
            _ => {
                let name = shortened(name);
                self.issue(
                    at,
                    format!(
                        "`{name}` is no `.callprototype`, `.calltargets` or table of functions"
                    ),
                )
            }
        }
    }

    /// Reads arguments or results of a call, behind the opening parenthesis.
    fn arguments(&mut self) -> Parsed<Vec<Operand>> {
        let mut arguments = Vec::new();
        if self.eat(')') {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.scalar()?);
            if !self.eat(',') {
                break;
            }
            if arguments.len() >= MOST_ARGUMENTS {
                return self.issue(self.at, "no call has so many arguments");
            }
        }
        self.expect(')')?;
        Ok(arguments)
    }
}

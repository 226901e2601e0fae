//! Initial values of variables.

use crate::syntax::diagnostic::Position;
use crate::syntax::lex::{Issue, Token};
use crate::syntax::module::{Relocation, RelocationTarget, VariableSpace};
use crate::syntax::parse::declared::Declared;
use crate::syntax::parse::scope::Binding;
use crate::syntax::parse::{Parsed, Parser, shortened};
use crate::syntax::tree::Symbol;
use crate::syntax::types::Type;

/// The initial bytes of a variable as they are read.
#[derive(Debug, Default)]
pub(crate) struct Initial {
    pub bytes: Vec<u8>,
    pub relocations: Vec<Relocation>,
    /// An address of which only the first bytes have been read, and how many.
    pub partial: Option<(Relocation, u64)>,
}

impl<'a> Parser<'a> {
    /// Reads the initial value of the part of an array that lies at `offset`, and returns where
    /// what it sets ends.
    pub(crate) fn initial(
        &mut self,
        declared: &Declared<'a>,
        level: usize,
        offset: u64,
        initial: &mut Initial,
    ) -> Parsed<u64> {
        let element = declared.ty.bytes();
        if !self.eat('{') {
            self.initial_value(declared.ty, offset, initial)?;
            return Ok(offset.saturating_add(u64::from(element)));
        }
        let inner = declared.dimensions.get(level + 1..).unwrap_or(&[]);
        let vector = u64::from(declared.lanes);
        let stride = inner
            .iter()
            .try_fold(u64::from(element) * vector, |bytes, dimension| {
                bytes.checked_mul((*dimension)?)
            });
        let at = self.at;
        let mut place = offset;
        while !self.eat('}') {
            if level + usize::from(declared.lanes == 1) > declared.dimensions.len() {
                return self.issue(at, "there are more braces than dimensions");
            }
            let nested = self.token == Token::Mark('{');
            let end = self.initial(declared, level + 1, place, initial)?;
            let step = if nested { stride } else { Some(end - place) };
            let next = step.and_then(|step| place.checked_add(step));
            place = match next {
                Some(next) if next <= self.limits.global_bytes => next,
                _ => return self.issue(at, "the initial value is too large"),
            };
            if !self.eat(',') {
                self.expect('}')?;
                break;
            }
        }
        let declared_end = match declared.dimensions.get(level) {
            Some(Some(count)) => stride
                .and_then(|stride| stride.checked_mul(*count))
                .and_then(|bytes| bytes.checked_add(offset)),
            _ => None,
        };
        if declared_end.is_some_and(|end| place > end) {
            return self.issue(at, "there are more initial values than elements");
        }
        Ok(place)
    }

    /// Reads one initial value: a number or an address.
    fn initial_value(&mut self, ty: Type, offset: u64, initial: &mut Initial) -> Parsed<()> {
        let at = self.at;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let size = ty.bytes() as usize;
        let Some(end) = start
            .checked_add(size)
            .filter(|end| *end as u64 <= self.limits.global_bytes)
        else {
            return self.issue(at, "the initial value is too large");
        };
        let negative = matches!(self.token, Token::Mark('-'))
            && matches!(self.peek(), Token::Float32(_) | Token::Float64(_));
        if negative {
            self.bump();
        }
        let value = match self.token {
            Token::Float32(bits) => {
                self.bump();
                let value = f32::from_bits(bits);
                self.float_bits(ty, f64::from(if negative { -value } else { value }), at)?
            }
            Token::Float64(bits) => {
                self.bump();
                let value = f64::from_bits(bits);
                self.float_bits(ty, if negative { -value } else { value }, at)?
            }
            Token::Name(name) => {
                self.relocation(name, ty, offset, initial)?;
                return Ok(());
            }
            Token::Integer(mask) if self.peek() == Token::Mark('(') => {
                return self.masked(mask, ty, offset, initial);
            }
            _ => {
                let value = self.constant()?;
                if ty.is_float() && value != 0 {
                    return self.issue(at, "a floating-point variable begins with a number such as `0f3F800000` or `1.0`");
                }
                value
            }
        };
        if initial.bytes.len() < end {
            initial.bytes.resize(end, 0);
        }
        if let (Some(place), Some(bytes)) = (
            initial.bytes.get_mut(start..end),
            value.to_le_bytes().get(..size),
        ) {
            place.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn float_bits(&self, ty: Type, value: f64, at: Position) -> Parsed<u64> {
        match ty {
            Type::F32 | Type::B32 => Ok(u64::from((value as f32).to_bits())),
            Type::F64 | Type::B64 => Ok(value.to_bits()),
            _ => self.issue(
                at,
                format!("a variable of type `{ty}` does not hold such a number"),
            ),
        }
    }

    /// Reads an address as initial value.
    fn relocation(
        &mut self,
        name: &'a str,
        ty: Type,
        offset: u64,
        initial: &mut Initial,
    ) -> Parsed<()> {
        let at = self.at;
        let (target, addend, is_plain) = self.initial_address(name)?;
        if ty.bytes() != 8 {
            return self.issue(at, "an address needs a variable of 64-bit elements");
        }
        initial.relocations.push(Relocation {
            offset,
            target,
            addend,
            is_plain,
        });
        Ok(())
    }

    /// Reads the address of a variable, `name`, `name+4` or `generic(name)+4`, or of a function.
    /// Says too whether it is one in a state space other than the generic one.
    fn initial_address(&mut self, name: &'a str) -> Parsed<(RelocationTarget, i64, bool)> {
        let at = self.at;
        self.bump();
        let mut target = name;
        let is_generic = name == "generic";
        if is_generic {
            self.expect('(')?;
            target = self.name("the name of a variable")?.0;
            self.expect(')')?;
        }
        let addend = if matches!(self.token, Token::Mark('+' | '-')) {
            self.constant()?.cast_signed()
        } else {
            0
        };
        let binding = self.lookup(target);
        if binding == Some(Binding::Failed) {
            return Err(Issue::consequence(at));
        }
        let target = match binding {
            Some(Binding::Symbol(Symbol::Global(variable))) => RelocationTarget::Variable(variable),
            Some(Binding::Function(index)) if addend == 0 => {
                RelocationTarget::Function(self.number_of(index))
            }
            _ => {
                let target = shortened(target);
                return self.issue(
                    at,
                    format!("`{target}` is not a `.global` or `.const` variable, or a function"),
                );
            }
        };
        let is_plain = !is_generic && self.is_constant(target);
        Ok((target, addend, is_plain))
    }

    /// Whether this is a variable in constant memory. Addresses there are counted from the beginning of
    /// the space; a variable of `.global` has the same address in its space as among all.
    fn is_constant(&self, target: RelocationTarget) -> bool {
        let RelocationTarget::Variable(variable) = target else {
            return false;
        };
        let variable = self.module.globals.get(variable as usize);
        variable.is_some_and(|variable| variable.space == VariableSpace::Const)
    }

    /// Reads one byte of an address, such as `0xFF00(name)`: compilers write addresses so that lie
    /// among bytes. All eight must follow one another.
    fn masked(&mut self, mask: u64, ty: Type, offset: u64, initial: &mut Initial) -> Parsed<()> {
        let at = self.at;
        self.bump();
        self.expect('(')?;
        let Token::Name(name) = self.token else {
            return Err(self.unexpected("the name of a variable"));
        };
        let (target, addend, is_plain) = self.initial_address(name)?;
        self.expect(')')?;
        let byte = u64::from(mask.trailing_zeros() / 8);
        let start = offset.checked_sub(byte);
        let (Some(start), true) = (start, ty.bytes() == 1 && mask == 0xff << (8 * byte.min(7)))
        else {
            return self.issue(
                at,
                "a mask picks one byte of an address, for an element of 8 bits",
            );
        };
        let relocation = Relocation {
            offset: start,
            target,
            addend,
            is_plain,
        };
        match &initial.partial {
            None if byte == 0 => initial.partial = Some((relocation, 1)),
            Some((before, count)) if *before == relocation && byte == *count => {
                initial.partial = Some((relocation, byte + 1));
            }
            _ => return self.issue(at, "the bytes of an address must all follow one another"),
        }
        if byte == 7 {
            initial
                .relocations
                .extend(initial.partial.take().map(|(relocation, _)| relocation));
        }
        Ok(())
    }
}

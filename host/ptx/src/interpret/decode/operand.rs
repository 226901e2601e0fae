//! Where an instruction's operands come from.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, Address, Condition, Constant, Source};
use crate::numeric::Flags;
use crate::numeric::integer::mask;
use crate::simt::address::AddressSpace;
use crate::simt::special_registers;
use crate::simt::variables::{AddressBase, Location, MemoryOperand, Variables};
use crate::syntax::check::source_type;
use crate::syntax::tree::{Operand, Symbol};
use crate::syntax::types::{Special, Type};

impl<'m> Decoder<'m> {
    /// Where the value of an operand comes from, read as a type.
    pub(crate) fn source_of(
        &mut self,
        scope: &mut Scope<'m>,
        operand: &Operand,
        ty: Type,
    ) -> Source {
        let keep = mask(ty.bits());
        match operand {
            Operand::Register(register) | Operand::Not(register) => Source::slot(register.0),
            // The instruction takes the part by itself.
            Operand::Part(of) => Source::slot(of.register.0),
            Operand::Integer(value) => self.value(value & keep),
            Operand::Float32(bits) if ty == Type::F64 => {
                self.value(f64::from(f32::from_bits(*bits)).to_bits())
            }
            Operand::Float32(bits) => self.value(u64::from(*bits)),
            Operand::Float64(bits) if ty == Type::F32 => {
                self.value(u64::from((f64::from_bits(*bits) as f32).to_bits()))
            }
            Operand::Float64(bits) => self.value(*bits),
            Operand::Special(special) => self.special(scope, *special, ty),
            Operand::AddressOf(symbol, addend) => self.address_of(scope, *symbol, *addend, ty),
            _ => self.value(0),
        }
    }

    fn special(&mut self, scope: &mut Scope<'m>, special: Special, ty: Type) -> Source {
        if special_registers::is_of_launch(special) {
            return self.constant(Constant::Special(special));
        }
        let target = scope.compute();
        self.before(scope, Action::Special { target, special });
        if ty.bits() < special.bits() {
            let keep = self.value(mask(ty.bits()));
            let narrow = Action::Binary {
                function: |a, b, _| a & b,
                flags: Flags::of(&scope.instruction.modifiers),
                target,
                a: Source::slot(target),
                b: keep,
            };
            self.before(scope, narrow);
        }
        Source::slot(target)
    }

    /// What the names of the function mean that is decoded.
    pub(crate) fn variables<'s>(&self, scope: &'s Scope<'m>) -> Variables<'s> {
        Variables {
            entry: self.entry,
            function: scope.function,
            index: scope.index,
            frame: &scope.size.frame,
        }
    }

    /// A variable's address in its own space.
    fn address_of(
        &mut self,
        scope: &mut Scope<'m>,
        symbol: Symbol,
        addend: i64,
        ty: Type,
    ) -> Source {
        let keep = mask(ty.bits());
        let sum = |offset: u32| u64::from(offset).wrapping_add_signed(addend) & keep;
        match self.variables(scope).location(symbol) {
            Location::Global(variable) => self.constant(Constant::Global { variable, addend }),
            Location::Shared(offset) | Location::Argument(offset) => self.value(sum(offset)),
            Location::Function(address) => self.value(address & keep),
            Location::Frame(offset) => {
                let target = scope.compute();
                let action = Action::FrameAddress {
                    target,
                    // Local addresses wrap in 32 bits.
                    offset: sum(offset) as u32,
                };
                self.before(scope, action);
                Source::slot(target)
            }
        }
    }

    /// The source operand at an index, read as the table says.
    pub(crate) fn source(&mut self, scope: &mut Scope<'m>, index: usize) -> Source {
        let ty = source_type(scope.instruction, index);
        let operand = scope.operand(index);
        self.source_of(scope, operand, ty)
    }

    /// The same, where it may be a negated predicate.
    pub(crate) fn condition(&mut self, scope: &mut Scope<'m>, index: usize) -> Condition {
        let operand = scope.operand(index);
        self.condition_of(scope, index, operand)
    }

    /// An operand, or an element of it, that is read as the table says of the operand at an index.
    pub(crate) fn condition_of(
        &mut self,
        scope: &mut Scope<'m>,
        index: usize,
        operand: &Operand,
    ) -> Condition {
        let ty = source_type(scope.instruction, index);
        Condition {
            source: self.source_of(scope, operand, ty),
            negated: matches!(operand, Operand::Not(_)),
        }
    }

    /// The address that a memory operand means.
    pub(crate) fn address(&mut self, scope: &Scope<'m>, index: usize) -> Address {
        let operand = self
            .variables(scope)
            .memory_operand(scope.instruction, index);
        debug_assert!(operand.is_some(), "an access without an address");
        // A null pointer: the access is refused when it is made.
        let operand = operand.unwrap_or(MemoryOperand {
            space: AddressSpace::Generic,
            base: AddressBase::Offset(0),
            offset: 0,
        });
        let base = match operand.base {
            AddressBase::Offset(offset) | AddressBase::Frame(offset) => {
                self.value(u64::from(offset))
            }
            AddressBase::Register(register) => Source::slot(register.0),
            AddressBase::Global(variable) => self.constant(Constant::Global {
                variable,
                addend: 0,
            }),
        };
        Address {
            base,
            offset: operand.offset,
            space: operand.space,
            in_frame: matches!(operand.base, AddressBase::Frame(_)),
        }
    }
}

//! Loads, stores, atomics, and addresses that change from one kind to another.

use crate::address::{LOCAL_BASE, PARAM_BASE, SHARED_BASE};
use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{Action, Atomic, Change, Constant, Extend, Place, Source, Window};
use crate::numeric::alu::{self, Flags};
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::Operand;
use crate::syntax::types::{Space, Type};

impl<'m> Decoder<'m> {
    pub(crate) fn converted_address(&mut self, scope: &mut Scope<'m>) -> Action {
        let modifiers = scope.instruction.modifiers;
        let base = match modifiers.space() {
            Space::Shared => SHARED_BASE,
            Space::Local => LOCAL_BASE,
            // A device function's parameters lie in its frame.
            Space::Param if scope.function.entry.is_none() => LOCAL_BASE,
            Space::Param => PARAM_BASE,
            _ => 0,
        };
        let target = scope.target(0);
        let a = self.source(scope, 1);
        if base == 0 {
            return Action::Move { target, a };
        }
        if modifiers.has(Modifier::To) {
            return Action::FromGeneric { target, a, base };
        }
        Action::ToGeneric { target, a, base }
    }

    /// Constants lie in device memory, among everything else: no range tells them apart, so no
    /// address counts as one.
    pub(crate) fn constant_range(&self) -> (u64, u64) {
        (0, 0)
    }

    pub(crate) fn extend(&self, scope: &Scope<'m>, target: &Operand) -> Extend {
        let ty = scope.ty();
        let Operand::Register(register) = target else {
            return Extend::Zero;
        };
        let to = scope.function.register_type(*register).bits();
        if !ty.is_signed() || to <= ty.bits() {
            return Extend::Zero;
        }
        Extend::Sign {
            from: u8::try_from(ty.bits()).unwrap_or(64),
            to: u8::try_from(to).unwrap_or(64),
        }
    }

    pub(crate) fn load(&mut self, scope: &mut Scope<'m>) -> Action {
        let place = self.place(scope, 1);
        let bytes = scope.ty().bytes();
        let operand = scope.operand(0).clone();
        let targets = match operand {
            Operand::Vector(elements) => elements,
            single => vec![single],
        };
        let extend = targets
            .iter()
            .map(|target| self.extend(scope, target))
            .find(|extend| *extend != Extend::Zero)
            .unwrap_or(Extend::Zero);
        if let [target] = targets.as_slice() {
            let target = scope.target_of(target);
            if let Some(a) = self.argument(&place, bytes, extend) {
                return Action::Move { target, a };
            }
            return Action::Load {
                target,
                place,
                bytes,
                extend,
            };
        }
        Action::LoadMany {
            targets: targets
                .iter()
                .map(|target| scope.target_of(target))
                .collect(),
            place,
            bytes,
            extend,
        }
    }

    /// An argument at a place that is known now, as a constant of the launch.
    pub(crate) fn argument(&mut self, place: &Place, bytes: u32, extend: Extend) -> Option<Source> {
        if place.window != Window::Argument || !place.base.is_constant() {
            return None;
        }
        let Constant::Value(base) = *self.program.constants.get(place.base.index())? else {
            return None;
        };
        let offset = u32::try_from(base.wrapping_add_signed(place.offset)).ok()?;
        let end = offset.checked_add(bytes)?;
        if end > self.entry.param_bytes || !offset.is_multiple_of(bytes.max(1)) {
            return None;
        }
        Some(self.constant(Constant::Argument {
            offset,
            bytes,
            extend,
        }))
    }

    pub(crate) fn store(&mut self, scope: &mut Scope<'m>) -> Action {
        let place = self.place(scope, 0);
        let (ty, bytes) = (scope.ty(), scope.ty().bytes());
        let values = match scope.operand(1).clone() {
            Operand::Vector(elements) => elements,
            single => vec![single],
        };
        let values: Vec<Source> = values
            .iter()
            .map(|value| self.source_of(scope, value, ty))
            .collect();
        match values.as_slice() {
            [value] => Action::Store {
                place,
                bytes,
                value: *value,
            },
            _ => Action::StoreMany {
                place,
                bytes,
                values: values.into(),
            },
        }
    }

    pub(crate) fn atomic(&mut self, scope: &mut Scope<'m>) -> Action {
        use Modifier::{Add, And, Cas, Dec, Exch, Inc, Max, Min, Or, Xor};
        let modifiers = scope.instruction.modifiers;
        let ty = scope.ty();
        let first = usize::from(scope.instruction.row.op == Op::Atom);
        let words = [Add, And, Cas, Dec, Exch, Inc, Max, Min, Or, Xor];
        let word = words.iter().find(|word| modifiers.has(**word));
        let combined = word.and_then(|word| alu::combination(*word, ty));
        let change = match (word, combined) {
            (Some(Cas), _) => Change::Swap,
            (_, Some(function)) => Change::With(function),
            _ => return Action::Trap,
        };
        let mut flags = Flags::of(&modifiers);
        // Atomic addition of singles in device memory flushes subnormals.
        flags.ftz = ty == Type::F32 && modifiers.space() != Space::Shared;
        Action::Atomic(Box::new(Atomic {
            target: if first == 1 {
                scope.target(0)
            } else {
                scope.unwanted()
            },
            place: self.place(scope, first),
            bytes: ty.bytes(),
            change,
            flags,
            b: self.source(scope, first + 1),
            c: if matches!(change, Change::Swap) {
                self.source(scope, first + 2)
            } else {
                self.value(0)
            },
        }))
    }
}

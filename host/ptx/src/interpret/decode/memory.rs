//! Loads, stores and atomics.

use crate::interpret::decode::{Decoder, Scope};
use crate::interpret::program::{
    Action, Address, Atomic, AtomicOp, CheckHint, Constant, Extend, Source, Step,
};
use crate::numeric::{Flags, alu, mbarrier};
use crate::simt::address::AddressSpace;
use crate::simt::instruction::own_arrivals;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::Operand;
use crate::syntax::types::{Space, Type};

impl<'m> Decoder<'m> {
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
        let address = self.address(scope, 1);
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
            if let Some(a) = self.argument(&address, bytes, extend) {
                return Action::Move { target, a };
            }
            return Action::Load {
                target,
                address,
                bytes,
                extend,
            };
        }
        Action::LoadMany {
            targets: targets
                .iter()
                .map(|target| scope.target_of(target))
                .collect(),
            address,
            bytes,
            extend,
        }
    }

    /// An argument at an address that is known now, as a constant of the launch.
    pub(crate) fn argument(
        &mut self,
        address: &Address,
        bytes: u32,
        extend: Extend,
    ) -> Option<Source> {
        if address.space != AddressSpace::Argument || !address.base.is_constant() {
            return None;
        }
        let Constant::Value(base) = *self.program.constants.get(address.base.index())? else {
            return None;
        };
        let offset = u32::try_from(base.wrapping_add_signed(address.offset)).ok()?;
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
        let address = self.address(scope, 0);
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
                address,
                bytes,
                value: *value,
            },
            _ => Action::StoreMany {
                address,
                bytes,
                values: values.into(),
            },
        }
    }

    /// Whether a phase of a barrier in memory is complete. The thread lets the others of its block run
    /// before it looks.
    pub(crate) fn mbarrier_test(&mut self, scope: &mut Scope<'m>) -> Action {
        let by_parity = scope.instruction.modifiers.has(Modifier::Parity);
        self.active_mask(scope);
        let loaded = scope.compute();
        let address = self.address(scope, 1);
        let guard = scope.instruction.guard;
        self.program.code.push(Step {
            action: Action::Load {
                target: loaded,
                address,
                bytes: 8,
                extend: Extend::Zero,
            },
            hint: CheckHint::Synchronizing,
            guard: guard.map(|guard| guard.register.0),
            negated: guard.is_some_and(|guard| guard.negated),
            line: scope.instruction.at.line,
        });
        Action::Binary {
            function: if by_parity {
                mbarrier::is_parity_complete
            } else {
                mbarrier::is_complete
            },
            flags: Flags::of(&scope.instruction.modifiers),
            target: scope.target(0),
            a: Source::slot(loaded),
            b: self.source(scope, 2),
        }
    }

    pub(crate) fn atomic(&mut self, scope: &mut Scope<'m>) -> Action {
        use Modifier::{
            Add, And, Arrive, ArriveDrop, Cas, CompleteTx, Dec, Exch, ExpectTx, Inc, Init, Max,
            Min, Or, Xor,
        };
        let modifiers = scope.instruction.modifiers;
        let ty = scope.ty();
        let first = usize::from(scope.instruction.row.op == Op::Atom);
        let words = [
            Add, And, Arrive, ArriveDrop, Cas, CompleteTx, Dec, Exch, ExpectTx, Inc, Init, Max,
            Min, Or, Xor,
        ];
        let word = words.iter().find(|word| modifiers.has(**word));
        let combined = word.and_then(|word| alu::combination(*word, ty));
        let operation = match (word, combined) {
            (Some(Cas), _) => AtomicOp::CompareExchange,
            (_, Some(function)) => AtomicOp::Combine(function),
            _ => return Action::Trap,
        };
        if word == Some(&Init) {
            // What was there does not matter.
            let bits = scope.compute();
            let operands = [self.value(0), self.source(scope, first + 1)];
            self.binary(scope, bits, operands, mbarrier::init);
            return Action::Store {
                address: self.address(scope, first),
                bytes: ty.bytes(),
                value: Source::slot(bits),
            };
        }
        if matches!(word, Some(Arrive | ArriveDrop)) && modifiers.has(ExpectTx) {
            // The bytes are expected first.
            let expected = Atomic {
                target: scope.unwanted(),
                address: self.address(scope, first),
                bytes: 8,
                operation: AtomicOp::Combine(mbarrier::expect),
                flags: Flags::of(&modifiers),
                b: self.source(scope, first + 1),
                c: self.value(0),
            };
            self.guarded(scope, Action::Atomic(Box::new(expected)));
        }
        let mut flags = Flags::of(&modifiers);
        // Atomic addition of `f32` in device memory flushes subnormals.
        flags.ftz = ty == Type::F32 && modifiers.space() != Space::Shared;
        Action::Atomic(Box::new(Atomic {
            target: if first == 1 {
                scope.target(0)
            } else {
                scope.unwanted()
            },
            address: self.address(scope, first),
            bytes: ty.bytes(),
            operation,
            flags,
            b: match word {
                Some(Arrive | ArriveDrop) => match own_arrivals(scope.instruction) {
                    Some(arrivals) => self.value(arrivals),
                    None => self.source(scope, first + 1),
                },
                _ => self.source(scope, first + 1),
            },
            c: if matches!(operation, AtomicOp::CompareExchange) {
                self.source(scope, first + 2)
            } else {
                self.value(0)
            },
        }))
    }
}

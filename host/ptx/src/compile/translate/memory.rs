//! Translates loads, stores, atomics, and conversions of addresses between state spaces (PTX ISA, "Data
//! Movement and Conversion Instructions", "Parallel Synchronization and Communication Instructions").

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    AccessAddress, Arg, AtomicOp, Op as IrOp, Reg, Space, SpecialValue, SuspendKind, Ty,
};
use crate::compile::translate::{Builder, FunctionScope, home};
use crate::numeric::mbarrier::PHASE_SHIFT;
use crate::numeric::{IntBuilder, Libcall, mask};
use crate::simt::address::{AddressConversion, is_space_range};
use crate::simt::instruction::own_arrivals;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::{Base, Operand, Symbol};
use crate::syntax::types::{Space as PtxSpace, Type};

/// An access is atomic where the kernel means it to be seen by others at once.
fn is_atomic(scope: &FunctionScope<'_>) -> bool {
    let words = [
        Modifier::Volatile,
        Modifier::Relaxed,
        Modifier::Acquire,
        Modifier::Release,
    ];
    words.iter().any(|word| scope.has(*word))
}

/// The elements of an operand that may be several.
fn elements(operand: &Operand) -> Vec<&Operand> {
    match operand {
        Operand::Vector(elements) => elements.iter().collect(),
        single => vec![single],
    }
}

/// The register that stands for the variable at a memory operand, where one does.
fn param_of(scope: &FunctionScope<'_>, operand: usize) -> Option<Reg> {
    match scope.operand(operand) {
        Operand::Memory(Base::Symbol(Symbol::Variable(variable)), _) => {
            scope.param_register(*variable)
        }
        _ => None,
    }
}

impl<'m> Builder<'m> {
    fn lanes(&self, elements: usize, bytes: u32) -> Result<u32, Unsupported> {
        match u32::try_from(elements) {
            Ok(lanes) if matches!(lanes, 1 | 2 | 4) && lanes * bytes <= 16 && bytes <= 8 => {
                Ok(lanes)
            }
            _ => Err(self.unsupported("an access of more than 16 bytes")),
        }
    }

    pub(crate) fn load(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let ty = scope.ty();
        let bytes = ty.bytes();
        let targets = elements(scope.operand(0));
        let lanes = self.lanes(targets.len(), bytes)?;
        // As the interpreter has it: where one target is wider and the type signed, all are extended.
        let width = |target: &Operand| match target {
            Operand::Register(register) => scope.function.register_type(*register).bits(),
            _ => 0,
        };
        let widest = targets
            .iter()
            .map(|target| width(target))
            .find(|bits| *bits > ty.bits());
        let extend = widest.filter(|_| ty.is_signed());
        let value_ty = match (home(ty), extend) {
            (Ty::I32, Some(64)) => Ty::I64,
            (ty, _) => ty,
        };
        if let ([target], Some(param)) = (targets.as_slice(), param_of(scope, 1)) {
            let value = self.as_ty(Arg::Reg(param), home(ty));
            let value = self.extended(ty, value, extend);
            self.write_to(scope, target, value);
            return Ok(());
        }
        let place = self.place(scope, 1, (bytes, lanes, false));
        if let ([target], Some(known)) = (targets.as_slice(), self.argument(&place, ty)) {
            let value = self.temp(home(ty));
            self.push(IrOp::Special(value, known));
            let value = self.extended(ty, Arg::Reg(value), extend);
            self.write_to(scope, target, value);
            return Ok(());
        }
        // A register's own type saves a conversion.
        let loaded_ty = |builder: &Self, target: &Operand| match (target, extend) {
            (Operand::Register(register), None) if ty.bits() >= 32 => {
                let own = builder.body.ty(scope.register(*register));
                if own.bytes() == ty.bytes() {
                    own
                } else {
                    value_ty
                }
            }
            _ => home(ty),
        };
        let values: Vec<Reg> = targets
            .iter()
            .map(|target| {
                let ty = loaded_ty(self, target);
                self.temp(ty)
            })
            .collect();
        self.push(IrOp::Load {
            targets: values.clone(),
            place,
            bytes: bytes as u8,
            atomic: is_atomic(scope),
        });
        for (target, value) in targets.iter().zip(values) {
            let value = self.extended(ty, Arg::Reg(value), extend);
            self.write_to(scope, target, value);
        }
        Ok(())
    }

    /// A loaded value with its sign extended to so many bits.
    fn extended(&mut self, ty: Type, value: Arg, to: Option<u32>) -> Arg {
        match to {
            None => value,
            Some(64) => self.widened(ty, value),
            Some(bits) => {
                let value = self.signed(ty, value);
                if bits < 32 {
                    return self.two(Opcode::I32And, value, Arg::I32(mask(bits) as u32));
                }
                value
            }
        }
    }

    /// An argument at a place that is known now.
    fn argument(&self, place: &AccessAddress, ty: Type) -> Option<SpecialValue> {
        if place.space != Space::Argument {
            return None;
        }
        let offset = place.base.bits()?.wrapping_add_signed(place.offset);
        let bytes = u64::from(ty.bytes());
        let end = offset.checked_add(bytes)?;
        if end > u64::from(self.entry.param_bytes) || !offset.is_multiple_of(bytes.max(1)) {
            return None;
        }
        let address = self.argument_address(offset);
        Some(match ty.bytes() {
            1 => SpecialValue::LaunchPart(address, 1),
            2 => SpecialValue::LaunchPart(address, 2),
            _ => SpecialValue::Launch(address, home(ty)),
        })
    }

    pub(crate) fn store(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let ty = scope.ty();
        let bytes = ty.bytes();
        let sources = elements(scope.operand(1));
        let lanes = self.lanes(sources.len(), bytes)?;
        if let ([source], Some(param)) = (sources.as_slice(), param_of(scope, 0)) {
            let value = self.read(scope, source, ty);
            let value = self.as_ty(value, self.body.ty(param));
            self.push(IrOp::Copy(param, value));
            return Ok(());
        }
        let place = self.place(scope, 0, (bytes, lanes, true));
        let values = sources
            .iter()
            .map(|source| match source {
                // In the register's own type, whatever the store calls it.
                Operand::Register(register)
                    if self.body.ty(scope.register(*register)).bytes() == bytes =>
                {
                    Arg::Reg(scope.register(*register))
                }
                other => self.read(scope, other, ty),
            })
            .collect();
        self.push(IrOp::Store {
            place,
            bytes: bytes as u8,
            values,
            atomic: is_atomic(scope),
        });
        Ok(())
    }

    pub(crate) fn atomic(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        use Modifier::{
            Add, And, Arrive, ArriveDrop, Cas, CompleteTx, Dec, Exch, ExpectTx, Inc, Init, Max,
            Min, Or, Xor,
        };
        let modifiers = &scope.instruction.modifiers;
        let ty = scope.ty();
        let bytes = ty.bytes();
        let returns = scope.instruction.row.op == Op::Atom;
        let first = usize::from(returns);
        let words = [
            Add, And, Arrive, ArriveDrop, Cas, CompleteTx, Dec, Exch, ExpectTx, Inc, Init, Max,
            Min, Or, Xor,
        ];
        let word = words.iter().find(|word| modifiers.has(**word)).copied();
        let change = match word {
            Some(Add) if ty.is_integer() => AtomicOp::Add,
            Some(Add) if matches!(ty, Type::F32 | Type::F64) => AtomicOp::FloatAdd {
                flush: ty == Type::F32 && modifiers.space() != PtxSpace::Shared,
            },
            Some(And) => AtomicOp::And,
            Some(Or) => AtomicOp::Or,
            Some(Xor) => AtomicOp::Xor,
            Some(Exch) => AtomicOp::Exchange,
            Some(Cas) => AtomicOp::Swap,
            Some(Min | Max) if ty.is_integer() => AtomicOp::Least {
                signed: ty.is_signed(),
                most: word == Some(Max),
            },
            Some(Inc) => AtomicOp::Increment,
            Some(Dec) => AtomicOp::Decrement,
            Some(word) => match Libcall::of_atomic(word, ty, modifiers) {
                Some(libcall) => AtomicOp::Libcall(self.libcall(libcall)),
                None => return Err(self.unsupported("this atomic operation")),
            },
            None => return Err(self.unsupported("this atomic operation")),
        };
        if bytes > 8 {
            return Err(self.unsupported("an atomic operation on more than 8 bytes"));
        }
        if matches!(word, Some(Arrive | ArriveDrop)) && modifiers.has(ExpectTx) {
            // The bytes are expected first.
            let expected = self.source(scope, first + 1);
            let expected = self.in_64(expected);
            self.barrier_update(scope, (first, ExpectTx), expected)?;
        }
        let place = self.place(scope, first, (bytes, 1, true));
        // Memory is changed as integers, but for the one operation that is not on them.
        let int = match change {
            AtomicOp::FloatAdd { .. } => home(ty),
            _ if bytes == 8 => Ty::I64,
            _ => Ty::I32,
        };
        let b = match word {
            Some(Arrive | ArriveDrop) => match own_arrivals(scope.instruction) {
                Some(arrivals) => Arg::I64(arrivals),
                None => self.source(scope, first + 1),
            },
            _ => self.source(scope, first + 1),
        };
        let b = self.as_ty(b, int);
        let c = if change == AtomicOp::Swap {
            let c = self.source(scope, first + 2);
            self.as_ty(c, int)
        } else {
            Arg::constant(int, 0)
        };
        let target = returns.then(|| self.temp(int));
        self.push(IrOp::Atomic {
            target,
            place,
            bytes: bytes as u8,
            change,
            b,
            c,
        });
        if let Some(target) = target {
            self.write(scope, Arg::Reg(target));
        }
        Ok(())
    }

    /// Whether a phase of a barrier in memory is complete. The thread lets the others of its block run
    /// before it looks.
    pub(crate) fn mbarrier_test(&mut self, scope: &FunctionScope<'m>) {
        self.suspend(SuspendKind::ActiveMask, Vec::new(), vec![None]);
        let place = self.place(scope, 1, (8, 1, false));
        let barrier = self.temp(Ty::I64);
        self.push(IrOp::Load {
            targets: vec![barrier],
            place,
            bytes: 8,
            atomic: true,
        });
        let shift = Arg::I64(u64::from(PHASE_SHIFT));
        let phase = self.two(Opcode::I64ShrU, Arg::Reg(barrier), shift);
        let other = self.source(scope, 2);
        let other = self.in_64(other);
        let complete = if scope.has(Modifier::Parity) {
            let differing = self.two(Opcode::I64Xor, phase, other);
            let bit = self.two(Opcode::I64And, differing, Arg::I64(1));
            self.as_ty(bit, Ty::I32)
        } else {
            let of_state = self.two(Opcode::I64ShrU, other, shift);
            self.two(Opcode::I64Ne, phase, of_state)
        };
        self.write(scope, complete);
    }

    /// `cvta`.
    pub(crate) fn convert_address(&mut self, scope: &FunctionScope<'m>) {
        let a = self.source(scope, 1);
        let value = match AddressConversion::of(scope.instruction, scope.function) {
            AddressConversion::Copy => a,
            AddressConversion::Add(base) => self.two(Opcode::I64Add, a, Arg::I64(base)),
            AddressConversion::Subtract(base) => self.two(Opcode::I64Sub, a, Arg::I64(base)),
        };
        self.write(scope, value);
    }

    /// `isspacep`.
    pub(crate) fn is_in_space(&mut self, scope: &FunctionScope<'m>) {
        let range = is_space_range(scope.instruction);
        let a = self.source(scope, 1);
        let offset = self.two(Opcode::I64Sub, a, Arg::I64(range.start));
        let size = Arg::I64(range.end - range.start);
        let inside = self.two(Opcode::I64LtU, offset, size);
        self.write(scope, inside);
    }
}

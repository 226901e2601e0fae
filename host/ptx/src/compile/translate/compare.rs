//! Translates comparisons, selections, and moves between registers of different sizes (PTX ISA,
//! "Comparison and Selection Instructions", "Data Movement and Conversion Instructions").

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Ty};
use crate::compile::translate::half::half_format;
use crate::compile::translate::{Builder, FunctionScope, home};
use crate::numeric::{Flags, mask};
use crate::syntax::bool_combine::BoolCombine;
use crate::syntax::table::Op;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

impl<'m> Builder<'m> {
    /// `set` and `setp`.
    pub(crate) fn comparison(&mut self, scope: &FunctionScope<'m>) -> Result<(), Unsupported> {
        let modifiers = &scope.instruction.modifiers;
        let set = scope.instruction.row.op == Op::Set;
        let compared = if set {
            modifiers.second_ty()
        } else {
            modifiers.ty()
        };
        let flags = Flags::of(modifiers);
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let outcome = if compared.is_integer() {
            self.compare_integers(compared, flags, a, b)
        } else if let Some(outcome) = self.compare_floats(compared, flags, a, b) {
            outcome
        } else if let Some((format, false)) = half_format(compared)
            && let Some(outcome) = self.compare_half(format, flags, [a, b])
        {
            outcome
        } else {
            return Err(self.unsupported("this comparison"));
        };
        let combine = BoolCombine::of(modifiers);
        let other = combine.code().map(|_| self.condition(scope, 3));
        let joined = |builder: &mut Self, outcome: Arg| match (combine.code(), other) {
            (Some(code), Some(other)) => builder.two(code, outcome, other),
            _ => outcome,
        };
        if set {
            let outcome = joined(self, outcome);
            let yes = match modifiers.ty() {
                Type::F32 => Arg::F32(1f32.to_bits()),
                Type::F16 => Arg::I32(0x3c00),
                Type::BF16 => Arg::I32(0x3f80),
                Type::U16 | Type::S16 => Arg::I32(0xffff),
                _ => Arg::I32(u32::MAX),
            };
            let no = Arg::constant(self.body.arg_ty(yes), 0);
            let value = self.select(outcome, yes, no);
            self.write(scope, value);
            return Ok(());
        }
        let opposite = match scope.operand(0) {
            Operand::Pair(_, Some(register)) => {
                let reverse = self.two(Opcode::I32Xor, outcome, Arg::I32(1));
                Some((*register, joined(self, reverse)))
            }
            _ => None,
        };
        let value = joined(self, outcome);
        self.write(scope, value);
        if let Some((register, value)) = opposite {
            self.write_home(scope.register(register), value);
        }
        Ok(())
    }

    /// `selp`.
    pub(crate) fn selp(&mut self, scope: &FunctionScope<'m>) {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let condition = self.condition(scope, 3);
        let value = self.select(condition, a, b);
        self.write(scope, value);
    }

    /// `slct`.
    pub(crate) fn slct(&mut self, scope: &FunctionScope<'m>) {
        let modifiers = &scope.instruction.modifiers;
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let c = self.read(scope, scope.operand(3), modifiers.second_ty());
        let condition = if modifiers.second_ty() == Type::F32 {
            let c = self.flushed(Flags::of(modifiers), c);
            self.two(Opcode::F32Ge, c, Arg::F32(0))
        } else {
            self.two(Opcode::I32GeS, c, Arg::I32(0))
        };
        let value = self.select(condition, a, b);
        self.write(scope, value);
    }

    /// `mov`, also between one register and several.
    pub(crate) fn moved(&mut self, scope: &FunctionScope<'m>) {
        let ty = scope.ty();
        match (scope.operand(0), scope.operand(1)) {
            (Operand::Vector(targets), source) => {
                let bits = ty.bits() / u32::try_from(targets.len()).unwrap_or(1).max(1);
                let whole = self.read(scope, source, ty);
                let whole = self.in_64(whole);
                let parts: Vec<Arg> = (0..targets.len() as u64)
                    .map(|place| {
                        let part = if place == 0 {
                            whole
                        } else {
                            let by = Arg::I64(place * u64::from(bits));
                            self.two(Opcode::I64ShrU, whole, by)
                        };
                        let part = if bits < 64 {
                            self.two(Opcode::I64And, part, Arg::I64(mask(bits)))
                        } else {
                            part
                        };
                        self.as_ty(part, Ty::I32)
                    })
                    .collect();
                for (target, part) in targets.iter().zip(parts) {
                    self.write_to(scope, target, part);
                }
            }
            (_, Operand::Vector(sources)) => {
                let bits = ty.bits() / u32::try_from(sources.len()).unwrap_or(1).max(1);
                let each = match bits {
                    8 => Type::B8,
                    16 => Type::B16,
                    _ => Type::B32,
                };
                let mut whole = Arg::I64(0);
                for (place, source) in sources.iter().enumerate() {
                    let part = self.read(scope, source, each);
                    let part = self.in_64(part);
                    let part = if place == 0 {
                        part
                    } else {
                        let by = Arg::I64(place as u64 * u64::from(bits));
                        self.two(Opcode::I64Shl, part, by)
                    };
                    whole = self.two(Opcode::I64Or, whole, part);
                }
                let whole = self.as_ty(whole, home(ty));
                self.write(scope, whole);
            }
            _ => {
                let value = self.source(scope, 1);
                self.write(scope, value);
            }
        }
    }
}

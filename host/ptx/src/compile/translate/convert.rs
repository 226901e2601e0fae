//! Translates conversions between number types (PTX ISA, `cvt`).

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Ty};
use crate::compile::translate::half::half_format;
use crate::compile::translate::{Builder, FunctionScope, home};
use crate::numeric::directed_rounding;
use crate::numeric::half_precision::{self, HalfFormat};
use crate::numeric::{Flags, IntBuilder, Round, mask};
use crate::syntax::modifier::Modifier;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

/// Rounds to an integer of the same format.
const INTEGRAL: [Modifier; 4] = [Modifier::Rni, Modifier::Rzi, Modifier::Rmi, Modifier::Rpi];

impl<'m> Builder<'m> {
    /// `cvt`; false where it is a libcall.
    pub(crate) fn convert(&mut self, scope: &FunctionScope<'m>) -> bool {
        let modifiers = &scope.instruction.modifiers;
        let (to, from) = (modifiers.ty(), modifiers.second_ty());
        let flags = Flags::of(modifiers);
        if to == Type::TF32 {
            let value = self.source(scope, 1);
            let value = half_precision::tensor_float(self, flags.round, flags.satfinite, value);
            let value = if flags.relu {
                self.rectified(value)
            } else {
                value
            };
            self.write(scope, value);
            return true;
        }
        let (to_half, from_half) = (half_format(to), half_format(from));
        if (to_half.is_some() || from_half.is_some()) && !self.has_room() {
            return false;
        }
        let known = |ty: Type| {
            ty.is_integer() || matches!(ty, Type::F32 | Type::F64 | Type::F16 | Type::BF16)
        };
        let packed = |ty: Type| matches!(ty, Type::U16x2 | Type::S16x2);
        if packed(to) || packed(from) || flags.round == Round::Away {
            return false;
        }
        if !known(to) || !known(from) || to == Type::B16 || from == Type::B16 {
            return false;
        }
        let value = self.source(scope, 1);
        let integral = INTEGRAL.iter().any(|word| scope.has(*word));
        let (value, from) = match from_half {
            Some((format, _)) => (self.half_to_f32(format, value), Type::F32),
            None if from == Type::F32 => (self.flushed(flags, value), from),
            None => (value, from),
        };
        if let Some((format, _)) = to_half {
            if integral && from_half != to_half {
                return false;
            }
            let number = if integral {
                self.rounded(Ty::F32, flags.round, value)
            } else if let Some(number) = self.near_half(format, from, value) {
                number
            } else {
                return false;
            };
            let half = half_precision::from_f32(self, format, flags.round, number);
            let half = self.finished_half(format, flags, half);
            self.write(scope, half);
            return true;
        }
        if flags.relu || flags.satfinite || (integral && from_half.is_some() && to.is_float()) {
            return false;
        }
        let converted = match (to.is_float(), from.is_float()) {
            (false, false) => {
                if flags.sat {
                    return false;
                }
                let value = self.narrowed(from, value);
                return self.integer_to_integer(scope, to, from, value);
            }
            (false, true) => self.float_to_integer(to, from, flags, value),
            (true, false) => {
                let value = match self.integer_to_float(to, from, flags.round, value) {
                    Some(value) => value,
                    None => return false,
                };
                if flags.sat {
                    self.finished(flags, value)
                } else {
                    value
                }
            }
            (true, true) => match self.float_to_float(to, from, flags, integral, value) {
                Some(value) => value,
                None => return false,
            },
        };
        if to.is_float() {
            self.write(scope, converted);
            return true;
        }
        self.write_integer(scope, to, converted);
        true
    }

    /// Zero where an f32 is negative, or a negative zero. A NaN must be the one without a sign.
    fn rectified(&mut self, value: Arg) -> Arg {
        let bits = self.as_ty(value, Ty::I32);
        let negative = self.two(Opcode::I32LtS, bits, Arg::I32(0));
        self.select(negative, Arg::F32(0), value)
    }

    /// Two integers clamped to a type of fewer bits, side by side; below them what a word held there.
    pub(crate) fn packed(&mut self, scope: &FunctionScope<'m>) {
        let ty = scope.ty();
        let bits = ty.bits();
        let (least, most) = if ty.is_signed() {
            (
                (1u32 << (bits - 1)).wrapping_neg(),
                (1u32 << (bits - 1)) - 1,
            )
        } else {
            (0, (1u32 << bits) - 1)
        };
        let (least, most) = (Arg::I32(least), Arg::I32(most));
        let parts = [1, 2].map(|operand| {
            let value = self.source(scope, operand);
            let below = self.two(Opcode::I32LtS, value, most);
            let value = self.select(below, value, most);
            let above = self.two(Opcode::I32LtS, least, value);
            let value = self.select(above, value, least);
            self.narrowed(ty, value)
        });
        let upper = self.two(Opcode::I32Shl, parts[0], Arg::I32(bits));
        let mut whole = self.two(Opcode::I32Or, upper, parts[1]);
        if bits == 8 {
            let rest = self.source(scope, 3);
            let rest = self.two(Opcode::I32Shl, rest, Arg::I32(16));
            whole = self.two(Opcode::I32Or, whole, rest);
        }
        self.write(scope, whole);
    }

    /// An f32 that rounds to the half that a number would.
    fn near_half(&mut self, format: HalfFormat, from: Type, value: Arg) -> Option<Arg> {
        if from == Type::F32 {
            return Some(value);
        }
        if from == Type::F64 {
            return Some(half_precision::odd_from_f64(self, value));
        }
        if format == HalfFormat::F16 {
            // Integers of more than 24 bits are past the largest half, rounded or not.
            return self.integer_to_float(Type::F32, from, Round::Nearest, value);
        }
        if from.bits() == 64 {
            return None;
        }
        let value = self.integer_to_float(Type::F64, from, Round::Nearest, value)?;
        Some(half_precision::odd_from_f64(self, value))
    }

    fn integer_to_float(&mut self, to: Type, from: Type, round: Round, value: Arg) -> Option<Arg> {
        if round != Round::Nearest {
            // f64 values hold all integers of 32 bits.
            if from.bits() == 64 {
                return (to == Type::F32).then(|| self.directed_long(from, round, value));
            }
            let value = self.integer_to_float(Type::F64, from, Round::Nearest, value)?;
            return Some(if to == Type::F64 {
                value
            } else {
                directed_rounding::from_f64(self, round, value)
            });
        }
        let value = self.narrowed(from, value);
        let value = self.signed(from, value);
        let code = match (home(to), home(from), from.is_signed()) {
            (Ty::F32, Ty::I32, true) => Opcode::F32ConvertI32S,
            (Ty::F32, Ty::I32, false) => Opcode::F32ConvertI32U,
            (Ty::F32, _, true) => Opcode::F32ConvertI64S,
            (Ty::F32, _, false) => Opcode::F32ConvertI64U,
            (_, Ty::I32, true) => Opcode::F64ConvertI32S,
            (_, Ty::I32, false) => Opcode::F64ConvertI32U,
            (_, _, true) => Opcode::F64ConvertI64S,
            (_, _, false) => Opcode::F64ConvertI64U,
        };
        Some(self.one(code, value))
    }

    /// An f32 from 64 bits: halves of them are f64 values, and so is what their sum lacks.
    fn directed_long(&mut self, from: Type, round: Round, value: Arg) -> Arg {
        let upper = self.two(Opcode::I64ShrU, value, Arg::I64(32));
        let upper = self.one(Opcode::I32WrapI64, upper);
        let code = if from.is_signed() {
            Opcode::F64ConvertI32S
        } else {
            Opcode::F64ConvertI32U
        };
        let upper = self.one(code, upper);
        let upper = self.two(Opcode::F64Mul, upper, Arg::F64(4_294_967_296f64.to_bits()));
        let lower = self.one(Opcode::I32WrapI64, value);
        let lower = self.one(Opcode::F64ConvertI32U, lower);
        let sum = self.two(Opcode::F64Add, upper, lower);
        let part = self.two(Opcode::F64Sub, sum, upper);
        let lost = self.two(Opcode::F64Sub, lower, part);
        directed_rounding::of_sum(self, round, sum, lost)
    }

    /// An integer of fewer bits than its register fills it with its sign, or with zeros.
    fn write_integer(&mut self, scope: &FunctionScope<'m>, ty: Type, value: Arg) {
        let Operand::Register(register) = scope.operand(0) else {
            return;
        };
        let bits = scope.function.register_type(*register).bits();
        let value = if bits == 64 && ty.bits() < 64 {
            self.widened(ty, value)
        } else if bits > ty.bits() {
            let value = self.signed(ty, value);
            if bits < 32 {
                self.two(Opcode::I32And, value, Arg::I32(mask(bits) as u32))
            } else {
                value
            }
        } else {
            value
        };
        self.write(scope, value);
    }

    fn integer_to_integer(
        &mut self,
        scope: &FunctionScope<'m>,
        to: Type,
        from: Type,
        value: Arg,
    ) -> bool {
        let value = if to.bits() == 64 {
            self.widened(from, value)
        } else if from.bits() == 64 {
            let value = self.as_ty(value, Ty::I32);
            self.narrowed(to, value)
        } else {
            let value = self.signed(from, value);
            self.narrowed(to, value)
        };
        self.write_integer(scope, to, value);
        true
    }

    fn rounded(&mut self, ty: Ty, round: Round, value: Arg) -> Arg {
        let code = match (ty, round) {
            (Ty::F32, Round::Nearest) => Opcode::F32Nearest,
            (Ty::F32, Round::Zero) => Opcode::F32Trunc,
            (Ty::F32, Round::Down) => Opcode::F32Floor,
            (Ty::F32, Round::Up | Round::Away) => Opcode::F32Ceil,
            (_, Round::Nearest) => Opcode::F64Nearest,
            (_, Round::Zero) => Opcode::F64Trunc,
            (_, Round::Down) => Opcode::F64Floor,
            (_, Round::Up | Round::Away) => Opcode::F64Ceil,
        };
        self.one(code, value)
    }

    fn float_to_integer(&mut self, to: Type, from: Type, flags: Flags, value: Arg) -> Arg {
        let ty = home(from);
        let whole = if flags.round == Round::Zero {
            value
        } else {
            self.rounded(ty, flags.round, value)
        };
        let code = match (ty, to.bits() == 64, to.is_signed()) {
            (Ty::F32, false, true) => Opcode::I32TruncSatF32S,
            (Ty::F32, false, false) => Opcode::I32TruncSatF32U,
            (Ty::F32, true, true) => Opcode::I64TruncSatF32S,
            (Ty::F32, true, false) => Opcode::I64TruncSatF32U,
            (_, false, true) => Opcode::I32TruncSatF64S,
            (_, false, false) => Opcode::I32TruncSatF64U,
            (_, true, true) => Opcode::I64TruncSatF64S,
            (_, true, false) => Opcode::I64TruncSatF64U,
        };
        let mut whole = self.one(code, whole);
        if to.bits() < 32 {
            let most = mask(to.bits() - u32::from(to.is_signed())) as u32;
            let less = if to.is_signed() {
                Opcode::I32LtS
            } else {
                Opcode::I32LtU
            };
            let fits = self.two(less, whole, Arg::I32(most));
            whole = self.select(fits, whole, Arg::I32(most));
            if to.is_signed() {
                let least = !most;
                let fits = self.two(Opcode::I32GtS, whole, Arg::I32(least));
                whole = self.select(fits, whole, Arg::I32(least));
            }
            whole = self.narrowed(to, whole);
        }
        // The engine makes zero of a NaN, and so does PTX between types of at most 32 bits.
        if from == Type::F32 && to.bits() < 64 {
            return whole;
        }
        let eq = if ty == Ty::F32 {
            Opcode::F32Eq
        } else {
            Opcode::F64Eq
        };
        let number = self.two(eq, value, value);
        let none = Arg::constant(home(to), 1 << (to.bits() - 1));
        self.select(number, whole, none)
    }

    fn float_to_float(
        &mut self,
        to: Type,
        from: Type,
        flags: Flags,
        integral: bool,
        value: Arg,
    ) -> Option<Arg> {
        let value = if integral {
            if to != from {
                return None;
            }
            self.rounded(home(to), flags.round, value)
        } else {
            match (to, from) {
                (Type::F64, Type::F32) => self.one(Opcode::F64PromoteF32, value),
                (Type::F32, Type::F64) if flags.round == Round::Nearest => {
                    self.one(Opcode::F32DemoteF64, value)
                }
                (Type::F32, Type::F64) => directed_rounding::from_f64(self, flags.round, value),
                _ => value,
            }
        };
        Some(self.finished(flags, value))
    }
}

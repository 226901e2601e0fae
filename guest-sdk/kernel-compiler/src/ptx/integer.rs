//! Methods of integers.

use super::arithmetic_type;
use super::value::{Class, Operand};
use super::writer::Writer;
use crate::hir::{BinaryOp, CompareOp, Expr, Intrinsic};
use crate::types::Scalar;

impl Writer<'_> {
    pub fn integer_method(
        &mut self,
        intrinsic: Intrinsic,
        [a, b, c]: [Operand; 3],
        scalar: Scalar,
        expr: &Expr,
    ) -> Operand {
        let class = Class::of(scalar);
        let ty = arithmetic_type(scalar);
        let bits = class.ty();
        let span = expr.span;
        let zero = Operand::Integer(0);
        let two = |writer: &mut Self, op, a, b| writer.binary(op, a, b, scalar, Scalar::U32, span);
        match intrinsic {
            Intrinsic::WrappingAdd => two(self, BinaryOp::Add, a, b),
            Intrinsic::WrappingSub => two(self, BinaryOp::Sub, a, b),
            Intrinsic::WrappingMul => two(self, BinaryOp::Mul, a, b),
            Intrinsic::WrappingNeg => self.negate(a, scalar),
            Intrinsic::WrappingShl => self.shift(true, a, b, scalar),
            Intrinsic::WrappingShr => self.shift(false, a, b, scalar),
            Intrinsic::Min => self.extreme("min", a, b, scalar),
            Intrinsic::Max => self.extreme("max", a, b, scalar),
            Intrinsic::Abs => {
                let a = Operand::Register(self.register(a, class));
                let result = self.result(class, &format!("abs.{ty}"), &[a]);
                // The result may be of the type without sign, and its least number has no negative.
                self.normalize(result, self.scalar_of(&expr.ty))
            }
            Intrinsic::AbsDiff => {
                let (least, most) = (
                    self.extreme("min", a, b, scalar),
                    self.extreme("max", a, b, scalar),
                );
                let difference = two(self, BinaryOp::Sub, most, least);
                self.normalize(difference, scalar.with_sign(false))
            }
            Intrinsic::Signum => {
                let low = self.extreme("min", a, Operand::Integer(1), scalar);
                self.extreme("max", low, Operand::Integer(-1), scalar)
            }
            Intrinsic::Clamp => {
                let is_range = self.compare_scalars(CompareOp::Le, b, c, scalar);
                let panic = self.panic("assertion failed: min <= max", span);
                self.jump_where(is_range, false, panic);
                let raised = self.extreme("max", a, b, scalar);
                self.extreme("min", raised, c, scalar)
            }
            Intrinsic::DivCeil => {
                let quotient = two(self, BinaryOp::Div, a, b);
                let rest = two(self, BinaryOp::Rem, a, b);
                let is_whole = self.compare_scalars(CompareOp::Eq, rest, zero, scalar);
                let next = two(self, BinaryOp::Add, quotient, Operand::Integer(1));
                self.select(is_whole, quotient, next, scalar)
            }
            Intrinsic::SaturatingAdd | Intrinsic::SaturatingSub => {
                self.saturating(intrinsic == Intrinsic::SaturatingAdd, a, b, scalar)
            }
            Intrinsic::RotateLeft | Intrinsic::RotateRight => {
                self.rotate(intrinsic == Intrinsic::RotateLeft, a, b, scalar)
            }
            Intrinsic::CountOnes => {
                let a = self.without_sign(a, scalar);
                self.result(Class::Bits32, &format!("popc.{bits}"), &[a])
            }
            Intrinsic::LeadingZeros => {
                let a = self.without_sign(a, scalar);
                let count = self.result(Class::Bits32, &format!("clz.{bits}"), &[a]);
                // Those of the register that the number does not have.
                let unused = match class {
                    Class::Bits32 => 32 - scalar.bits(),
                    _ => 0,
                };
                let unused = Operand::Integer(unused.into());
                self.binary(BinaryOp::Sub, count, unused, Scalar::U32, Scalar::U32, span)
            }
            Intrinsic::TrailingZeros => {
                let a = self.without_sign(a, scalar);
                let reversed = self.result(class, &format!("brev.{bits}"), &[a]);
                let count = self.result(Class::Bits32, &format!("clz.{bits}"), &[reversed]);
                self.extreme(
                    "min",
                    count,
                    Operand::Integer(scalar.bits().into()),
                    Scalar::U32,
                )
            }
            Intrinsic::ReverseBits => {
                let a = self.without_sign(a, scalar);
                let reversed = self.result(class, &format!("brev.{bits}"), &[a]);
                self.lower(reversed, scalar)
            }
            Intrinsic::SwapBytes => self.swap_bytes(a, scalar),
            Intrinsic::IsPowerOfTwo => {
                let ones = self.result(Class::Bits32, &format!("popc.{bits}"), &[a]);
                self.compare_scalars(CompareOp::Eq, ones, Operand::Integer(1), Scalar::U32)
            }
            Intrinsic::FromBits => match self.scalar_of(&expr.ty) {
                Scalar::F32 => self.result(Class::F32, "mov.b32", &[a]),
                Scalar::F64 => self.result(Class::F64, "mov.b64", &[a]),
                _ => self.result(Class::Bits16, "cvt.u16.u32", &[a]),
            },
            _ => a,
        }
    }

    /// The bits of a number in a register that has no others.
    pub fn without_sign(&mut self, value: Operand, scalar: Scalar) -> Operand {
        let value = Operand::Register(self.register(value, Class::of(scalar)));
        match scalar.is_signed() {
            true => self.normalize(value, scalar.with_sign(false)),
            false => value,
        }
    }

    /// The upper bits of a register as a number of 8 or 16 bits.
    pub fn lower(&mut self, value: Operand, scalar: Scalar) -> Operand {
        if scalar.bits() >= 32 {
            return value;
        }
        let amount = Operand::Integer((32 - scalar.bits()).into());
        let value = self.result(Class::Bits32, "shr.u32", &[value, amount]);
        self.normalize(value, scalar)
    }

    pub fn swap_bytes(&mut self, value: Operand, scalar: Scalar) -> Operand {
        let value = Operand::Register(self.register(value, Class::of(scalar)));
        let swap = |writer: &mut Self, word: Operand| {
            let selector = Operand::Integer(0x0123);
            writer.result(
                Class::Bits32,
                "prmt.b32",
                &[word, Operand::Integer(0), selector],
            )
        };
        match scalar.bits() {
            8 => value,
            64 => {
                let (low, high) = (self.fresh(Class::Bits32), self.fresh(Class::Bits32));
                self.line(format_args!("mov.b64 {{{low}, {high}}}, {value}"));
                let low = swap(self, Operand::Register(low));
                let high = swap(self, Operand::Register(high));
                let result = self.fresh(Class::Bits64);
                self.line(format_args!("mov.b64 {result}, {{{high}, {low}}}"));
                Operand::Register(result)
            }
            _ => {
                let swapped = swap(self, value);
                self.lower(swapped, scalar)
            }
        }
    }

    pub fn rotate(&mut self, is_left: bool, a: Operand, b: Operand, scalar: Scalar) -> Operand {
        let a = Operand::Register(self.register(a, Class::of(scalar)));
        if scalar.bits() == 32 {
            let b = Operand::Register(self.register(b, Class::Bits32));
            let mode = if is_left { "l" } else { "r" };
            return self.result(Class::Bits32, &format!("shf.{mode}.wrap.b32"), &[a, a, b]);
        }
        let unsigned = scalar.with_sign(false);
        let bits = self.without_sign(a, scalar);
        let b = Operand::Register(self.register(b, Class::Bits32));
        let back = self.negate(b, Scalar::I32);
        let one = self.shift(is_left, bits, b, unsigned);
        let other = self.shift(!is_left, bits, back, unsigned);
        let class = Class::of(scalar);
        let result = self.result(class, &format!("or.{}", class.ty()), &[one, other]);
        self.normalize(result, scalar)
    }

    pub fn saturating(&mut self, is_sum: bool, a: Operand, b: Operand, scalar: Scalar) -> Operand {
        let (least, most) = scalar.range();
        let (least, most) = (Operand::Integer(least), Operand::Integer(most));
        let name = if is_sum { "add" } else { "sub" };
        let class = Class::of(scalar);
        let a = Operand::Register(self.register(a, class));
        if scalar.bits() < 32 {
            // Neither overflows in 32 bits.
            let result = self.result(class, &format!("{name}.s32"), &[a, b]);
            let result = self.result(class, "max.s32", &[result, least]);
            return self.result(class, "min.s32", &[result, most]);
        }
        let ty = arithmetic_type(scalar);
        let result = self.result(class, &format!("{name}.{ty}"), &[a, b]);
        if !scalar.is_signed() {
            let (wrapped, limit) = match is_sum {
                true => (self.compare_scalars(CompareOp::Lt, result, a, scalar), most),
                false => (self.compare_scalars(CompareOp::Lt, a, b, scalar), least),
            };
            return self.select(wrapped, limit, result, scalar);
        }
        // It overflows where the sign of the result is on the wrong side of `a`.
        let zero = Operand::Integer(0);
        let is_negative = self.compare_scalars(CompareOp::Lt, b, zero, scalar);
        let is_less = self.compare_scalars(CompareOp::Lt, result, a, scalar);
        let is_more = self.compare_scalars(CompareOp::Gt, result, a, scalar);
        let (below, above) = if is_sum {
            (is_less, is_more)
        } else {
            (is_more, is_less)
        };
        // A sum with a number that is not negative is at least `a`, and so on.
        let is_high = self.not(is_negative, Scalar::Bool);
        let is_high = self.result(Class::Predicate, "and.pred", &[is_high, below]);
        let is_low = self.result(Class::Predicate, "and.pred", &[is_negative, above]);
        let result = match is_sum {
            true => self.select(is_high, most, result, scalar),
            false => self.select(is_high, least, result, scalar),
        };
        match is_sum {
            true => self.select(is_low, least, result, scalar),
            false => self.select(is_low, most, result, scalar),
        }
    }
}

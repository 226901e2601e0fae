//! Methods of floating-point numbers whose results are exact, or rounded once.

use super::value::{Class, Operand};
use super::writer::Writer;
use crate::hir::{CompareOp, Expr, Intrinsic};
use crate::types::Scalar;

impl Writer<'_> {
    pub fn float_method(
        &mut self,
        intrinsic: Intrinsic,
        [a, b, c]: [Operand; 3],
        scalar: Scalar,
        expr: &Expr,
    ) -> Operand {
        if scalar.is_half() {
            return match intrinsic {
                Intrinsic::ToBits => self.result(Class::Bits32, "cvt.u32.u16", &[a]),
                _ => a,
            };
        }
        let class = Class::of(scalar);
        let ty = class.ty();
        let bits = if class == Class::F32 {
            Scalar::U32
        } else {
            Scalar::U64
        };
        let a = Operand::Register(self.register(a, class));
        let round = |writer: &mut Self, mode: &str, value: Operand| {
            writer.result(class, &format!("cvt.{mode}.{ty}.{ty}"), &[value])
        };
        let constant = |value: f64| match scalar {
            Scalar::F32 => Operand::F32(value as f32),
            _ => Operand::F64(value),
        };
        match intrinsic {
            Intrinsic::Min => self.extreme("min", a, b, scalar),
            Intrinsic::Max => self.extreme("max", a, b, scalar),
            Intrinsic::Abs => self.result(class, &format!("abs.{ty}"), &[a]),
            Intrinsic::Sqrt => self.result(class, &format!("sqrt.rn.{ty}"), &[a]),
            Intrinsic::Recip => self.result(class, &format!("rcp.rn.{ty}"), &[a]),
            Intrinsic::MulAdd => self.result(class, &format!("fma.rn.{ty}"), &[a, b, c]),
            Intrinsic::Floor => round(self, "rmi", a),
            Intrinsic::Ceil => round(self, "rpi", a),
            Intrinsic::Trunc => round(self, "rzi", a),
            Intrinsic::RoundTiesEven => round(self, "rni", a),
            Intrinsic::Fract => {
                let whole = round(self, "rzi", a);
                self.result(class, &format!("sub.rn.{ty}"), &[a, whole])
            }
            Intrinsic::Round => {
                // Away from zero where the rest is a half or more: the rest is exact.
                let whole = round(self, "rzi", a);
                let rest = self.result(class, &format!("sub.rn.{ty}"), &[a, whole]);
                let rest = self.result(class, &format!("abs.{ty}"), &[rest]);
                let half = constant(0.5);
                let up = self.compare_scalars(CompareOp::Ge, rest, half, scalar);
                let one = self.copy_sign(constant(1.0), a, scalar);
                let next = self.result(class, &format!("add.rn.{ty}"), &[whole, one]);
                self.select(up, next, whole, scalar)
            }
            Intrinsic::CopySign => self.copy_sign(a, b, scalar),
            Intrinsic::Signum => {
                let one = self.copy_sign(constant(1.0), a, scalar);
                let is_number = self.result(Class::Predicate, &format!("setp.num.{ty}"), &[a, a]);
                self.select(is_number, one, a, scalar)
            }
            Intrinsic::Clamp => {
                // Rust refuses a range that is empty, or has no bounds.
                let is_range = self.compare_scalars(CompareOp::Le, b, c, scalar);
                let panic = self.panic("assertion failed: min <= max", expr.span);
                self.jump_where(is_range, false, panic);
                let below = self.compare_scalars(CompareOp::Lt, a, b, scalar);
                let raised = self.select(below, b, a, scalar);
                let above = self.compare_scalars(CompareOp::Gt, raised, c, scalar);
                self.select(above, c, raised, scalar)
            }
            Intrinsic::ToBits => {
                self.result(Class::of(bits), &format!("mov.b{}", bits.bits()), &[a])
            }
            Intrinsic::IsNan => self.result(Class::Predicate, &format!("setp.nan.{ty}"), &[a, a]),
            Intrinsic::IsInfinite | Intrinsic::IsFinite => {
                let size = self.result(class, &format!("abs.{ty}"), &[a]);
                let infinity = constant(f64::INFINITY);
                let op = if intrinsic == Intrinsic::IsInfinite {
                    CompareOp::Eq
                } else {
                    CompareOp::Lt
                };
                self.compare_scalars(op, size, infinity, scalar)
            }
            Intrinsic::IsSignNegative | Intrinsic::IsSignPositive => {
                let value = self.result(Class::of(bits), &format!("mov.b{}", bits.bits()), &[a]);
                let op = match intrinsic {
                    Intrinsic::IsSignNegative => CompareOp::Lt,
                    _ => CompareOp::Ge,
                };
                self.compare_scalars(op, value, Operand::Integer(0), bits.with_sign(true))
            }
            _ => a,
        }
    }

    /// A number with the sign of another one.
    pub fn copy_sign(&mut self, value: Operand, sign: Operand, scalar: Scalar) -> Operand {
        let class = Class::of(scalar);
        let sign = Operand::Register(self.register(sign, class));
        self.result(class, &format!("copysign.{}", class.ty()), &[sign, value])
    }
}

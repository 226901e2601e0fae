//! Operators, as Rust's release builds define them: integers wrap, amounts of shifts are masked,
//! and a division by zero or out of range stops the kernel.

use proc_macro2::Span;

use super::arithmetic_type;
use super::value::{Class, Operand, Value};
use super::writer::Writer;
use crate::hir::{BinaryOp, CompareOp, Expr, ExprKind, Place};
use crate::types::Scalar;

impl Writer<'_> {
    /// `!`, `-` and the operators of two numbers.
    pub fn arithmetic(&mut self, expr: &Expr) -> syn::Result<Value> {
        let scalar = self.scalar_of(&expr.ty);
        let operand = match &expr.kind {
            ExprKind::Not(inner) => {
                let value = self.operand(inner)?;
                self.not(value, scalar)
            }
            ExprKind::Negate(inner) => {
                // The least integer is written as the negative of a number that its type lacks.
                let value = self.operand(inner)?;
                self.negate(value, scalar)
            }
            ExprKind::Binary(BinaryOp::Mul, left, right) if scalar.bits() == 64 => {
                if let Some(product) = self.wide_product(left, right, scalar)? {
                    return Ok(Value::Scalar(product));
                }
                self.two(BinaryOp::Mul, left, right, scalar, expr.span)?
            }
            ExprKind::Binary(op, left, right) => self.two(*op, left, right, scalar, expr.span)?,
            _ => Operand::Integer(0),
        };
        Ok(Value::Scalar(operand))
    }

    fn two(
        &mut self,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
        scalar: Scalar,
        span: Span,
    ) -> syn::Result<Operand> {
        let amount = self.scalar_of(&right.ty);
        let values = self.operands(&[left, right])?;
        let operand = |index: usize| {
            values
                .get(index)
                .map_or(Operand::Integer(0), Value::operand)
        };
        Ok(self.binary(op, operand(0), operand(1), scalar, amount, span))
    }

    pub fn assign_op(
        &mut self,
        op: BinaryOp,
        place: &Place,
        value: &Expr,
        span: Span,
    ) -> syn::Result<Value> {
        let amount = self.scalar_of(&value.ty);
        let right = self.operand(value)?;
        let (current, scalar) = self.read_scalar(place, span)?;
        let result = self.binary(op, current, right, scalar, amount, span);
        self.assign(place, Value::Scalar(result), span)?;
        Ok(Value::Unit)
    }

    /// The product of two numbers of 32 bits in 64.
    fn wide_product(
        &mut self,
        left: &Expr,
        right: &Expr,
        scalar: Scalar,
    ) -> syn::Result<Option<Operand>> {
        let narrow = |expr: &Expr| match &expr.kind {
            ExprKind::Cast(inner) => Some((**inner).clone()),
            _ => None,
        };
        if scalar.is_float() {
            return Ok(None);
        }
        let (Some(a), Some(b)) = (narrow(left), narrow(right)) else {
            return Ok(None);
        };
        let (from, other) = (self.scalar_of(&a.ty), self.scalar_of(&b.ty));
        let is_word = |scalar: Scalar| matches!(scalar, Scalar::U32 | Scalar::I32);
        if from != other || !is_word(from) {
            return Ok(None);
        }
        let values = self.operands(&[&a, &b])?;
        let values: Vec<Operand> = values.iter().map(Value::operand).collect();
        if values
            .iter()
            .any(|value| !matches!(value, Operand::Register(_)))
        {
            return Ok(None);
        }
        let op = format!("mul.wide.{}", arithmetic_type(from));
        Ok(Some(self.result(Class::Bits64, &op, &values)))
    }

    /// Makes the register of an integer of 8 or 16 bits hold its value, extended.
    pub fn normalize(&mut self, value: Operand, scalar: Scalar) -> Operand {
        match (value, scalar) {
            (Operand::Integer(value), _) => Operand::Integer(scalar.wrap(value)),
            (_, Scalar::U8) => {
                self.result(Class::Bits32, "and.b32", &[value, Operand::Integer(0xff)])
            }
            (_, Scalar::U16) => {
                self.result(Class::Bits32, "and.b32", &[value, Operand::Integer(0xffff)])
            }
            (_, Scalar::I8) => self.result(Class::Bits32, "cvt.s32.s8", &[value]),
            (_, Scalar::I16) => self.result(Class::Bits32, "cvt.s32.s16", &[value]),
            _ => value,
        }
    }

    pub fn not(&mut self, value: Operand, scalar: Scalar) -> Operand {
        match (value, scalar) {
            (Operand::Bool(value), _) => Operand::Bool(!value),
            (Operand::Integer(value), _) => Operand::Integer(scalar.wrap(!value)),
            (_, Scalar::Bool) => self.result(Class::Predicate, "not.pred", &[value]),
            _ => {
                let class = Class::of(scalar);
                let result = self.result(class, &format!("not.{}", class.ty()), &[value]);
                self.normalize(result, scalar)
            }
        }
    }

    pub fn negate(&mut self, value: Operand, scalar: Scalar) -> Operand {
        match value {
            Operand::Integer(value) => return Operand::Integer(scalar.wrap(-value)),
            Operand::F32(value) => return Operand::F32(-value),
            Operand::F64(value) => return Operand::F64(-value),
            _ => {}
        }
        if scalar.is_half() {
            let single = self.convert(value, scalar, Scalar::F32);
            let negated = self.result(Class::F32, "neg.f32", &[single]);
            return self.convert(negated, Scalar::F32, scalar);
        }
        let class = Class::of(scalar);
        let ty = match class {
            Class::Bits32 => "s32",
            Class::Bits64 => "s64",
            other => other.ty(),
        };
        let result = self.result(class, &format!("neg.{ty}"), &[value]);
        self.normalize(result, scalar)
    }

    /// An operator of two numbers. `amount` is the type of the right one, which matters to shifts.
    pub fn binary(
        &mut self,
        op: BinaryOp,
        left: Operand,
        right: Operand,
        scalar: Scalar,
        amount: Scalar,
        span: Span,
    ) -> Operand {
        if let Some(folded) = fold(op, left, right, scalar) {
            return folded;
        }
        let (left, right) = constant_last(op, left, right);
        if is_identity(op, right) {
            return left;
        }
        if scalar == Scalar::Bool {
            let op = match op {
                BinaryOp::And => "and.pred",
                BinaryOp::Or => "or.pred",
                _ => "xor.pred",
            };
            return self.result(Class::Predicate, op, &[left, right]);
        }
        if scalar.is_float() {
            return self.float(op, left, right, scalar);
        }
        let class = Class::of(scalar);
        let ty = arithmetic_type(scalar);
        let bits = class.ty();
        let text = match op {
            BinaryOp::Add => format!("add.{ty}"),
            BinaryOp::Sub => format!("sub.{ty}"),
            BinaryOp::Mul => format!("mul.lo.{ty}"),
            BinaryOp::And => format!("and.{bits}"),
            BinaryOp::Or => format!("or.{bits}"),
            BinaryOp::Xor => format!("xor.{bits}"),
            BinaryOp::Div | BinaryOp::Rem => return self.divide(op, left, right, scalar, span),
            BinaryOp::Shl | BinaryOp::Shr => {
                let amount = self.convert(right, amount, Scalar::U32);
                return self.shift(op == BinaryOp::Shl, left, amount, scalar);
            }
        };
        let result = self.result(class, &text, &[left, right]);
        match op {
            // Bitwise operators keep extended values extended.
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => result,
            _ => self.normalize(result, scalar),
        }
    }

    /// A shift, by the low bits of an amount of 32 bits.
    pub fn shift(
        &mut self,
        is_left: bool,
        left: Operand,
        amount: Operand,
        scalar: Scalar,
    ) -> Operand {
        let class = Class::of(scalar);
        let mask = Operand::Integer(i128::from(scalar.bits() - 1));
        let amount = match amount {
            Operand::Integer(amount) => {
                Operand::Integer(amount.rem_euclid(i128::from(scalar.bits())))
            }
            other => self.result(Class::Bits32, "and.b32", &[other, mask]),
        };
        match is_left {
            true => {
                let result = self.result(class, &format!("shl.{}", class.ty()), &[left, amount]);
                self.normalize(result, scalar)
            }
            false => self.result(
                class,
                &format!("shr.{}", arithmetic_type(scalar)),
                &[left, amount],
            ),
        }
    }

    fn divide(
        &mut self,
        op: BinaryOp,
        left: Operand,
        right: Operand,
        scalar: Scalar,
        span: Span,
    ) -> Operand {
        let (what, name) = match op {
            BinaryOp::Div => ("divide", "div"),
            _ => ("calculate the remainder", "rem"),
        };
        let by_zero = match op {
            BinaryOp::Div => "attempt to divide by zero".to_owned(),
            _ => format!("attempt to {what} with a divisor of zero"),
        };
        let zero = Operand::Integer(0);
        if !matches!(right, Operand::Integer(value) if value != 0) {
            let is_zero = self.compare_scalars(CompareOp::Eq, right, zero, scalar);
            let panic = self.panic(&by_zero, span);
            self.jump_where(is_zero, true, panic);
        }
        let is_minus_one = matches!(right, Operand::Integer(-1));
        if scalar.is_signed() && (is_minus_one || !matches!(right, Operand::Integer(_))) {
            let least = Operand::Integer(scalar.range().0);
            let a = self.compare_scalars(CompareOp::Eq, left, least, scalar);
            let b = self.compare_scalars(CompareOp::Eq, right, Operand::Integer(-1), scalar);
            let both = self.result(Class::Predicate, "and.pred", &[a, b]);
            let panic = self.panic(&format!("attempt to {what} with overflow"), span);
            self.jump_where(both, true, panic);
        }
        let class = Class::of(scalar);
        // By a power of two: bits, which lanes that run together have at known distances.
        if let Operand::Integer(divisor) = right
            && !scalar.is_signed()
            && u64::try_from(divisor).is_ok_and(u64::is_power_of_two)
        {
            let bits = Operand::Integer(divisor.trailing_zeros().into());
            let mask = Operand::Integer(divisor - 1);
            return match op {
                BinaryOp::Div => {
                    let text = format!("shr.{}", arithmetic_type(scalar));
                    self.result(class, &text, &[left, bits])
                }
                _ => self.result(class, &format!("and.{}", class.ty()), &[left, mask]),
            };
        }
        self.result(
            class,
            &format!("{name}.{}", arithmetic_type(scalar)),
            &[left, right],
        )
    }

    /// An operator of floating-point numbers, rounded once. Types of 16 bits compute in `f32`, whose
    /// results round to the right ones.
    fn float(&mut self, op: BinaryOp, left: Operand, right: Operand, scalar: Scalar) -> Operand {
        if scalar.is_half() {
            let left = self.convert(left, scalar, Scalar::F32);
            let right = self.convert(right, scalar, Scalar::F32);
            let result = self.float(op, left, right, Scalar::F32);
            return self.convert(result, Scalar::F32, scalar);
        }
        let class = Class::of(scalar);
        let name = match op {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "sub",
            BinaryOp::Mul => "mul",
            _ => "div",
        };
        self.result(class, &format!("{name}.rn.{}", class.ty()), &[left, right])
    }

    pub fn compare(&mut self, op: CompareOp, left: &Expr, right: &Expr) -> syn::Result<Value> {
        let scalar = self.scalar_of(&left.ty);
        let values = self.operands(&[left, right])?;
        let operand = |index: usize| {
            values
                .get(index)
                .map_or(Operand::Integer(0), Value::operand)
        };
        Ok(Value::Scalar(self.compare_scalars(
            op,
            operand(0),
            operand(1),
            scalar,
        )))
    }

    pub fn compare_scalars(
        &mut self,
        op: CompareOp,
        left: Operand,
        right: Operand,
        scalar: Scalar,
    ) -> Operand {
        if let (Operand::Integer(left), Operand::Integer(right)) = (left, right) {
            return Operand::Bool(match op {
                CompareOp::Eq => left == right,
                CompareOp::Ne => left != right,
                CompareOp::Lt => left < right,
                CompareOp::Le => left <= right,
                CompareOp::Gt => left > right,
                CompareOp::Ge => left >= right,
            });
        }
        if scalar == Scalar::Bool {
            return self.compare_bools(op, left, right);
        }
        if scalar.is_half() {
            let left = self.convert(left, scalar, Scalar::F32);
            let right = self.convert(right, scalar, Scalar::F32);
            return self.compare_scalars(op, left, right, Scalar::F32);
        }
        // A NaN is different from everything, itself included.
        let name = match op {
            CompareOp::Eq => "eq",
            CompareOp::Ne if scalar.is_float() => "neu",
            CompareOp::Ne => "ne",
            CompareOp::Lt => "lt",
            CompareOp::Le => "le",
            CompareOp::Gt => "gt",
            CompareOp::Ge => "ge",
        };
        let ty = arithmetic_type(scalar);
        // A constant may stand on the right only.
        let (left, right, name) = match (left, right) {
            (Operand::Register(_), _) => (left, right, name),
            _ => {
                let register = self.register(left, Class::of(scalar));
                (Operand::Register(register), right, name)
            }
        };
        self.result(
            Class::Predicate,
            &format!("setp.{name}.{ty}"),
            &[left, right],
        )
    }

    /// `false` is less than `true`.
    fn compare_bools(&mut self, op: CompareOp, left: Operand, right: Operand) -> Operand {
        let predicate = Class::Predicate;
        match op {
            CompareOp::Ne => self.result(predicate, "xor.pred", &[left, right]),
            CompareOp::Eq => {
                let differ = self.result(predicate, "xor.pred", &[left, right]);
                self.result(predicate, "not.pred", &[differ])
            }
            CompareOp::Lt => {
                let not = self.not(left, Scalar::Bool);
                self.result(predicate, "and.pred", &[not, right])
            }
            CompareOp::Gt => self.compare_bools(CompareOp::Lt, right, left),
            CompareOp::Le => {
                let not = self.not(left, Scalar::Bool);
                self.result(predicate, "or.pred", &[not, right])
            }
            CompareOp::Ge => self.compare_bools(CompareOp::Le, right, left),
        }
    }
}

/// The operands of an operator, the constant on the right where their order makes no difference.
fn constant_last(op: BinaryOp, left: Operand, right: Operand) -> (Operand, Operand) {
    let is_commutative = matches!(
        op,
        BinaryOp::Add | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor
    );
    match (left, right) {
        (Operand::Integer(_), Operand::Register(_)) if is_commutative => (right, left),
        _ => (left, right),
    }
}

/// Whether the result is the left operand whatever that is.
fn is_identity(op: BinaryOp, right: Operand) -> bool {
    match (op, right) {
        (
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::Shl
            | BinaryOp::Shr,
            Operand::Integer(value),
        ) => value == 0,
        (BinaryOp::Mul | BinaryOp::Div, Operand::Integer(value)) => value == 1,
        _ => false,
    }
}

/// The result for operands that are known, except where it is a panic.
fn fold(op: BinaryOp, left: Operand, right: Operand, scalar: Scalar) -> Option<Operand> {
    match (left, right) {
        (Operand::Integer(a), Operand::Integer(b)) => {
            let shift = || b.rem_euclid(i128::from(scalar.bits())) as u32;
            let value = match op {
                // Two numbers of 64 bits have no product beyond 128 bits.
                BinaryOp::Add => a.wrapping_add(b),
                BinaryOp::Sub => a.wrapping_sub(b),
                BinaryOp::Mul => a.wrapping_mul(b),
                BinaryOp::And => a & b,
                BinaryOp::Or => a | b,
                BinaryOp::Xor => a ^ b,
                BinaryOp::Shl => a.wrapping_shl(shift()),
                BinaryOp::Shr => a.wrapping_shr(shift()),
                BinaryOp::Div | BinaryOp::Rem => {
                    let overflows = b == -1 && a == scalar.range().0;
                    if b == 0 || overflows {
                        return None;
                    }
                    if op == BinaryOp::Div { a / b } else { a % b }
                }
            };
            Some(Operand::Integer(scalar.wrap(value)))
        }
        (Operand::F32(a), Operand::F32(b)) => Some(Operand::F32(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            _ => return None,
        })),
        (Operand::F64(a), Operand::F64(b)) => Some(Operand::F64(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            _ => return None,
        })),
        (Operand::Bool(a), Operand::Bool(b)) => Some(Operand::Bool(match op {
            BinaryOp::And => a & b,
            BinaryOp::Or => a | b,
            _ => a ^ b,
        })),
        // Where nothing changes. (Additions of zero would change the sign of a float's zero.)
        (value, Operand::Integer(0))
            if matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or) =>
        {
            Some(value)
        }
        (Operand::Integer(0), value) if matches!(op, BinaryOp::Add | BinaryOp::Or) => Some(value),
        (value, Operand::Integer(1)) | (Operand::Integer(1), value) if op == BinaryOp::Mul => {
            Some(value)
        }
        (value, Operand::Integer(1)) if op == BinaryOp::Div => Some(value),
        _ => None,
    }
}

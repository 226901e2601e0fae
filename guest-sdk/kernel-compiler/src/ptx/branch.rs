//! Branches: conditions, `if`, `match`, and values that are chosen without a branch.

use super::control::{has_effects, is_cheap};
use super::value::{Class, Operand, Value};
use super::writer::{Label, Writer};
use crate::hir::{Arm, CompareOp, Expr, ExprKind};
use crate::types::{Scalar, Type};

impl Writer<'_> {
    /// Jumps where a condition is as wanted.
    pub fn jump_if(&mut self, condition: &Expr, wanted: bool, label: Label) -> syn::Result<()> {
        match &condition.kind {
            ExprKind::Not(inner) => self.jump_if(inner, !wanted, label),
            ExprKind::Logical(is_and, left, right) if !is_cheap(right) => {
                // `a && b` is false where either is; `a || b` is true where either is.
                if *is_and == wanted {
                    let over = self.label();
                    self.jump_if(left, !wanted, over)?;
                    self.jump_if(right, wanted, label)?;
                    self.place(over);
                    Ok(())
                } else {
                    self.jump_if(left, wanted, label)?;
                    self.jump_if(right, wanted, label)
                }
            }
            _ => {
                let value = self.operand(condition)?;
                self.jump_where(value, wanted, label);
                Ok(())
            }
        }
    }

    pub fn jump_where(&mut self, value: Operand, wanted: bool, label: Label) {
        match value {
            Operand::Bool(value) if value == wanted => self.jump(label),
            Operand::Bool(_) => {}
            other => {
                let not = if wanted { "" } else { "!" };
                self.count_jump(label);
                self.line(format_args!("@{not}{other} bra {label}"));
            }
        }
    }

    pub fn logical(&mut self, is_and: bool, left: &Expr, right: &Expr) -> syn::Result<Value> {
        if is_cheap(right) {
            let left = self.operand(left)?;
            match left {
                // `true && b` and `false || b` are `b`.
                Operand::Bool(value) if value == is_and => return self.expr(right),
                Operand::Bool(value) => return Ok(Value::Scalar(Operand::Bool(value))),
                _ => {}
            }
            let right = self.operand(right)?;
            let op = if is_and { "and.pred" } else { "or.pred" };
            return Ok(Value::Scalar(self.result(
                Class::Predicate,
                op,
                &[left, right],
            )));
        }
        let result = self.fresh(Class::Predicate);
        let target = Value::Scalar(Operand::Register(result));
        let over = self.label();
        let left = self.expr(left)?;
        self.move_into(&target, &left);
        self.jump_where(Operand::Register(result), !is_and, over);
        let right = self.expr(right)?;
        self.move_into(&target, &right);
        self.place(over);
        Ok(target)
    }

    pub fn branch(
        &mut self,
        condition: &Expr,
        then: &Expr,
        other: Option<&Expr>,
        ty: &Type,
    ) -> syn::Result<Value> {
        if let (ExprKind::Bool(value), other) = (&condition.kind, other) {
            return match (value, other) {
                (true, _) => self.expr(then),
                (false, Some(other)) => self.expr(other),
                (false, None) => Ok(Value::Unit),
            };
        }
        // Both values are computed where that costs less than a branch.
        if let (Type::Scalar(scalar), Some(other)) = (self.type_of(ty), other)
            && scalar != Scalar::Bool
            && !scalar.is_half()
            && is_cheap(then)
            && is_cheap(other)
        {
            let condition = self.operand(condition)?;
            let (then, other) = (self.operand(then)?, self.operand(other)?);
            return Ok(Value::Scalar(self.select(condition, then, other, scalar)));
        }
        let result = self.registers_for(ty);
        // What costs little is there before the branch, which leads around one side alone: threads that
        // run together need not part then.
        if let Some(other) = other
            && result != Value::Unit
            && !has_effects(condition)
            && (is_cheap(then) || is_cheap(other))
        {
            let is_then = is_cheap(then);
            let (first, second) = if is_then {
                (then, other)
            } else {
                (other, then)
            };
            let value = self.expr(first)?;
            self.move_into(&result, &value);
            let end = self.label();
            self.jump_if(condition, is_then, end)?;
            let value = self.expr(second)?;
            self.move_into(&result, &value);
            self.place(end);
            return Ok(result);
        }
        let (otherwise, end) = (self.label(), self.label());
        self.jump_if(condition, false, otherwise)?;
        let value = self.expr(then)?;
        self.move_into(&result, &value);
        if let Some(other) = other {
            self.jump(end);
            self.place(otherwise);
            let value = self.expr(other)?;
            self.move_into(&result, &value);
            self.place(end);
        } else {
            self.place(otherwise);
        }
        self.is_reachable = self.type_of(ty) != Type::Never;
        Ok(result)
    }

    /// One of two values, by a predicate.
    pub fn select(
        &mut self,
        condition: Operand,
        then: Operand,
        other: Operand,
        scalar: Scalar,
    ) -> Operand {
        if let Operand::Bool(value) = condition {
            return if value { then } else { other };
        }
        if then == other {
            return then;
        }
        let class = Class::of(scalar);
        let ty = match class {
            Class::F32 | Class::F64 => class.ty(),
            Class::Bits64 => "b64",
            _ => "b32",
        };
        self.result(class, &format!("selp.{ty}"), &[then, other, condition])
    }

    pub fn matching(&mut self, value: &Expr, arms: &[Arm], expr: &Expr) -> syn::Result<Value> {
        let scalar = self.scalar_of(&value.ty);
        let subject = self.expr(value)?;
        let subject = self.settle(subject);
        let result = self.registers_for(&expr.ty);
        let end = self.label();
        for arm in arms {
            let next = self.label();
            if !arm.ranges.is_empty() {
                let body = self.label();
                self.match_ranges(subject.operand(), scalar, &arm.ranges, body);
                self.jump(next);
                self.place(body);
            }
            if let Some(binding) = arm.binding {
                self.bind(binding, Some(subject.clone()))?;
            }
            if let Some(guard) = &arm.guard {
                self.jump_if(guard, false, next)?;
            }
            let value = self.expr(&arm.body)?;
            self.move_into(&result, &value);
            self.jump(end);
            self.place(next);
            if arm.ranges.is_empty() && arm.guard.is_none() {
                self.is_reachable = false;
            }
        }
        // Rust has made sure that some arm matches.
        self.line(format_args!("trap"));
        self.place(end);
        self.is_reachable = self.type_of(&expr.ty) != Type::Never;
        Ok(result)
    }

    /// Jumps to a label where a value is in one of these ranges.
    pub fn match_ranges(
        &mut self,
        subject: Operand,
        scalar: Scalar,
        ranges: &[(i128, i128)],
        label: Label,
    ) {
        if let (Scalar::Bool, [(value, last)]) = (scalar, ranges)
            && value == last
        {
            return self.jump_where(subject, *value != 0, label);
        }
        if scalar == Scalar::Bool {
            return self.jump(label);
        }
        let (least, most) = scalar.range();
        for (start, end) in ranges {
            if *start <= least && *end >= most {
                return self.jump(label);
            }
            let (start_operand, end_operand) = (Operand::Integer(*start), Operand::Integer(*end));
            let condition = if start == end {
                self.compare_scalars(CompareOp::Eq, subject, start_operand, scalar)
            } else if *start <= least {
                self.compare_scalars(CompareOp::Le, subject, end_operand, scalar)
            } else if *end >= most {
                self.compare_scalars(CompareOp::Ge, subject, start_operand, scalar)
            } else {
                let above = self.compare_scalars(CompareOp::Ge, subject, start_operand, scalar);
                let below = self.compare_scalars(CompareOp::Le, subject, end_operand, scalar);
                self.result(Class::Predicate, "and.pred", &[above, below])
            };
            self.jump_where(condition, true, label);
        }
    }
}

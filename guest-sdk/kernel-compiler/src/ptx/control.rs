//! Expressions and control flow: blocks, branches, loops, jumps, calls.

use std::collections::HashMap;

use super::unroll;
use super::value::{Class, Operand, Value};
use super::writer::{Frame, Label, Slot, Target, Writer};
use crate::hir::{
    Arm, Block, CompareOp, Expr, ExprKind, For, Function, LocalId, LoopId, Statement,
};
use crate::types::{Scalar, Type};

/// The largest expression that is computed without a branch around it.
const MAX_CHEAP: usize = 12;

impl Writer<'_> {
    /// Expands a function with these arguments.
    pub fn inline(&mut self, function: &Function, arguments: Vec<Value>) -> syn::Result<Value> {
        let end = self.label();
        let types: Vec<Type> = function
            .locals
            .iter()
            .map(|local| function.inference.resolve(&local.ty))
            .collect();
        let frame = Frame {
            inference: function.inference.clone(),
            types,
            mutable: function
                .locals
                .iter()
                .map(|local| local.is_mutable)
                .collect(),
            slots: HashMap::new(),
            loops: HashMap::new(),
            end,
            result: Value::Unit,
            unrolling: unroll::decide(function),
        };
        self.frames.push(frame);
        let has_return = {
            let mut found = false;
            unroll::visit(&function.body, &mut |expr| {
                found |= matches!(expr.kind, ExprKind::Return(_));
            });
            found
        };
        for (param, value) in function.params.iter().zip(arguments) {
            self.bind(*param, Some(value))?;
        }
        let result = if has_return {
            let result = self.registers_for(&function.result);
            if let Some(frame) = self.frames.last_mut() {
                frame.result = result.clone();
            }
            let value = self.expr(&function.body)?;
            self.move_into(&result, &value);
            self.place(end);
            result
        } else {
            let value = self.expr(&function.body)?;
            // The result may be a variable of the frame: it is copied before another call.
            self.settle(value)
        };
        self.frames.pop();
        Ok(result)
    }

    pub fn operand(&mut self, expr: &Expr) -> syn::Result<Operand> {
        Ok(self.expr(expr)?.operand())
    }

    /// Several operands, in order: what is computed first is not changed by what follows.
    pub fn operands(&mut self, exprs: &[&Expr]) -> syn::Result<Vec<Value>> {
        let mut values = Vec::new();
        for (index, expr) in exprs.iter().enumerate() {
            let value = self.expr(expr)?;
            let later = exprs.get(index + 1..).unwrap_or_default();
            let value = match later.iter().any(|expr| has_effects(expr)) {
                true => self.settle(value),
                false => value,
            };
            values.push(value);
        }
        Ok(values)
    }

    pub fn expr(&mut self, expr: &Expr) -> syn::Result<Value> {
        let scalar = |operand| Ok(Value::Scalar(operand));
        match &expr.kind {
            ExprKind::Unit => Ok(Value::Unit),
            ExprKind::Integer(value) => match self.scalar_of(&expr.ty) {
                Scalar::F32 => scalar(Operand::F32(*value as f32)),
                Scalar::F64 => scalar(Operand::F64(*value as f64)),
                ty => scalar(Operand::Integer(ty.wrap(*value))),
            },
            ExprKind::Float(digits) => {
                let wrong = || syn::Error::new(expr.span, "this is no number that Rust has");
                match self.scalar_of(&expr.ty) {
                    Scalar::F32 => scalar(Operand::F32(digits.parse().map_err(|_| wrong())?)),
                    _ => scalar(Operand::F64(digits.parse().map_err(|_| wrong())?)),
                }
            }
            ExprKind::FloatBits(bits) => match self.scalar_of(&expr.ty) {
                Scalar::F32 => scalar(Operand::F32(f32::from_bits(*bits as u32))),
                _ => scalar(Operand::F64(f64::from_bits(*bits))),
            },
            ExprKind::Bool(value) => scalar(Operand::Bool(*value)),
            ExprKind::Read(place) => self.read(place, expr.span),
            ExprKind::Not(_) | ExprKind::Negate(_) | ExprKind::Binary(..) => self.arithmetic(expr),
            ExprKind::Compare(op, left, right) => self.compare(*op, left, right),
            ExprKind::Logical(is_and, left, right) => self.logical(*is_and, left, right),
            ExprKind::Cast(inner) => {
                let value = self.operand(inner)?;
                let (from, to) = (self.scalar_of(&inner.ty), self.scalar_of(&expr.ty));
                scalar(self.convert(value, from, to))
            }
            ExprKind::Assign(place, value) => {
                let value = self.expr(value)?;
                self.assign(place, value, expr.span)?;
                Ok(Value::Unit)
            }
            ExprKind::AssignOp(op, place, value) => self.assign_op(*op, place, value, expr.span),
            ExprKind::Block(block) => self.block(block, &expr.ty),
            ExprKind::If(condition, then, other) => {
                self.branch(condition, then, other.as_deref(), &expr.ty)
            }
            ExprKind::Match(value, arms) => self.matching(value, arms, expr),
            ExprKind::Loop(id, body) => {
                let value = self.registers_for(&expr.ty);
                let (next, end) = (self.label(), self.label());
                let has_value = value != Value::Unit;
                self.place(next);
                self.enter(*id, end, next, has_value.then(|| value.clone()));
                self.expr(body)?;
                self.jump(next);
                self.place(end);
                // Without a `break` the end is never reached.
                self.is_reachable = self.type_of(&expr.ty) != Type::Never;
                Ok(value)
            }
            ExprKind::While(id, condition, body) => self.loop_while(*id, condition, body),
            ExprKind::For(each) => self.loop_for(each),
            ExprKind::Break(id, value) => {
                let value = match value {
                    Some(value) => self.expr(value)?,
                    None => Value::Unit,
                };
                let target = self
                    .frames
                    .last()
                    .and_then(|frame| frame.loops.get(id))
                    .cloned();
                if let Some(target) = target {
                    if let Some(to) = &target.value {
                        self.move_into(to, &value);
                    }
                    self.jump(target.end);
                }
                Ok(Value::Unit)
            }
            ExprKind::Continue(id) => {
                let target = self
                    .frames
                    .last()
                    .and_then(|frame| frame.loops.get(id))
                    .cloned();
                if let Some(target) = target {
                    self.jump(target.next);
                }
                Ok(Value::Unit)
            }
            ExprKind::Return(value) => {
                let value = match value {
                    Some(value) => self.expr(value)?,
                    None => Value::Unit,
                };
                let target = self
                    .frames
                    .last()
                    .map(|frame| (frame.end, frame.result.clone()));
                if let Some((end, result)) = target {
                    self.move_into(&result, &value);
                    self.jump(end);
                }
                Ok(Value::Unit)
            }
            ExprKind::Aggregate(parts) => {
                let parts: Vec<&Expr> = parts.iter().collect();
                Ok(Value::Parts(self.operands(&parts)?))
            }
            ExprKind::Repeat(value, len) => {
                let value = self.expr(value)?;
                Ok(Value::Parts((0..*len).map(|_| value.clone()).collect()))
            }
            ExprKind::Field(base, index) => {
                let base = self.expr(base)?;
                Ok(base.parts().get(*index).cloned().unwrap_or(Value::Unit))
            }
            ExprKind::Intrinsic(intrinsic, arguments) => {
                self.intrinsic(*intrinsic, arguments, expr)
            }
            ExprKind::Shared(number) => {
                let name = format!("$shared{number}");
                self.shared.entry(*number).or_insert(name);
                Ok(Value::Shared(*number))
            }
            ExprKind::Call(function, arguments) => {
                self.check_size(expr.span)?;
                let arguments: Vec<&Expr> = arguments.iter().collect();
                let values = self.operands(&arguments)?;
                self.inline(function, values)
            }
            ExprKind::Panic(message) => {
                let label = self.panic(message, expr.span);
                self.jump(label);
                Ok(Value::Unit)
            }
        }
    }

    fn block(&mut self, block: &Block, ty: &Type) -> syn::Result<Value> {
        let label = block.label.map(|id| {
            let end = self.label();
            let value = self.registers_for(ty);
            self.enter(id, end, end, Some(value.clone()));
            (end, value)
        });
        for statement in &block.statements {
            self.statement(statement)?;
        }
        let mut value = match &block.tail {
            Some(tail) => {
                self.locate(tail.span);
                self.expr(tail)?
            }
            None => Value::Unit,
        };
        if let Some((end, result)) = label {
            self.move_into(&result, &value);
            self.place(end);
            value = result;
        }
        Ok(value)
    }

    fn statement(&mut self, statement: &Statement) -> syn::Result<()> {
        match statement {
            Statement::Let(local, value) => {
                if let Some(value) = value {
                    self.locate(value.span);
                }
                let value = match value {
                    Some(value) => Some(self.expr(value)?),
                    None => None,
                };
                self.bind(*local, value)
            }
            Statement::LetParts(locals, value) => {
                self.locate(value.span);
                let value = self.expr(value)?;
                for (local, part) in locals.iter().zip(value.parts().to_vec()) {
                    if let Some(local) = local {
                        self.bind(*local, Some(part))?;
                    }
                }
                Ok(())
            }
            Statement::Expr(value) => {
                self.locate(value.span);
                self.check_size(value.span)?;
                self.expr(value).map(drop)
            }
        }
    }

    /// Gives a variable its place and its first value.
    fn bind(&mut self, local: LocalId, value: Option<Value>) -> syn::Result<()> {
        let Some(frame) = self.frames.last() else {
            return Ok(());
        };
        let ty = frame.types.get(local).cloned().unwrap_or(Type::Unit);
        let is_mutable = frame.mutable.get(local).copied().unwrap_or(true);
        let in_memory = frame.unrolling.in_memory.contains(&local);
        let slot = match value {
            _ if in_memory => {
                let name = self.local_memory(&ty);
                if let Some(value) = value {
                    self.store_all("local", &name, &ty, &value);
                }
                Slot::Memory(name)
            }
            // One name for a value that does not change any more.
            Some(value) if !is_mutable => Slot::Value(self.settle(value)),
            value => {
                let registers = self.registers_for(&ty);
                match (&registers, value) {
                    // Shared memory has no registers.
                    (Value::Unit, Some(value)) => Slot::Value(value),
                    (_, value) => {
                        if let Some(value) = value {
                            self.move_into(&registers, &value);
                        }
                        self.may_change(&registers);
                        Slot::Value(registers)
                    }
                }
            }
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.slots.insert(local, slot);
        }
        Ok(())
    }

    fn enter(&mut self, id: LoopId, end: Label, next: Label, value: Option<Value>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.loops.insert(id, Target { end, next, value });
        }
    }

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
                self.line(format_args!("@{not}{other} bra {label}"));
            }
        }
    }

    fn logical(&mut self, is_and: bool, left: &Expr, right: &Expr) -> syn::Result<Value> {
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

    fn branch(
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

    fn matching(&mut self, value: &Expr, arms: &[Arm], expr: &Expr) -> syn::Result<Value> {
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
    fn match_ranges(
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

    /// The condition is tested before the first round, and at the end of each.
    fn loop_while(&mut self, id: LoopId, condition: &Expr, body: &Expr) -> syn::Result<Value> {
        let (start, next, end) = (self.label(), self.label(), self.label());
        let repeats = is_cheap(condition) || weight(condition) <= MAX_CHEAP;
        self.enter(id, end, next, None);
        if repeats {
            self.jump_if(condition, false, end)?;
            self.place(start);
            self.expr(body)?;
            self.place(next);
            self.jump_if(condition, true, start)?;
        } else {
            self.place(next);
            self.jump_if(condition, false, end)?;
            self.expr(body)?;
            self.jump(next);
        }
        self.place(end);
        Ok(Value::Unit)
    }

    fn loop_for(&mut self, each: &For) -> syn::Result<Value> {
        let is_unrolled = self
            .frames
            .last()
            .is_some_and(|frame| frame.unrolling.loops.contains(&each.id));
        if is_unrolled && let Some(count) = unroll::trips(each) {
            return self.unrolled(each, count);
        }
        let scalar = self.scalar_of(&each.start.ty);
        let ends = self.operands(&[&each.start, &each.end])?;
        let ends: Vec<Operand> = ends
            .into_iter()
            .map(|end| self.settle(end).operand())
            .collect();
        let (first, last) = match ends.as_slice() {
            [first, last] => (*first, *last),
            _ => return Ok(Value::Unit),
        };
        let step = match &each.step {
            None => None,
            Some(step) => {
                let value = self.expr(step)?;
                let value = self.settle(value).operand();
                let is_zero =
                    self.compare_scalars(CompareOp::Eq, value, Operand::Integer(0), Scalar::Usize);
                let panic = self.panic("assertion failed: step != 0", step.span);
                self.jump_where(is_zero, true, panic);
                Some(value)
            }
        };
        let class = Class::of(scalar);
        let ty = super::arithmetic_type(scalar);
        let (body, next, end) = (self.label(), self.label(), self.label());
        self.enter(each.id, end, next, None);
        let (from, to) = if each.is_reversed {
            (last, first)
        } else {
            (first, last)
        };
        // Whether there is a first round.
        let op = if each.is_inclusive {
            CompareOp::Le
        } else {
            CompareOp::Lt
        };
        let begins = self.compare_scalars(op, first, last, scalar);
        self.jump_where(begins, false, end);
        let counter = self.fresh(class);
        let counter_value = Operand::Register(counter);
        self.move_into(&Value::Scalar(counter_value), &Value::Scalar(from));
        self.variables.insert(counter);
        let one = Operand::Integer(1);
        self.place(body);
        // Backwards over `a..b`, the first value is `b - 1`.
        let counts_before = each.is_reversed && !each.is_inclusive;
        if counts_before {
            self.line(format_args!("sub.{ty} {counter}, {counter}, 1"));
        }
        self.bind(each.variable, None)?;
        let is_mutable = self
            .frames
            .last()
            .and_then(|frame| frame.mutable.get(each.variable).copied())
            .unwrap_or(true);
        if let Some(frame) = self.frames.last_mut() {
            let slot = Slot::Value(Value::Scalar(counter_value));
            frame.slots.insert(each.variable, slot);
        }
        if is_mutable {
            // The loop counts in a register of its own.
            let own = self.fresh(class);
            self.line(format_args!("mov.{} {own}, {counter}", class.ty()));
            self.variables.insert(own);
            if let Some(frame) = self.frames.last_mut() {
                let slot = Slot::Value(Value::Scalar(Operand::Register(own)));
                frame.slots.insert(each.variable, slot);
            }
        }
        self.expr(&each.body)?;
        self.place(next);
        match step {
            None if each.is_inclusive => {
                let done = self.compare_scalars(CompareOp::Eq, counter_value, to, scalar);
                self.jump_where(done, true, end);
                let op = if each.is_reversed { "sub" } else { "add" };
                self.line(format_args!("{op}.{ty} {counter}, {counter}, 1"));
                self.jump(body);
            }
            None if each.is_reversed => {
                let more = self.compare_scalars(CompareOp::Gt, counter_value, to, scalar);
                self.jump_where(more, true, body);
            }
            None => {
                self.line(format_args!("add.{ty} {counter}, {counter}, {one}"));
                let more = self.compare_scalars(CompareOp::Lt, counter_value, to, scalar);
                self.jump_where(more, true, body);
            }
            Some(step) => {
                // How far it is to the end, without a sign, and in 64 bits.
                let difference = self.result(class, &format!("sub.{ty}"), &[to, counter_value]);
                let unsigned = scalar.with_sign(false);
                let difference = self.normalize(difference, unsigned);
                let left = self.convert(difference, unsigned, Scalar::U64);
                let op = if each.is_inclusive {
                    CompareOp::Lt
                } else {
                    CompareOp::Le
                };
                let done = self.compare_scalars(op, left, step, Scalar::U64);
                self.jump_where(done, true, end);
                let step = self.convert(step, Scalar::U64, scalar);
                let sum = self.result(class, &format!("add.{ty}"), &[counter_value, step]);
                // A step above the largest number of the type is there by wrapping.
                let sum = self.normalize(sum, scalar);
                self.move_into(&Value::Scalar(counter_value), &Value::Scalar(sum));
                self.jump(body);
            }
        }
        self.place(end);
        Ok(Value::Unit)
    }

    /// Writes the body once for each value of the variable.
    fn unrolled(&mut self, each: &For, count: i128) -> syn::Result<Value> {
        let scalar = self.scalar_of(&each.start.ty);
        let start = unroll::constant(&each.start).unwrap_or(0);
        let step = each.step.as_ref().and_then(unroll::constant).unwrap_or(1);
        let end = self.label();
        for round in 0..count {
            let round = if each.is_reversed {
                count - 1 - round
            } else {
                round
            };
            let value = Operand::Integer(scalar.wrap(start + round * step));
            let next = self.label();
            self.enter(each.id, end, next, None);
            if let Some(frame) = self.frames.last_mut() {
                let slot = Slot::Value(Value::Scalar(value));
                frame.slots.insert(each.variable, slot);
            }
            self.check_size(each.body.span)?;
            self.expr(&each.body)?;
            self.place(next);
        }
        self.place(end);
        Ok(Value::Unit)
    }
}

/// Whether an expression changes a variable or memory, or may leave the function.
pub fn has_effects(expr: &Expr) -> bool {
    let mut found = false;
    unroll::visit(expr, &mut |expr| {
        found |= matches!(
            expr.kind,
            ExprKind::Assign(..)
                | ExprKind::AssignOp(..)
                | ExprKind::Loop(..)
                | ExprKind::While(..)
                | ExprKind::For(_)
        );
    });
    found
}

/// The number of nodes of an expression.
fn weight(expr: &Expr) -> usize {
    let mut count = 0;
    unroll::visit(expr, &mut |_| count += 1);
    count
}

/// Whether an expression is quickly computed, changes nothing and cannot fail.
pub fn is_cheap(expr: &Expr) -> bool {
    let mut count = 0;
    let mut is_cheap = true;
    unroll::visit(expr, &mut |expr| {
        count += 1;
        is_cheap &= match &expr.kind {
            ExprKind::Integer(_)
            | ExprKind::Float(_)
            | ExprKind::FloatBits(_)
            | ExprKind::Bool(_)
            | ExprKind::Not(_)
            | ExprKind::Negate(_)
            | ExprKind::Compare(..)
            | ExprKind::Logical(..)
            | ExprKind::Cast(_) => true,
            ExprKind::Read(place) => place.projections.is_empty(),
            ExprKind::Binary(op, ..) => {
                use crate::hir::BinaryOp::{Div, Rem};
                !matches!(op, Div | Rem)
            }
            ExprKind::Block(block) => {
                block.statements.is_empty() && block.tail.is_some() && block.label.is_none()
            }
            ExprKind::Intrinsic(intrinsic, _) => {
                use crate::hir::Intrinsic::{
                    Abs, GlobalIndex, Len, Max, Min, Register, WrappingAdd, WrappingMul,
                    WrappingSub,
                };
                matches!(
                    intrinsic,
                    Abs | GlobalIndex(_)
                        | Len
                        | Max
                        | Min
                        | Register(_)
                        | WrappingAdd
                        | WrappingMul
                        | WrappingSub
                )
            }
            _ => false,
        };
    });
    is_cheap && count <= MAX_CHEAP
}

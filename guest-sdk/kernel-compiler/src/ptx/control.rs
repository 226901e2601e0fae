//! Expressions, blocks, variables, jumps and calls.

use std::collections::HashMap;

use super::unroll;
use super::value::{Operand, Value};
use super::writer::{Frame, Label, Slot, Target, Writer};
use crate::hir::{Block, Expr, ExprKind, Function, LocalId, LoopId, Statement};
use crate::types::{Scalar, Type};

/// The largest expression that is computed without a branch around it.
pub const MAX_CHEAP: usize = 12;

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
                self.begin_loop(next);
                self.enter(*id, end, next, has_value.then(|| value.clone()));
                self.expr(body)?;
                self.jump(next);
                self.end_loop();
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
    pub fn bind(&mut self, local: LocalId, value: Option<Value>) -> syn::Result<()> {
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

    pub fn enter(&mut self, id: LoopId, end: Label, next: Label, value: Option<Value>) {
        if let Some(frame) = self.frames.last_mut() {
            frame.loops.insert(id, Target { end, next, value });
        }
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
pub fn weight(expr: &Expr) -> usize {
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

//! Loops: conditions are tested before the first round and at the end of each, and loops over arrays
//! in registers are unrolled.

use super::control::{MAX_CHEAP, is_cheap, weight};
use super::unroll;
use super::value::{Class, Operand, Register, Value};
use super::writer::{Slot, Writer};
use crate::hir::{CompareOp, Expr, For, LoopId};
use crate::types::Scalar;

impl Writer<'_> {
    /// The condition is tested before the first round, and at the end of each.
    pub fn loop_while(&mut self, id: LoopId, condition: &Expr, body: &Expr) -> syn::Result<Value> {
        let (start, next, end) = (self.label(), self.label(), self.label());
        let repeats = is_cheap(condition) || weight(condition) <= MAX_CHEAP;
        self.enter(id, end, next, None);
        if repeats {
            self.jump_if(condition, false, end)?;
            self.begin_loop(start);
            self.expr(body)?;
            self.place(next);
            self.jump_if(condition, true, start)?;
        } else {
            self.begin_loop(next);
            self.jump_if(condition, false, end)?;
            self.expr(body)?;
            self.jump(next);
        }
        self.end_loop();
        self.place(end);
        Ok(Value::Unit)
    }

    pub fn loop_for(&mut self, each: &For) -> syn::Result<Value> {
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
        let variable = self.frames.last().and_then(|frame| {
            let is_mutable = frame.mutable.get(each.variable).copied();
            is_mutable.filter(|is_mutable| !is_mutable)
        });
        if variable.is_some() && unroll::is_fourfold(each) {
            self.fourfold(each, counter, to, scalar)?;
            let more = self.compare_scalars(CompareOp::Lt, counter_value, to, scalar);
            self.jump_where(more, false, end);
        }
        self.begin_loop(body);
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
        // In a register that does not change within a round, of which more is known.
        let value = match is_mutable {
            true => counter_value,
            false => self.settle(Value::Scalar(counter_value)).operand(),
        };
        if let Some(frame) = self.frames.last_mut() {
            let slot = Slot::Value(Value::Scalar(value));
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
                // How far it is to the end, without a sign: in 64 bits, where the step may have more than 32.
                let difference = self.result(class, &format!("sub.{ty}"), &[to, counter_value]);
                let unsigned = scalar.with_sign(false);
                let difference = self.normalize(difference, unsigned);
                let narrow = match step {
                    Operand::Integer(value) => u32::try_from(value).is_ok().then_some(step),
                    Operand::Register(register) => {
                        let from = self.extended.get(&register).copied();
                        from.and_then(|(word, ty)| (!ty.is_signed()).then_some(word))
                    }
                    _ => None,
                };
                let (left, whole, of) = match narrow {
                    Some(word) if scalar.bits() <= 32 => (difference, word, Scalar::U32),
                    _ => (
                        self.convert(difference, unsigned, Scalar::U64),
                        step,
                        Scalar::U64,
                    ),
                };
                let op = if each.is_inclusive {
                    CompareOp::Ge
                } else {
                    CompareOp::Gt
                };
                let more = self.compare_scalars(op, left, whole, of);
                let step = self.convert(step, Scalar::U64, scalar);
                let sum = self.result(class, &format!("add.{ty}"), &[counter_value, step]);
                // A step above the largest number of the type is there by wrapping.
                let sum = self.normalize(sum, scalar);
                self.move_into(&Value::Scalar(counter_value), &Value::Scalar(sum));
                self.jump_where(more, true, body);
            }
        }
        self.end_loop();
        self.place(end);
        Ok(Value::Unit)
    }

    /// Writes a loop whose rounds are four of another one's, as often as there are four left. There is one
    /// round at least.
    fn fourfold(
        &mut self,
        each: &For,
        counter: Register,
        to: Operand,
        scalar: Scalar,
    ) -> syn::Result<()> {
        let class = Class::of(scalar);
        if !matches!(class, Class::Bits32 | Class::Bits64) || scalar.bits() < 32 {
            return Ok(());
        }
        let (ty, bits) = (super::arithmetic_type(scalar), class.ty());
        let value = Operand::Register(counter);
        let left = self.fresh(class);
        self.line(format_args!("sub.{ty} {left}, {to}, {counter}"));
        let rest = Operand::Integer(3);
        let rest = self.result(
            class,
            &format!("and.{bits}"),
            &[Operand::Register(left), rest],
        );
        let last = self.result(class, &format!("sub.{ty}"), &[to, rest]);
        let (body, rest) = (self.label(), self.label());
        let begins = self.compare_scalars(CompareOp::Ne, value, last, scalar);
        self.jump_where(begins, false, rest);
        self.begin_loop(body);
        let first = self.settle(Value::Scalar(value)).operand();
        for round in 0..4 {
            let added = Operand::Integer(round);
            let round = match round {
                0 => first,
                _ => self.result(class, &format!("add.{ty}"), &[first, added]),
            };
            if let Some(frame) = self.frames.last_mut() {
                let slot = Slot::Value(Value::Scalar(round));
                frame.slots.insert(each.variable, slot);
            }
            self.expr(&each.body)?;
        }
        self.line(format_args!("add.{ty} {counter}, {counter}, 4"));
        let more = self.compare_scalars(CompareOp::Ne, value, last, scalar);
        self.jump_where(more, true, body);
        self.end_loop();
        self.place(rest);
        Ok(())
    }

    /// Writes the body once for each value of the variable.
    pub fn unrolled(&mut self, each: &For, count: i128) -> syn::Result<Value> {
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

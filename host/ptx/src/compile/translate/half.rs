//! The 16-bit formats, alone and in pairs: each half by itself, by way of f32.

use crate::compile::ir::Arg;
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::half_precision::{self, HalfFormat};
use crate::numeric::{ArithBuilder, approximations};
use crate::numeric::{Flags, Round};
use crate::syntax::bool_combine::BoolCombine;
use crate::syntax::table::Op;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

/// The format of a type of halves, and whether it is a pair of them.
pub(crate) fn half_format(ty: Type) -> Option<(HalfFormat, bool)> {
    match ty {
        Type::F16 => Some((HalfFormat::F16, false)),
        Type::F16x2 => Some((HalfFormat::F16, true)),
        Type::BF16 => Some((HalfFormat::BF16, false)),
        Type::BF16x2 => Some((HalfFormat::BF16, true)),
        _ => None,
    }
}

impl<'m> Builder<'m> {
    /// An instruction on halves; false where it is a libcall.
    pub(crate) fn halves(&mut self, scope: &FunctionScope<'m>) -> bool {
        let Some((format, pair)) = half_format(scope.ty()) else {
            return false;
        };
        let flags = Flags::of(&scope.instruction.modifiers);
        let op = scope.instruction.row.op;
        let operands = match op {
            Op::Abs | Op::Neg | Op::Ex2 | Op::Tanh => 1,
            Op::Add | Op::Sub | Op::Mul | Op::Min | Op::Max | Op::CvtPack => 2,
            Op::Fma => 3,
            _ => return false,
        };
        if flags.xorsign || flags.round == Round::Away || !self.has_room() {
            return false;
        }
        let operands: Vec<Arg> = (1..=operands)
            .map(|operand| self.source(scope, operand))
            .collect();
        if op == Op::CvtPack {
            let halves = operands.iter().rev().map(|single| {
                let value = half_precision::from_f32(self, format, flags.round, *single);
                self.finished_half(format, flags, value)
            });
            let halves: Vec<Arg> = halves.collect();
            let whole = self.joined(&halves);
            self.write(scope, whole);
            return true;
        }
        let parts = if pair { 2 } else { 1 };
        let mut results = Vec::with_capacity(parts);
        for part in 0..parts {
            let halves: Vec<Arg> = operands
                .iter()
                .map(|whole| {
                    let half = self.part(*whole, pair, part);
                    self.flushed_half(format, flags, half)
                })
                .collect();
            results.push(self.half(op, format, flags, &halves));
        }
        let whole = self.joined(&results);
        self.write(scope, whole);
        true
    }

    /// One half of a pair, or all of it.
    fn part(&mut self, whole: Arg, pair: bool, part: usize) -> Arg {
        match (pair, part) {
            (false, _) => whole,
            (true, 0) => self.i32_and_const(whole, 0xffff),
            (true, _) => self.i32_shr_u(whole, 16),
        }
    }

    fn joined(&mut self, halves: &[Arg]) -> Arg {
        match *halves {
            [low, high] => {
                let high = self.i32_shl(high, 16);
                self.i32_or(low, high)
            }
            [only] => only,
            _ => {
                self.inconsistent("a value of neither one half nor two");
                Arg::I32(0)
            }
        }
    }

    fn half(&mut self, op: Op, format: HalfFormat, flags: Flags, operands: &[Arg]) -> Arg {
        let value = match (op, operands) {
            (Op::Abs, &[a]) => return self.i32_and_const(a, half_precision::SIGN - 1),
            (Op::Neg, &[a]) => return self.i32_xor(a, Arg::I32(half_precision::SIGN)),
            (Op::Min | Op::Max, &[a, b]) => {
                return half_precision::chosen(self, format, [a, b], (op == Op::Max, flags.nan));
            }
            (Op::Ex2, &[a]) => {
                let x = self.half_to_f32(format, a);
                approximations::power_of_two(self, x)
            }
            (Op::Tanh, &[a]) => {
                let x = self.half_to_f32(format, a);
                approximations::hyperbolic_tangent(self, x)
            }
            (Op::Add | Op::Sub | Op::Mul, &[a, b]) => {
                let x = self.half_to_f32(format, a);
                let y = self.half_to_f32(format, b);
                match op {
                    Op::Add => self.f32_add(x, y),
                    Op::Sub => self.f32_sub(x, y),
                    _ => self.f32_mul(x, y),
                }
            }
            (Op::Fma, &[a, b, c]) => {
                let x = self.half_to_f32(format, a);
                let y = self.half_to_f32(format, b);
                let z = self.half_to_f32(format, c);
                half_precision::fused(self, format, [x, y, z])
            }
            _ => {
                self.inconsistent("an operation on halves with other operands than it has");
                return Arg::I32(0);
            }
        };
        let value = half_precision::from_f32(self, format, Round::Nearest, value);
        self.finished_half(format, flags, value)
    }

    /// The f32 that a half in the low bits of a word is equal to.
    pub(crate) fn half_to_f32(&mut self, format: HalfFormat, value: Arg) -> Arg {
        let upper = self.i32_shl(value, 16);
        half_precision::to_f32(self, format, upper)
    }

    pub(crate) fn flushed_half(&mut self, format: HalfFormat, flags: Flags, value: Arg) -> Arg {
        if flags.ftz {
            half_precision::flushed(self, format, value)
        } else {
            value
        }
    }

    /// A half whose NaN is the one NaN, as the flags want it.
    pub(crate) fn finished_half(&mut self, format: HalfFormat, flags: Flags, value: Arg) -> Arg {
        let mut value = self.flushed_half(format, flags, value);
        if flags.satfinite {
            value = half_precision::finite(self, format, value);
        }
        if flags.relu {
            value = half_precision::rectified(self, value);
        }
        if flags.sat {
            value = half_precision::saturated(self, format, value);
        }
        value
    }

    /// Whether two halves compare so.
    pub(crate) fn compare_half(
        &mut self,
        format: HalfFormat,
        flags: Flags,
        [a, b]: [Arg; 2],
    ) -> Option<Arg> {
        let [a, b] = [a, b].map(|value| {
            let value = self.flushed_half(format, flags, value);
            self.half_to_f32(format, value)
        });
        let exact = Flags {
            ftz: false,
            ..flags
        };
        self.compare_floats(Type::F32, exact, a, b)
    }

    /// `set` and `setp` of pairs; false where they are not known.
    pub(crate) fn compare_pairs(&mut self, scope: &FunctionScope<'m>) -> bool {
        let modifiers = &scope.instruction.modifiers;
        let set = scope.instruction.row.op == Op::SetHalves;
        let compared = if set {
            modifiers.second_ty()
        } else {
            modifiers.ty()
        };
        let Some((format, true)) = half_format(compared) else {
            return false;
        };
        let flags = Flags::of(modifiers);
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let combine = BoolCombine::of(modifiers).code();
        let other = combine.map(|_| self.condition(scope, 3));
        let mut outcomes = [Arg::I32(0); 2];
        for (part, outcome) in outcomes.iter_mut().enumerate() {
            let halves = [a, b].map(|whole| self.part(whole, true, part));
            let Some(found) = self.compare_half(format, flags, halves) else {
                return false;
            };
            *outcome = match (combine, other) {
                (Some(code), Some(other)) => self.two(code, found, other),
                _ => found,
            };
        }
        if set {
            let yes = match modifiers.ty() {
                Type::F16x2 => HalfFormat::F16.one(),
                Type::BF16x2 => HalfFormat::BF16.one(),
                _ => 0xffff,
            };
            let halves = outcomes.map(|outcome| self.select(outcome, Arg::I32(yes), Arg::I32(0)));
            let whole = self.joined(&halves);
            self.write(scope, whole);
            return true;
        }
        if let Operand::Pair(lower, upper) = scope.operand(0) {
            for (register, outcome) in [lower, upper].into_iter().zip(outcomes) {
                if let Some(register) = register {
                    self.write_home(scope.register(*register), outcome);
                }
            }
        }
        true
    }
}

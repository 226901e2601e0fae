//! Integers in pairs of 16 bits, and results that are clamped or rectified.

use crate::compile::ir::Arg;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::ArithBuilder;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::types::Type;

/// The bits of a pair that are its signs.
const SIGNS: u32 = 0x8000_8000;

impl<'m> Builder<'m> {
    /// `None` where it is a libcall.
    pub(crate) fn packed_or_clamped(&mut self, scope: &FunctionScope<'m>) -> Option<Arg> {
        let pair = matches!(scope.ty(), Type::U16x2 | Type::S16x2);
        match scope.instruction.row.op {
            Op::Add if pair => Some(self.sum_of_pairs(scope)),
            Op::Min | Op::Max if pair => Some(self.chosen_of_pairs(scope)),
            Op::Add | Op::Sub if scope.ty() == Type::S32 => Some(self.clamped_sum(scope)),
            Op::Min | Op::Max if scope.ty() == Type::S32 => {
                let (a, b) = (self.source(scope, 1), self.source(scope, 2));
                let value = self.lesser_or_greater(scope, a, b);
                Some(self.rectified_word(value))
            }
            _ => None,
        }
    }

    /// The signs are added apart, so that no carry leaves the lower half.
    fn sum_of_pairs(&mut self, scope: &FunctionScope<'m>) -> Arg {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let (x, y) = (self.i32_and_const(a, !SIGNS), self.i32_and_const(b, !SIGNS));
        let sum = self.i32_add(x, y);
        let signs = self.i32_xor(a, b);
        let signs = self.i32_and_const(signs, SIGNS);
        self.i32_xor(sum, signs)
    }

    fn lesser_or_greater(&mut self, scope: &FunctionScope<'m>, a: Arg, b: Arg) -> Arg {
        let less = if scope.instruction.row.op == Op::Min {
            self.i32_lt_s(a, b)
        } else {
            self.i32_lt_s(b, a)
        };
        self.i32_select(less, a, b)
    }

    fn rectified_word(&mut self, value: Arg) -> Arg {
        let negative = self.i32_lt_s(value, Arg::I32(0));
        self.i32_select(negative, Arg::I32(0), value)
    }

    fn chosen_of_pairs(&mut self, scope: &FunctionScope<'m>) -> Arg {
        let signed = scope.ty() == Type::S16x2;
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let halves = [16, 0].map(|up| {
            let [a, b] = [a, b].map(|pair| {
                let top = self.i32_shl(pair, up);
                if signed {
                    self.i32_shr_s(top, 16)
                } else {
                    self.i32_shr_u(top, 16)
                }
            });
            let value = self.lesser_or_greater(scope, a, b);
            if scope.has(Modifier::Relu) {
                self.rectified_word(value)
            } else {
                value
            }
        });
        let low = self.i32_and_const(halves[0], 0xffff);
        let high = self.i32_shl(halves[1], 16);
        self.i32_or(low, high)
    }

    /// A sum or difference of signed words; what does not fit is the largest or the least one.
    fn clamped_sum(&mut self, scope: &FunctionScope<'m>) -> Arg {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let sum = scope.instruction.row.op == Op::Add;
        let value = self.two(if sum { Opcode::I32Add } else { Opcode::I32Sub }, a, b);
        // It does not fit where its sign is not the one that both operands call for.
        let first = self.i32_xor(a, value);
        let second = if sum {
            self.i32_xor(b, value)
        } else {
            self.i32_xor(a, b)
        };
        let wrong = self.i32_and(first, second);
        let wrong = self.i32_lt_s(wrong, Arg::I32(0));
        let sign = self.i32_shr_s(a, 31);
        let limit = self.i32_xor(sign, Arg::I32(i32::MAX.cast_unsigned()));
        self.i32_select(wrong, limit, value)
    }
}

//! Integers in pairs of 16 bits, and results that are clamped or rectified.

use crate::compile::ir::Arg;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::translate::{Builder, Scope};
use crate::numeric::ArithBuilder;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::types::Type;

/// The bits of a pair that are its signs.
const SIGNS: u32 = 0x8000_8000;

impl<'m> Builder<'m> {
    /// `None` where the interpreter is to be asked.
    pub(crate) fn packed_or_clamped(&mut self, scope: &Scope<'m>) -> Option<Arg> {
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
    fn sum_of_pairs(&mut self, scope: &Scope<'m>) -> Arg {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let (x, y) = (self.and_mask(a, !SIGNS), self.and_mask(b, !SIGNS));
        let sum = self.plus(x, y);
        let signs = self.xor(a, b);
        let signs = self.and_mask(signs, SIGNS);
        self.xor(sum, signs)
    }

    fn lesser_or_greater(&mut self, scope: &Scope<'m>, a: Arg, b: Arg) -> Arg {
        let less = if scope.instruction.row.op == Op::Min {
            self.less(a, b)
        } else {
            self.less(b, a)
        };
        self.choose(less, a, b)
    }

    fn rectified_word(&mut self, value: Arg) -> Arg {
        let negative = self.less(value, Arg::I32(0));
        self.choose(negative, Arg::I32(0), value)
    }

    fn chosen_of_pairs(&mut self, scope: &Scope<'m>) -> Arg {
        let signed = scope.ty() == Type::S16x2;
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let halves = [16, 0].map(|up| {
            let [a, b] = [a, b].map(|pair| {
                let top = self.left(pair, up);
                if signed {
                    self.right_signed(top, 16)
                } else {
                    self.right(top, 16)
                }
            });
            let value = self.lesser_or_greater(scope, a, b);
            if scope.has(Modifier::Relu) {
                self.rectified_word(value)
            } else {
                value
            }
        });
        let low = self.and_mask(halves[0], 0xffff);
        let high = self.left(halves[1], 16);
        self.or(low, high)
    }

    /// A sum or difference of signed words; what does not fit is the largest or the least one.
    fn clamped_sum(&mut self, scope: &Scope<'m>) -> Arg {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let sum = scope.instruction.row.op == Op::Add;
        let value = self.two(if sum { Opcode::I32Add } else { Opcode::I32Sub }, a, b);
        // It does not fit where its sign is not the one that both operands call for.
        let first = self.xor(a, value);
        let second = if sum {
            self.xor(b, value)
        } else {
            self.xor(a, b)
        };
        let wrong = self.and(first, second);
        let wrong = self.less(wrong, Arg::I32(0));
        let sign = self.right_signed(a, 31);
        let limit = self.xor(sign, Arg::I32(i32::MAX.cast_unsigned()));
        self.choose(wrong, limit, value)
    }
}

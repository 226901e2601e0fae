//! Integer operations that the compiler has its own code for: any function of three bits with a
//! predicate (`lop3`), bytes picked from two words (`prmt`), and the upper half of a product of 128 bits.

use crate::compile::ir::Arg;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::ArithBuilder;
use crate::numeric::Flags;
use crate::syntax::modifier::Modifier;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

impl<'m> Builder<'m> {
    /// `lop3` with a predicate: whether the result is not zero, and or or another one; false where
    /// its table is not known.
    pub(crate) fn logic(&mut self, scope: &FunctionScope<'m>) -> bool {
        let Some(table) = self.source(scope, 4).bits() else {
            return false;
        };
        let value = self.any_of_three(scope, table as u8);
        let holds = self.two(Opcode::I32Ne, value, Arg::I32(0));
        let other = self.condition(scope, 5);
        let code = if scope.has(Modifier::Or) {
            Opcode::I32Or
        } else {
            Opcode::I32And
        };
        let holds = self.two(code, holds, other);
        self.write(scope, value);
        if let Operand::Pair(_, Some(predicate)) = scope.operand(0) {
            self.write_home(scope.register(*predicate), holds);
        }
        true
    }

    /// `prmt` in its default mode: bytes of two words. `None` for the other modes.
    pub(crate) fn permuted(&mut self, scope: &FunctionScope<'m>) -> Option<Arg> {
        let flags = Flags::of(&scope.instruction.modifiers);
        if flags.variant.is_some() {
            return None;
        }
        let words = [self.source(scope, 1), self.source(scope, 2)];
        let selector = self.source(scope, 3);
        let mut result: Option<Arg> = None;
        for place in 0..4u32 {
            let byte = match selector.bits() {
                Some(bits) => self.known_byte(words, (bits >> (4 * place)) as u32, 8 * place),
                None => self.byte(words, selector, place),
            };
            result = Some(match result {
                Some(others) => self.i32_or(others, byte),
                None => byte,
            });
        }
        result
    }

    /// A byte, or its sign, at a place where all else is zero.
    fn known_byte(&mut self, words: [Arg; 2], picked: u32, at: u32) -> Arg {
        let word = if picked & 4 == 0 { words[0] } else { words[1] };
        let from = 8 * (picked & 3);
        if picked & 8 != 0 {
            let top = self.i32_shl(word, 24 - from);
            let sign = self.i32_shr_s(top, 31);
            return self.i32_and_const(sign, 0xff << at);
        }
        let moved = match at.cmp(&from) {
            std::cmp::Ordering::Less => self.i32_shr_u(word, from - at),
            std::cmp::Ordering::Equal => word,
            std::cmp::Ordering::Greater => self.i32_shl(word, at - from),
        };
        self.i32_and_const(moved, 0xff << at)
    }

    /// The same by a selector that is found out later: bit by bit.
    fn byte(&mut self, words: [Arg; 2], selector: Arg, place: u32) -> Arg {
        let picked = self.i32_shr_u(selector, 4 * place);
        let second = self.i32_and_const(picked, 4);
        let word = self.i32_select(second, words[1], words[0]);
        let upper = self.i32_and_const(picked, 2);
        let half = self.i32_shr_u(word, 16);
        let half = self.i32_select(upper, half, word);
        let odd = self.i32_and_const(picked, 1);
        let byte = self.i32_shr_u(half, 8);
        let byte = self.i32_select(odd, byte, half);
        let top = self.i32_shl(byte, 24);
        let sign = self.i32_shr_s(top, 31);
        let of_sign = self.i32_and_const(picked, 8);
        let byte = self.i32_select(of_sign, sign, byte);
        let byte = self.i32_and_const(byte, 0xff);
        self.i32_shl(byte, 8 * place)
    }

    /// The upper half of a product of values of 64 bits, from four products of their halves.
    pub(crate) fn high_of_128(&mut self, ty: Type, a: Arg, b: Arg) -> Arg {
        let low = |builder: &mut Self, value| builder.two(Opcode::I64And, value, LOW);
        let high = |builder: &mut Self, value| builder.two(Opcode::I64ShrU, value, HALF);
        let (a_low, a_high) = (low(self, a), high(self, a));
        let (b_low, b_high) = (low(self, b), high(self, b));
        let lowest = self.two(Opcode::I64Mul, a_low, b_low);
        let carried = high(self, lowest);
        let first = self.two(Opcode::I64Mul, a_high, b_low);
        let first = self.two(Opcode::I64Add, first, carried);
        let first_low = low(self, first);
        let second = self.two(Opcode::I64Mul, a_low, b_high);
        let second = self.two(Opcode::I64Add, second, first_low);
        let (first, second) = (high(self, first), high(self, second));
        let highest = self.two(Opcode::I64Mul, a_high, b_high);
        let sum = self.two(Opcode::I64Add, highest, first);
        let mut result = self.two(Opcode::I64Add, sum, second);
        if ty.is_signed() {
            // A negative factor was taken for one that is 2^64 more.
            for (factor, other) in [(a, b), (b, a)] {
                let sign = self.two(Opcode::I64ShrS, factor, Arg::I64(63));
                let more = self.two(Opcode::I64And, sign, other);
                result = self.two(Opcode::I64Sub, result, more);
            }
        }
        result
    }
}

const LOW: Arg = Arg::I64(0xffff_ffff);
const HALF: Arg = Arg::I64(32);

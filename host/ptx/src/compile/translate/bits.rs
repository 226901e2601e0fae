//! Integer operations that take several steps: bits in reverse, the highest bit, bytes picked and
//! multiplied, and the upper half of a product of 128 bits.

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Ty};
use crate::compile::translate::{Builder, Scope};
use crate::numeric::ArithBuilder;
use crate::numeric::Flags;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

impl<'m> Builder<'m> {
    /// `None` where the interpreter is to be asked.
    pub(crate) fn bits_and_bytes(&mut self, scope: &Scope<'m>) -> Option<Arg> {
        match scope.instruction.row.op {
            Op::Brev => Some(self.reversed(scope)),
            Op::Bfind => Some(self.highest_bit(scope)),
            Op::Prmt => self.permuted(scope),
            Op::Dp4a => Some(self.dot_product(scope, 4)),
            Op::Dp2a => Some(self.dot_product(scope, 2)),
            _ => None,
        }
    }

    /// `lop3` with a predicate: whether the result is not zero, and or or another one; false where
    /// its table is not known.
    pub(crate) fn logic(&mut self, scope: &Scope<'m>) -> bool {
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

    fn reversed(&mut self, scope: &Scope<'m>) -> Arg {
        let wide = scope.ty().bits() == 64;
        let (and, or, left, right) = if wide {
            (
                Opcode::I64And,
                Opcode::I64Or,
                Opcode::I64Shl,
                Opcode::I64ShrU,
            )
        } else {
            (
                Opcode::I32And,
                Opcode::I32Or,
                Opcode::I32Shl,
                Opcode::I32ShrU,
            )
        };
        let constant = |value: u64| {
            if wide {
                Arg::I64(value)
            } else {
                Arg::I32((value & 0xffff_ffff) as u32)
            }
        };
        let mut value = self.source(scope, 1);
        // Neighbours change places: bits, pairs, and so on.
        for (by, mask) in [
            (1, 0x5555_5555_5555_5555),
            (2, 0x3333_3333_3333_3333),
            (4, 0x0f0f_0f0f_0f0f_0f0f),
            (8, 0x00ff_00ff_00ff_00ff),
            (16, 0x0000_ffff_0000_ffff),
            (32, 0xffff_ffff_u64),
        ] {
            if by == 32 && !wide {
                break;
            }
            let (by, mask) = (constant(by), constant(mask));
            let high = self.two(right, value, by);
            let high = self.two(and, high, mask);
            let low = self.two(and, value, mask);
            let low = self.two(left, low, by);
            value = self.two(or, low, high);
        }
        value
    }

    /// Where the highest bit is that is not a copy of the sign; all bits set where there is none.
    fn highest_bit(&mut self, scope: &Scope<'m>) -> Arg {
        let ty = scope.ty();
        let wide = ty.bits() == 64;
        let (xor, right, clz, eq) = if wide {
            (
                Opcode::I64Xor,
                Opcode::I64ShrS,
                Opcode::I64Clz,
                Opcode::I64Eq,
            )
        } else {
            (
                Opcode::I32Xor,
                Opcode::I32ShrS,
                Opcode::I32Clz,
                Opcode::I32Eq,
            )
        };
        let (last, none) = if wide {
            (Arg::I64(63), Arg::I64(0))
        } else {
            (Arg::I32(31), Arg::I32(0))
        };
        let mut value = self.source(scope, 1);
        if ty.is_signed() {
            let sign = self.two(right, value, last);
            value = self.two(xor, value, sign);
        }
        let count = self.one(clz, value);
        let count = self.as_ty(count, Ty::I32);
        let place = if scope.has(Modifier::Shiftamt) {
            count
        } else {
            self.minus(Arg::I32(ty.bits() - 1), count)
        };
        let empty = self.two(eq, value, none);
        self.choose(empty, Arg::I32(u32::MAX), place)
    }

    /// Bytes of two words.
    fn permuted(&mut self, scope: &Scope<'m>) -> Option<Arg> {
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
                Some(others) => self.or(others, byte),
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
            let top = self.left(word, 24 - from);
            let sign = self.right_signed(top, 31);
            return self.and_mask(sign, 0xff << at);
        }
        let moved = match at.cmp(&from) {
            std::cmp::Ordering::Less => self.right(word, from - at),
            std::cmp::Ordering::Equal => word,
            std::cmp::Ordering::Greater => self.left(word, at - from),
        };
        self.and_mask(moved, 0xff << at)
    }

    /// The same by a selector that is found out later: bit by bit.
    fn byte(&mut self, words: [Arg; 2], selector: Arg, place: u32) -> Arg {
        let picked = self.right(selector, 4 * place);
        let second = self.and_mask(picked, 4);
        let word = self.choose(second, words[1], words[0]);
        let upper = self.and_mask(picked, 2);
        let half = self.right(word, 16);
        let half = self.choose(upper, half, word);
        let odd = self.and_mask(picked, 1);
        let byte = self.right(half, 8);
        let byte = self.choose(odd, byte, half);
        let top = self.left(byte, 24);
        let sign = self.right_signed(top, 31);
        let of_sign = self.and_mask(picked, 8);
        let byte = self.choose(of_sign, sign, byte);
        let byte = self.and_mask(byte, 0xff);
        self.left(byte, 8 * place)
    }

    /// Some bits of a word as an integer.
    fn field(&mut self, word: Arg, at: u32, bits: u32, signed: bool) -> Arg {
        let top = if at + bits == 32 {
            word
        } else {
            self.left(word, 32 - bits - at)
        };
        if signed {
            self.right_signed(top, 32 - bits)
        } else {
            self.right(top, 32 - bits)
        }
    }

    /// Products of parts of two words, added to a third.
    fn dot_product(&mut self, scope: &Scope<'m>, count: u32) -> Arg {
        let flags = Flags::of(&scope.instruction.modifiers);
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let mut sum = self.source(scope, 3);
        let offset = if count == 2 && scope.has(Modifier::Hi) {
            16
        } else {
            0
        };
        for part in 0..count {
            let bits = 32 / count;
            let x = self.field(a, part * bits, bits, flags.to.is_signed());
            let y = self.field(b, part * 8 + offset, 8, flags.from.is_signed());
            let product = self.two(Opcode::I32Mul, x, y);
            sum = self.plus(sum, product);
        }
        sum
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

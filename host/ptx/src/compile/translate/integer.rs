//! Translates integer arithmetic, logic and shifts (PTX ISA, "Integer Arithmetic Instructions", "Extended
//! Precision Integer Arithmetic Instructions", "Logic and Shift Instructions"). Instructions whose
//! function the interpreter shares are built from `numeric/scalar.rs`; what is rare is a libcall.

use crate::compile::Unsupported;
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Ty};
use crate::compile::translate::{Builder, FunctionScope};
use crate::numeric::{Flags, IntBinary, IntBuilder, mask, scalar};
use crate::syntax::modifier::Modifier;
use crate::syntax::table::{Op, ScalarOp};
use crate::syntax::tree::Operand;
use crate::syntax::types::Type;

/// A constant as wide as a type's values.
fn constant(ty: Type, value: u64) -> Arg {
    if ty.bits() == 64 {
        Arg::I64(value)
    } else {
        Arg::I32((value & mask(32)) as u32)
    }
}

impl<'m> Builder<'m> {
    /// A value of at most 32 bits in 64.
    pub(crate) fn widened(&mut self, ty: Type, value: Arg) -> Arg {
        let value = self.signed(ty, value);
        if ty.bits() == 64 {
            return value;
        }
        if let Some(bits) = value.bits() {
            // A 32-bit constant, by now with its sign above the type's own bits.
            let wide = if ty.is_signed() {
                i64::from((bits as u32).cast_signed()).cast_unsigned()
            } else {
                bits
            };
            return Arg::I64(wide);
        }
        let code = if ty.is_signed() {
            Opcode::I64ExtendI32S
        } else {
            Opcode::I64ExtendI32U
        };
        self.one(code, value)
    }

    /// An instruction whose function interpreter and compiler share.
    pub(crate) fn scalar(
        &mut self,
        scope: &FunctionScope<'m>,
        op: ScalarOp,
    ) -> Result<(), Unsupported> {
        let instruction = scope.instruction;
        let mut operands: Vec<Arg> = (1..instruction.row.operands.len())
            .map(|operand| self.source(scope, operand))
            .collect();
        // Video instructions take a last operand only with a second operation.
        if op.is_video() {
            operands.resize(3, Arg::I32(0));
        }
        let flags = Flags::of_instruction(instruction);
        let Some(value) = scalar::build(self, op, flags, &operands) else {
            return Err(self.unsupported(format!("`{}`", instruction.row.name)));
        };
        self.write(scope, value);
        Ok(())
    }

    /// An integer instruction on registers; false where it is a libcall.
    pub(crate) fn integer(&mut self, scope: &FunctionScope<'m>) -> bool {
        let ty = scope.ty();
        let wide = scope.has(Modifier::Wide);
        if scope.has(Modifier::Sat) {
            return false;
        }
        let value = match scope.instruction.row.op {
            Op::Add => self.plain(scope, ty, IntBinary::Add),
            Op::Sub => self.plain(scope, ty, IntBinary::Sub),
            Op::And => self.plain(scope, ty, IntBinary::And),
            Op::Or => self.plain(scope, ty, IntBinary::Or),
            Op::Xor => self.plain(scope, ty, IntBinary::Xor),
            Op::Neg => {
                let a = self.source(scope, 1);
                let value = self.binary(IntBinary::Sub, constant(ty, 0), a);
                self.narrowed(ty, value)
            }
            Op::Abs => {
                let a = self.source(scope, 1);
                let signed = self.signed(ty, a);
                let negated = self.binary(IntBinary::Sub, constant(ty, 0), signed);
                let below = self.binary(IntBinary::LtS, signed, constant(ty, 0));
                let value = self.select(below, negated, signed);
                self.narrowed(ty, value)
            }
            Op::Min | Op::Max => {
                let (a, b) = (self.source(scope, 1), self.source(scope, 2));
                let (x, y) = (self.signed(ty, a), self.signed(ty, b));
                let less = if scope.instruction.row.op == Op::Min {
                    self.less_than(ty, x, y)
                } else {
                    self.less_than(ty, y, x)
                };
                self.select(less, a, b)
            }
            Op::Mul | Op::Mad => {
                let (a, b) = (self.source(scope, 1), self.source(scope, 2));
                let product = self.product(scope, ty, a, b);
                let mad = scope.instruction.row.op == Op::Mad;
                let result = if wide { ty.doubled() } else { ty };
                if mad {
                    let c = self.source(scope, 3);
                    let sum = self.binary(IntBinary::Add, product, c);
                    self.narrowed(result, sum)
                } else {
                    product
                }
            }
            Op::Div | Op::Rem => self.quotient(scope, ty),
            Op::Shl | Op::Shr => self.shift(scope, ty),
            _ => return false,
        };
        self.write(scope, value);
        true
    }

    fn plain(&mut self, scope: &FunctionScope<'m>, ty: Type, op: IntBinary) -> Arg {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let value = self.binary(op, a, b);
        if matches!(op, IntBinary::Add | IntBinary::Sub) {
            return self.narrowed(ty, value);
        }
        value
    }

    /// The product, as the instruction wants it.
    fn product(&mut self, scope: &FunctionScope<'m>, ty: Type, a: Arg, b: Arg) -> Arg {
        let (high, wide) = (scope.has(Modifier::Hi), scope.has(Modifier::Wide));
        if !high && !wide {
            let product = self.binary(IntBinary::Mul, a, b);
            return self.narrowed(ty, product);
        }
        match ty.bits() {
            64 => self.high_of_128(ty, a, b),
            32 => {
                let (a, b) = (self.widened(ty, a), self.widened(ty, b));
                let product = self.two(Opcode::I64Mul, a, b);
                if wide {
                    return product;
                }
                let high = self.two(Opcode::I64ShrU, product, Arg::I64(32));
                self.as_ty(high, Ty::I32)
            }
            _ => {
                let (a, b) = (self.signed(ty, a), self.signed(ty, b));
                let product = self.two(Opcode::I32Mul, a, b);
                if wide {
                    return product;
                }
                let high = self.two(Opcode::I32ShrU, product, Arg::I32(16));
                self.narrowed(ty, high)
            }
        }
    }

    /// Quotient or remainder. Division by zero gives all ones and the dividend.
    fn quotient(&mut self, scope: &FunctionScope<'m>, ty: Type) -> Arg {
        let rest = scope.instruction.row.op == Op::Rem;
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let (a, b) = (self.signed(ty, a), self.signed(ty, b));
        let is_64 = ty.bits() == 64;
        let (one, zero, ones) = (constant(ty, 1), constant(ty, 0), constant(ty, u64::MAX));
        let code = match (is_64, ty.is_signed(), rest) {
            (false, false, false) => Opcode::I32DivU,
            (false, false, true) => Opcode::I32RemU,
            (false, true, false) => Opcode::I32DivS,
            (false, true, true) => Opcode::I32RemS,
            (true, false, false) => Opcode::I64DivU,
            (true, false, true) => Opcode::I64RemU,
            (true, true, false) => Opcode::I64DivS,
            (true, true, true) => Opcode::I64RemS,
        };
        let keep = mask(ty.bits().max(32));
        let value = match b.bits().map(|bits| bits & keep) {
            Some(0) => {
                if rest {
                    a
                } else {
                    ones
                }
            }
            Some(bits) if bits != keep || !ty.is_signed() => self.two(code, a, b),
            _ => {
                // Divisors that the engine traps on are taken out: 0, and -1 of signed types.
                let is_zero = self.binary(IntBinary::Eq, b, zero);
                let safe = self.select(is_zero, one, b);
                let (safe, negative) = if ty.is_signed() {
                    let negative = self.binary(IntBinary::Eq, b, ones);
                    (self.select(negative, one, safe), Some(negative))
                } else {
                    (safe, None)
                };
                let value = self.two(code, a, safe);
                let value = match negative {
                    Some(negative) if !rest => {
                        let negated = self.binary(IntBinary::Sub, zero, a);
                        self.select(negative, negated, value)
                    }
                    _ => value,
                };
                // What any number leaves when divided by one is not what zero leaves.
                self.select(is_zero, if rest { a } else { ones }, value)
            }
        };
        self.narrowed(ty, value)
    }

    fn shift(&mut self, scope: &FunctionScope<'m>, ty: Type) -> Arg {
        let left = scope.instruction.row.op == Op::Shl;
        let (a, amount) = (self.source(scope, 1), self.source(scope, 2));
        let bits = ty.bits();
        let a = if left { a } else { self.signed(ty, a) };
        let signed = !left && ty.is_signed();
        let op = match (left, signed) {
            (true, _) => IntBinary::Shl,
            (false, true) => IntBinary::ShrS,
            (false, false) => IntBinary::ShrU,
        };
        if let Some(amount) = amount.bits() {
            let most = u64::from(bits - 1);
            if amount > most && !signed {
                return constant(ty, 0);
            }
            let value = self.binary(op, a, constant(ty, amount.min(most)));
            return self.narrowed(ty, value);
        }
        let inside = self.two(Opcode::I32LtU, amount, Arg::I32(bits));
        let value = if signed {
            let amount = self.select(inside, amount, Arg::I32(bits - 1));
            let amount = if bits == 64 {
                self.in_64(amount)
            } else {
                amount
            };
            self.binary(op, a, amount)
        } else {
            let by = if bits == 64 {
                self.in_64(amount)
            } else {
                amount
            };
            let value = self.binary(op, a, by);
            self.select(inside, value, constant(ty, 0))
        };
        self.narrowed(ty, value)
    }

    /// The upper half of a product of values of 64 bits, from four products of their halves.
    pub(crate) fn high_of_128(&mut self, ty: Type, a: Arg, b: Arg) -> Arg {
        let low =
            |builder: &mut Self, value| builder.two(Opcode::I64And, value, Arg::I64(mask(32)));
        let high = |builder: &mut Self, value| builder.two(Opcode::I64ShrU, value, Arg::I64(32));
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

    /// `lop3` with a predicate: whether the result is not zero, and or or another one.
    pub(crate) fn logic(&mut self, scope: &FunctionScope<'m>) {
        let operands = [1, 2, 3, 4].map(|operand| self.source(scope, operand));
        let value = scalar::any_of_three(self, operands);
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
    }

    /// Whether two integers compare so.
    pub(crate) fn compare_integers(&mut self, ty: Type, flags: Flags, a: Arg, b: Arg) -> Arg {
        use Opcode::*;
        let (a, b) = (self.signed(ty, a), self.signed(ty, b));
        let code = match (flags.accepted, ty.is_signed(), ty.bits() == 64) {
            (0b0001, true, false) => I32LtS,
            (0b0001, false, false) => I32LtU,
            (0b0001, true, true) => I64LtS,
            (0b0001, false, true) => I64LtU,
            (0b0010, _, false) => I32Eq,
            (0b0010, _, true) => I64Eq,
            (0b0011, true, false) => I32LeS,
            (0b0011, false, false) => I32LeU,
            (0b0011, true, true) => I64LeS,
            (0b0011, false, true) => I64LeU,
            (0b0100, true, false) => I32GtS,
            (0b0100, false, false) => I32GtU,
            (0b0100, true, true) => I64GtS,
            (0b0100, false, true) => I64GtU,
            (0b0101, _, false) => I32Ne,
            (0b0101, _, true) => I64Ne,
            (0b0110, true, false) => I32GeS,
            (0b0110, false, false) => I32GeU,
            (0b0110, true, true) => I64GeS,
            _ => I64GeU,
        };
        self.two(code, a, b)
    }

    /// Addition, subtraction and multiplication with the carry flag.
    pub(crate) fn carry(&mut self, scope: &FunctionScope<'m>) {
        let ty = scope.ty();
        let op = scope.instruction.row.op;
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        let (a, b) = if op == Op::MadCarry {
            let c = self.source(scope, 3);
            (self.product(scope, ty, a, b), c)
        } else {
            (a, b)
        };
        let carry_in = scope.instruction.row.name.ends_with('c');
        let flag = Arg::Reg(scope.carry);
        let wide_flag = |builder: &mut Self| {
            if ty.bits() == 64 {
                builder.in_64(flag)
            } else {
                flag
            }
        };
        let (result, out) = if op == Op::SubCarry {
            let difference = self.binary(IntBinary::Sub, a, b);
            let borrow = self.binary(IntBinary::LtU, a, b);
            if carry_in {
                let flag = wide_flag(self);
                let result = self.binary(IntBinary::Sub, difference, flag);
                let more = self.binary(IntBinary::LtU, difference, flag);
                (result, self.two(Opcode::I32Or, borrow, more))
            } else {
                (difference, borrow)
            }
        } else {
            let sum = self.binary(IntBinary::Add, a, b);
            let carry = self.binary(IntBinary::LtU, sum, a);
            if carry_in {
                let flag = wide_flag(self);
                let result = self.binary(IntBinary::Add, sum, flag);
                let more = self.binary(IntBinary::LtU, result, sum);
                (result, self.two(Opcode::I32Or, carry, more))
            } else {
                (sum, carry)
            }
        };
        if scope.has(Modifier::Cc) {
            self.write_home(scope.carry, out);
        }
        self.write(scope, result);
    }
}

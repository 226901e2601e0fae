//! Translates floating-point instructions on `.f32` and `.f64` (PTX ISA, "Floating Point Instructions";
//! IEEE 754-2019): rounded to nearest, and those on `.f32` in each other direction too. `.f64` in another
//! direction is a libcall. `half.rs` has the 16-bit formats.

use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{Arg, Op as IrOp, Ty};
use crate::compile::translate::{Builder, FunctionScope, home};
use crate::numeric::{ArithBuilder, approximations, directed_rounding};
use crate::numeric::{Flags, Round};
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Op;
use crate::syntax::types::Type;

/// The codes of one format.
struct Format {
    add: Opcode,
    sub: Opcode,
    mul: Opcode,
    div: Opcode,
    sqrt: Opcode,
    min: Opcode,
    max: Opcode,
    abs: Opcode,
    neg: Opcode,
    copysign: Opcode,
    eq: Opcode,
    ne: Opcode,
    lt: Opcode,
    le: Opcode,
    gt: Opcode,
    ge: Opcode,
    one: Arg,
    zero: Arg,
}

const F32: Format = Format {
    add: Opcode::F32Add,
    sub: Opcode::F32Sub,
    mul: Opcode::F32Mul,
    div: Opcode::F32Div,
    sqrt: Opcode::F32Sqrt,
    min: Opcode::F32Min,
    max: Opcode::F32Max,
    abs: Opcode::F32Abs,
    neg: Opcode::F32Neg,
    copysign: Opcode::F32Copysign,
    eq: Opcode::F32Eq,
    ne: Opcode::F32Ne,
    lt: Opcode::F32Lt,
    le: Opcode::F32Le,
    gt: Opcode::F32Gt,
    ge: Opcode::F32Ge,
    one: Arg::F32(0x3f80_0000),
    zero: Arg::F32(0),
};

const F64: Format = Format {
    add: Opcode::F64Add,
    sub: Opcode::F64Sub,
    mul: Opcode::F64Mul,
    div: Opcode::F64Div,
    sqrt: Opcode::F64Sqrt,
    min: Opcode::F64Min,
    max: Opcode::F64Max,
    abs: Opcode::F64Abs,
    neg: Opcode::F64Neg,
    copysign: Opcode::F64Copysign,
    eq: Opcode::F64Eq,
    ne: Opcode::F64Ne,
    lt: Opcode::F64Lt,
    le: Opcode::F64Le,
    gt: Opcode::F64Gt,
    ge: Opcode::F64Ge,
    one: Arg::F64(0x3ff0_0000_0000_0000),
    zero: Arg::F64(0),
};

/// The largest f32 whose reciprocal `div.approx` results: 2^126.
const LARGE: Arg = Arg::F32(0x7e80_0000);
const INFINITY: Arg = Arg::F32(0x7f80_0000);

fn format(ty: Type) -> Option<&'static Format> {
    match ty {
        Type::F32 => Some(&F32),
        Type::F64 => Some(&F64),
        _ => None,
    }
}

impl<'m> Builder<'m> {
    pub(crate) fn flushed(&mut self, flags: Flags, value: Arg) -> Arg {
        if !flags.ftz {
            return value;
        }
        if self.body.arg_ty(value) == Ty::F64 {
            let size = self.one(Opcode::F64Abs, value);
            let small = self.two(Opcode::F64Lt, size, Arg::F64(f64::MIN_POSITIVE.to_bits()));
            let zero = self.two(Opcode::F64Copysign, Arg::F64(0), value);
            return self.select(small, zero, value);
        }
        let target = self.temp(Ty::F32);
        self.push(IrOp::FlushSubnormal(target, value));
        Arg::Reg(target)
    }

    pub(crate) fn canonical(&mut self, value: Arg) -> Arg {
        let target = self.temp(self.body.arg_ty(value));
        self.push(IrOp::CanonicalizeNan(target, value));
        Arg::Reg(target)
    }

    /// A result as the flags want it: the one NaN, flushed, clamped to 0 to 1.
    pub(crate) fn finished(&mut self, flags: Flags, value: Arg) -> Arg {
        let f = if self.body.arg_ty(value) == Ty::F64 {
            &F64
        } else {
            &F32
        };
        let value = self.flushed(flags, value);
        if !flags.sat {
            return self.canonical(value);
        }
        // Neither a NaN nor a negative zero is greater than zero.
        let above = self.two(f.gt, value, f.zero);
        let below = self.two(f.lt, value, f.one);
        let low = self.select(below, value, f.one);
        self.select(above, low, f.zero)
    }

    /// A floating-point instruction on registers; false where it is a libcall.
    pub(crate) fn float(&mut self, scope: &FunctionScope<'m>) -> bool {
        let ty = scope.ty();
        let Some(f) = format(ty) else {
            return false;
        };
        let flags = Flags::of(&scope.instruction.modifiers);
        if flags.relu || flags.xorsign || flags.satfinite {
            return false;
        }
        if flags.round != Round::Nearest {
            return ty == Type::F32 && self.has_room() && self.directed(scope, flags);
        }
        let approximate = scope.has(Modifier::Approx);
        let op = scope.instruction.row.op;
        let value = match op {
            Op::Add | Op::Sub | Op::Mul => {
                let (a, b) = self.two_flushed(scope, flags);
                let code = match op {
                    Op::Add => f.add,
                    Op::Sub => f.sub,
                    _ => f.mul,
                };
                let value = self.two(code, a, b);
                self.finished(flags, value)
            }
            Op::Div => {
                let (a, b) = self.two_flushed(scope, flags);
                let value = self.two(f.div, a, b);
                let value = if approximate {
                    self.approximate_quotient(a, b, value)
                } else {
                    value
                };
                self.finished(flags, value)
            }
            Op::Fma => {
                let (a, b) = self.two_flushed(scope, flags);
                let c = self.source(scope, 3);
                let c = self.flushed(flags, c);
                let target = self.temp(home(ty));
                self.push(IrOp::Fma(target, a, b, c));
                self.finished(flags, Arg::Reg(target))
            }
            Op::Rcp => {
                let a = self.source(scope, 1);
                let upper = approximate && ty == Type::F64;
                let a = if upper { self.upper_half(a) } else { a };
                let a = self.flushed(flags, a);
                let value = self.two(f.div, f.one, a);
                let value = self.finished(flags, value);
                if upper { self.upper_half(value) } else { value }
            }
            Op::Sqrt => {
                let a = self.source(scope, 1);
                let a = self.flushed(flags, a);
                let value = self.one(f.sqrt, a);
                self.finished(flags, value)
            }
            Op::Rsqrt => {
                let a = self.source(scope, 1);
                let a = self.flushed(flags, a);
                let root = self.one(f.sqrt, a);
                let value = self.two(f.div, f.one, root);
                self.finished(flags, value)
            }
            Op::Ex2 | Op::Lg2 | Op::Sin | Op::Cos | Op::Tanh
                if ty == Type::F32 && self.has_room() =>
            {
                let a = self.source(scope, 1);
                // The sine of a subnormal number is zero whether or not it is to be flushed.
                let sine = Flags { ftz: true, ..flags };
                let a = self.flushed(if op == Op::Sin { sine } else { flags }, a);
                let value = self.approximated(op, a);
                self.finished(flags, value)
            }
            Op::Testp => self.is_kind_of_number(scope, flags),
            Op::Abs => {
                let a = self.source(scope, 1);
                let a = self.flushed(flags, a);
                self.one(f.abs, a)
            }
            Op::Neg => {
                let a = self.source(scope, 1);
                let a = self.flushed(flags, a);
                self.one(f.neg, a)
            }
            Op::Copysign => {
                let (sign, value) = (self.source(scope, 1), self.source(scope, 2));
                self.two(f.copysign, value, sign)
            }
            Op::Min | Op::Max => {
                let (a, b) = self.two_flushed(scope, flags);
                let code = if op == Op::Min { f.min } else { f.max };
                let value = self.two(code, a, b);
                let value = if flags.nan {
                    value
                } else {
                    // A NaN loses.
                    let b_is_number = self.two(f.eq, b, b);
                    let value = self.select(b_is_number, value, a);
                    let a_is_number = self.two(f.eq, a, a);
                    self.select(a_is_number, value, b)
                };
                self.canonical(value)
            }
            _ => return false,
        };
        self.write(scope, value);
        true
    }

    /// f32 in a direction; false where it is a libcall.
    fn directed(&mut self, scope: &FunctionScope<'m>, flags: Flags) -> bool {
        let round = flags.round;
        let read = |builder: &mut Self, operand| {
            let value = builder.source(scope, operand);
            builder.flushed(flags, value)
        };
        let a = read(self, 1);
        let value = match scope.instruction.row.op {
            Op::Add => {
                let b = read(self, 2);
                directed_rounding::sum(self, round, a, b)
            }
            Op::Sub => {
                let b = read(self, 2);
                let b = self.f32_neg(b);
                directed_rounding::sum(self, round, a, b)
            }
            Op::Mul => {
                let b = read(self, 2);
                directed_rounding::product(self, round, a, b)
            }
            Op::Fma => {
                let (b, c) = (read(self, 2), read(self, 3));
                directed_rounding::fused(self, round, [a, b, c])
            }
            Op::Div => {
                let b = read(self, 2);
                directed_rounding::quotient(self, round, a, b)
            }
            Op::Rcp => directed_rounding::quotient(self, round, Arg::F32(1f32.to_bits()), a),
            Op::Sqrt => directed_rounding::root(self, round, a),
            _ => return false,
        };
        let value = self.finished(flags, value);
        self.write(scope, value);
        true
    }

    /// An f64 whose lower 32 bits are zeros.
    fn upper_half(&mut self, value: Arg) -> Arg {
        let bits = self.as_ty(value, Ty::I64);
        let upper = self.two(Opcode::I64And, bits, Arg::I64(!0xffff_ffff));
        self.as_ty(upper, Ty::F64)
    }

    /// One of the functions that the interpreter has in common with compiled kernels.
    fn approximated(&mut self, op: Op, a: Arg) -> Arg {
        match op {
            Op::Ex2 => approximations::power_of_two(self, a),
            Op::Lg2 => approximations::logarithm_of_two(self, a),
            Op::Sin => approximations::sine(self, a),
            Op::Cos => approximations::cosine(self, a),
            _ => approximations::hyperbolic_tangent(self, a),
        }
    }

    /// Whether a number is of a kind: finite, subnormal, and so on.
    fn is_kind_of_number(&mut self, scope: &FunctionScope<'m>, flags: Flags) -> Arg {
        let a = self.source(scope, 1);
        let (size, lt, eq, least, infinity) = if scope.ty() == Type::F64 {
            let least = Arg::F64(f64::MIN_POSITIVE.to_bits());
            let infinity = Arg::F64(f64::INFINITY.to_bits());
            let size = self.one(Opcode::F64Abs, a);
            (size, Opcode::F64Lt, Opcode::F64Eq, least, infinity)
        } else {
            let least = Arg::F32(f32::MIN_POSITIVE.to_bits());
            (
                self.f32_abs(a),
                Opcode::F32Lt,
                Opcode::F32Eq,
                least,
                INFINITY,
            )
        };
        let zero = Arg::constant(self.body.arg_ty(a), 0);
        let finite = self.two(lt, size, infinity);
        match flags.variant {
            Some(Modifier::Finite) => finite,
            Some(Modifier::Infinite) => self.two(eq, size, infinity),
            Some(Modifier::Number) => self.two(eq, size, size),
            Some(Modifier::Notanumber) => {
                let number = self.two(eq, size, size);
                self.bool_not(number)
            }
            which => {
                let small = self.two(lt, size, least);
                let some = self.two(lt, zero, size);
                let subnormal = self.bool_and(small, some);
                if which == Some(Modifier::Subnormal) {
                    return subnormal;
                }
                // Zeros count as normal.
                let normal = self.bool_not(subnormal);
                self.bool_and(finite, normal)
            }
        }
    }

    fn two_flushed(&mut self, scope: &FunctionScope<'m>, flags: Flags) -> (Arg, Arg) {
        let (a, b) = (self.source(scope, 1), self.source(scope, 2));
        (self.flushed(flags, a), self.flushed(flags, b))
    }

    /// Divisors above 2^126 give zero, or NaN where the dividend is infinite: what a product with a
    /// zero of the divisor's sign gives.
    fn approximate_quotient(&mut self, a: Arg, b: Arg, quotient: Arg) -> Arg {
        let size = self.one(Opcode::F32Abs, b);
        let large = self.two(Opcode::F32Gt, size, LARGE);
        let finite = self.two(Opcode::F32Lt, size, INFINITY);
        let special = self.two(Opcode::I32And, large, finite);
        let zero = self.two(Opcode::F32Copysign, Arg::F32(0), b);
        let product = self.two(Opcode::F32Mul, a, zero);
        self.select(special, product, quotient)
    }

    /// Whether two numbers compare so; `None` where the format is not one of the engine's.
    pub(crate) fn compare_floats(&mut self, ty: Type, flags: Flags, a: Arg, b: Arg) -> Option<Arg> {
        let f = format(ty)?;
        let (a, b) = (self.flushed(flags, a), self.flushed(flags, b));
        let not = |builder: &mut Self, value| builder.two(Opcode::I32Xor, value, Arg::I32(1));
        Some(match flags.accepted {
            0b0001 => self.two(f.lt, a, b),
            0b0010 => self.two(f.eq, a, b),
            0b0011 => self.two(f.le, a, b),
            0b0100 => self.two(f.gt, a, b),
            0b0110 => self.two(f.ge, a, b),
            0b1101 => self.two(f.ne, a, b),
            0b1001 => {
                let value = self.two(f.ge, a, b);
                not(self, value)
            }
            0b1011 => {
                let value = self.two(f.gt, a, b);
                not(self, value)
            }
            0b1100 => {
                let value = self.two(f.le, a, b);
                not(self, value)
            }
            0b1110 => {
                let value = self.two(f.lt, a, b);
                not(self, value)
            }
            0b0101 | 0b1010 => {
                let (less, more) = (self.two(f.lt, a, b), self.two(f.gt, a, b));
                let differ = self.two(Opcode::I32Or, less, more);
                if flags.accepted == 0b0101 {
                    differ
                } else {
                    not(self, differ)
                }
            }
            0b0111 | 0b1000 => {
                let (x, y) = (self.two(f.eq, a, a), self.two(f.eq, b, b));
                let ordered = self.two(Opcode::I32And, x, y);
                if flags.accepted == 0b0111 {
                    ordered
                } else {
                    not(self, ordered)
                }
            }
            _ => return None,
        })
    }
}

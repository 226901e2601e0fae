//! The integer half of the arithmetic builder: what integer instructions are written in once, to be
//! computed by the interpreter ([`Evaluator`](crate::numeric::Evaluator)) and to be emitted by the
//! compiler.
//!
//! Values and operations are those of WebAssembly: integers of 32 or 64 bits that wrap, shifts by an
//! amount modulo the width, comparisons that give 0 or 1 in 32 bits. A value knows its width; the
//! operands of an operation have the same one.

use crate::numeric::integer::mask;
use crate::syntax::types::Type;

/// How many bits a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    W32,
    W64,
}

impl Width {
    /// The width that values of a PTX type are held in.
    pub(crate) fn of(ty: Type) -> Width {
        if ty.bits() == 64 {
            Width::W64
        } else {
            Width::W32
        }
    }

    pub(crate) const fn bits(self) -> u32 {
        match self {
            Width::W32 => 32,
            Width::W64 => 64,
        }
    }
}

/// Operations on one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntUnary {
    /// How many bits are zero above the highest one that is set.
    Clz,
    /// How many bits are set.
    Popcnt,
    /// The low 8 bits, with copies of their sign above.
    Extend8S,
    /// The low 16 bits, with copies of their sign above.
    Extend16S,
    /// 64 bits from 32, with copies of the sign above.
    ExtendS,
    /// 64 bits from 32, with zeros above.
    ExtendU,
    /// The low 32 bits of 64.
    Wrap,
}

/// Operations on two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntBinary {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Shl,
    ShrS,
    ShrU,
    Eq,
    LtS,
    LtU,
}

/// Integer operations, of which a function makes one result.
pub(crate) trait IntBuilder {
    type Int: Copy;

    /// A constant.
    fn int(&mut self, width: Width, value: u64) -> Self::Int;
    fn width(&self, a: Self::Int) -> Width;
    /// The bits of a value that is known while code is built. A function may choose other operations by
    /// it, but no other result.
    fn known(&self, a: Self::Int) -> Option<u64>;
    fn unary(&mut self, op: IntUnary, a: Self::Int) -> Self::Int;
    fn binary(&mut self, op: IntBinary, a: Self::Int, b: Self::Int) -> Self::Int;
    /// `yes` where the condition is not zero, else `no`.
    fn int_select(&mut self, condition: Self::Int, yes: Self::Int, no: Self::Int) -> Self::Int;

    /// A constant of 32 bits.
    fn word(&mut self, value: u32) -> Self::Int {
        self.int(Width::W32, u64::from(value))
    }

    /// An operation with a constant as wide as the value.
    fn binary_const(&mut self, op: IntBinary, a: Self::Int, value: u64) -> Self::Int {
        let width = self.width(a);
        let value = self.int(width, value & mask(width.bits()));
        self.binary(op, a, value)
    }

    /// A value in 64 bits, with copies of its sign or with zeros above.
    fn in_w64(&mut self, a: Self::Int, signed: bool) -> Self::Int {
        match (self.width(a), signed) {
            (Width::W64, _) => a,
            (Width::W32, true) => self.unary(IntUnary::ExtendS, a),
            (Width::W32, false) => self.unary(IntUnary::ExtendU, a),
        }
    }

    /// The low 32 bits of a value.
    fn in_w32(&mut self, a: Self::Int) -> Self::Int {
        match self.width(a) {
            Width::W32 => a,
            Width::W64 => self.unary(IntUnary::Wrap, a),
        }
    }

    /// A value of a type with copies of its sign in all bits above, where the type has one.
    fn signed(&mut self, ty: Type, a: Self::Int) -> Self::Int {
        match ty.bits() {
            8 if ty.is_signed() => self.unary(IntUnary::Extend8S, a),
            16 if ty.is_signed() => self.unary(IntUnary::Extend16S, a),
            _ => a,
        }
    }

    /// The low bits of a value of 8 or 16 bits; others have none to lose.
    fn narrowed(&mut self, ty: Type, a: Self::Int) -> Self::Int {
        if ty.bits() < 32 {
            return self.binary_const(IntBinary::And, a, mask(ty.bits()));
        }
        a
    }

    /// Whether one value of a type is less than another one, both with their sign above.
    fn less_than(&mut self, ty: Type, a: Self::Int, b: Self::Int) -> Self::Int {
        let op = if ty.is_signed() {
            IntBinary::LtS
        } else {
            IntBinary::LtU
        };
        self.binary(op, a, b)
    }

    /// The lesser of an unsigned value and a constant.
    fn at_most(&mut self, a: Self::Int, most: u64) -> Self::Int {
        let inside = self.binary_const(IntBinary::LtU, a, most);
        let width = self.width(a);
        let most = self.int(width, most);
        self.int_select(inside, a, most)
    }

    /// Some bits of a word as a number.
    fn field(&mut self, word: Self::Int, at: u32, bits: u32, signed: bool) -> Self::Int {
        let above = 32 - bits - at;
        let top = if above == 0 {
            word
        } else {
            self.binary_const(IntBinary::Shl, word, u64::from(above))
        };
        let shift = if signed {
            IntBinary::ShrS
        } else {
            IntBinary::ShrU
        };
        self.binary_const(shift, top, u64::from(32 - bits))
    }
}

//! The arithmetic builder of the interpreter: it computes each operation at once.

use crate::numeric::ArithBuilder;
use crate::numeric::int_builder::{IntBinary, IntBuilder, IntUnary, Width};

/// A builder whose values are numbers.
pub(crate) struct Evaluator;

impl ArithBuilder for Evaluator {
    type Single = f32;
    type Double = f64;
    type Word = u32;
    type Truth = bool;

    fn single(&mut self, value: f32) -> f32 {
        value
    }

    fn word(&mut self, value: u32) -> u32 {
        value
    }

    fn add(&mut self, a: f32, b: f32) -> f32 {
        a + b
    }

    fn sub(&mut self, a: f32, b: f32) -> f32 {
        a - b
    }

    fn mul(&mut self, a: f32, b: f32) -> f32 {
        a * b
    }

    fn div(&mut self, a: f32, b: f32) -> f32 {
        a / b
    }

    fn sqrt(&mut self, a: f32) -> f32 {
        a.sqrt()
    }

    fn fma(&mut self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    fn abs(&mut self, a: f32) -> f32 {
        a.abs()
    }

    fn lt(&mut self, a: f32, b: f32) -> bool {
        a < b
    }

    #[allow(clippy::float_cmp)]
    fn eq(&mut self, a: f32, b: f32) -> bool {
        a == b
    }

    fn pick(&mut self, which: bool, yes: f32, no: f32) -> f32 {
        if which { yes } else { no }
    }

    fn bits(&mut self, a: f32) -> u32 {
        a.to_bits()
    }

    fn of_bits(&mut self, a: u32) -> f32 {
        f32::from_bits(a)
    }

    fn of_integer(&mut self, a: u32) -> f32 {
        a.cast_signed() as f32
    }

    fn promote(&mut self, a: f32) -> f64 {
        f64::from(a)
    }

    fn demote(&mut self, a: f64) -> f32 {
        a as f32
    }

    fn wide_sub(&mut self, a: f64, b: f64) -> f64 {
        a - b
    }

    fn wide_mul(&mut self, a: f64, b: f64) -> f64 {
        a * b
    }

    fn wide_lt(&mut self, a: f64, b: f64) -> bool {
        a < b
    }

    #[allow(clippy::float_cmp)]
    fn wide_eq(&mut self, a: f64, b: f64) -> bool {
        a == b
    }

    fn plus(&mut self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn minus(&mut self, a: u32, b: u32) -> u32 {
        a.wrapping_sub(b)
    }

    fn and(&mut self, a: u32, b: u32) -> u32 {
        a & b
    }

    fn or(&mut self, a: u32, b: u32) -> u32 {
        a | b
    }

    fn xor(&mut self, a: u32, b: u32) -> u32 {
        a ^ b
    }

    fn left(&mut self, a: u32, by: u32) -> u32 {
        a << (by & 31)
    }

    fn right(&mut self, a: u32, by: u32) -> u32 {
        a >> (by & 31)
    }

    fn right_signed(&mut self, a: u32, by: u32) -> u32 {
        (a.cast_signed() >> (by & 31)).cast_unsigned()
    }

    fn less(&mut self, a: u32, b: u32) -> bool {
        a.cast_signed() < b.cast_signed()
    }

    fn same(&mut self, a: u32, b: u32) -> bool {
        a == b
    }

    fn choose(&mut self, which: bool, yes: u32, no: u32) -> u32 {
        if which { yes } else { no }
    }

    fn both(&mut self, a: bool, b: bool) -> bool {
        a & b
    }

    fn either(&mut self, a: bool, b: bool) -> bool {
        a | b
    }

    fn not(&mut self, a: bool) -> bool {
        !a
    }
}

/// An integer of either width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integer {
    W32(u32),
    W64(u64),
}

impl Integer {
    #[inline(always)]
    pub(crate) fn new(width: Width, bits: u64) -> Integer {
        match width {
            Width::W32 => Integer::W32(bits as u32),
            Width::W64 => Integer::W64(bits),
        }
    }

    /// Its bits, with zeros above.
    #[inline(always)]
    pub(crate) fn bits(self) -> u64 {
        match self {
            Integer::W32(bits) => u64::from(bits),
            Integer::W64(bits) => bits,
        }
    }

    /// Its value as a signed number.
    fn value(self) -> i64 {
        match self {
            Integer::W32(bits) => i64::from(bits.cast_signed()),
            Integer::W64(bits) => bits.cast_signed(),
        }
    }
}

impl IntBuilder for Evaluator {
    type Int = Integer;

    #[inline(always)]
    fn int(&mut self, width: Width, value: u64) -> Integer {
        Integer::new(width, value)
    }

    #[inline(always)]
    fn width(&self, a: Integer) -> Width {
        match a {
            Integer::W32(_) => Width::W32,
            Integer::W64(_) => Width::W64,
        }
    }

    #[inline(always)]
    fn unary(&mut self, op: IntUnary, a: Integer) -> Integer {
        let (bits, width) = (a.bits(), self.width(a));
        let signed = |value: i64| Integer::new(width, value.cast_unsigned());
        match op {
            IntUnary::Clz => {
                let above = 64 - width.bits();
                Integer::new(width, u64::from(bits.leading_zeros() - above))
            }
            IntUnary::Popcnt => Integer::new(width, u64::from(bits.count_ones())),
            IntUnary::Extend8S => signed(i64::from((bits as u8).cast_signed())),
            IntUnary::Extend16S => signed(i64::from((bits as u16).cast_signed())),
            IntUnary::ExtendS => Integer::W64(a.value().cast_unsigned()),
            IntUnary::ExtendU => Integer::W64(bits),
            IntUnary::Wrap => Integer::W32(bits as u32),
        }
    }

    #[inline(always)]
    fn binary(&mut self, op: IntBinary, a: Integer, b: Integer) -> Integer {
        let width = self.width(a);
        debug_assert_eq!(width, self.width(b), "{op:?} of values of two widths");
        let (x, y) = (a.bits(), b.bits());
        let amount = (y as u32) & (width.bits() - 1);
        let holds = |holds: bool| Integer::W32(u32::from(holds));
        let bits = match op {
            IntBinary::Add => x.wrapping_add(y),
            IntBinary::Sub => x.wrapping_sub(y),
            IntBinary::Mul => x.wrapping_mul(y),
            IntBinary::And => x & y,
            IntBinary::Or => x | y,
            IntBinary::Xor => x ^ y,
            IntBinary::Shl => x << amount,
            IntBinary::ShrS => (a.value() >> amount).cast_unsigned(),
            IntBinary::ShrU => x >> amount,
            IntBinary::Eq => return holds(x == y),
            IntBinary::LtS => return holds(a.value() < b.value()),
            IntBinary::LtU => return holds(x < y),
        };
        Integer::new(width, bits)
    }

    #[inline(always)]
    fn int_select(&mut self, condition: Integer, yes: Integer, no: Integer) -> Integer {
        if condition.bits() == 0 { no } else { yes }
    }
}

//! The arithmetic builder of the interpreter: it computes each operation at once.

use crate::numeric::ArithBuilder;
use crate::numeric::int_builder::{IntBinary, IntBuilder, IntUnary, Width};

/// A builder whose values are numbers.
pub(crate) struct Evaluator;

impl ArithBuilder for Evaluator {
    type F32 = f32;
    type F64 = f64;
    type I32 = u32;
    type Bool = bool;

    fn f32_const(&mut self, value: f32) -> f32 {
        value
    }

    fn i32_const(&mut self, value: u32) -> u32 {
        value
    }

    fn f32_add(&mut self, a: f32, b: f32) -> f32 {
        a + b
    }

    fn f32_sub(&mut self, a: f32, b: f32) -> f32 {
        a - b
    }

    fn f32_mul(&mut self, a: f32, b: f32) -> f32 {
        a * b
    }

    fn f32_div(&mut self, a: f32, b: f32) -> f32 {
        a / b
    }

    fn f32_sqrt(&mut self, a: f32) -> f32 {
        a.sqrt()
    }

    fn f32_fma(&mut self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    fn f32_abs(&mut self, a: f32) -> f32 {
        a.abs()
    }

    fn f32_lt(&mut self, a: f32, b: f32) -> bool {
        a < b
    }

    #[allow(clippy::float_cmp)]
    fn f32_eq(&mut self, a: f32, b: f32) -> bool {
        a == b
    }

    fn f32_select(&mut self, which: bool, yes: f32, no: f32) -> f32 {
        if which { yes } else { no }
    }

    fn f32_to_bits(&mut self, a: f32) -> u32 {
        a.to_bits()
    }

    fn f32_from_bits(&mut self, a: u32) -> f32 {
        f32::from_bits(a)
    }

    fn f32_from_i32(&mut self, a: u32) -> f32 {
        a.cast_signed() as f32
    }

    fn f64_from_f32(&mut self, a: f32) -> f64 {
        f64::from(a)
    }

    fn f32_from_f64(&mut self, a: f64) -> f32 {
        a as f32
    }

    fn f64_sub(&mut self, a: f64, b: f64) -> f64 {
        a - b
    }

    fn f64_mul(&mut self, a: f64, b: f64) -> f64 {
        a * b
    }

    fn f64_lt(&mut self, a: f64, b: f64) -> bool {
        a < b
    }

    #[allow(clippy::float_cmp)]
    fn f64_eq(&mut self, a: f64, b: f64) -> bool {
        a == b
    }

    fn i32_add(&mut self, a: u32, b: u32) -> u32 {
        a.wrapping_add(b)
    }

    fn i32_sub(&mut self, a: u32, b: u32) -> u32 {
        a.wrapping_sub(b)
    }

    fn i32_and(&mut self, a: u32, b: u32) -> u32 {
        a & b
    }

    fn i32_or(&mut self, a: u32, b: u32) -> u32 {
        a | b
    }

    fn i32_xor(&mut self, a: u32, b: u32) -> u32 {
        a ^ b
    }

    fn i32_shl(&mut self, a: u32, by: u32) -> u32 {
        a << (by & 31)
    }

    fn i32_shr_u(&mut self, a: u32, by: u32) -> u32 {
        a >> (by & 31)
    }

    fn i32_shr_s(&mut self, a: u32, by: u32) -> u32 {
        (a.cast_signed() >> (by & 31)).cast_unsigned()
    }

    fn i32_lt_s(&mut self, a: u32, b: u32) -> bool {
        a.cast_signed() < b.cast_signed()
    }

    fn i32_eq(&mut self, a: u32, b: u32) -> bool {
        a == b
    }

    fn i32_select(&mut self, which: bool, yes: u32, no: u32) -> u32 {
        if which { yes } else { no }
    }

    fn bool_and(&mut self, a: bool, b: bool) -> bool {
        a & b
    }

    fn bool_or(&mut self, a: bool, b: bool) -> bool {
        a | b
    }

    fn bool_not(&mut self, a: bool) -> bool {
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
    fn known(&self, a: Integer) -> Option<u64> {
        Some(a.bits())
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

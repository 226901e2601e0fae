//! ArithBuilder that are computed at once.

use crate::numeric::ArithBuilder;

/// The interpreter's steps.
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

//! Numbers of 16 bits. On a device they are those of the hardware; here they are converted to `f32`
//! and back, with the same results.

use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use bytemuck::{Pod, Zeroable};

/// An IEEE 754 half precision number: 11 bits of precision, at most 65504.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct f16(u16);

/// A bfloat16 number: 8 bits of precision, the range of `f32`.
#[allow(non_camel_case_types)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(transparent)]
pub struct bf16(u16);

impl f16 {
    /// The nearest number to this one, ties to even.
    pub fn from_f32(value: f32) -> f16 {
        let bits = value.to_bits();
        let sign = (bits >> 16) as u16 & 0x8000;
        let magnitude = bits & 0x7fff_ffff;
        if magnitude > 0x7f80_0000 {
            // The canonical NaN of the device.
            return f16(0x7fff);
        }
        // 65520 and more round to infinity.
        if magnitude >= 0x477f_f000 {
            return f16(sign | 0x7c00);
        }
        // Below the least normal number, the spacing is that of the number 0.5.
        let rounded = if magnitude < 0x3880_0000 {
            let shifted = f32::from_bits(magnitude) + 0.5;
            shifted.to_bits().wrapping_sub(0.5f32.to_bits()) as u16
        } else {
            let odd = magnitude >> 13 & 1;
            let rounded = magnitude + 0xfff + odd;
            ((rounded >> 13) - (112 << 10)) as u16
        };
        f16(sign | rounded)
    }

    /// The same number as an `f32`.
    pub fn to_f32(self) -> f32 {
        let sign = u32::from(self.0 & 0x8000) << 16;
        let magnitude = u32::from(self.0 & 0x7fff);
        let value = match magnitude {
            // Infinity and NaN.
            0x7c00.. => 0x7f80_0000 | magnitude << 13,
            0x400.. => (magnitude << 13) + (112 << 23),
            // A multiple of 2^-24.
            _ => (magnitude as f32 / 16_777_216.0).to_bits(),
        };
        f32::from_bits(sign | value)
    }

    /// The number with these bits.
    pub const fn from_bits(bits: u16) -> f16 {
        f16(bits)
    }

    /// The bits of the number.
    pub const fn to_bits(self) -> u16 {
        self.0
    }
}

impl bf16 {
    /// The nearest number to this one, ties to even.
    pub fn from_f32(value: f32) -> bf16 {
        if value.is_nan() {
            return bf16(0x7fff);
        }
        let bits = value.to_bits();
        let odd = bits >> 16 & 1;
        bf16((bits.wrapping_add(0x7fff + odd) >> 16) as u16)
    }

    /// The same number as an `f32`.
    pub fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    /// The number with these bits.
    pub const fn from_bits(bits: u16) -> bf16 {
        bf16(bits)
    }

    /// The bits of the number.
    pub const fn to_bits(self) -> u16 {
        self.0
    }
}

/// Operators, rounded once: a result of two such numbers in `f32` rounds to the right one.
macro_rules! arithmetic {
    ($($number:ident)*) => {$(
        impl PartialEq for $number {
            fn eq(&self, other: &$number) -> bool {
                self.to_f32() == other.to_f32()
            }
        }

        impl PartialOrd for $number {
            fn partial_cmp(&self, other: &$number) -> Option<std::cmp::Ordering> {
                self.to_f32().partial_cmp(&other.to_f32())
            }
        }

        impl Neg for $number {
            type Output = $number;

            fn neg(self) -> $number {
                $number::from_f32(-self.to_f32())
            }
        }

        arithmetic! { $number Add add AddAssign add_assign + }
        arithmetic! { $number Sub sub SubAssign sub_assign - }
        arithmetic! { $number Mul mul MulAssign mul_assign * }
        arithmetic! { $number Div div DivAssign div_assign / }
    )*};
    ($number:ident $op:ident $method:ident $assign:ident $assign_method:ident $token:tt) => {
        impl $op for $number {
            type Output = $number;

            fn $method(self, other: $number) -> $number {
                $number::from_f32(self.to_f32() $token other.to_f32())
            }
        }

        impl $assign for $number {
            fn $assign_method(&mut self, other: $number) {
                *self = *self $token other;
            }
        }
    };
}

arithmetic!(f16 bf16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_half_precision_number_survives_the_way_to_single_precision() {
        for bits in 0..=u16::MAX {
            let number = f16::from_bits(bits);
            if number.to_f32().is_nan() {
                assert_eq!(f16::from_f32(number.to_f32()).to_bits(), 0x7fff);
            } else {
                assert_eq!(f16::from_f32(number.to_f32()).to_bits(), bits);
            }
            let number = bf16::from_bits(bits);
            if !number.to_f32().is_nan() {
                assert_eq!(bf16::from_f32(number.to_f32()).to_bits(), bits);
            }
        }
    }

    #[test]
    fn numbers_between_two_round_to_the_nearest_and_to_even() {
        for (value, bits) in [
            (1.0, 0x3c00),
            (1.0 + 1.0 / 2048.0, 0x3c00),
            (1.0 + 3.0 / 2048.0, 0x3c02),
            (65519.0, 0x7bff),
            (65520.0, 0x7c00),
            (-2.0, 0xc000),
            (5.960_464_5e-8, 1),
            (2.98e-8, 0),
            (2.981e-8, 1),
        ] {
            assert_eq!(f16::from_f32(value).to_bits(), bits, "{value}");
        }
        assert_eq!(bf16::from_f32(std::f32::consts::PI).to_bits(), 0x4049);
    }
}

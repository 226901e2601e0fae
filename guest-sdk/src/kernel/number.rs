//! Arithmetic of numbers as a device has it.

use bytemuck::Pod;

/// Numbers that are added as on a device: integers wrap.
pub trait Number: Pod {
    /// The sum.
    fn plus(self, other: Self) -> Self;
    /// The difference.
    fn minus(self, other: Self) -> Self;
    /// The lesser of two.
    fn least(self, other: Self) -> Self;
    /// The greater of two.
    fn greatest(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($number:ident)*) => {$(
        impl Number for $number {
            fn plus(self, other: $number) -> $number {
                self.wrapping_add(other)
            }

            fn minus(self, other: $number) -> $number {
                self.wrapping_sub(other)
            }

            fn least(self, other: $number) -> $number {
                self.min(other)
            }

            fn greatest(self, other: $number) -> $number {
                self.max(other)
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

macro_rules! floats {
    ($($number:ident)*) => {$(
        impl Number for $number {
            fn plus(self, other: $number) -> $number {
                self + other
            }

            fn minus(self, other: $number) -> $number {
                self - other
            }

            fn least(self, other: $number) -> $number {
                self.min(other)
            }

            fn greatest(self, other: $number) -> $number {
                self.max(other)
            }
        }
    )*};
}

floats!(f32 f64);

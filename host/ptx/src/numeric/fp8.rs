//! FP8, floating-point numbers of eight bits (OCP 8-bit Floating Point Specification, 2023), which come
//! in pairs: `.e4m3x2` and `.e5m2x2`.
//!
//! The first has no infinities, and one NaN of either sign; the second is a half whose fraction was
//! cut to two bits. Conversions to both saturate: what is too large becomes the largest number.

use crate::numeric::eval::Flags;
use crate::numeric::float::{self, F16, F32, Float};
use crate::syntax::types::Type;

/// One of the two formats.
struct Fp8Format {
    fraction_bits: u32,
    /// The exponent of the smallest normal number.
    least: i32,
    /// The bits of the largest number.
    largest: u64,
}

const E4M3: Fp8Format = Fp8Format {
    fraction_bits: 3,
    least: -6,
    largest: 0x7e,
};

const E5M2: Fp8Format = Fp8Format {
    fraction_bits: 2,
    least: -14,
    largest: 0x7b,
};

const NAN: u64 = 0x7f;

fn format(ty: Type) -> &'static Fp8Format {
    if ty == Type::E4M3x2 { &E4M3 } else { &E5M2 }
}

/// The nearest number to a value that an f64 holds exactly.
fn nearest(value: f64, format: &Fp8Format, flags: Flags) -> u64 {
    if value.is_nan() {
        return NAN;
    }
    let negative = value.is_sign_negative();
    if negative && flags.relu {
        return 0;
    }
    let sign = if negative { 0x80 } else { 0 };
    let magnitude = value.abs();
    if magnitude.is_infinite() {
        return sign | format.largest;
    }
    // The field of an f64's exponent: values of halves and f32 values are normal f64 values, or zero.
    let field = (magnitude.to_bits() >> 52) as i32;
    let exponent = (field - 1023).clamp(format.least, 127);
    let steps = magnitude * 2f64.powi(format.fraction_bits.cast_signed() - exponent);
    // Less than 2^5 below exponent 127, where the largest number is anyway far exceeded.
    let steps = steps.round_ties_even().min(1e9) as u64;
    let above = u64::from((exponent - format.least).unsigned_abs());
    sign | ((above << format.fraction_bits) + steps).min(format.largest)
}

/// The half that is equal.
pub(crate) fn half(bits: u64, ty: Type) -> u64 {
    if ty != Type::E4M3x2 {
        return bits << 8;
    }
    let magnitude = bits & 0x7f;
    if magnitude == NAN {
        return F16::NAN;
    }
    let (field, fraction) = ((magnitude >> 3) as i32, (magnitude & 7) as f64);
    let value = if field == 0 {
        fraction * 2f64.powi(-9)
    } else {
        (8.0 + fraction) * 2f64.powi(field - 10)
    };
    F16::from_f64(value) | ((bits & 0x80) << 8)
}

/// Two f32 values as a pair, the first one above.
pub(crate) fn of_singles(a: u64, b: u64, flags: Flags) -> u64 {
    let format = format(flags.to);
    (nearest(F32::to_f64(a), format, flags) << 8) | nearest(F32::to_f64(b), format, flags)
}

/// A pair of halves as a pair of FP8 numbers.
pub(crate) fn of_halves(a: u64, flags: Flags) -> u64 {
    let format = format(flags.to);
    let part = |bits: u64| nearest(F16::to_f64(bits), format, flags);
    (part(a >> 16) << 8) | part(a & 0xffff)
}

/// A pair of FP8 numbers as a pair of halves.
pub(crate) fn to_halves(a: u64, flags: Flags) -> u64 {
    let part = |bits: u64| float::finished::<F16>(half(bits, flags.from), flags);
    (part((a >> 8) & 0xff) << 16) | part(a & 0xff)
}

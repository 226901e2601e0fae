//! Conversions between number types, as the interpreter does them (PTX ISA, `cvt`; IEEE 754-2019,
//! section 5.4).

use crate::numeric::eval::{Eval, Flags};
use crate::numeric::float::{self, BF16, F16, F32, F64, Float};
use crate::numeric::fp8;
use crate::numeric::integer::{Int, mask, range, wide};
use crate::numeric::soft_float::{self, Format, Round};
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::types::Type;

/// The function that carries out a conversion.
pub(crate) fn select(modifiers: &Modifiers) -> Option<Eval> {
    let (to, from) = (modifiers.ty(), modifiers.second_ty());
    match (to, from) {
        (Type::E4M3x2 | Type::E5M2x2, Type::F16x2) => return Some(Eval::One(fp8::of_halves)),
        (Type::F16x2, Type::E4M3x2 | Type::E5M2x2) => return Some(Eval::One(fp8::to_halves)),
        (Type::TF32, _) => return Some(Eval::One(to_tf32)),
        _ => {}
    }
    let function = match (to.is_float(), from) {
        (false, Type::U8) => from_integer::<u8>,
        (false, Type::S8) => from_integer::<i8>,
        (false, Type::U16) => from_integer::<u16>,
        (false, Type::S16) => from_integer::<i16>,
        (false, Type::U32) => from_integer::<u32>,
        (false, Type::S32) => from_integer::<i32>,
        (false, Type::U64) => from_integer::<u64>,
        (false, Type::S64) => from_integer::<i64>,
        (false, Type::F16) => to_integer::<F16>,
        (false, Type::BF16) => to_integer::<BF16>,
        (false, Type::F32) => to_integer::<F32>,
        (false, Type::F64) => to_integer::<F64>,
        (true, _) => match to {
            Type::F16 => to_float::<F16>,
            Type::BF16 => to_float::<BF16>,
            Type::F32 => to_float::<F32>,
            Type::F64 => to_float::<F64>,
            _ => return None,
        },
        _ => return None,
    };
    // Between values of one format, `.rni` and its like round to an integer in that format.
    let integral = [Modifier::Rni, Modifier::Rzi, Modifier::Rmi, Modifier::Rpi];
    if to.is_float() && integral.iter().any(|word| modifiers.has(*word)) {
        return match from {
            Type::F16 => Some(Eval::One(to_integral::<F16>)),
            Type::BF16 => Some(Eval::One(to_integral::<BF16>)),
            Type::F32 => Some(Eval::One(to_integral::<F32>)),
            Type::F64 => Some(Eval::One(to_integral::<F64>)),
            _ => None,
        };
    }
    Some(Eval::One(function))
}

/// The bits of an integer of the type that is made, extended to the register that is written.
fn in_register(value: i128, flags: Flags) -> u64 {
    let bits = flags.to.bits();
    let low = (value as u64) & mask(bits);
    let extended = if flags.to.is_signed() {
        ((low << (64 - bits)).cast_signed() >> (64 - bits)).cast_unsigned()
    } else {
        low
    };
    extended & mask(flags.register_bits)
}

fn integer_range(ty: Type) -> (i128, i128) {
    match ty {
        Type::U8 => range::<u8>(),
        Type::S8 => range::<i8>(),
        Type::U16 => range::<u16>(),
        Type::S16 => range::<i16>(),
        Type::U32 => range::<u32>(),
        Type::S32 => range::<i32>(),
        Type::S64 => range::<i64>(),
        _ => range::<u64>(),
    }
}

fn from_integer<T: Int>(a: u64, flags: Flags) -> u64 {
    let value = wide::<T>(a);
    if flags.sat {
        let (least, most) = integer_range(flags.to);
        return in_register(value.clamp(least, most), flags);
    }
    in_register(value, flags)
}

fn integral(value: f64, round: Round) -> f64 {
    match round {
        Round::Nearest => value.round_ties_even(),
        Round::Away => value.round(),
        Round::Zero => value.trunc(),
        Round::Down => value.floor(),
        Round::Up => value.ceil(),
    }
}

/// Out of range, the nearest value in range. NaN becomes zero between types of at most 32 bits, and
/// otherwise the value whose top bit alone is set, as PTX 9.0 says.
fn to_integer<F: Float>(a: u64, flags: Flags) -> u64 {
    let a = float::flushed::<F>(a, flags);
    if float::is_nan::<F>(a) {
        let narrow = F::FORMAT.fraction_bits < 52 && flags.to.bits() < 64;
        let value = if narrow {
            0
        } else {
            1i128 << (flags.to.bits() - 1)
        };
        return in_register(value, flags);
    }
    let (least, most) = integer_range(flags.to);
    let value = integral(F::to_f64(a), flags.round) as i128;
    in_register(value.clamp(least, most), flags)
}

fn to_integral<F: Float>(a: u64, flags: Flags) -> u64 {
    let value = F::to_f64(float::flushed::<F>(a, flags));
    float::finished::<F>(F::from_f64(integral(value, flags.round)), flags)
}

fn to_float<F: Float>(a: u64, flags: Flags) -> u64 {
    let value = match flags.from {
        Type::F16 => F16::unpack(a),
        Type::BF16 => BF16::unpack(a),
        Type::F32 => F32::unpack(float::flushed::<F32>(a, flags)),
        Type::F64 => F64::unpack(a),
        Type::U8 => soft_float::integer(wide::<u8>(a)),
        Type::S8 => soft_float::integer(wide::<i8>(a)),
        Type::U16 => soft_float::integer(wide::<u16>(a)),
        Type::S16 => soft_float::integer(wide::<i16>(a)),
        Type::U32 => soft_float::integer(wide::<u32>(a)),
        Type::S32 => soft_float::integer(wide::<i32>(a)),
        Type::S64 => soft_float::integer(wide::<i64>(a)),
        _ => soft_float::integer(wide::<u64>(a)),
    };
    let rounded = soft_float::round(value, F::FORMAT, flags.round);
    float::finished::<F>(finite(rounded, F::FORMAT, flags), flags)
}

/// The largest number in place of an infinity, where the flags ask for it.
fn finite(bits: u64, format: Format, flags: Flags) -> u64 {
    let infinite = bits & (format.sign() - 1) == format.infinity();
    if flags.satfinite && infinite {
        return bits - 1;
    }
    bits
}

/// An f32 rounded to ten bits of fraction, in the place of an f32.
fn to_tf32(a: u64, flags: Flags) -> u64 {
    let format = Format {
        exponent_bits: 8,
        fraction_bits: 10,
    };
    if float::is_nan::<F32>(a) {
        return F32::NAN;
    }
    let rounded = soft_float::round(F32::unpack(a), format, flags.round);
    float::finished::<F32>(finite(rounded, format, flags) << 13, flags)
}

/// The function that makes a pair of two f32 values, the first one above.
pub(crate) fn pack(ty: Type) -> Option<Eval> {
    Some(Eval::Two(match ty {
        Type::F16x2 => pair::<F16>,
        Type::BF16x2 => pair::<BF16>,
        Type::E4M3x2 | Type::E5M2x2 => fp8::of_singles,
        _ => return None,
    }))
}

fn pair<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    let half = |bits: u64| {
        let rounded = soft_float::round(F32::unpack(bits), F::FORMAT, flags.round);
        float::finished::<F>(finite(rounded, F::FORMAT, flags), flags)
    };
    (half(a) << 16) | half(b)
}

/// An integer clamped to the type that is packed.
fn clamped(a: u64, flags: Flags) -> u64 {
    let (least, most) = integer_range(flags.to);
    (wide::<i32>(a).clamp(least, most) as u64) & mask(flags.to.bits())
}

/// Two integers as 16 bits each, the first one above.
pub(crate) fn pack_halves(a: u64, b: u64, flags: Flags) -> u64 {
    (clamped(a, flags) << 16) | clamped(b, flags)
}

/// Two integers as 8 bits each, below them what `c` held there.
pub(crate) fn pack_bytes(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    ((c << 16) | (clamped(a, flags) << 8) | clamped(b, flags)) & mask(32)
}

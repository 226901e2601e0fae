//! Integer operations, as the interpreter does them, but for those of `scalar.rs`. Everything wraps unless it says `.sat`; shifts past the width shift
//! everything out; and division by zero, which PTX leaves open, gives all bits set as quotient, as
//! NVIDIA's compiler does, and the dividend as remainder.

use crate::numeric::eval::Flags;
use crate::syntax::modifier::Modifier;

/// An integer type, by how its values read as wide ones.
pub(crate) trait Int {
    const BITS: u32;
    const SIGNED: bool;
}

macro_rules! integers {
    ($($ty:ty, $signed:literal;)*) => {
        $(impl Int for $ty {
            const BITS: u32 = <$ty>::BITS;
            const SIGNED: bool = $signed;
        })*
    };
}

integers! { u8, false; i8, true; u16, false; i16, true; u32, false; i32, true; u64, false; i64, true; }

/// A mask of so many low bits.
pub(crate) const fn mask(bits: u32) -> u64 {
    if bits >= 64 {
        u64::MAX
    } else {
        (1 << bits) - 1
    }
}

/// The value that the low bits stand for.
#[inline(always)]
pub(crate) fn wide<T: Int>(bits: u64) -> i128 {
    let unused = 64 - T::BITS;
    if T::SIGNED {
        i128::from((bits << unused).cast_signed() >> unused)
    } else {
        i128::from((bits << unused) >> unused)
    }
}

/// The low bits of a value.
#[inline(always)]
fn narrow<T: Int>(value: i128) -> u64 {
    (value as u64) & mask(T::BITS)
}

/// The smallest and the largest value.
pub(crate) fn range<T: Int>() -> (i128, i128) {
    if T::SIGNED {
        (-(1 << (T::BITS - 1)), (1 << (T::BITS - 1)) - 1)
    } else {
        (0, (1 << T::BITS) - 1)
    }
}

/// The low bits of a value or, where the flags ask for it, of the nearest one in range.
#[inline(always)]
fn fit<T: Int>(value: i128, flags: Flags) -> u64 {
    if flags.sat {
        let (least, most) = range::<T>();
        return narrow::<T>(value.clamp(least, most));
    }
    narrow::<T>(value)
}

pub(crate) fn add<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    fit::<T>(wide::<T>(a) + wide::<T>(b), flags)
}

pub(crate) fn sub<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    fit::<T>(wide::<T>(a) - wide::<T>(b), flags)
}

pub(crate) fn mul_lo<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    a.wrapping_mul(b) & mask(T::BITS)
}

/// The upper half of the product. Two's complement makes a logical shift right even for negative
/// products: only the low bits of what is shifted are kept.
fn high<T: Int>(a: u64, b: u64) -> i128 {
    let product = wide::<T>(a).wrapping_mul(wide::<T>(b)).cast_unsigned();
    let high = (product >> T::BITS) as u64;
    wide::<T>(high)
}

pub(crate) fn mul_hi<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(high::<T>(a, b))
}

pub(crate) fn mul_wide<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    (wide::<T>(a).wrapping_mul(wide::<T>(b)) as u64) & mask(2 * T::BITS)
}

pub(crate) fn mad_lo<T: Int>(a: u64, b: u64, c: u64, _: Flags) -> u64 {
    a.wrapping_mul(b).wrapping_add(c) & mask(T::BITS)
}

pub(crate) fn mad_hi<T: Int>(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    fit::<T>(high::<T>(a, b) + wide::<T>(c), flags)
}

pub(crate) fn mad_wide<T: Int>(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    mul_wide::<T>(a, b, flags).wrapping_add(c) & mask(2 * T::BITS)
}

pub(crate) fn div<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    if b == 0 {
        return mask(T::BITS);
    }
    if T::SIGNED {
        let (a, b) = (wide::<T>(a) as i64, wide::<T>(b) as i64);
        return a.wrapping_div(b).cast_unsigned() & mask(T::BITS);
    }
    a / b
}

pub(crate) fn rem<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    if b == 0 {
        return a;
    }
    if T::SIGNED {
        let (a, b) = (wide::<T>(a) as i64, wide::<T>(b) as i64);
        return a.wrapping_rem(b).cast_unsigned() & mask(T::BITS);
    }
    a % b
}

pub(crate) fn abs<T: Int>(a: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a).abs())
}

pub(crate) fn neg<T: Int>(a: u64, _: Flags) -> u64 {
    narrow::<T>(-wide::<T>(a))
}

pub(crate) fn min<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    let least = if wide::<T>(a) <= wide::<T>(b) { a } else { b };
    rectified::<T>(least, flags)
}

pub(crate) fn max<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    let most = if wide::<T>(a) >= wide::<T>(b) { a } else { b };
    rectified::<T>(most, flags)
}

/// A result that is zero instead of negative, where the flags ask for it.
#[inline(always)]
fn rectified<T: Int>(a: u64, flags: Flags) -> u64 {
    if flags.relu && wide::<T>(a) < 0 { 0 } else { a }
}

pub(crate) fn compare<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    flags.accepts(Some(wide::<T>(a).cmp(&wide::<T>(b))))
}

/// The field of `len` bits at `pos`; its sign fills the rest where the type is signed. Position and
/// length are read modulo 256, and bits past the width are copies of the sign, or zero.
pub(crate) fn bfe<T: Int>(a: u64, pos: u64, len: u64, _: Flags) -> u64 {
    let (pos, len) = ((pos & 0xff) as u32, (len & 0xff) as u32);
    if len == 0 {
        return 0;
    }
    let shifted = wide::<T>(a) >> pos.min(127);
    if len >= T::BITS {
        return narrow::<T>(shifted);
    }
    let field = (shifted as u64) & mask(len);
    // The sign is the field's top bit, or the value's where the field reaches past it.
    let top = (pos + len - 1).min(T::BITS - 1);
    let negative = T::SIGNED && (a >> top) & 1 == 1;
    if negative {
        return (field | !mask(len)) & mask(T::BITS);
    }
    field
}

/// `b` with the low `len` bits of `a` in place of its own at `pos`.
pub(crate) fn bfi<T: Int>(a: u64, b: u64, pos: u64, len: u64, _: Flags) -> u64 {
    let (pos, len) = ((pos & 0xff) as u32, (len & 0xff) as u32);
    if pos >= T::BITS {
        return b;
    }
    let field = (mask(len) << pos) & mask(T::BITS);
    (b & !field) | ((a << pos) & field)
}

/// Where the `offset`-th set bit is, counted from bit `base` upwards, or downwards where the offset
/// is negative; an offset of zero asks for the bit at `base` itself. All bits set where there is
/// none.
pub(crate) fn fns(bits: u64, base: u64, offset: u64, _: Flags) -> u64 {
    let offset = wide::<i32>(offset);
    let is_set = |place: u64| place < 32 && (bits >> place) & 1 == 1;
    if offset == 0 {
        return if is_set(base) { base } else { mask(32) };
    }
    // Bits that count are few, so an absurd offset just finds none.
    let mut left = offset.unsigned_abs();
    let mut place = Some(base).filter(|place| *place < 32);
    while let Some(here) = place {
        if is_set(here) {
            left -= 1;
            if left == 0 {
                return here;
            }
        }
        place = if offset > 0 {
            Some(here + 1).filter(|next| *next < 32)
        } else {
            here.checked_sub(1)
        };
    }
    mask(32)
}

/// Any function of three bits, whose value table is `table`.
pub(crate) fn lop3(a: u64, b: u64, c: u64, table: u64) -> u64 {
    let mut result = 0;
    for row in 0..8u32 {
        if (table >> row) & 1 == 1 {
            let pick = |bits: u64, bit: u32| if (row >> bit) & 1 == 1 { bits } else { !bits };
            result |= pick(a, 2) & pick(b, 1) & pick(c, 0);
        }
    }
    result & mask(32)
}

pub(crate) fn shl<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    if b >= u64::from(T::BITS) {
        0
    } else {
        (a << b) & mask(T::BITS)
    }
}

pub(crate) fn shr<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a) >> b.min(64))
}

/// Picks four bytes out of the eight of `b:a`.
pub(crate) fn prmt(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    let bytes = (b << 32) | a;
    let byte = |index: u64| (bytes >> (8 * (index & 7))) & 0xff;
    let low = c & 3;
    let mut result = 0;
    for place in 0..4u64 {
        let picked = match flags.variant {
            Some(Modifier::F4e) => byte(low + place),
            Some(Modifier::B4e) => byte(low.wrapping_sub(place)),
            Some(Modifier::Rc8) => byte(low),
            Some(Modifier::Ecl) => byte(low.max(place)),
            Some(Modifier::Ecr) => byte(low.min(place)),
            Some(Modifier::Rc16) => byte((low & 1) * 2 + (place & 1)),
            _ => {
                let selector = c >> (4 * place);
                let value = byte(selector);
                match (selector & 8 != 0, value & 0x80 != 0) {
                    (false, _) => value,
                    (true, true) => 0xff,
                    (true, false) => 0,
                }
            }
        };
        result |= picked << (8 * place);
    }
    result
}

pub(crate) fn slct(a: u64, b: u64, c: u64, _: Flags) -> u64 {
    if wide::<i32>(c) >= 0 { a } else { b }
}

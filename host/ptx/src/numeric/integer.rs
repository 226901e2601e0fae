//! Plain integer operations, as the interpreter does them; those of `scalar.rs` it shares with the
//! compiler. Everything wraps; shifts past the width shift everything out; and division by zero, which
//! PTX leaves open, gives all bits set as quotient, as NVIDIA's compiler does, and the dividend as
//! remainder.

use crate::numeric::eval::Flags;

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

pub(crate) fn add<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a) + wide::<T>(b))
}

pub(crate) fn sub<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    narrow::<T>(wide::<T>(a) - wide::<T>(b))
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

pub(crate) fn min<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    if wide::<T>(a) <= wide::<T>(b) { a } else { b }
}

pub(crate) fn max<T: Int>(a: u64, b: u64, _: Flags) -> u64 {
    if wide::<T>(a) >= wide::<T>(b) { a } else { b }
}

pub(crate) fn compare<T: Int>(a: u64, b: u64, flags: Flags) -> u64 {
    flags.accepts(Some(wide::<T>(a).cmp(&wide::<T>(b))))
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

pub(crate) fn slct(a: u64, b: u64, c: u64, _: Flags) -> u64 {
    if wide::<i32>(c) >= 0 { a } else { b }
}

//! Floating-point operations, as the interpreter does them (IEEE 754-2019).
//!
//! Results are rounded once, in the direction that the instruction names; `fma` is fused. NaN
//! results are the one NaN that NVIDIA's hardware gives for the format. The approximations
//! (`.approx`, `.full`) are exact ones where they are divisions and roots, and else those of
//! [`approximations`], which compiled kernels have too. What that means next to a GPU is in
//! `docs/numerics.md`.

use std::cmp::Ordering;

use crate::numeric::eval::Flags;
use crate::numeric::soft_float::{self, Format, Round, Value};
use crate::numeric::{Evaluator, approximations};
use crate::syntax::modifier::Modifier;

/// A floating-point format with its arithmetic to nearest.
pub(crate) trait Float {
    const FORMAT: Format;
    /// The NaN that operations give.
    const NAN: u64;

    fn add(a: u64, b: u64) -> u64 {
        Self::nearest(soft_float::add(
            Self::unpack(a),
            Self::unpack(b),
            Round::Nearest,
        ))
    }

    fn mul(a: u64, b: u64) -> u64 {
        Self::nearest(soft_float::multiply(Self::unpack(a), Self::unpack(b)))
    }

    fn div(a: u64, b: u64) -> u64 {
        Self::nearest(soft_float::divide(Self::unpack(a), Self::unpack(b)))
    }

    fn fma(a: u64, b: u64, c: u64) -> u64 {
        let product = soft_float::multiply(Self::unpack(a), Self::unpack(b));
        Self::nearest(soft_float::add(product, Self::unpack(c), Round::Nearest))
    }

    fn sqrt(a: u64) -> u64 {
        Self::nearest(soft_float::square_root(Self::unpack(a)))
    }

    /// The value as an f64, which holds all values of all formats.
    fn to_f64(a: u64) -> f64 {
        f64::from_bits(soft_float::round(
            Self::unpack(a),
            F64::FORMAT,
            Round::Nearest,
        ))
    }

    /// The nearest value to an f64.
    fn from_f64(value: f64) -> u64 {
        Self::nearest(soft_float::unpack(value.to_bits(), F64::FORMAT))
    }

    fn unpack(a: u64) -> Value {
        soft_float::unpack(a, Self::FORMAT)
    }

    fn nearest(value: Value) -> u64 {
        soft_float::round(value, Self::FORMAT, Round::Nearest)
    }
}

pub(crate) struct F16;
pub(crate) struct BF16;
pub(crate) struct F32;
pub(crate) struct F64;

impl Float for F16 {
    const FORMAT: Format = Format {
        exponent_bits: 5,
        fraction_bits: 10,
    };
    const NAN: u64 = 0x7fff;
}

impl Float for BF16 {
    const FORMAT: Format = Format {
        exponent_bits: 8,
        fraction_bits: 7,
    };
    const NAN: u64 = 0x7fff;
}

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn f32_bits(value: f32) -> u64 {
    u64::from(value.to_bits())
}

impl Float for F32 {
    const FORMAT: Format = Format {
        exponent_bits: 8,
        fraction_bits: 23,
    };
    const NAN: u64 = 0x7fff_ffff;

    #[inline(always)]
    fn add(a: u64, b: u64) -> u64 {
        f32_bits(f32_of(a) + f32_of(b))
    }

    #[inline(always)]
    fn mul(a: u64, b: u64) -> u64 {
        f32_bits(f32_of(a) * f32_of(b))
    }

    fn div(a: u64, b: u64) -> u64 {
        f32_bits(f32_of(a) / f32_of(b))
    }

    fn fma(a: u64, b: u64, c: u64) -> u64 {
        f32_bits(f32_of(a).mul_add(f32_of(b), f32_of(c)))
    }

    fn sqrt(a: u64) -> u64 {
        f32_bits(f32_of(a).sqrt())
    }

    fn to_f64(a: u64) -> f64 {
        f64::from(f32_of(a))
    }

    fn from_f64(value: f64) -> u64 {
        f32_bits(value as f32)
    }
}

impl Float for F64 {
    const FORMAT: Format = Format {
        exponent_bits: 11,
        fraction_bits: 52,
    };
    const NAN: u64 = 0xfff8_0000_0000_0000;

    fn add(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) + f64::from_bits(b)).to_bits()
    }

    fn mul(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) * f64::from_bits(b)).to_bits()
    }

    fn div(a: u64, b: u64) -> u64 {
        (f64::from_bits(a) / f64::from_bits(b)).to_bits()
    }

    fn fma(a: u64, b: u64, c: u64) -> u64 {
        f64::from_bits(a)
            .mul_add(f64::from_bits(b), f64::from_bits(c))
            .to_bits()
    }

    fn sqrt(a: u64) -> u64 {
        f64::from_bits(a).sqrt().to_bits()
    }

    fn to_f64(a: u64) -> f64 {
        f64::from_bits(a)
    }

    fn from_f64(value: f64) -> u64 {
        value.to_bits()
    }
}

const fn magnitude<F: Float>(a: u64) -> u64 {
    a & (F::FORMAT.sign() - 1)
}

pub(crate) const fn is_nan<F: Float>(a: u64) -> bool {
    magnitude::<F>(a) > F::FORMAT.infinity()
}

const fn is_subnormal<F: Float>(a: u64) -> bool {
    let magnitude = magnitude::<F>(a);
    magnitude != 0 && magnitude < (1 << F::FORMAT.fraction_bits)
}

/// A value with subnormals flushed, where the flags ask for it.
#[inline(always)]
pub(crate) fn flushed<F: Float>(a: u64, flags: Flags) -> u64 {
    if flags.ftz && is_subnormal::<F>(a) {
        return a & F::FORMAT.sign();
    }
    a
}

/// A result as the flags want it: the one NaN, flushed, clamped to 0 to 1.
#[inline(always)]
pub(crate) fn finished<F: Float>(a: u64, flags: Flags) -> u64 {
    if is_nan::<F>(a) {
        return if flags.sat { 0 } else { F::NAN };
    }
    let a = flushed::<F>(a, flags);
    if flags.relu && a & F::FORMAT.sign() != 0 {
        return 0;
    }
    if !flags.sat {
        return a;
    }
    let one = F::from_f64(1.0);
    if a & F::FORMAT.sign() != 0 {
        0
    } else {
        a.min(one)
    }
}

/// Rounds where the flags say so, unless that is what the processor does anyway.
#[inline(always)]
fn rounded<F: Float>(flags: Flags, native: impl Fn() -> u64, exact: impl Fn() -> Value) -> u64 {
    let result = if flags.round == Round::Nearest {
        native()
    } else {
        soft_float::round(exact(), F::FORMAT, flags.round)
    };
    finished::<F>(result, flags)
}

pub(crate) fn add<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    let (a, b) = (flushed::<F>(a, flags), flushed::<F>(b, flags));
    rounded::<F>(
        flags,
        || F::add(a, b),
        || soft_float::add(F::unpack(a), F::unpack(b), flags.round),
    )
}

pub(crate) fn sub<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    // A NaN stays one with either sign.
    add::<F>(a, b ^ F::FORMAT.sign(), flags)
}

pub(crate) fn mul<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    let (a, b) = (flushed::<F>(a, flags), flushed::<F>(b, flags));
    rounded::<F>(
        flags,
        || F::mul(a, b),
        || soft_float::multiply(F::unpack(a), F::unpack(b)),
    )
}

pub(crate) fn div<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    let (a, b) = (flushed::<F>(a, flags), flushed::<F>(b, flags));
    rounded::<F>(
        flags,
        || F::div(a, b),
        || soft_float::divide(F::unpack(a), F::unpack(b)),
    )
}

/// f32, as a product with the reciprocal: divisors above 2^126 give zero, and NaN where
/// the dividend is infinite.
pub(crate) fn div_approx(a: u64, b: u64, flags: Flags) -> u64 {
    let (a, b) = (flushed::<F32>(a, flags), flushed::<F32>(b, flags));
    let (dividend, divisor) = (f32_of(a), f32_of(b));
    if divisor.is_finite() && f64::from(divisor).abs() > 2f64.powi(126) && !dividend.is_nan() {
        let sign = (a ^ b) & F32::FORMAT.sign();
        return if dividend.is_infinite() {
            F32::NAN
        } else {
            sign
        };
    }
    div::<F32>(a, b, flags)
}

pub(crate) fn fma<F: Float>(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    let [a, b, c] = [a, b, c].map(|value| flushed::<F>(value, flags));
    rounded::<F>(
        flags,
        || F::fma(a, b, c),
        || {
            let product = soft_float::multiply(F::unpack(a), F::unpack(b));
            soft_float::add(product, F::unpack(c), flags.round)
        },
    )
}

pub(crate) fn rcp<F: Float>(a: u64, flags: Flags) -> u64 {
    div::<F>(F::from_f64(1.0), a, flags)
}

/// In f64, only the upper half of the operand counts, and the lower half of the result is zero.
pub(crate) fn rcp_approx<F: Float>(a: u64, flags: Flags) -> u64 {
    upper_half::<F>(rcp::<F>(upper_half::<F>(a), flags))
}

fn upper_half<F: Float>(a: u64) -> u64 {
    if F::FORMAT.fraction_bits == 52 {
        a & !0xffff_ffff
    } else {
        a
    }
}

pub(crate) fn sqrt<F: Float>(a: u64, flags: Flags) -> u64 {
    let a = flushed::<F>(a, flags);
    rounded::<F>(
        flags,
        || F::sqrt(a),
        || soft_float::square_root(F::unpack(a)),
    )
}

/// A function of f32 values; halves go by way of the f32 that they are.
fn approximated<F: Float>(a: u64, flags: Flags, function: fn(&mut Evaluator, f32) -> f32) -> u64 {
    let value = F::to_f64(flushed::<F>(a, flags)) as f32;
    let value = function(&mut Evaluator, value);
    finished::<F>(F::from_f64(f64::from(value)), flags)
}

/// The reciprocal of the root, both rounded to the format.
pub(crate) fn rsqrt<F: Float>(a: u64, flags: Flags) -> u64 {
    let root = F::sqrt(flushed::<F>(a, flags));
    finished::<F>(F::div(F::from_f64(1.0), root), flags)
}

/// Subnormal operands count as zeros even without `.ftz`, as the manual's table says.
pub(crate) fn sin<F: Float>(a: u64, flags: Flags) -> u64 {
    if is_subnormal::<F>(a) {
        return a & F::FORMAT.sign();
    }
    approximated::<F>(a, flags, approximations::sine)
}

pub(crate) fn cos<F: Float>(a: u64, flags: Flags) -> u64 {
    approximated::<F>(a, flags, approximations::cosine)
}

pub(crate) fn lg2<F: Float>(a: u64, flags: Flags) -> u64 {
    approximated::<F>(a, flags, approximations::logarithm_of_two)
}

pub(crate) fn ex2<F: Float>(a: u64, flags: Flags) -> u64 {
    approximated::<F>(a, flags, approximations::power_of_two)
}

pub(crate) fn tanh<F: Float>(a: u64, flags: Flags) -> u64 {
    approximated::<F>(a, flags, approximations::hyperbolic_tangent)
}

pub(crate) fn abs<F: Float>(a: u64, flags: Flags) -> u64 {
    magnitude::<F>(flushed::<F>(a, flags))
}

pub(crate) fn neg<F: Float>(a: u64, flags: Flags) -> u64 {
    flushed::<F>(a, flags) ^ F::FORMAT.sign()
}

/// `a` is the sign's source, `b` the value's.
pub(crate) fn copysign<F: Float>(a: u64, b: u64, _: Flags) -> u64 {
    (a & F::FORMAT.sign()) | magnitude::<F>(b)
}

/// How two values that are no NaN compare; of the zeros, the negative one is less.
fn total<F: Float>(a: u64, b: u64) -> Ordering {
    let key = |bits: u64| {
        let magnitude = magnitude::<F>(bits).cast_signed();
        if bits & F::FORMAT.sign() == 0 {
            magnitude
        } else {
            -1 - magnitude
        }
    };
    key(a).cmp(&key(b))
}

/// `a` where it compares so with `b`, else `b`; a NaN loses, unless the flags say that it wins.
fn chosen<F: Float>(a: u64, b: u64, flags: Flags, wanted: Ordering) -> u64 {
    let (mut a, mut b) = (flushed::<F>(a, flags), flushed::<F>(b, flags));
    if flags.xorsign {
        let sign = (a ^ b) & F::FORMAT.sign();
        (a, b) = (magnitude::<F>(a), magnitude::<F>(b));
        let plain = Flags {
            xorsign: false,
            ..flags
        };
        let found = chosen::<F>(a, b, plain, wanted);
        return if is_nan::<F>(found) {
            found
        } else {
            found | sign
        };
    }
    match (is_nan::<F>(a), is_nan::<F>(b)) {
        (true, true) => F::NAN,
        (true, false) | (false, true) if flags.nan => F::NAN,
        (true, false) => b,
        (false, true) => a,
        (false, false) if total::<F>(a, b) == wanted => a,
        (false, false) => b,
    }
}

pub(crate) fn min<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    chosen::<F>(a, b, flags, Ordering::Less)
}

pub(crate) fn max<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    chosen::<F>(a, b, flags, Ordering::Greater)
}

pub(crate) fn compare<F: Float>(a: u64, b: u64, flags: Flags) -> u64 {
    let (a, b) = (flushed::<F>(a, flags), flushed::<F>(b, flags));
    flags.accepts(F::to_f64(a).partial_cmp(&F::to_f64(b)))
}

pub(crate) fn testp<F: Float>(a: u64, flags: Flags) -> u64 {
    let magnitude = magnitude::<F>(a);
    let infinity = F::FORMAT.infinity();
    let holds = match flags.variant {
        Some(Modifier::Finite) => magnitude < infinity,
        Some(Modifier::Infinite) => magnitude == infinity,
        Some(Modifier::Number) => magnitude <= infinity,
        Some(Modifier::Notanumber) => magnitude > infinity,
        Some(Modifier::Subnormal) => is_subnormal::<F>(a),
        // Zeros count as normal.
        _ => magnitude < infinity && !is_subnormal::<F>(a),
    };
    u64::from(holds)
}

/// `a` where `c` is zero or more, `b` where it is less or no number.
pub(crate) fn slct(a: u64, b: u64, c: u64, flags: Flags) -> u64 {
    if f32_of(flushed::<F32>(c, flags)) >= 0.0 {
        a
    } else {
        b
    }
}

/// Both halves of a pair.
pub(crate) fn halves(a: u64, f: impl Fn(u64) -> u64) -> u64 {
    f(a & 0xffff) | (f(a >> 16) << 16)
}

/// Both halves of two pairs.
pub(crate) fn halves2(a: u64, b: u64, f: impl Fn(u64, u64) -> u64) -> u64 {
    f(a & 0xffff, b & 0xffff) | (f(a >> 16, b >> 16) << 16)
}

/// Both halves of three pairs.
pub(crate) fn halves3(a: u64, b: u64, c: u64, f: impl Fn(u64, u64, u64) -> u64) -> u64 {
    f(a & 0xffff, b & 0xffff, c & 0xffff) | (f(a >> 16, b >> 16, c >> 16) << 16)
}

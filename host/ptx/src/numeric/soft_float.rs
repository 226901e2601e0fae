//! Software floating point (IEEE 754-2019), as Berkeley SoftFloat: arithmetic in integers, exact up to the one rounding at the end, in any format
//! and any direction. The interpreter uses it where the processor has no instruction for the case:
//! directed rounding, and the 16-bit formats.

/// Which neighbour a result becomes that lies between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Round {
    /// The nearer one; of two that are as near, the even one.
    Nearest,
    /// The nearer one; of two that are as near, the one further from zero.
    Away,
    Zero,
    Down,
    Up,
}

/// A binary floating-point format, as IEEE 754 describes them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub exponent_bits: u32,
    pub fraction_bits: u32,
}

impl Format {
    const fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    pub(crate) const fn sign(self) -> u64 {
        1 << (self.exponent_bits + self.fraction_bits)
    }

    pub(crate) const fn infinity(self) -> u64 {
        ((1 << self.exponent_bits) - 1) << self.fraction_bits
    }
}

/// A number taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value {
    Nan,
    Infinite {
        negative: bool,
    },
    /// `magnitude * 2^exponent`. Where bits were lost, the lowest bit of the magnitude is set, and
    /// lies far below what any format keeps.
    Finite {
        negative: bool,
        magnitude: u128,
        exponent: i32,
    },
}

use Value::{Finite, Infinite, Nan};

/// The highest bit that a normalised magnitude has: sums of two still fit.
const TOP: u32 = 125;

/// Shifts right, and keeps in the lowest bit whether anything was lost.
fn shift_right_jam(magnitude: u128, by: u32) -> u128 {
    match by {
        0 => magnitude,
        1..=127 => (magnitude >> by) | u128::from(magnitude << (128 - by) != 0),
        _ => u128::from(magnitude != 0),
    }
}

/// The same number with its highest bit at [`TOP`].
fn normalised(magnitude: u128, exponent: i32) -> (u128, i32) {
    let top = 127 - magnitude.leading_zeros();
    if top > TOP {
        (
            shift_right_jam(magnitude, top - TOP),
            exponent + (top - TOP).cast_signed(),
        )
    } else {
        (
            magnitude << (TOP - top),
            exponent - (TOP - top).cast_signed(),
        )
    }
}

/// Takes the bits of a number apart.
pub(crate) fn unpack(bits: u64, format: Format) -> Value {
    let negative = bits & format.sign() != 0;
    let fraction = bits & ((1 << format.fraction_bits) - 1);
    let field = (bits & format.infinity()) >> format.fraction_bits;
    if bits & format.infinity() == format.infinity() {
        return if fraction == 0 {
            Infinite { negative }
        } else {
            Nan
        };
    }
    // The field has at most eleven bits.
    let field = i32::try_from(field).unwrap_or(0);
    let hidden = if field == 0 {
        0
    } else {
        1u64 << format.fraction_bits
    };
    Finite {
        negative,
        magnitude: u128::from(fraction | hidden),
        exponent: field.max(1) - format.bias() - format.fraction_bits.cast_signed(),
    }
}

/// An integer as a number.
pub(crate) fn integer(value: i128) -> Value {
    Finite {
        negative: value < 0,
        magnitude: value.unsigned_abs(),
        exponent: 0,
    }
}

/// The bits of the number that is nearest in this direction. NaN becomes the positive one with all
/// bits set.
pub(crate) fn round(value: Value, format: Format, mode: Round) -> u64 {
    let (negative, magnitude, exponent) = match value {
        Nan => return format.sign() - 1,
        Infinite { negative } => return sign(negative, format) | format.infinity(),
        Finite {
            negative,
            magnitude: 0,
            ..
        } => return sign(negative, format),
        Finite {
            negative,
            magnitude,
            exponent,
        } => (negative, magnitude, exponent),
    };
    let (magnitude, exponent) = normalised(magnitude, exponent);
    let smallest = 1 - format.bias();
    let power = exponent + TOP.cast_signed();
    let effective = power.max(smallest);
    // How many bits of the magnitude lie below the last one that the format keeps. It is positive,
    // since no format keeps as many bits as a normalised magnitude has.
    let below = effective - format.fraction_bits.cast_signed() - exponent;
    let below = below.unsigned_abs().min(127);
    let kept = u64::try_from(magnitude >> below).unwrap_or(u64::MAX);
    let lost = magnitude & ((1u128 << below) - 1);
    let half = 1u128 << (below - 1);
    let up = match mode {
        Round::Nearest => lost > half || (lost == half && kept & 1 == 1),
        Round::Away => lost >= half,
        Round::Zero => false,
        Round::Down => lost != 0 && negative,
        Round::Up => lost != 0 && !negative,
    };
    // Adding to the exponent's field what the hidden bit stands for lets a carry move into it.
    let field = u64::from((effective - smallest).unsigned_abs());
    let encoded = (field << format.fraction_bits) + kept + u64::from(up);
    if encoded < format.infinity() {
        return sign(negative, format) | encoded;
    }
    let to_infinity = match mode {
        Round::Nearest | Round::Away => true,
        Round::Zero => false,
        Round::Down => negative,
        Round::Up => !negative,
    };
    let largest = if to_infinity {
        format.infinity()
    } else {
        format.infinity() - 1
    };
    sign(negative, format) | largest
}

fn sign(negative: bool, format: Format) -> u64 {
    if negative { format.sign() } else { 0 }
}

/// The sum. The direction matters only for the sign of a zero.
pub(crate) fn add(a: Value, b: Value, mode: Round) -> Value {
    let (a, b) = match (a, b) {
        (Nan, _) | (_, Nan) => return Nan,
        (Infinite { negative: a }, Infinite { negative: b }) if a != b => return Nan,
        (infinite @ Infinite { .. }, _) | (_, infinite @ Infinite { .. }) => return infinite,
        (
            Finite {
                negative,
                magnitude,
                exponent,
            },
            Finite {
                negative: b_negative,
                magnitude: b_magnitude,
                exponent: b_exponent,
            },
        ) => (
            (negative, magnitude, exponent),
            (b_negative, b_magnitude, b_exponent),
        ),
    };
    let zero = |negative| Finite {
        negative,
        magnitude: 0,
        exponent: 0,
    };
    match (a.1, b.1) {
        (0, 0) if a.0 == b.0 => return zero(a.0),
        (0, 0) => return zero(mode == Round::Down),
        (0, _) => {
            return Finite {
                negative: b.0,
                magnitude: b.1,
                exponent: b.2,
            };
        }
        (_, 0) => {
            return Finite {
                negative: a.0,
                magnitude: a.1,
                exponent: a.2,
            };
        }
        _ => {}
    }
    let (a_magnitude, a_exponent) = normalised(a.1, a.2);
    let (b_magnitude, b_exponent) = normalised(b.1, b.2);
    let exponent = a_exponent.max(b_exponent);
    let a_magnitude = shift_right_jam(a_magnitude, (exponent - a_exponent).unsigned_abs());
    let b_magnitude = shift_right_jam(b_magnitude, (exponent - b_exponent).unsigned_abs());
    if a.0 == b.0 {
        return Finite {
            negative: a.0,
            magnitude: a_magnitude + b_magnitude,
            exponent,
        };
    }
    match a_magnitude.cmp(&b_magnitude) {
        std::cmp::Ordering::Equal => zero(mode == Round::Down),
        std::cmp::Ordering::Greater => Finite {
            negative: a.0,
            magnitude: a_magnitude - b_magnitude,
            exponent,
        },
        std::cmp::Ordering::Less => Finite {
            negative: b.0,
            magnitude: b_magnitude - a_magnitude,
            exponent,
        },
    }
}

/// The product, exactly: neither magnitude has more than 64 bits.
pub(crate) fn multiply(a: Value, b: Value) -> Value {
    match (a, b) {
        (Nan, _) | (_, Nan) => Nan,
        (Infinite { .. }, Finite { magnitude: 0, .. })
        | (Finite { magnitude: 0, .. }, Infinite { .. }) => Nan,
        (Infinite { negative: a } | Finite { negative: a, .. }, Infinite { negative: b })
        | (Infinite { negative: a }, Finite { negative: b, .. }) => Infinite { negative: a != b },
        (
            Finite {
                negative,
                magnitude,
                exponent,
            },
            Finite {
                negative: b_negative,
                magnitude: b_magnitude,
                exponent: b_exponent,
            },
        ) => Finite {
            negative: negative != b_negative,
            magnitude: magnitude.wrapping_mul(b_magnitude),
            exponent: exponent + b_exponent,
        },
    }
}

/// The quotient, to far more bits than any format keeps.
pub(crate) fn divide(a: Value, b: Value) -> Value {
    match (a, b) {
        (Nan, _) | (_, Nan) | (Infinite { .. }, Infinite { .. }) => Nan,
        (Finite { magnitude: 0, .. }, Finite { magnitude: 0, .. }) => Nan,
        (Infinite { negative: a }, Finite { negative: b, .. })
        | (
            Finite { negative: a, .. },
            Finite {
                negative: b,
                magnitude: 0,
                ..
            },
        ) => Infinite { negative: a != b },
        (Finite { negative: a, .. }, Infinite { negative: b }) => Finite {
            negative: a != b,
            magnitude: 0,
            exponent: 0,
        },
        (
            Finite {
                negative,
                magnitude,
                exponent,
            },
            Finite {
                negative: b_negative,
                magnitude: b_magnitude,
                exponent: b_exponent,
            },
        ) => {
            let negative = negative != b_negative;
            if magnitude == 0 {
                return Finite {
                    negative,
                    magnitude,
                    exponent: 0,
                };
            }
            // A divisor of at most 53 bits leaves a quotient of at least 72.
            let (magnitude, exponent) = normalised(magnitude, exponent);
            let quotient = magnitude / b_magnitude;
            let inexact = magnitude % b_magnitude != 0;
            Finite {
                negative,
                magnitude: quotient | u128::from(inexact),
                exponent: exponent - b_exponent,
            }
        }
    }
}

/// The square root, to far more bits than any format keeps.
pub(crate) fn square_root(a: Value) -> Value {
    match a {
        Finite { magnitude: 0, .. } | Infinite { negative: false } => a,
        Nan | Infinite { .. } | Finite { negative: true, .. } => Nan,
        Finite {
            magnitude,
            exponent,
            ..
        } => {
            let (mut magnitude, mut exponent) = normalised(magnitude, exponent);
            if exponent % 2 != 0 {
                magnitude <<= 1;
                exponent -= 1;
            }
            let root = magnitude.isqrt();
            Finite {
                negative: false,
                // One more bit makes room for whether the root is exact.
                magnitude: (root << 1) | u128::from(root * root != magnitude),
                exponent: exponent / 2 - 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const F32: Format = Format {
        exponent_bits: 8,
        fraction_bits: 23,
    };
    const F64: Format = Format {
        exponent_bits: 11,
        fraction_bits: 52,
    };

    /// The same number with the other sign.
    fn negated(value: Value) -> Value {
        match value {
            Nan => Nan,
            Infinite { negative } => Infinite {
                negative: !negative,
            },
            Finite {
                negative,
                magnitude,
                exponent,
            } => Finite {
                negative: !negative,
                magnitude,
                exponent,
            },
        }
    }

    fn same(ours: u64, native: f64) -> bool {
        f64::from_bits(ours).to_bits() == native.to_bits()
            || (native.is_nan() && f64::from_bits(ours).is_nan())
    }

    fn same32(ours: u64, native: f32) -> bool {
        ours == u64::from(native.to_bits())
            || (native.is_nan() && f64::from_bits(ours).is_nan() | (ours == 0x7fff_ffff))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn rounding_to_nearest_agrees_with_the_processor_in_double(a: u64, b: u64, c: u64, near in 0u64..4) {
            // Half of the cases have operands of similar size, where cancellation happens.
            let b = if near < 2 { (a & !0xffff_ffff) | (b & 0xffff_ffff) } else { b };
            let (x, y, z) = (f64::from_bits(a), f64::from_bits(b), f64::from_bits(c));
            let (va, vb, vc) = (unpack(a, F64), unpack(b, F64), unpack(c, F64));
            let nearest = |value| round(value, F64, Round::Nearest);
            prop_assert!(same(nearest(add(va, vb, Round::Nearest)), x + y));
            prop_assert!(same(nearest(add(va, negated(vb), Round::Nearest)), x - y));
            prop_assert!(same(nearest(multiply(va, vb)), x * y));
            prop_assert!(same(nearest(divide(va, vb)), x / y));
            prop_assert!(same(nearest(square_root(va)), x.sqrt()));
            prop_assert!(same(nearest(add(multiply(va, vb), vc, Round::Nearest)), x.mul_add(y, z)));
            let product = (x * y).to_bits() ^ (1 << 63);
            let cancelled = add(multiply(va, vb), unpack(product, F64), Round::Nearest);
            prop_assert!(same(nearest(cancelled), x.mul_add(y, f64::from_bits(product))));
        }

        #[test]
        fn rounding_to_nearest_agrees_with_the_processor_in_single(a: u32, b: u32, c: u32, d: u64) {
            let (x, y, z) = (f32::from_bits(a), f32::from_bits(b), f32::from_bits(c));
            let [va, vb, vc] = [a, b, c].map(|bits| unpack(u64::from(bits), F32));
            let nearest = |value| round(value, F32, Round::Nearest);
            prop_assert!(same32(nearest(add(multiply(va, vb), vc, Round::Nearest)), x.mul_add(y, z)));
            prop_assert!(same32(nearest(divide(va, vb)), x / y));
            prop_assert!(same32(nearest(unpack(d, F64)), f64::from_bits(d) as f32));
            prop_assert!(same32(nearest(integer(i128::from(d.cast_signed()))), d.cast_signed() as f32));
        }

        #[test]
        fn directed_roundings_enclose_the_exact_result(a: u32, b: u32) {
            let (x, y) = (f32::from_bits(a), f32::from_bits(b));
            prop_assume!(x.is_finite() && y.is_finite());
            // The product of two f32 values is exact in f64.
            let exact = f64::from(x) * f64::from(y);
            let product = multiply(unpack(u64::from(a), F32), unpack(u64::from(b), F32));
            let to = |mode| f64::from(f32::from_bits(u32::try_from(round(product, F32, mode)).unwrap_or(0)));
            prop_assert!(to(Round::Down) <= exact && exact <= to(Round::Up));
            prop_assert!(to(Round::Zero).abs() <= exact.abs());
            let exactly = to(Round::Nearest) == exact;
            prop_assert_eq!(exactly, to(Round::Down) == exact && to(Round::Up) == exact);
        }
    }
}

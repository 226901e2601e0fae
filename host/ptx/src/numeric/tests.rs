//! What is written over the arithmetic builder against the interpreter's arithmetic in integers, and the approximations against f64
//! precision.

use crate::numeric::arithmetic::{self as soft_float, BF16, F16, F32, F64, Float};
use crate::numeric::half_precision::{self, HalfFormat};
use crate::numeric::{Evaluator, approximations, directed_rounding};
use crate::numeric::{Flags, Round};
use crate::syntax::modifier::Modifiers;

const ROUNDS: [Round; 4] = [Round::Nearest, Round::Zero, Round::Down, Round::Up];

/// Numbers that are the same in every run.
struct Numbers(fastrand::Rng);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A half: often one with few bits, or at an edge.
    fn half(&mut self, format: HalfFormat) -> u32 {
        let bits = self.next();
        let any = (bits >> 32) as u32 & 0xffff;
        match bits % 8 {
            0 => any & 0x83ff,
            1 => any & 0xff80,
            2 => any & 0x8000 | format.infinity(),
            3 => any & 0x8000 | (format.infinity() - 1),
            4 => any & 0x800f,
            _ => any,
        }
    }

    /// An f32: often one near a power of two, or at an edge.
    fn f32(&mut self) -> f32 {
        let bits = self.next();
        let any = (bits >> 32) as u32;
        f32::from_bits(match bits % 8 {
            0 => any & 0x8000_00ff,
            1 => any & 0xff80_0003,
            2 => any | 0x007f_fffe,
            3 => any & 0x8000_0000 | 0x7f7f_ffff,
            4 => any & 0x8000_0000 | 0x3f80_0000 | any & 7,
            5 => any & 0x81ff_ffff | 0x3e00_0000,
            _ => any,
        })
    }
}

fn unpack(format: HalfFormat, half: u32) -> soft_float::Value {
    match format {
        HalfFormat::F16 => F16::unpack(u64::from(half)),
        HalfFormat::BF16 => BF16::unpack(u64::from(half)),
    }
}

fn round(format: HalfFormat, value: soft_float::Value, round: Round) -> u32 {
    let bits = match format {
        HalfFormat::F16 => soft_float::round(value, F16::FORMAT, round),
        HalfFormat::BF16 => soft_float::round(value, BF16::FORMAT, round),
    };
    u32::try_from(bits).unwrap_or(u32::MAX)
}

fn f32_of(format: HalfFormat, half: u32) -> f32 {
    half_precision::to_f32(&mut Evaluator, format, half << 16)
}

fn as_f32(value: soft_float::Value, round: Round) -> u32 {
    u32::try_from(soft_float::round(value, F32::FORMAT, round)).unwrap_or(u32::MAX)
}

fn one_nan(value: f32) -> u32 {
    if value.is_nan() {
        0x7fff_ffff
    } else {
        value.to_bits()
    }
}

#[test]
fn halves_become_singles_and_singles_halves() {
    for format in [HalfFormat::F16, HalfFormat::BF16] {
        let check = |x: f32| {
            let value = F32::unpack(u64::from(x.to_bits()));
            for mode in ROUNDS {
                let found = half_precision::from_f32(&mut Evaluator, format, mode, x);
                let expected = round(format, value, mode);
                assert_eq!(found, expected, "{format:?} of {x:e}, {mode:?}");
            }
        };
        for bits in 0..=0xffffu32 {
            let value = f32_of(format, bits);
            let expected = as_f32(unpack(format, bits), Round::Nearest);
            assert_eq!(one_nan(value), expected, "{format:?} {bits:#x}");
            // The half itself, the middle to the next one, and what is next to them.
            let middle = (value + f32_of(format, bits ^ 1)) / 2.0;
            for around in [value, middle] {
                for near in [u32::MAX, 0, 1] {
                    check(f32::from_bits(around.to_bits().wrapping_add(near)));
                }
            }
        }
        for bits in (0..=u32::MAX).step_by(40_009) {
            check(f32::from_bits(bits));
        }
    }
}

#[test]
fn halves_are_added_multiplied_and_fused_with_one_rounding() {
    let mut numbers = Numbers(fastrand::Rng::with_seed(0x9e37_79b9_7f4a_7c15));
    for format in [HalfFormat::F16, HalfFormat::BF16] {
        let nearest =
            |value: f32| half_precision::from_f32(&mut Evaluator, format, Round::Nearest, value);
        for _ in 0..1_000_000 {
            let bits = [(); 3].map(|()| numbers.half(format));
            let [a, b, c] = bits.map(|bits| f32_of(format, bits));
            let [x, y, z] = bits.map(|bits| unpack(format, bits));
            let to = |value| round(format, value, Round::Nearest);
            assert_eq!(
                nearest(a + b),
                to(soft_float::add(x, y, Round::Nearest)),
                "{bits:x?}"
            );
            let product = soft_float::multiply(x, y);
            assert_eq!(nearest(a * b), to(product), "{bits:x?}");
            let fused = half_precision::fused(&mut Evaluator, format, [a, b, c]);
            let expected = to(soft_float::add(product, z, Round::Nearest));
            assert_eq!(nearest(fused), expected, "{format:?}: fma of {bits:x?}");
        }
    }
}

#[test]
fn the_lesser_and_the_greater_half_are_the_interpreters() {
    let mut numbers = Numbers(fastrand::Rng::with_seed(0x1234_5678_9abc_def1));
    for _ in 0..200_000 {
        for format in [HalfFormat::F16, HalfFormat::BF16] {
            let [a, b] = [(); 2].map(|()| numbers.half(format));
            let (x, y) = (u64::from(a), u64::from(b));
            for nan in [false, true] {
                let flags = Flags {
                    nan,
                    ..Flags::of(&Modifiers::new())
                };
                let expected = match format {
                    HalfFormat::F16 => [false, true].map(|greater| {
                        if greater {
                            soft_float::max::<F16>(x, y, flags)
                        } else {
                            soft_float::min::<F16>(x, y, flags)
                        }
                    }),
                    HalfFormat::BF16 => [false, true].map(|greater| {
                        if greater {
                            soft_float::max::<BF16>(x, y, flags)
                        } else {
                            soft_float::min::<BF16>(x, y, flags)
                        }
                    }),
                };
                let found = [false, true].map(|greater| {
                    half_precision::chosen(&mut Evaluator, format, [a, b], (greater, nan))
                });
                assert_eq!(found.map(u64::from), expected, "{format:?} {a:#x} {b:#x}");
            }
        }
    }
}

#[test]
fn doubles_become_halves_and_singles_with_one_rounding() {
    let mut numbers = Numbers(fastrand::Rng::with_seed(0xfedc_ba98_7654_3211));
    for _ in 0..200_000 {
        let bits = numbers.next();
        // Halfway between halves or f32 values, and a little beside; or anything.
        let near = f64::from(numbers.f32());
        let beside = f64::from_bits(
            near.to_bits()
                .wrapping_add_signed(numbers.next() as i64 % 3),
        );
        let half = f64::from(f32_of(HalfFormat::F16, numbers.half(HalfFormat::F16)));
        let middle = f64::from_bits(
            (half.to_bits() | 1 << 41).wrapping_add_signed(numbers.next() as i64 % 3),
        );
        for x in [f64::from_bits(bits), near, beside, middle] {
            let value = F64::unpack(x.to_bits());
            for mode in ROUNDS {
                let odd = half_precision::odd_from_f64(&mut Evaluator, x);
                for format in [HalfFormat::F16, HalfFormat::BF16] {
                    let found = half_precision::from_f32(&mut Evaluator, format, mode, odd);
                    assert_eq!(
                        found,
                        round(format, value, mode),
                        "{format:?} of {x:e}, {mode:?}"
                    );
                }
                if mode != Round::Nearest {
                    let found = one_nan(directed_rounding::from_f64(&mut Evaluator, mode, x));
                    assert_eq!(found, as_f32(value, mode), "{x:e}, {mode:?}");
                }
            }
        }
    }
}

#[test]
fn singles_are_rounded_in_each_direction() {
    let mut numbers = Numbers(fastrand::Rng::with_seed(0x0123_4567_89ab_cdef));
    for number in 0..400_000 {
        let [a, b, mut c] = [(); 3].map(|()| numbers.f32());
        if number % 4 == 0 {
            // What cancels.
            c = -(a * b);
        }
        let [x, y, z] = [a, b, c].map(|value| F32::unpack(u64::from(value.to_bits())));
        for mode in [Round::Zero, Round::Down, Round::Up] {
            let found = one_nan(directed_rounding::product(&mut Evaluator, mode, a, b));
            let product = soft_float::multiply(x, y);
            assert_eq!(found, as_f32(product, mode), "{a:e} * {b:e}, {mode:?}");
            let found = one_nan(directed_rounding::quotient(&mut Evaluator, mode, a, b));
            let quotient = soft_float::divide(x, y);
            assert_eq!(found, as_f32(quotient, mode), "{a:e} / {b:e}, {mode:?}");
            let found = one_nan(directed_rounding::root(&mut Evaluator, mode, a));
            let root = soft_float::square_root(x);
            assert_eq!(found, as_f32(root, mode), "root of {a:e}, {mode:?}");
            let found = one_nan(directed_rounding::sum(&mut Evaluator, mode, a, b));
            let sum = soft_float::add(x, y, mode);
            assert_eq!(found, as_f32(sum, mode), "{a:e} + {b:e}, {mode:?}");
            let found = one_nan(directed_rounding::fused(&mut Evaluator, mode, [a, b, c]));
            let fused = soft_float::add(product, z, mode);
            assert_eq!(
                found,
                as_f32(fused, mode),
                "{a:e} * {b:e} + {c:e}, {mode:?}"
            );
        }
    }
}

/// The distance in units of the last place that the exact value has.
fn units(found: f32, exact: f64) -> f64 {
    let exponent = ((exact.abs().to_bits() >> 52) as i32 - 1023).max(-126);
    (f64::from(found) - exact).abs() / 2f64.powi(exponent - 23)
}

#[test]
fn approximations_are_as_near_as_the_manual_of_numerics_says() {
    type Function = (
        &'static str,
        fn(&mut Evaluator, f32) -> f32,
        fn(f64) -> f64,
        f64,
    );
    let functions: [Function; 5] = [
        ("ex2", approximations::power_of_two, f64::exp2, 1.0),
        ("lg2", approximations::logarithm_of_two, f64::log2, 1.7),
        ("sin", approximations::sine, f64::sin, 2.7),
        ("cos", approximations::cosine, f64::cos, 2.7),
        ("tanh", approximations::hyperbolic_tangent, f64::tanh, 2.0),
    ];
    for (name, function, exact, bound) in functions {
        for bits in (0..=u32::MAX).step_by(30_011) {
            let x = f32::from_bits(bits);
            let (found, exact) = (function(&mut Evaluator, x), exact(f64::from(x)));
            if exact.is_nan() {
                assert!(found.is_nan(), "{name} of {x:e}: {found:e}");
                continue;
            }
            if bound > 2.0 && x.abs() >= 1_048_576.0 {
                assert!(found.abs() <= 1.0, "{name} of {x:e}: {found:e}");
                continue;
            }
            if (exact as f32).is_infinite() {
                assert_eq!(f64::from(found), f64::from(exact as f32), "{name} of {x:e}");
                continue;
            }
            let off = units(found, exact);
            assert!(off <= bound, "{name} of {x:e}: {found:e} is off by {off}");
        }
    }
}

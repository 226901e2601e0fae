//! Every floating-point instruction at the edges of its format: zeros, subnormal numbers, infinities,
//! NaN. Expected values come from Rust's own arithmetic and the PTX manual's tables.

use crate::common::eval::{many, pairs};

const NAN32: u64 = 0x7fff_ffff;
const NAN64: u64 = 0xfff8_0000_0000_0000;

fn singles() -> Vec<u64> {
    let numbers = [
        0.0f32,
        1.0,
        1.5,
        2.0,
        3.0,
        0.1,
        1e-38,
        1e-45,
        1e-40,
        f32::MIN_POSITIVE,
        f32::EPSILON,
        16_777_215.0,
        3e38,
        f32::MAX,
        f32::INFINITY,
    ];
    let both = numbers.iter().flat_map(|value| [*value, -*value]);
    let bits = both.map(|value| u64::from(value.to_bits()));
    bits.chain([NAN32, 0xffc0_0000, 0x7f80_0001]).collect()
}

fn doubles() -> Vec<u64> {
    let numbers = [
        0.0f64,
        1.0,
        1.5,
        3.0,
        0.1,
        5e-324,
        1e-310,
        f64::MIN_POSITIVE,
        f64::EPSILON,
        1e300,
        f64::MAX,
        f64::INFINITY,
    ];
    let both = numbers.iter().flat_map(|value| [*value, -*value]);
    both.map(f64::to_bits)
        .chain([NAN64, 0x7ff8_0000_0000_0001])
        .collect()
}

fn single(bits: u64) -> f32 {
    f32::from_bits(u32::try_from(bits).unwrap())
}

/// The bits of a result: all NaN are one.
fn bits32(value: f32) -> u64 {
    if value.is_nan() {
        NAN32
    } else {
        u64::from(value.to_bits())
    }
}

fn bits64(value: f64) -> u64 {
    if value.is_nan() {
        NAN64
    } else {
        value.to_bits()
    }
}

fn flushed(value: f32) -> f32 {
    if value.is_subnormal() {
        0f32.copysign(value)
    } else {
        value
    }
}

type Binary<'f, T> = &'f dyn Fn(T, T) -> T;

/// The manual's rule: a number beats a NaN, and of the zeros the negative one is less.
fn least(a: f64, b: f64) -> f64 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        _ if a == b => {
            if a.is_sign_negative() {
                a
            } else {
                b
            }
        }
        _ => a.min(b),
    }
}

fn most(a: f64, b: f64) -> f64 {
    -least(-a, -b)
}

#[test]
fn singles_are_ieee_with_one_nan() {
    let rows = pairs(&singles());
    let functions: [(&str, Binary<'_, f32>); 6] = [
        ("add", &|a, b| a + b),
        ("sub", &|a, b| a - b),
        ("mul", &|a, b| a * b),
        ("div.rn", &|a, b| a / b),
        ("min", &|a, b| least(a.into(), b.into()) as f32),
        ("max", &|a, b| most(a.into(), b.into()) as f32),
    ];
    for (name, function) in functions {
        let found = many(&format!("{name}.f32"), "fff", &rows);
        let flush = many(&format!("{name}.ftz.f32"), "fff", &rows);
        for ((row, found), flush) in rows.iter().zip(found).zip(flush) {
            let (a, b) = (single(row[0]), single(row[1]));
            assert_eq!(found, bits32(function(a, b)), "{name}.f32 of {row:x?}");
            let expected = flushed(function(flushed(a), flushed(b)));
            assert_eq!(flush, bits32(expected), "{name}.ftz.f32 of {row:x?}");
        }
        if ["add", "sub", "mul"].contains(&name) {
            let found = many(&format!("{name}.sat.f32"), "fff", &rows);
            for (row, found) in rows.iter().zip(found) {
                let value = function(single(row[0]), single(row[1]));
                let expected = if value.is_nan() || value <= 0.0 {
                    0.0
                } else {
                    value.min(1.0)
                };
                assert_eq!(found, bits32(expected), "{name}.sat.f32 of {row:x?}");
            }
        }
    }
    let mut rows = Vec::new();
    for pair in pairs(&singles()) {
        rows.extend(
            singles()
                .into_iter()
                .step_by(3)
                .map(|c| vec![pair[0], pair[1], c]),
        );
    }
    let found = many("fma.rn.f32", "ffff", &rows);
    for (row, found) in rows.iter().zip(found) {
        let expected = single(row[0]).mul_add(single(row[1]), single(row[2]));
        assert_eq!(found, bits32(expected), "fma.rn.f32 of {row:x?}");
    }
}

#[test]
fn doubles_are_ieee_with_one_nan() {
    let rows = pairs(&doubles());
    let functions: [(&str, Binary<'_, f64>); 6] = [
        ("add", &|a, b| a + b),
        ("sub", &|a, b| a - b),
        ("mul", &|a, b| a * b),
        ("div.rn", &|a, b| a / b),
        ("min", &least),
        ("max", &most),
    ];
    for (name, function) in functions {
        let found = many(&format!("{name}.f64"), "ggg", &rows);
        for (row, found) in rows.iter().zip(found) {
            let expected = function(f64::from_bits(row[0]), f64::from_bits(row[1]));
            assert_eq!(found, bits64(expected), "{name}.f64 of {row:x?}");
        }
    }
}

#[test]
fn directed_roundings_lie_on_their_side() {
    let rows = pairs(&singles());
    let finite = |row: &[u64]| row.iter().all(|bits| single(*bits).is_finite());
    for (name, exact) in [
        ("add", &(|a, b| a + b) as &dyn Fn(f64, f64) -> f64),
        ("mul", &|a, b| a * b),
    ] {
        let [nearest, zero, down, up] =
            ["rn", "rz", "rm", "rp"].map(|mode| many(&format!("{name}.{mode}.f32"), "fff", &rows));
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| finite(row)) {
            let [a, b] = [0, 1].map(|operand| f64::from(single(row[operand])));
            // Products of singles are exact in double. Where a sum is not, the lost part still
            // says on which side the exact sum lies.
            let sum = exact(a, b);
            let lost = if name == "add" { b - (sum - a) } else { 0.0 };
            let [nearest, zero, down, up] =
                [&nearest, &zero, &down, &up].map(|found| f64::from(single(found[index])));
            let below = |value: f64| value < sum || (value == sum && lost >= 0.0);
            let above = |value: f64| value > sum || (value == sum && lost <= 0.0);
            assert!(
                below(down) && above(up),
                "{name} of {row:x?}: {down} {sum} {up}"
            );
            assert!(nearest == down || nearest == up, "{name} of {row:x?}");
            let inner = if sum < 0.0 { up } else { down };
            assert_eq!(zero, inner, "{name} of {row:x?}");
        }
    }
}

#[test]
fn comparisons_know_all_fourteen_relations() {
    let rows = pairs(&singles());
    type Relation = fn(f32, f32) -> bool;
    let ordered: [(&str, &str, Relation); 6] = [
        ("eq", "equ", |a, b| a == b),
        ("ne", "neu", |a, b| a != b),
        ("lt", "ltu", |a, b| a < b),
        ("le", "leu", |a, b| a <= b),
        ("gt", "gtu", |a, b| a > b),
        ("ge", "geu", |a, b| a >= b),
    ];
    for (name, unordered_name, relation) in ordered {
        let found = many(&format!("setp.{name}.f32"), "pff", &rows);
        let or_unordered = many(&format!("setp.{unordered_name}.ftz.f32"), "pff", &rows);
        for ((row, found), or_unordered) in rows.iter().zip(found).zip(or_unordered) {
            let (a, b) = (single(row[0]), single(row[1]));
            let unordered = a.is_nan() || b.is_nan();
            let expected = !unordered && relation(a, b);
            assert_eq!(found, u64::from(expected), "setp.{name} of {row:x?}");
            let expected = unordered || relation(flushed(a), flushed(b));
            assert_eq!(
                or_unordered,
                u64::from(expected),
                "setp.{unordered_name} of {row:x?}"
            );
        }
    }
}

#[test]
fn floats_become_integers_by_rounding_and_clamping() {
    let mut values = singles();
    let more = [
        0.5f32,
        2.5,
        -2.5,
        255.4,
        255.5,
        32767.9,
        2_147_483_648.0,
        4_294_967_296.0,
        1e19,
        -1e19,
    ];
    values.extend(more.map(|value| u64::from(value.to_bits())));
    let rows: Vec<Vec<u64>> = values.into_iter().map(|value| vec![value]).collect();
    type Round = fn(f64) -> f64;
    let modes: [(&str, Round); 4] = [
        ("rni", f64::round_ties_even),
        ("rzi", f64::trunc),
        ("rmi", f64::floor),
        ("rpi", f64::ceil),
    ];
    for (mode, round) in modes {
        for (ty, letter, least, most) in [
            ("u8", 'r', 0i128, 255i128),
            ("s8", 'r', -128, 127),
            ("u16", 'h', 0, 65535),
            ("s16", 'h', -32768, 32767),
            ("u32", 'r', 0, (1 << 32) - 1),
            ("s32", 'r', -(1 << 31), (1 << 31) - 1),
            ("u64", 'd', 0, (1 << 64) - 1),
            ("s64", 'd', -(1 << 63), (1 << 63) - 1),
        ] {
            let width = match letter {
                'h' => 16,
                'r' => 32,
                _ => 64,
            };
            let found = many(
                &format!("cvt.{mode}.{ty}.f32"),
                &format!("{letter}f"),
                &rows,
            );
            for (row, found) in rows.iter().zip(found) {
                let value = f64::from(single(row[0]));
                let expected = match (value.is_nan(), ty) {
                    (true, "u64" | "s64") => 1i128 << 63,
                    (true, _) => 0,
                    _ => (round(value) as i128).clamp(least, most),
                };
                let expected = expected as u64 & (u64::MAX >> (64 - width));
                assert_eq!(found, expected, "cvt.{mode}.{ty}.f32 of {row:x?}");
            }
        }
    }
}

#[test]
fn approximations_keep_to_the_manuals_tables_of_edges() {
    let [inf, ninf] = [f32::INFINITY, f32::NEG_INFINITY].map(bits32);
    let [one, zero, nzero] = [1.0, 0.0, -0.0].map(bits32);
    let nan = NAN32;
    // The columns: -infinity, -subnormal, -0, +0, +subnormal, +infinity, NaN; `.ftz`.
    let columns = [ninf, 0x8000_0001, nzero, zero, 1, inf, 0xffff_ffff];
    let tables: [(&str, [u64; 7]); 7] = [
        (
            "rcp.approx.ftz.f32",
            [nzero, ninf, ninf, inf, inf, zero, nan],
        ),
        (
            "sqrt.approx.ftz.f32",
            [nan, nzero, nzero, zero, zero, inf, nan],
        ),
        (
            "rsqrt.approx.ftz.f32",
            [nan, ninf, ninf, inf, inf, zero, nan],
        ),
        (
            "sin.approx.ftz.f32",
            [nan, nzero, nzero, zero, zero, nan, nan],
        ),
        ("cos.approx.ftz.f32", [nan, one, one, one, one, nan, nan]),
        (
            "lg2.approx.ftz.f32",
            [nan, ninf, ninf, ninf, ninf, inf, nan],
        ),
        ("ex2.approx.ftz.f32", [zero, one, one, one, one, inf, nan]),
    ];
    let rows = columns.map(|column| vec![column]).to_vec();
    for (name, expected) in tables {
        assert_eq!(many(name, "ff", &rows), expected, "{name}");
    }
    // Without `.ftz` only the sine still takes subnormal numbers for zeros.
    let sines = many("sin.approx.f32", "ff", &rows);
    assert_eq!(sines, [nan, nzero, nzero, zero, zero, nan, nan]);
    let logarithms = many("lg2.approx.f32", "ff", &rows);
    assert_eq!(logarithms, [nan, nan, ninf, ninf, bits32(-149.0), inf, nan]);
    let [least, minus_least] = [1, 0x8000_0001];
    let minus_one = bits32(-1.0);
    let tanh = many("tanh.approx.f32", "ff", &rows);
    assert_eq!(tanh, [minus_one, minus_least, nzero, zero, least, one, nan]);
}

#[test]
fn every_half_becomes_the_single_that_it_is() {
    let rows: Vec<Vec<u64>> = (0..=0xffffu64).map(|bits| vec![bits]).collect();
    let halves = many("cvt.f32.f16", "fh", &rows);
    let all_bf16 = many("cvt.f32.bf16", "fh", &rows);
    let singles: Vec<Vec<u64>> = halves.iter().map(|bits| vec![*bits]).collect();
    let back = many("cvt.rn.f16.f32", "hf", &singles);
    let wide: Vec<Vec<u64>> = all_bf16.iter().map(|bits| vec![*bits]).collect();
    let bf16_back = many("cvt.rn.bf16.f32", "hf", &wide);
    for bits in 0..=0xffffusize {
        let (field, fraction) = (bits >> 10 & 31, (bits & 1023) as f32);
        let magnitude = match field {
            31 if fraction == 0.0 => f32::INFINITY,
            31 => f32::NAN,
            0 => fraction * 2f32.powi(-24),
            _ => (1024.0 + fraction) * 2f32.powi(field as i32 - 25),
        };
        let value = if bits >> 15 == 1 {
            -magnitude
        } else {
            magnitude
        };
        assert_eq!(halves[bits], bits32(value), "{bits:#x}");
        let number = f32::from_bits(u32::try_from(bits << 16).unwrap());
        assert_eq!(all_bf16[bits], bits32(number), "{bits:#x}");
        let expected = if value.is_nan() { 0x7fff } else { bits as u64 };
        assert_eq!(back[bits], expected, "{bits:#x}");
        let expected = if number.is_nan() { 0x7fff } else { bits as u64 };
        assert_eq!(bf16_back[bits], expected, "{bits:#x}");
    }
}

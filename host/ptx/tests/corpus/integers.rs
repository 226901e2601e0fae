//! Kernels that compute with bits and large integers.

use super::common::line;
use super::device::{Device, both, doubles, places, words};

fn longs(seed: u32, count: usize) -> Vec<u64> {
    let words = words(seed, 2 * count);
    words
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 32 | u64::from(pair[1]))
        .collect()
}

#[test]
fn hash() {
    both("hash", |module| {
        let x = longs(1, 100);
        let device = Device::new();
        let out = device.zeros::<u64>(100);
        let arguments = places(&[out, device.put(&x)]).with(100i32);
        device.run(module, "hash", line(1), line(128), arguments);
        let high = |a: u64, b: u64| ((u128::from(a) * u128::from(b)) >> 64) as u64;
        let signed_high = |a: u64, b: u64| {
            let product = i128::from(a.cast_signed()) * i128::from(b.cast_signed());
            (product >> 64) as u64
        };
        let expected: Vec<u64> = (1u64..)
            .zip(&x)
            .map(|(i, x)| {
                let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i));
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                z ^= z >> 31;
                let s = z.cast_signed();
                let divided = s / ((x >> 40).cast_signed() + 3);
                let divided = divided.wrapping_add(s % (((x >> 50).cast_signed() - 8191) | 1));
                let divided = divided.cast_unsigned() ^ (z / ((x & 0xffff) + 1));
                z ^ high(z, x | 1) ^ z.rotate_left(23) ^ divided ^ signed_high(z, *x)
            })
            .collect();
        assert_eq!(device.get::<u64>(out, 100), expected);
    });
}

#[test]
fn philox() {
    both("philox", |module| {
        let n = 50;
        let device = Device::new();
        let (out, uniform) = (device.zeros::<u32>(4 * n), device.zeros::<f32>(n));
        let arguments = places(&[out, uniform])
            .with(0x1234_5678u32)
            .with(0x9abc_def0u32);
        device.run(
            module,
            "philox",
            line(1),
            line(64),
            arguments.with(n as i32),
        );
        let mut expected = Vec::new();
        for i in 0..n as u32 {
            let (mut c, mut key) = ([i, 0, 7, 9], [0x1234_5678u32, 0x9abc_def0]);
            for _ in 0..10 {
                let wide = |a: u32, b: u32| u64::from(a) * u64::from(b);
                let (p, q) = (wide(0xd251_1f53, c[0]), wide(0xcd9e_8d57, c[2]));
                c = [
                    (q >> 32) as u32 ^ c[1] ^ key[0],
                    q as u32,
                    (p >> 32) as u32 ^ c[3] ^ key[1],
                    p as u32,
                ];
                key = [
                    key[0].wrapping_add(0x9e37_79b9),
                    key[1].wrapping_add(0xbb67_ae85),
                ];
            }
            expected.extend(c);
        }
        assert_eq!(device.get::<u32>(out, 4 * n), expected);
        let expected: Vec<f32> = expected
            .chunks(4)
            .map(|c| (c[0] >> 8) as f32 / 16_777_216.0)
            .collect();
        assert_eq!(device.get::<f32>(uniform, n), expected);
    });
}

#[test]
fn bits() {
    both("bits", |module| {
        let n = 90;
        let (mut x, mut y) = (words(1, n), longs(2, n));
        (x[5], y[5]) = (0, 0);
        let device = Device::new();
        let out = device.zeros::<u32>(n);
        let arguments = places(&[out, device.put(&x), device.put(&y)]).with(n as i32);
        device.run(module, "bits", line(1), line(96), arguments);
        let expected: Vec<u32> = (0..n)
            .map(|i| {
                let (v, w, d, i) = (x[i], x[(i + 1) % n], y[i], i as u32);
                let first = |zeros: u32, bits: u32| if zeros == bits { 0 } else { zeros + 1 };
                let mut r = v.count_ones()
                    + 3 * v.leading_zeros()
                    + 5 * first(v.trailing_zeros(), 32)
                    + 7 * d.count_ones()
                    + 11 * d.leading_zeros()
                    + 13 * first(d.trailing_zeros(), 64);
                let bytes = [v.to_le_bytes(), w.to_le_bytes()].concat();
                let picked = u32::from_le_bytes([bytes[5], bytes[1], bytes[7], bytes[3]]);
                let both = u64::from(w) << 32 | u64::from(v);
                r ^= v.reverse_bits()
                    ^ picked
                    ^ ((both << (i & 31)) >> 32) as u32
                    ^ (both >> (i % 40).min(32)) as u32
                    ^ d.reverse_bits() as u32;
                let field = v >> (i & 31) & ((1 << (w & 15)) - 1);
                r = r.wrapping_add(field.wrapping_add((v & w) | (!v & d as u32)));
                let (a, b) = (u64::from(v), u64::from(w));
                let signed = |word: u32| i64::from(word.cast_signed());
                let signed24 = |word: u32| i64::from((word << 8).cast_signed() >> 8);
                r ^ ((a + b) >> 1) as u32
                    ^ ((signed(v) + signed(w) + 1) >> 1) as u32
                    ^ ((signed(v) * signed(w)) >> 32) as u32
                    ^ (signed24(v) * signed24(w)) as u32
                    ^ ((a & 0xff_ffff) * (b & 0xff_ffff)) as u32
            })
            .collect();
        assert_eq!(device.get::<u32>(out, n), expected);
    });
}

#[test]
fn big_integers() {
    both("big_integers", |module| {
        let n = 33;
        let (mut a, b) = (words(1, 8 * n), words(2, 8 * n));
        a[..8].fill(u32::MAX);
        let device = Device::new();
        let out = [8, 4, 4].map(|size| device.zeros::<u32>(size * n));
        let arguments = places(&[out[0], out[1], out[2], device.put(&a), device.put(&b)]);
        device.run(module, "big_integers", line(1), line(n as u32), arguments);
        let (mut sums, mut differences, mut products) = (vec![], vec![], vec![]);
        for (a, b) in a.chunks(8).zip(b.chunks(8)) {
            let mut carry = 0;
            for (a, b) in a.iter().zip(b) {
                let sum = u64::from(*a) + u64::from(*b) + carry;
                sums.push(sum as u32);
                carry = sum >> 32;
            }
            let wide = |words: &[u32]| {
                words
                    .iter()
                    .rev()
                    .fold(0u128, |value, word| value << 32 | u128::from(*word))
            };
            let split = |value: u128| (0..4).map(move |part| (value >> (32 * part)) as u32);
            differences.extend(split(wide(&a[..4]).wrapping_sub(wide(&b[..4]))));
            products.extend(split(wide(&a[..2]) * wide(&b[..2])));
        }
        assert_eq!(device.get::<u32>(out[0], 8 * n), sums);
        assert_eq!(device.get::<u32>(out[1], 4 * n), differences);
        assert_eq!(device.get::<u32>(out[2], 4 * n), products);
    });
}

#[test]
fn conversions() {
    both("conversions", |module| {
        let n = 60;
        let mut x: Vec<f64> = doubles(1, n).iter().map(|value| value * 1e8).collect();
        x[..4].copy_from_slice(&[0.5, -0.5, 2.5, -1e-40]);
        let y = longs(2, n);
        let device = Device::new();
        let out = device.zeros::<i64>(12 * n);
        let arguments = places(&[out, device.put(&x), device.put(&y)]).with(n as i32);
        device.run(module, "conversions", line(1), line(64), arguments);
        // Towards zero from the nearest single.
        let towards_zero = |value: i64| {
            let near = value as f32;
            let beyond = (near as i128).abs() > i128::from(value).abs();
            if beyond {
                f32::from_bits(near.to_bits() - 1)
            } else {
                near
            }
        };
        let mut expected = vec![0i64; 12 * n];
        for i in 0..n {
            let (d, f, l) = (x[i], x[i] as f32, y[i].cast_signed());
            let row = [
                i64::from(f as i32),
                d as i64,
                i64::from((d as i64) as u32),
                i64::from(l as i16),
                i64::from(l as u8),
                i64::from((l >> 8) as i8),
                (l as f32) as i64,
                f64::from(l as u32) as i64,
                i64::from(d.floor() as i32),
                i64::from(f.ceil() as i32),
                f64::from(f).to_bits().cast_signed(),
                i64::from(towards_zero(l).to_bits().cast_signed()),
            ];
            for (k, value) in row.into_iter().enumerate() {
                expected[k * n + i] = value;
            }
        }
        assert_eq!(device.get::<i64>(out, 12 * n), expected);
    });
}

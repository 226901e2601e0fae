//! Kernels in which the threads of a warp or a block work together.

use std::collections::BTreeMap;

use super::common::line;
use super::device::{Device, both, floats, near, places, words};

fn integers(seed: u32, count: usize) -> Vec<i32> {
    let small = |word: u32| (word % 2001).cast_signed() - 1000;
    words(seed, count).into_iter().map(small).collect()
}

#[test]
fn reduce_shared() {
    both("reduce_shared", |module| {
        let x = floats(1, 500);
        let device = Device::new();
        let out = device.zeros::<f32>(4);
        let arguments = places(&[out, device.put(&x)]).with(500i32);
        device.run(module, "reduce_shared", line(4), line(128), arguments);
        let sum = |part: &[f32]| part.iter().map(|value| f64::from(*value)).sum();
        let expected: Vec<f64> = x.chunks(128).map(sum).collect();
        near(&device.get(out, 4), &expected, 1e-5);
    });
}

#[test]
fn reduce_shuffle() {
    both("reduce_shuffle", |module| {
        let x = integers(1, 700);
        let device = Device::new();
        let out = device.put(&[0, i32::MAX, i32::MIN]);
        let arguments = places(&[out, device.put(&x)]).with(700i32);
        device.run(module, "reduce_shuffle", line(3), line(256), arguments);
        let (least, most) = (*x.iter().min().unwrap(), *x.iter().max().unwrap());
        assert_eq!(device.get::<i32>(out, 3), [x.iter().sum(), least, most]);
    });
}

#[test]
fn scan() {
    both("scan", |module| {
        let x = words(1, 512);
        let device = Device::new();
        let (out, totals) = (device.zeros::<u32>(512), device.zeros::<u32>(2));
        let arguments = places(&[out, device.put(&x), totals]);
        device.run(module, "scan", line(2), line(256), arguments);
        let mut expected = Vec::new();
        for part in x.chunks(256) {
            let mut sum = 0u32;
            expected.extend(part.iter().map(|value| {
                sum = sum.wrapping_add(*value);
                sum
            }));
        }
        assert_eq!(device.get::<u32>(out, 512), expected);
        assert_eq!(device.get::<u32>(totals, 2), [expected[255], expected[511]]);
    });
}

#[test]
fn histogram() {
    both("histogram", |module| {
        let x: Vec<u8> = words(1, 3000)
            .iter()
            .map(|word| (word % 100 + word % 7) as u8)
            .collect();
        let device = Device::new();
        let counts = device.zeros::<u32>(256);
        let arguments = places(&[counts, device.put(&x)]).with(3000i32);
        device.run(module, "histogram", line(3), line(128), arguments);
        let mut expected = vec![0u32; 256];
        for byte in x {
            expected[usize::from(byte)] += 1;
        }
        assert_eq!(device.get::<u32>(counts, 256), expected);
    });
}

#[test]
fn bitonic_sort() {
    both("bitonic_sort", |module| {
        let keys: Vec<i16> = words(1, 512).iter().map(|word| *word as i16).collect();
        let values: Vec<u8> = keys.iter().map(|key| (key >> 3) as u8).collect();
        let device = Device::new();
        let at = [device.put(&keys), device.put(&values)];
        device.run(module, "bitonic_sort", line(2), line(256), places(&at));
        let mut expected = keys;
        expected.chunks_mut(256).for_each(<[i16]>::sort_unstable);
        assert_eq!(device.get::<i16>(at[0], 512), expected);
        let carried: Vec<u8> = expected.iter().map(|key| (key >> 3) as u8).collect();
        assert_eq!(device.get::<u8>(at[1], 512), carried);
    });
}

#[test]
fn compact() {
    both("compact", |module| {
        let x = integers(1, 300);
        let device = Device::new();
        let (out, count) = (device.zeros::<i32>(300), device.zeros::<i32>(1));
        let arguments = places(&[out, count, device.put(&x)]).with(300i32);
        // One warp a block: warps of a block may reserve their places in any order, and the results of
        // interpreter and compiler are compared byte by byte.
        device.run(module, "compact", line(10), line(32), arguments);
        let mut expected: Vec<i32> = x.into_iter().filter(|value| *value > 0).collect();
        let found = device.get::<i32>(count, 1)[0] as usize;
        let mut kept = device.get::<i32>(out, found);
        kept.sort_unstable();
        expected.sort_unstable();
        assert_eq!(kept, expected);
    });
}

#[test]
fn argmax() {
    both("argmax", |module| {
        let mut x = floats(1, 300);
        x[123] = 9.5;
        x[124] = -1e9;
        let device = Device::new();
        let (best, largest) = (device.zeros::<u64>(1), device.put(&[f32::MIN]));
        let arguments = places(&[best, largest, device.put(&x)]).with(300i32);
        device.run(module, "argmax", line(3), line(128), arguments);
        let word = device.get::<u64>(best, 1)[0];
        assert_eq!(u32::MAX - word as u32, 123);
        assert_eq!((word >> 32) as u32, 9.5f32.to_bits() | 0x8000_0000);
        assert_eq!(device.get::<f32>(largest, 1), [9.5]);
    });
}

#[test]
fn monte_carlo() {
    both("monte_carlo", |module| {
        let device = Device::new();
        let (inside, sum) = (device.zeros::<u64>(1), device.zeros::<f64>(1));
        let arguments = places(&[inside, sum]).with(50i32);
        device.run(module, "monte_carlo", line(2), line(64), arguments);
        let (mut hits, mut total) = (0u64, 0.0);
        for thread in 1..=128u32 {
            let mut state = thread;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                state
            };
            for _ in 0..50 {
                let (a, b) = (next(), next());
                let unit = |word: u32| f64::from(word) / 4_294_967_296.0;
                hits += u64::from(unit(a).powi(2) + unit(b).powi(2) < 1.0);
                total += f64::from(a >> 16);
            }
        }
        assert_eq!(device.get::<u64>(inside, 1), [hits]);
        assert_eq!(
            device.get::<f64>(sum, 1),
            [total],
            "sums of integers are exact in any order"
        );
    });
}

#[test]
fn warp_aggregate() {
    both("warp_aggregate", |module| {
        let keys: Vec<i32> = words(1, 192)
            .iter()
            .map(|word| (word % 9).cast_signed())
            .collect();
        let mut values = integers(2, 192);
        values[70] = 7;
        let device = Device::new();
        let (totals, answers) = (device.zeros::<i32>(9), device.zeros::<i32>(12));
        let arguments = places(&[totals, answers, device.put(&keys), device.put(&values)]);
        device.run(module, "warp_aggregate", line(3), line(64), arguments);
        let mut expected: BTreeMap<i32, i32> = BTreeMap::new();
        for (key, value) in keys.iter().zip(&values) {
            *expected.entry(*key).or_default() += value;
        }
        let expected: Vec<i32> = expected.into_values().collect();
        assert_eq!(device.get::<i32>(totals, 9), expected);
        let mut expected = Vec::new();
        for part in values.chunks(64) {
            let count = part.iter().filter(|value| **value > 0).count() as i32;
            let every = i32::from(part.iter().all(|value| *value > -1000));
            expected.extend([count, every, i32::from(part.contains(&7)), 33]);
        }
        assert_eq!(device.get::<i32>(answers, 12), expected);
    });
}

#[test]
fn warp_reduce() {
    both("warp_reduce", |module| {
        let x = words(1, 64);
        let device = Device::new();
        let out = device.zeros::<u32>(16);
        device.run(
            module,
            "warp_reduce",
            line(2),
            line(32),
            places(&[out, device.put(&x)]),
        );
        let mut expected = Vec::new();
        for part in x.chunks(32) {
            let signed = || part.iter().map(|word| word.cast_signed());
            let sum = |part: &[u32]| part.iter().fold(0u32, |sum, word| sum.wrapping_add(*word));
            expected.extend([
                sum(part),
                signed().min().unwrap().cast_unsigned(),
                signed().max().unwrap().cast_unsigned(),
                part.iter().fold(u32::MAX, |all, word| all & word),
                part.iter().fold(0, |any, word| any | word),
                part.iter().fold(0, |odd, word| odd ^ word),
                *part.iter().min().unwrap(),
                sum(&part[..16]),
            ]);
        }
        assert_eq!(device.get::<u32>(out, 16), expected);
    });
}

#[test]
fn edit_distance() {
    both("edit_distance", |module| {
        let n = 40;
        let letters = |seed| -> Vec<u8> {
            words(seed, 2 * n)
                .iter()
                .map(|word| b'a' + (word % 4) as u8)
                .collect()
        };
        let (a, b) = (letters(1), letters(2));
        let device = Device::new();
        let out = device.zeros::<i32>(2);
        let arguments = places(&[out, device.put(&a), device.put(&b)]).with(n as i32);
        device.run(module, "edit_distance", line(2), line(64), arguments);
        let distance = |a: &[u8], b: &[u8]| {
            let mut row: Vec<i32> = (0..=n as i32).collect();
            for (i, x) in a.iter().enumerate() {
                let mut next = vec![i as i32 + 1];
                for (j, y) in b.iter().enumerate() {
                    let replaced = row[j] + i32::from(x != y);
                    next.push(replaced.min(row[j + 1] + 1).min(next[j] + 1));
                }
                row = next;
            }
            row[n]
        };
        let expected = [distance(&a[..n], &b[..n]), distance(&a[n..], &b[n..])];
        assert_eq!(device.get::<i32>(out, 2), expected);
    });
}

//! Kernels that are not CUDA C++: Triton's and Rust's.

use super::common::{line, plane};
use super::device::{Device, floats, from, near, places, words};

/// The bits of a half that a float is equal to.
fn half(value: f32) -> u16 {
    let bits = value.to_bits();
    let field = (bits >> 23 & 255) as i32 - 112;
    assert!((1..31).contains(&field) && bits & 0x1fff == 0, "{value}");
    ((bits >> 16 & 0x8000) | (field as u32) << 10 | (bits >> 13 & 0x3ff)) as u16
}

fn of_half(bits: u16) -> f64 {
    let (field, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    let magnitude = if field == 0 {
        fraction * 2f64.powi(-24)
    } else {
        (1024.0 + fraction) * 2f64.powi(field - 25)
    };
    if bits >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// Floats that are halves, and bf16 too.
fn coarse(seed: u32, count: usize) -> Vec<f32> {
    let one = |word: u32| {
        (1.0 + (word >> 8 & 127) as f32 / 128.0) * if word & 1 == 0 { 2.0 } else { -0.5 }
    };
    words(seed, count).into_iter().map(one).collect()
}

#[test]
fn triton_softmax() {
    from("triton", "triton_softmax", |module| {
        let (rows, columns, stride) = (3, 300, 320);
        let x = floats(1, rows * stride);
        let device = Device::new();
        let out = device.zeros::<f32>(rows * stride);
        let arguments = places(&[out, device.put(&x)])
            .with(columns as i32)
            .with(stride as i32);
        device.run(module, "softmax", line(3), line(128), arguments);
        let mut expected = Vec::new();
        for row in x.chunks(stride) {
            let row = &row[..columns];
            let sum: f64 = row.iter().map(|value| f64::from(*value).exp()).sum();
            expected.extend(row.iter().map(|value| f64::from(*value).exp() / sum));
            expected.extend(vec![0.0; stride - columns]);
        }
        near(&device.get(out, rows * stride), &expected, 1e-5);
    });
}

#[test]
fn triton_layer_norm() {
    from("triton", "triton_layer_norm", |module| {
        let (rows, n) = (2, 400);
        let (x, gain) = (coarse(1, rows * n), floats(2, n));
        let bits: Vec<u16> = x.iter().map(|value| half(*value)).collect();
        let device = Device::new();
        let out = device.zeros::<u16>(rows * n);
        let arguments = places(&[out, device.put(&bits), device.put(&gain)]).with(n as i32);
        device.run(module, "layer_norm", line(2), line(128), arguments);
        let found: Vec<f64> = device
            .get::<u16>(out, rows * n)
            .into_iter()
            .map(of_half)
            .collect();
        for (row, found) in x.chunks(n).zip(found.chunks(n)) {
            let mean = row.iter().map(|value| f64::from(*value)).sum::<f64>() / n as f64;
            let square = |value: &f32| (f64::from(*value) - mean).powi(2);
            let variance = row.iter().map(square).sum::<f64>() / n as f64;
            for ((value, gain), found) in row.iter().zip(&gain).zip(found) {
                let expected =
                    (f64::from(*value) - mean) / (variance + 1e-5).sqrt() * f64::from(*gain);
                assert!(
                    (found - expected).abs() <= 1e-3 * (1.0 + expected.abs()),
                    "{found} {expected}"
                );
            }
        }
    });
}

/// A product of matrices, row after row: `n` columns, and `k` terms of each element.
fn product(a: &[f32], b: &[f32], n: usize, k: usize) -> Vec<f64> {
    let rows = a.chunks(k).flat_map(|row| {
        (0..n).map(move |column| {
            let terms = row.iter().zip(b[column..].iter().step_by(n));
            terms.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        })
    });
    rows.collect()
}

/// Its extents: tiles at the edges are not whole, and nor is the last step along the sums.
const PRODUCT: [usize; 3] = [80, 96, 112];

#[test]
fn triton_matmul() {
    from("triton", "triton_matmul", |module| {
        let [m, n, k] = PRODUCT;
        let (a, b) = (coarse(1, m * k), coarse(2, k * n));
        let bits = |numbers: &[f32]| -> Vec<u16> { numbers.iter().copied().map(half).collect() };
        let device = Device::new();
        let c = device.zeros::<u16>(m * n);
        let arguments = places(&[device.put(&bits(&a)), device.put(&bits(&b)), c]);
        let arguments = PRODUCT.iter().fold(arguments, |arguments, extent| {
            arguments.with(*extent as i32)
        });
        let shape = (line(4), line(128), 16_384);
        device.run_with_shared(module, "matmul", shape, arguments);
        let found = device.get::<u16>(c, m * n).into_iter().map(of_half);
        let expected = product(&a, &b, n, k);
        for (found, expected) in found.zip(expected) {
            let allowed = 1e-3 * (1.0 + expected.abs());
            assert!((found - expected).abs() <= allowed, "{found} {expected}");
        }
    });
}

#[test]
fn triton_matmul_tf32() {
    from("triton", "triton_matmul_tf32", |module| {
        let [m, n, k] = PRODUCT;
        let (a, b) = (coarse(1, m * k), coarse(2, k * n));
        let device = Device::new();
        let c = device.zeros::<f32>(m * n);
        let arguments = places(&[device.put(&a), device.put(&b), c]);
        let arguments = PRODUCT.iter().fold(arguments, |arguments, extent| {
            arguments.with(*extent as i32)
        });
        let shape = (line(4), line(128), 32_768);
        device.run_with_shared(module, "matmul", shape, arguments);
        near(&device.get(c, m * n), &product(&a, &b, n, k), 1e-5);
    });
}

#[test]
fn triton_attention() {
    from("triton", "triton_attention", |module| {
        let (heads, length, width, scale) = (2, 128, 64, 0.125);
        let size = heads * length * width;
        let inputs = [1, 2, 3].map(|seed| -> Vec<f32> {
            let numbers = coarse(seed, size).into_iter();
            numbers.map(|number| number / 4.0).collect()
        });
        let device = Device::new();
        let out = device.zeros::<u16>(size);
        let mut at = vec![out];
        for numbers in &inputs {
            let bits: Vec<u16> = numbers.iter().copied().map(half).collect();
            at.push(device.put(&bits));
        }
        let arguments = places(&at).with(scale as f32).with(length as i32);
        let shape = (plane(length as u32 / 64, heads as u32), line(128), 24_576);
        device.run_with_shared(module, "attention", shape, arguments);
        let found: Vec<f64> = device
            .get::<u16>(out, size)
            .into_iter()
            .map(of_half)
            .collect();
        let [q, k, v] = &inputs;
        let head = length * width;
        for (number, query) in q.chunks(width).enumerate() {
            let first = number / length * head;
            let (k, v) = (&k[first..first + head], &v[first..first + head]);
            let weights: Vec<f64> = product(query, &transposed(k, width), length, width)
                .into_iter()
                .map(|product| (product * scale).exp())
                .collect();
            let all: f64 = weights.iter().sum();
            for column in 0..width {
                let values = v[column..].iter().step_by(width);
                let sum: f64 = weights
                    .iter()
                    .zip(values)
                    .map(|(weight, value)| weight * f64::from(*value))
                    .sum();
                let (found, expected) = (found[number * width + column], sum / all);
                let allowed = 2e-3 * (1.0 + expected.abs());
                assert!((found - expected).abs() <= allowed, "{found} {expected}");
            }
        }
    });
}

/// Rows of so many numbers as columns.
fn transposed(rows: &[f32], width: usize) -> Vec<f32> {
    (0..width)
        .flat_map(|column| rows[column..].iter().step_by(width).copied())
        .collect()
}

#[test]
fn triton_scan() {
    from("triton", "triton_scan", |module| {
        let x: Vec<i32> = words(1, 256)
            .iter()
            .map(|word| word.cast_signed() >> 12)
            .collect();
        let device = Device::new();
        let out = device.zeros::<i32>(512);
        device.run(
            module,
            "scan",
            line(1),
            line(128),
            places(&[out, device.put(&x)]),
        );
        let mut sum = 0;
        let mut expected: Vec<i32> = x
            .iter()
            .map(|value| {
                sum += value;
                sum
            })
            .collect();
        let mut sorted = x;
        sorted.sort_unstable();
        expected.extend(sorted);
        assert_eq!(device.get::<i32>(out, 512), expected);
    });
}

#[test]
fn triton_atomics() {
    from("triton", "triton_atomics", |module| {
        let x: Vec<i32> = words(1, 600)
            .iter()
            .map(|word| (word % 1000).cast_signed())
            .collect();
        let device = Device::new();
        let (total, counts) = (device.zeros::<i32>(3), device.zeros::<i32>(16));
        let arguments = places(&[total, counts, device.put(&x)]).with(600i32);
        device.run(module, "atomics", line(3), line(128), arguments);
        let expected = [*x.iter().max().unwrap(), 1, x.iter().sum()];
        assert_eq!(device.get::<i32>(total, 3), expected);
        let mut expected = vec![0; 16];
        x.iter()
            .for_each(|value| expected[(value & 15) as usize] += 1);
        assert_eq!(device.get::<i32>(counts, 16), expected);
    });
}

#[test]
fn triton_hints() {
    from("triton", "triton_hints", |module| {
        let n = 700;
        let (x, w) = (coarse(1, n), coarse(2, n));
        let halves: Vec<u16> = x.iter().map(|value| half(*value)).collect();
        let brains: Vec<u16> = w
            .iter()
            .map(|value| (value.to_bits() >> 16) as u16)
            .collect();
        let device = Device::new();
        let out = device.zeros::<u16>(n);
        let arguments = places(&[out, device.put(&halves), device.put(&brains)]).with(n as i32);
        device.run(module, "hints", line(2), line(128), arguments);
        let found = device.get::<u16>(out, n);
        for ((x, w), found) in x.iter().zip(&w).zip(found) {
            let expected = f64::from(*x) / (1.0 + (-f64::from(*w)).exp());
            let found = f64::from(f32::from_bits(u32::from(found) << 16));
            assert!(
                (found - expected).abs() <= expected.abs() / 256.0,
                "{found} {expected}"
            );
        }
    });
}

#[test]
fn rust_collatz() {
    from("rustc", "rust_collatz", |module| {
        let numbers: Vec<u32> = words(1, 70).iter().map(|word| word % 5000 + 1).collect();
        let device = Device::new();
        let answers = device.zeros::<u64>(2 * 70);
        let arguments = places(&[answers, device.put(&numbers)]).with(70u32);
        device.run(module, "rust_collatz", line(2), line(64), arguments);
        let mut expected = Vec::new();
        for number in numbers {
            let (mut n, mut steps, mut largest) = (u64::from(number), 0u32, u64::from(number));
            while n != 1 {
                n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 };
                largest = largest.max(n);
                steps += 1;
            }
            let fold = ((u128::from(largest) * 0x1234_5678_90ab_cdef) >> 64) as u16;
            let parts = [
                (steps & 1) as u16,
                (number.rotate_left(3) as u16).wrapping_neg(),
                fold,
            ];
            let tail = parts
                .iter()
                .rev()
                .fold(0u64, |tail, part| tail << 16 | u64::from(*part));
            let option = if steps < 256 {
                1 | u64::from(steps) << 8
            } else {
                0
            };
            expected.extend([largest, tail << 16 | option]);
        }
        let found = device.get::<u64>(answers, 140);
        for (index, (found, expected)) in found.into_iter().zip(expected).enumerate() {
            // The number of a missing one is whatever it is.
            let mask = if index % 2 == 1 && expected & 1 == 0 {
                !0xff00
            } else {
                u64::MAX
            };
            assert_eq!(found & mask, expected & mask, "{index}");
        }
    });
}

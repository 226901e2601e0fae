//! Kernels of neural networks.

use super::common::{Arguments, line, plane};
use super::device::{Device, both, floats, near, near64, places, words};

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

#[test]
fn softmax() {
    both("softmax", |module| {
        let (rows, n) = (3, 100);
        let x = floats(1, rows * n);
        let device = Device::new();
        let out = device.zeros::<f32>(rows * n);
        let arguments = places(&[out, device.put(&x)]).with(n as i32);
        device.run(module, "softmax", line(rows as u32), line(64), arguments);
        let mut expected = Vec::new();
        for row in x.chunks(n) {
            let sum: f64 = double(row).iter().map(|value| value.exp()).sum();
            expected.extend(double(row).iter().map(|value| value.exp() / sum));
        }
        near(&device.get(out, rows * n), &expected, 1e-6);
    });
}

#[test]
fn layer_norm() {
    both("layer_norm", |module| {
        let (rows, n) = (2, 75);
        let (x, gain, bias) = (floats(1, rows * n), floats(2, n), floats(3, n));
        let device = Device::new();
        let out = device.zeros::<f32>(rows * n);
        let arguments = places(&[out, device.put(&x), device.put(&gain), device.put(&bias)]);
        let arguments = arguments.with(n as i32).with(1e-5f32);
        device.run(module, "layer_norm", line(rows as u32), line(32), arguments);
        let mut expected = Vec::new();
        for row in x.chunks(n) {
            let row = double(row);
            let mean = row.iter().sum::<f64>() / n as f64;
            let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let scale = 1.0 / (variance + 1e-5).sqrt();
            expected.extend(
                (0..n).map(|i| (row[i] - mean) * scale * f64::from(gain[i]) + f64::from(bias[i])),
            );
        }
        near(&device.get(out, rows * n), &expected, 1e-5);
    });
}

#[test]
fn rms_norm() {
    both("rms_norm", |module| {
        let (rows, n) = (3, 80);
        let (x, gain) = (floats(1, rows * n), floats(2, n));
        let device = Device::new();
        let out = device.zeros::<f32>(rows * n);
        let arguments = places(&[out, device.put(&x), device.put(&gain)]);
        let arguments = arguments.with((n / 4) as i32).with(1e-5f32);
        device.run(module, "rms_norm", line(rows as u32), line(16), arguments);
        let mut expected = Vec::new();
        for row in x.chunks(n) {
            let mean = double(row).iter().map(|v| v * v).sum::<f64>() / n as f64;
            let scale = 1.0 / (mean + 1e-5).sqrt();
            expected.extend((0..n).map(|i| f64::from(row[i]) * scale * f64::from(gain[i])));
        }
        near(&device.get(out, rows * n), &expected, 1e-5);
    });
}

#[test]
fn attention() {
    both("attention", |module| {
        for causal in [false, true] {
            let (n, width) = (40, 16);
            let (q, k, v) = (
                floats(1, n * width),
                floats(2, n * width),
                floats(3, n * width),
            );
            let device = Device::new();
            let out = device.zeros::<f32>(n * width);
            let arguments = places(&[out, device.put(&q), device.put(&k), device.put(&v)]);
            let arguments = arguments.with(n as i32).with(i32::from(causal));
            device.run(module, "attention", line(2), line(32), arguments);
            let (q, k, v) = (double(&q), double(&k), double(&v));
            let mut expected = Vec::new();
            for i in 0..n {
                let seen = if causal { i + 1 } else { n };
                let scores: Vec<f64> = (0..seen)
                    .map(|j| {
                        (0..width)
                            .map(|d| q[i * width + d] * k[j * width + d])
                            .sum::<f64>()
                            / 4.0
                    })
                    .collect();
                let most = scores.iter().copied().fold(f64::MIN, f64::max);
                let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
                let total: f64 = weights.iter().sum();
                for d in 0..width {
                    let sum: f64 = (0..seen).map(|j| weights[j] * v[j * width + d]).sum();
                    expected.push(sum / total);
                }
            }
            near(&device.get(out, n * width), &expected, 1e-4);
        }
    });
}

/// The error function, by its series: enough terms for arguments up to six.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    if x.abs() > 5.0 {
        x.signum()
    } else {
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }
}

#[test]
fn gelu() {
    both("gelu", |module| {
        let n = 200;
        let x = floats(1, n);
        let device = Device::new();
        let out: Vec<usize> = (0..4).map(|_| device.zeros::<f32>(n)).collect();
        let arguments = places(&[out[0], out[1], out[2], out[3], device.put(&x)]);
        device.run(module, "gelu", line(2), line(128), arguments.with(n as i32));
        let inner = |v: f64| 0.797_884_560_8 * (v + 0.044_715 * v * v * v);
        let functions: [&dyn Fn(f64) -> f64; 4] = [
            &|v| 0.5 * v * (1.0 + inner(v).tanh()),
            &|v| 0.5 * v * (1.0 + erf(v / 2f64.sqrt())),
            &|v| v / (1.0 + (-v).exp()),
            &|v| v.exp().ln_1p(),
        ];
        for (place, function) in out.iter().zip(functions) {
            let expected: Vec<f64> = double(&x).into_iter().map(function).collect();
            near(&device.get(*place, n), &expected, 2e-6);
        }
    });
}

#[test]
fn quantized() {
    both("quantized", |module| {
        let n = 200;
        let x = floats(1, n);
        let device = Device::new();
        let (out, positive) = (device.zeros::<i8>(n), device.zeros::<u8>(n));
        let arguments = places(&[out, positive, device.put(&x)])
            .with(20f32)
            .with(n as i32);
        device.run(module, "quantize", line(2), line(128), arguments);
        let scaled = |x: &f32| x * 20.0;
        let expected: Vec<i8> = x
            .iter()
            .map(|x| scaled(x).round_ties_even() as i8)
            .collect();
        assert_eq!(device.get::<i8>(out, n), expected);
        let expected: Vec<u8> = x.iter().map(|x| scaled(x) as u8).collect();
        assert_eq!(device.get::<u8>(positive, n), expected);

        let (a, b, u) = (words(2, n), words(3, n), words(4, n));
        let out = device.zeros::<u32>(n);
        let arguments = places(&[out, device.put(&a), device.put(&b), device.put(&u)]);
        device.run(
            module,
            "products",
            line(2),
            line(128),
            arguments.with(n as i32),
        );
        let expected: Vec<u32> = (0..n)
            .map(|i| {
                let signed =
                    |word: u32| word.to_le_bytes().map(|byte| i64::from(byte.cast_signed()));
                let unsigned = |word: u32| word.to_le_bytes().map(i64::from);
                let halves = |word: u32| [word as i16, (word >> 16) as i16].map(i64::from);
                let dot = |a: &[i64], b: &[i64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<i64>();
                let (x, y) = (signed(a[i]), signed(b[i]));
                let h = halves(a[i]);
                let difference = |a: i64, b: i64| (a - b).abs();
                let whole = |word: u32| i64::from(word.cast_signed());
                let sum = i as i64
                    + dot(&x, &y)
                    + dot(&h, &y[..2])
                    + dot(&h, &y[2..])
                    + 1
                    + dot(&unsigned(u[i]), &unsigned(u[i]))
                    + 5
                    + difference(whole(a[i]), whole(b[i]))
                    + 1
                    + difference(i64::from(u[i]), 77);
                sum as u32
            })
            .collect();
        assert_eq!(device.get::<u32>(out, n), expected);
    });
}

#[test]
fn rotary() {
    both("rotary", |module| {
        let (positions, heads, width) = (20, 2, 32);
        let x = floats(1, positions * heads * width);
        let device = Device::new();
        let place = device.put(&x);
        let arguments = places(&[place])
            .with(heads as i32)
            .with(width as i32)
            .with(10_000f32);
        device.run(module, "rotary", plane(20, 2), line(16), arguments);
        let mut expected = Vec::new();
        for (index, row) in double(&x).chunks(width).enumerate() {
            let angle = |i: usize| {
                (index / heads) as f64 * 10_000f64.powf(-2.0 * (i % 16) as f64 / width as f64)
            };
            expected.extend((0..width).map(|i| {
                let (a, b) = (row[i % 16], row[i % 16 + 16]);
                let (s, c) = angle(i).sin_cos();
                if i < 16 { a * c - b * s } else { a * s + b * c }
            }));
        }
        near(&device.get(place, x.len()), &expected, 1e-5);
    });
}

#[test]
fn cross_entropy() {
    both("cross_entropy", |module| {
        let (n, classes) = (30, 10);
        let scores = floats(1, n * classes);
        let labels: Vec<i64> = words(2, n)
            .iter()
            .map(|word| i64::from(word % 10))
            .collect();
        let device = Device::new();
        let out = device.zeros::<f64>(n);
        let arguments = places(&[out, device.put(&scores), device.put(&labels)]);
        let arguments = arguments.with(classes as i32).with(n as i32);
        device.run(module, "cross_entropy", line(1), line(32), arguments);
        let expected: Vec<f64> = double(&scores)
            .chunks(classes)
            .zip(&labels)
            .map(|(row, label)| {
                row.iter().map(|score| score.exp()).sum::<f64>().ln() - row[*label as usize]
            })
            .collect();
        near64(&device.get(out, n), &expected, 1e-12);
    });
}

#[test]
fn adam() {
    both("adam", |module| {
        let n = 100;
        let (w, m, g) = (floats(1, n), floats(2, n), floats(3, n));
        let v: Vec<f32> = floats(4, n).iter().map(|value| value * value).collect();
        let device = Device::new();
        let at = [
            device.put(&w),
            device.put(&m),
            device.put(&v),
            device.put(&g),
        ];
        let arguments: Arguments = places(&at)
            .with(0.01f32)
            .with(0.9f32)
            .with(0.99f32)
            .with(1e-3f32)
            .with(7i32)
            .with(n as i32);
        device.run(module, "adam", line(1), line(128), arguments);
        let (rate, beta1, beta2) = (0.01, f64::from(0.9f32), f64::from(0.99f32));
        let mut expected = Vec::new();
        for i in 0..n {
            let [w, m, v, g] = [&w, &m, &v, &g].map(|values| f64::from(values[i]));
            let m = beta1 * m + (1.0 - beta1) * g;
            let v = beta2 * v + (1.0 - beta2) * g * g;
            let (mh, vh) = (m / (1.0 - beta1.powi(7)), v / (1.0 - beta2.powi(7)));
            expected.push(w - rate * mh / (vh.sqrt() + 1e-3));
        }
        near(&device.get(at[0], n), &expected, 1e-5);
    });
}

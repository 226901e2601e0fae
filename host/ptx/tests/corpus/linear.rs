//! Vectors and matrices.

use super::common::{line, plane};
use super::device::{Device, both, doubles, floats, near, near64, places, words};

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// The product of an m-by-k and a k-by-n matrix.
fn product(a: &[f32], b: &[f32], m: usize, n: usize, k: usize) -> Vec<f64> {
    let (a, b) = (double(a), double(b));
    let element =
        |row: usize, column: usize| (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum();
    (0..m * n).map(|i| element(i / n, i % n)).collect()
}

#[test]
fn element_wise() {
    both("element_wise", |module| {
        let n = 300;
        let device = Device::new();
        let (x, y) = (floats(1, n), floats(2, n));
        let (out, at_x, at_y) = (device.zeros::<f32>(n), device.put(&x), device.put(&y));
        let arguments = places(&[out, at_x, at_y]).with(n as i32);
        device.run(module, "floats", line(3), line(128), arguments);
        let one = |a: f64, b: f64| {
            a * a + b / (a.abs() + 1.0) - a.min(b) * a.max(0.5) + b.floor() - a.trunc()
        };
        let expected: Vec<f64> = double(&x)
            .into_iter()
            .zip(double(&y))
            .map(|(a, b)| one(a, b))
            .collect();
        near(&device.get(out, n), &expected, 1e-5);

        let (x, y) = (words(3, n), words(4, n));
        let (at_x, at_y) = (device.put(&x), device.put(&y));
        let out = device.zeros::<u32>(n);
        let arguments = places(&[out, at_x, at_y]).with(n as i32);
        device.run(module, "integers", line(3), line(128), arguments);
        let expected: Vec<u32> = x
            .iter()
            .zip(&y)
            .map(|(u, v)| {
                let (u, v) = (*u, *v | 1);
                let (a, b) = (u.cast_signed(), v.cast_signed());
                let quotients = (a.wrapping_div(b) ^ a.wrapping_rem(b)).cast_unsigned();
                quotients
                    ^ (u / v).wrapping_add(u % v)
                    ^ (u << (v & 7))
                    ^ (a >> (v & 15)).cast_unsigned()
                    ^ (u >> (v & 31))
                    ^ a.max(b).cast_unsigned()
                    ^ u.min(v)
                    ^ a.wrapping_abs().cast_unsigned()
                    ^ !v
            })
            .collect();
        assert_eq!(device.get::<u32>(out, n), expected);
    });
}

#[test]
fn saxpy() {
    both("saxpy", |module| {
        let (x, y) = (floats(1, 1000), floats(2, 1000));
        let device = Device::new();
        let (at_y, at_x) = (device.put(&y), device.put(&x));
        let arguments = places(&[at_y, at_x]).with(2.5f32).with(1000u32);
        device.run(module, "saxpy", line(2), line(96), arguments);
        let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x.mul_add(2.5, *y)).collect();
        assert_eq!(device.get::<f32>(at_y, 1000), expected);
    });
}

#[test]
fn matrices_are_multiplied() {
    for name in ["matmul_naive", "matmul_tiled"] {
        let scenario = |module: &std::sync::Arc<tensor_wasm_ptx::Module>| {
            let (m, n, k) = (21, 35, 18);
            let (a, b) = (floats(1, m * k), floats(2, k * n));
            let device = Device::new();
            let c = device.zeros::<f32>(m * n);
            let arguments = places(&[c, device.put(&a), device.put(&b)])
                .with(m as i32)
                .with(n as i32)
                .with(k as i32);
            device.run(module, name, plane(3, 2), plane(16, 16), arguments);
            near(&device.get(c, m * n), &product(&a, &b, m, n, k), 1e-4);
        };
        match name {
            "matmul_naive" => both("matmul_naive", scenario),
            _ => both("matmul_tiled", scenario),
        }
    }
    both("matmul_registers", |module| {
        let n = 64;
        let (a, b) = (floats(1, n * n), floats(2, n * n));
        let device = Device::new();
        let c = device.zeros::<f32>(n * n);
        let arguments = places(&[c, device.put(&a), device.put(&b)]).with(n as i32);
        device.run(module, "matmul_registers", plane(2, 2), line(64), arguments);
        near(&device.get(c, n * n), &product(&a, &b, n, n, n), 1e-4);
    });
}

#[test]
fn transpose() {
    both("transpose", |module| {
        let (width, height) = (37, 21);
        let x = doubles(1, width * height);
        let device = Device::new();
        let out = device.zeros::<f64>(width * height);
        let arguments = places(&[out, device.put(&x)])
            .with(width as i32)
            .with(height as i32);
        device.run(module, "transpose", plane(3, 2), plane(16, 16), arguments);
        let expected: Vec<f64> = (0..width * height)
            .map(|i| x[i % height * width + i / height])
            .collect();
        assert_eq!(device.get::<f64>(out, width * height), expected);
    });
}

#[test]
fn spmv() {
    both("spmv", |module| {
        let rows = 10;
        let lengths: Vec<usize> = words(1, rows)
            .iter()
            .map(|word| (word % 70) as usize)
            .collect();
        let mut starts = vec![0i32];
        for length in &lengths {
            starts.push(starts.last().unwrap() + *length as i32);
        }
        let count = *starts.last().unwrap() as usize;
        let columns: Vec<i32> = words(2, count)
            .iter()
            .map(|word| (word % 50) as i32)
            .collect();
        let (values, x) = (doubles(3, count), doubles(4, 50));
        let device = Device::new();
        let y = device.zeros::<f64>(rows);
        let arguments = places(&[
            y,
            device.put(&starts),
            device.put(&columns),
            device.put(&values),
            device.put(&x),
        ]);
        device.run(
            module,
            "spmv",
            line(3),
            line(128),
            arguments.with(rows as i32),
        );
        let expected: Vec<f64> = (0..rows)
            .map(|row| {
                let range = starts[row] as usize..starts[row + 1] as usize;
                range.map(|i| values[i] * x[columns[i] as usize]).sum()
            })
            .collect();
        near64(&device.get(y, rows), &expected, 1e-12);
    });
}

#[test]
fn fft() {
    both("fft", |module| {
        let x = floats(1, 1024);
        let device = Device::new();
        let data = device.put(&x);
        device.run(module, "fft", line(2), line(128), places(&[data]));
        let mut expected = Vec::new();
        for part in x.chunks(512) {
            for k in 0..256 {
                let (mut re, mut im) = (0.0, 0.0);
                for (j, pair) in part.chunks(2).enumerate() {
                    let angle = -std::f64::consts::TAU * (j * k % 256) as f64 / 256.0;
                    let (a, b) = (f64::from(pair[0]), f64::from(pair[1]));
                    re += a * angle.cos() - b * angle.sin();
                    im += a * angle.sin() + b * angle.cos();
                }
                expected.extend([re, im]);
            }
        }
        near(&device.get(data, 1024), &expected, 1e-4);
    });
}

#[test]
fn stencil() {
    both("stencil", |module| {
        let (width, height) = (30, 20);
        let x = floats(1, width * height);
        let device = Device::new();
        let out = device.zeros::<f32>(width * height);
        let arguments = places(&[out, device.put(&x)])
            .with(width as i32)
            .with(height as i32)
            .with(0.1f32);
        device.run(module, "heat", plane(4, 3), plane(8, 8), arguments);
        let v = double(&x);
        let expected: Vec<f64> = (0..width * height)
            .map(|i| {
                let (c, r) = (i % width, i / width);
                if c == 0 || r == 0 || c == width - 1 || r == height - 1 {
                    return v[i];
                }
                v[i] + 0.1 * (v[i - 1] + v[i + 1] + v[i - width] + v[i + width] - 4.0 * v[i])
            })
            .collect();
        near(&device.get(out, width * height), &expected, 1e-5);

        let size = 9usize;
        let x = doubles(2, size * size * size);
        let out = device.zeros::<f64>(x.len());
        let arguments = places(&[out, device.put(&x)]).with(size as i32);
        let three = |x| tensor_wasm_ptx::Extent { x, y: x, z: x };
        device.run(module, "space", three(3), three(4), arguments);
        let inside = |i: usize| i > 0 && i < size - 1;
        let expected: Vec<f64> = (0..x.len())
            .map(|i| {
                let (a, b, c) = (i % size, i / size % size, i / size / size);
                if !(inside(a) && inside(b) && inside(c)) {
                    return 0.0;
                }
                let near = [1, size, size * size];
                near.iter()
                    .map(|step| x[i - step] + x[i + step])
                    .sum::<f64>()
                    / 6.0
                    - x[i]
            })
            .collect();
        near64(&device.get(out, x.len()), &expected, 1e-12);
    });
}

#[test]
fn nbody() {
    both("nbody", |module| {
        let n = 50;
        let bodies: Vec<f32> = floats(1, 4 * n).iter().map(|value| value.abs()).collect();
        let device = Device::new();
        let out = device.zeros::<f32>(4 * n);
        let arguments = places(&[out, device.put(&bodies)]).with(n as i32);
        device.run(module, "nbody", line(2), line(32), arguments);
        let b = double(&bodies);
        let mut expected = Vec::new();
        for i in 0..n {
            let mut sum = [0.0; 4];
            for j in 0..n {
                let d: Vec<f64> = (0..3)
                    .map(|axis| b[j * 4 + axis] - b[i * 4 + axis])
                    .collect();
                let square = d.iter().map(|d| d * d).sum::<f64>() + 0.01;
                for axis in 0..3 {
                    sum[axis] += d[axis] * b[j * 4 + 3] / square.powf(1.5);
                }
            }
            expected.extend(sum);
        }
        near(&device.get(out, 4 * n), &expected, 1e-4);
    });
}

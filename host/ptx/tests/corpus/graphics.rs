//! Kernels over images and grids.

use super::common::plane;
use super::device::{Device, both, floats, near, places, words};

#[test]
fn convolution() {
    both("convolution", |module| {
        let (width, height) = (21usize, 13usize);
        let x = floats(1, width * height);
        let device = Device::new();
        let out = device.zeros::<f32>(width * height);
        let arguments = places(&[out, device.put(&x)])
            .with(width as i32)
            .with(height as i32);
        device.run(module, "convolution", plane(3, 2), plane(8, 8), arguments);
        let weights = [1.0, 4.0, 6.0, 4.0, 1.0];
        let clamped = |at: usize, by: usize, size: usize| (at + by).saturating_sub(2).min(size - 1);
        let mut expected = Vec::new();
        for i in 0..width * height {
            let (column, row) = (i % width, i / width);
            let mut sum = 0.0;
            for (dy, vertical) in weights.iter().enumerate() {
                for (dx, horizontal) in weights.iter().enumerate() {
                    let at = clamped(row, dy, height) * width + clamped(column, dx, width);
                    sum += vertical * horizontal * f64::from(x[at]);
                }
            }
            expected.push(sum / 256.0);
        }
        near(&device.get(out, width * height), &expected, 1e-5);
    });
}

#[test]
fn mandelbrot() {
    both("mandelbrot", |module| {
        let (width, height) = (24usize, 16usize);
        let device = Device::new();
        let out = device.zeros::<i32>(width * height);
        let arguments = places(&[out])
            .with(width as i32)
            .with(height as i32)
            .with(-2.0f64)
            .with(-1.2f64)
            .with(0.13f64)
            .with(60i32);
        device.run(module, "mandelbrot", plane(3, 2), plane(8, 8), arguments);
        // Whether `left + px * step` is one rounding or two is the compiler's choice.
        let escape = |cx: f64, cy: f64| {
            let (mut x, mut y, mut count) = (0.0, 0.0, 0);
            while count < 60 && x * x + y * y < 4.0 {
                (x, y) = (x * x - y * y + cx, 2.0 * x * y + cy);
                count += 1;
            }
            count
        };
        let found = device.get::<i32>(out, width * height);
        for (i, found) in found.into_iter().enumerate() {
            let (px, py) = ((i % width) as f64, (i / width) as f64);
            let fused = escape(px.mul_add(0.13, -2.0), py.mul_add(0.13, -1.2));
            let apart = escape(-2.0 + px * 0.13, -1.2 + py * 0.13);
            assert!(
                found == fused || found == apart,
                "{i}: {found}, {fused}, {apart}"
            );
        }
    });
}

#[test]
fn life() {
    both("life", |module| {
        let (width, height) = (19usize, 12usize);
        let x: Vec<u8> = words(1, width * height)
            .iter()
            .map(|word| (word >> 9 & 1) as u8)
            .collect();
        let device = Device::new();
        let out = device.zeros::<u8>(width * height);
        let arguments = places(&[out, device.put(&x)])
            .with(width as i32)
            .with(height as i32);
        device.run(module, "life", plane(3, 2), plane(8, 8), arguments);
        let expected: Vec<u8> = (0..width * height)
            .map(|i| {
                let (c, r) = (i % width, i / width);
                let around = [
                    (0, 0),
                    (0, 1),
                    (0, 2),
                    (1, 0),
                    (1, 2),
                    (2, 0),
                    (2, 1),
                    (2, 2),
                ];
                let alive: u8 = around
                    .iter()
                    .map(|(dr, dc)| {
                        let (r, c) = ((r + dr + height - 1) % height, (c + dc + width - 1) % width);
                        x[r * width + c]
                    })
                    .sum();
                u8::from(alive == 3 || (alive == 2 && x[i] == 1))
            })
            .collect();
        assert_eq!(device.get::<u8>(out, width * height), expected);
    });
}

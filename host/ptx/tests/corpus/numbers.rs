//! Number formats and the mathematical library.

use super::common::line;
use super::device::{Device, both, doubles, floats, near, near64, places};

/// A 16-bit format: bits of exponent and of fraction.
#[derive(Clone, Copy)]
struct Format(i32, i32);

const HALF: Format = Format(5, 10);
const BRAIN: Format = Format(8, 7);

impl Format {
    fn bias(self) -> i32 {
        (1 << (self.0 - 1)) - 1
    }

    fn value(self, bits: u16) -> f64 {
        let magnitude = i32::from(bits & 0x7fff);
        let (field, fraction) = (magnitude >> self.1, magnitude & ((1 << self.1) - 1));
        let value = if field == 0 {
            f64::from(fraction) * 2f64.powi(1 - self.bias() - self.1)
        } else {
            f64::from(fraction + (1 << self.1)) * 2f64.powi(field - self.bias() - self.1)
        };
        if bits >> 15 == 1 { -value } else { value }
    }

    /// The nearest number, as a value; for what is neither tiny nor huge.
    fn nearest(self, value: f64) -> f64 {
        if value == 0.0 {
            return value;
        }
        let exponent = value.abs().log2().floor() as i32;
        let step = 2f64.powi(exponent.max(1 - self.bias()) - self.1);
        (value / step).round_ties_even() * step
    }

    /// Numbers from 1/4 to 8 of either sign.
    fn numbers(self, seed: u32, count: usize) -> Vec<u16> {
        floats(seed, count)
            .iter()
            .map(|value| {
                let value = self.nearest(f64::from(*value) + 0.25f64.copysign(f64::from(*value)));
                let exponent = value.abs().log2().floor() as i32;
                let fraction = value.abs() * 2f64.powi(self.1 - exponent);
                let field = exponent + self.bias() - 1;
                let sign = u16::from(value < 0.0) << 15;
                sign | ((field << self.1) + fraction as i32) as u16
            })
            .collect()
    }
}

fn arithmetic(name: &str, format: Format, module: &std::sync::Arc<tensor_wasm_ptx::Module>) {
    let n = 128;
    let (mut x, y) = (format.numbers(1, n), format.numbers(2, n));
    x[3] = y[3];
    let device = Device::new();
    let (at_x, at_y) = (device.put(&x), device.put(&y));
    let out = device.zeros::<u16>(5 * n);
    let arguments = places(&[out, at_x, at_y]).with(n as i32);
    device.run(module, "scalars", line(1), line(128), arguments);
    let found: Vec<f64> = device
        .get::<u16>(out, 5 * n)
        .into_iter()
        .map(|bits| format.value(bits))
        .collect();
    let near = |value: f64| format.nearest(value);
    for i in 0..n {
        let (a, b) = (format.value(x[i]), format.value(y[i]));
        let exact = [
            near(a * b + near(a - b)),
            near(near(a + b) * b.abs()),
            if a < b { -a } else { a.max(b) },
        ];
        for (row, expected) in exact.into_iter().enumerate() {
            assert_eq!(found[row * n + i], expected, "{name} {i} {row}: {a} {b}");
        }
        let step = 2f64.powi(-format.1);
        for (row, expected) in [(3, a / b), (4, a.abs().sqrt())] {
            let error = (found[row * n + i] - expected).abs();
            assert!(error <= expected.abs() * step, "{name} {i} {row}: {a} {b}");
        }
    }
    let out = device.zeros::<u16>(3 * n);
    let masks = device.zeros::<u32>(n / 2);
    let arguments = places(&[out, at_x, at_y, masks]).with((n / 2) as i32);
    device.run(module, "pairs", line(1), line(64), arguments);
    let found: Vec<f64> = device
        .get::<u16>(out, 3 * n)
        .into_iter()
        .map(|bits| format.value(bits))
        .collect();
    let mut expected_masks = Vec::new();
    for i in 0..n {
        let (a, b) = (format.value(x[i]), format.value(y[i]));
        assert_eq!(found[i], near(a * b - b), "{name} {i}");
        assert_eq!(found[n + i], near(a + b).min(near(a * b)), "{name} {i}");
        assert_eq!(
            found[2 * n + i],
            f64::from(u8::from(a == a.max(b))),
            "{name} {i}"
        );
        if i % 2 == 1 {
            let (a1, b1) = (format.value(x[i - 1]), format.value(y[i - 1]));
            expected_masks.push(u32::from(a <= b && a1 <= b1) + 2 * u32::from(a > b && a1 > b1));
        }
    }
    assert_eq!(device.get::<u32>(masks, n / 2), expected_masks);
}

#[test]
fn half() {
    both("half", |module| arithmetic("half", HALF, module));
}

#[test]
fn brain_float() {
    both("brain_float", |module| {
        arithmetic("brain_float", BRAIN, module)
    });
}

type Function<'f> = &'f dyn Fn(f64) -> f64;

fn positive(v: f64) -> f64 {
    v.abs() + 0.01
}

#[test]
fn math_single() {
    both("math_single", |module| {
        let n = 100;
        let x = floats(1, n);
        let device = Device::new();
        let out = device.zeros::<f32>(24 * n);
        let arguments = places(&[out, device.put(&x)]).with(n as i32);
        device.run(module, "math_single", line(1), line(128), arguments);
        // Those that the standard library has not: the error function and the gamma function.
        let functions: [(usize, Function<'_>); 22] = [
            (0, &f64::sin),
            (1, &f64::cos),
            (2, &f64::tan),
            (3, &|v| (v / 20.0).asin()),
            (4, &|v| (v / 20.0).acos()),
            (5, &f64::atan),
            (6, &|v| v.atan2(positive(v) + 1.0)),
            (7, &|v| (v / 4.0).sinh()),
            (8, &|v| (v / 4.0).cosh()),
            (9, &f64::tanh),
            (10, &f64::exp),
            (11, &f64::exp2),
            (12, &|v| positive(v).ln()),
            (13, &|v| positive(v).log2()),
            (14, &|v| positive(v).log10()),
            (15, &|v| positive(v).sqrt()),
            (16, &f64::cbrt),
            (17, &|v| v.hypot(3.0)),
            (18, &|v| positive(v).powf(1.5)),
            (19, &|v| v % 0.75),
            (22, &f64::round_ties_even),
            (23, &f64::round),
        ];
        for (row, function) in functions {
            let expected: Vec<f64> = x.iter().map(|value| function(f64::from(*value))).collect();
            // Tangents are steep.
            let tolerance = if row == 2 { 1e-5 } else { 2e-6 };
            near(&device.get(out + 4 * n * row, n), &expected, tolerance);
        }
        let erf = device.get::<f32>(out + 4 * n * 20, n);
        let erf_is_odd_and_bounded = x
            .iter()
            .zip(&erf)
            .all(|(x, erf)| erf.abs() <= 1.0 && x.signum() == erf.signum());
        assert!(erf_is_odd_and_bounded);
    });
}

#[test]
fn math_double() {
    both("math_double", |module| {
        let n = 100;
        let x = doubles(1, n);
        let device = Device::new();
        let out = device.zeros::<f64>(20 * n);
        let arguments = places(&[out, device.put(&x)]).with(n as i32);
        device.run(module, "math_double", line(1), line(128), arguments);
        let functions: [(usize, Function<'_>); 19] = [
            (0, &f64::sin),
            (1, &f64::cos),
            (2, &f64::tan),
            (3, &|v| (v / 20.0).asin()),
            (4, &f64::atan),
            (5, &|v| v.atan2(positive(v) + 1.0)),
            (6, &|v| (v / 4.0).sinh()),
            (7, &f64::tanh),
            (8, &f64::exp),
            (9, &f64::exp2),
            (10, &|v| positive(v).ln()),
            (11, &|v| positive(v).log2()),
            (12, &|v| positive(v).ln_1p()),
            (13, &|v| positive(v).sqrt()),
            (14, &|v| 1.0 / positive(v).sqrt()),
            (15, &f64::cbrt),
            (16, &|v| positive(v).powf(1.5)),
            (17, &|v| v % 0.75),
            (19, &f64::round_ties_even),
        ];
        for (row, function) in functions {
            let expected: Vec<f64> = x.iter().map(|value| function(*value)).collect();
            let tolerance = if row == 2 { 1e-13 } else { 2e-15 };
            near64(&device.get(out + 8 * n * row, n), &expected, tolerance);
        }
    });
}

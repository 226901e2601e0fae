//! Functions of mathematics: transforms and losses.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, floats, line, near, nvrtc, words};

#[device]
mod transforms {
    use tensor_wasm_guest::bytemuck::{Pod, Zeroable};

    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct Complex {
        pub re: f32,
        pub im: f32,
    }

    /// 256 points in shared memory, radix 2 (Stockham), a block to each transform.
    #[kernel]
    pub fn fft(data: GlobalMut<Complex>) {
        let points = shared!([Complex; 512]);
        let t = thread::index_x();
        let base = block::index_x() * 256;
        points.set(t as usize, data.get((base + t) as usize));
        points.set((t + 128) as usize, data.get((base + t + 128) as usize));
        barrier();
        let mut from = 0;
        let mut s = 1u32;
        while s < 256 {
            let to = 256 - from;
            let k = t & (s - 1);
            let j = (t - k) * 2 + k;
            let angle = -std::f32::consts::PI * k as f32 / s as f32;
            let (sine, cosine) = (fast::sin(angle), fast::cos(angle));
            let (u, v) = (
                points.get((from + t) as usize),
                points.get((from + t + 128) as usize),
            );
            let (re, im) = (v.re * cosine - v.im * sine, v.re * sine + v.im * cosine);
            points.set(
                (to + j) as usize,
                Complex {
                    re: u.re + re,
                    im: u.im + im,
                },
            );
            points.set(
                (to + j + s) as usize,
                Complex {
                    re: u.re - re,
                    im: u.im - im,
                },
            );
            barrier();
            from = to;
            s *= 2;
        }
        data.set((base + t) as usize, points.get((from + t) as usize));
        data.set(
            (base + t + 128) as usize,
            points.get((from + t + 128) as usize),
        );
    }
}

#[test]
fn transforms_agree() {
    let x = floats(1, 1024);
    let points: Vec<transforms::Complex> = bytemuck::cast_slice(&x).to_vec();
    let config = line(2, 128);
    let mut other = device(nvrtc!("fft"));
    let expected = other.upload(&x).unwrap();
    other.launch("fft", config).arg(&expected).run().unwrap();
    let mut rust = device(transforms::fft::PTX);
    let mut data = rust.upload(&points).unwrap();
    transforms::fft(&mut rust, config, &mut data).unwrap();
    let found = rust.read(&data);
    near(
        bytemuck::cast_slice::<_, f32>(&found),
        &other.read(&expected),
        1e-4,
    );
}

#[device]
mod losses {
    /// The exponential of a number that is not positive.
    fn exp(x: f64) -> f64 {
        let k = (x * std::f64::consts::LOG2_E).round_ties_even();
        let r = k.mul_add(-6.931_471_803_691_238e-1, x);
        let r = k.mul_add(-1.908_214_929_270_587_7e-10, r);
        let mut sum = 2.505_210_838_544_172e-8;
        sum = r.mul_add(sum, 2.755_731_922_398_589e-7);
        sum = r.mul_add(sum, 2.755_731_922_398_589e-6);
        sum = r.mul_add(sum, 2.480_158_730_158_73e-5);
        sum = r.mul_add(sum, 1.984_126_984_126_984e-4);
        sum = r.mul_add(sum, 1.388_888_888_888_889e-3);
        sum = r.mul_add(sum, 8.333_333_333_333_333e-3);
        sum = r.mul_add(sum, 4.166_666_666_666_666_4e-2);
        sum = r.mul_add(sum, 1.666_666_666_666_666_6e-1);
        sum = r.mul_add(sum, 0.5);
        sum = r.mul_add(sum, 1.0);
        sum = r.mul_add(sum, 1.0);
        let scale = f64::from_bits(((k as i32 + 1023) as u64) << 52);
        if x < -708.0 { 0.0 } else { sum * scale }
    }

    /// The natural logarithm of a number that is at least one.
    fn ln(x: f64) -> f64 {
        let bits = x.to_bits();
        let above = (bits & 0xf_ffff_ffff_ffff > 0x6_a09e_667f_3bcd) as u64;
        let exponent = (bits >> 52) as i32 - 1023 + above as i32;
        let m = f64::from_bits((bits & 0xf_ffff_ffff_ffff) | (1023 - above) << 52);
        let s = (m - 1.0) / (m + 1.0);
        let z = s * s;
        let mut sum = 1.0 / 21.0;
        sum = z.mul_add(sum, 1.0 / 19.0);
        sum = z.mul_add(sum, 1.0 / 17.0);
        sum = z.mul_add(sum, 1.0 / 15.0);
        sum = z.mul_add(sum, 1.0 / 13.0);
        sum = z.mul_add(sum, 1.0 / 11.0);
        sum = z.mul_add(sum, 1.0 / 9.0);
        sum = z.mul_add(sum, 1.0 / 7.0);
        sum = z.mul_add(sum, 1.0 / 5.0);
        sum = z.mul_add(sum, 1.0 / 3.0);
        sum = z.mul_add(sum, 1.0);
        (2.0 * s).mul_add(sum, exponent as f64 * std::f64::consts::LN_2)
    }

    /// The loss of a row of scores against a label, in double.
    #[kernel]
    pub fn cross_entropy(
        loss: GlobalMut<f64>,
        scores: &[f32],
        labels: &[i64],
        classes: u32,
        n: u32,
    ) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let row = i * classes;
        let mut most = scores[row as usize] as f64;
        let mut sum = 0.0;
        for c in 1..classes {
            most = most.max(scores[(row + c) as usize] as f64);
        }
        for c in 0..classes {
            sum += exp(scores[(row + c) as usize] as f64 - most);
        }
        let label = labels[i as usize] as u32;
        loss.set(
            i as usize,
            ln(sum) + most - scores[(row + label) as usize] as f64,
        );
    }
}

#[test]
fn losses_agree() {
    let scores = floats(1, 300);
    let labels: Vec<i64> = words(2, 30)
        .iter()
        .map(|word| i64::from(word % 10))
        .collect();
    let config = line(1, 32);
    let mut other = device(nvrtc!("cross_entropy"));
    let expected = other.allocate::<f64>(30).unwrap();
    let (a, b) = (
        other.upload(&scores).unwrap(),
        other.upload(&labels).unwrap(),
    );
    let launch = other.launch("cross_entropy", config).arg(&expected);
    launch.arg(&a).arg(&b).arg(10i32).arg(30i32).run().unwrap();
    let mut rust = device(losses::cross_entropy::PTX);
    let mut loss = rust.allocate::<f64>(30).unwrap();
    let (a, b) = (rust.upload(&scores).unwrap(), rust.upload(&labels).unwrap());
    losses::cross_entropy(&mut rust, config, &mut loss, &a, &b, 10, 30).unwrap();
    near(&rust.read(&loss), &other.read(&expected), 1e-12);
}

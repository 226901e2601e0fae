//! What neural networks are made of, row by row.

use tensor_wasm_guest::Struct;
use tensor_wasm_guest::kernel::prelude::*;

use super::{device, floats, line, near, nvrtc, plane};

/// One row a block: maximum, sum of exponentials, quotient.
#[kernel]
fn softmax(out: GlobalMut<f32>, x: &[f32], n: u32) {
    let part = shared!([f32; 64]);
    let thread = thread::index_x();
    let own = thread as usize;
    let row = block::index_x() * n;
    let mut most = f32::NEG_INFINITY;
    for i in (thread..n).step_by(block::size_x() as usize) {
        most = most.max(x[(row + i) as usize]);
    }
    part.set(own, most);
    barrier();
    let mut s = block::size_x() / 2;
    while s > 0 {
        if thread < s {
            part.set(own, part.get(own).max(part.get((thread + s) as usize)));
        }
        barrier();
        s /= 2;
    }
    most = part.get(0);
    barrier();
    let mut sum = 0.0;
    for i in (thread..n).step_by(block::size_x() as usize) {
        sum += fast::exp(x[(row + i) as usize] - most);
    }
    part.set(own, sum);
    barrier();
    let mut s = block::size_x() / 2;
    while s > 0 {
        if thread < s {
            part.set(own, part.get(own) + part.get((thread + s) as usize));
        }
        barrier();
        s /= 2;
    }
    for i in (thread..n).step_by(block::size_x() as usize) {
        let at = (row + i) as usize;
        out.set(at, fast::exp(x[at] - most) / part.get(0));
    }
}

#[test]
fn softmaxes_agree() {
    let x = floats(1, 300);
    let config = line(3, 64);
    let mut other = device(nvrtc!("softmax"));
    let (expected, at) = (
        other.allocate::<f32>(300).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("softmax", config).arg(&expected);
    launch.arg(&at).arg(100i32).run().unwrap();
    let mut rust = device(softmax::PTX);
    let (mut out, at) = (rust.allocate::<f32>(300).unwrap(), rust.upload(&x).unwrap());
    softmax(&mut rust, config, &mut out, &at, 100).unwrap();
    near(&rust.read(&out), &other.read(&expected), 1e-5);
}

/// Root mean square of a row, in vectors of four.
#[kernel]
fn rms_norm(out: GlobalMut<[f32; 4]>, x: &[[f32; 4]], gain: &[[f32; 4]], quads: u32, epsilon: f32) {
    let total = shared!([f32; 1]);
    let thread = thread::index_x();
    if thread == 0 {
        total.set(0, 0.0);
    }
    barrier();
    let row = block::index_x() * quads;
    let mut sum = 0.0;
    for i in (thread..quads).step_by(block::size_x() as usize) {
        let v = x[(row + i) as usize];
        for j in 0..4 {
            sum = v[j].mul_add(v[j], sum);
        }
    }
    total.atomic_add(0, sum, Ordering::Relaxed);
    barrier();
    let scale = 1.0 / (total.get(0) / (4 * quads) as f32 + epsilon).sqrt();
    for i in (thread..quads).step_by(block::size_x() as usize) {
        let at = (row + i) as usize;
        let (v, g) = (x[at], gain[i as usize]);
        out.set(
            at,
            [
                v[0] * scale * g[0],
                v[1] * scale * g[1],
                v[2] * scale * g[2],
                v[3] * scale * g[3],
            ],
        );
    }
}

#[test]
fn root_mean_squares_agree() {
    let (x, gain) = (floats(1, 320), floats(2, 160));
    let config = line(2, 32);
    let mut other = device(nvrtc!("rms_norm"));
    let expected = other.allocate::<f32>(320).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&gain).unwrap());
    let launch = other
        .launch("rms_norm", config)
        .arg(&expected)
        .arg(&a)
        .arg(&b);
    launch.arg(40i32).arg(1e-5f32).run().unwrap();
    let mut rust = device(rms_norm::PTX);
    let mut out = rust.allocate::<[f32; 4]>(80).unwrap();
    let quads = |values: &[f32]| bytemuck::cast_slice::<f32, [f32; 4]>(values).to_vec();
    let (a, b) = (
        rust.upload(&quads(&x)).unwrap(),
        rust.upload(&quads(&gain)).unwrap(),
    );
    rms_norm(&mut rust, config, &mut out, &a, &b, 40, 1e-5).unwrap();
    let found = rust.read(&out);
    near(found.as_flattened(), &other.read(&expected), 1e-5);
}

/// Mean and variance of a row by warp shuffles, then scale and shift.
#[kernel]
fn layer_norm(out: GlobalMut<f32>, x: &[f32], gain: &[f32], bias: &[f32], n: u32, epsilon: f32) {
    let lane = thread::index_x();
    let row = block::index_x() * n;
    let (mut sum, mut square) = (0.0, 0.0f32);
    for i in (lane..n).step_by(32) {
        let v = x[(row + i) as usize];
        sum += v;
        square = v.mul_add(v, square);
    }
    sum = warp::sum(sum);
    square = warp::sum(square);
    let mean = sum / n as f32;
    let scale = fast::rsqrt(square / n as f32 - mean * mean + epsilon);
    for i in (lane..n).step_by(32) {
        let at = (row + i) as usize;
        out.set(
            at,
            (x[at] - mean) * scale * gain[i as usize] + bias[i as usize],
        );
    }
}

#[test]
fn layer_norms_agree() {
    let (x, gain, bias) = (floats(1, 300), floats(2, 100), floats(3, 100));
    let config = line(3, 32);
    let mut other = device(nvrtc!("layer_norm"));
    let expected = other.allocate::<f32>(300).unwrap();
    let (a, b, c) = (
        other.upload(&x).unwrap(),
        other.upload(&gain).unwrap(),
        other.upload(&bias).unwrap(),
    );
    let launch = other
        .launch("layer_norm", config)
        .arg(&expected)
        .arg(&a)
        .arg(&b);
    launch.arg(&c).arg(100i32).arg(1e-5f32).run().unwrap();
    let mut rust = device(layer_norm::PTX);
    let mut out = rust.allocate::<f32>(300).unwrap();
    let (a, b, c) = (
        rust.upload(&x).unwrap(),
        rust.upload(&gain).unwrap(),
        rust.upload(&bias).unwrap(),
    );
    layer_norm(&mut rust, config, &mut out, &a, &b, &c, 100, 1e-5).unwrap();
    near(&rust.read(&out), &other.read(&expected), 1e-5);
}

/// One query a thread, with a softmax that is corrected as it goes.
#[kernel]
fn attention(out: GlobalMut<f32>, q: &[f32], k: &[f32], v: &[f32], n: u32, causal: u32) {
    const WIDTH: usize = 16;
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let own = i as usize * WIDTH;
    let mut sum = [0.0f32; WIDTH];
    let (mut most, mut total) = (-1e30f32, 0.0);
    let last = if causal != 0 { i + 1 } else { n };
    for j in 0..last {
        let at = j as usize * WIDTH;
        let mut score = 0.0;
        for d in 0..WIDTH {
            score = q[own + d].mul_add(k[at + d], score);
        }
        score *= 0.25;
        let larger = most.max(score);
        let (keep, weight) = (fast::exp(most - larger), fast::exp(score - larger));
        total = total * keep + weight;
        for d in 0..WIDTH {
            sum[d] = sum[d] * keep + weight * v[at + d];
        }
        most = larger;
    }
    for d in 0..WIDTH {
        out.set(own + d, sum[d] / total);
    }
}

#[test]
fn attention_agrees() {
    let n = 40u32;
    let (q, k, v) = (floats(1, 640), floats(2, 640), floats(3, 640));
    let config = line(2, 32);
    for causal in [0u32, 1] {
        let mut other = device(nvrtc!("attention"));
        let expected = other.allocate::<f32>(640).unwrap();
        let (a, b, c) = (
            other.upload(&q).unwrap(),
            other.upload(&k).unwrap(),
            other.upload(&v).unwrap(),
        );
        let launch = other
            .launch("attention", config)
            .arg(&expected)
            .arg(&a)
            .arg(&b);
        launch.arg(&c).arg(n).arg(causal).run().unwrap();
        let mut rust = device(attention::PTX);
        let mut out = rust.allocate::<f32>(640).unwrap();
        let (a, b, c) = (
            rust.upload(&q).unwrap(),
            rust.upload(&k).unwrap(),
            rust.upload(&v).unwrap(),
        );
        attention(&mut rust, config, &mut out, &a, &b, &c, n, causal).unwrap();
        near(&rust.read(&out), &other.read(&expected), 1e-5);
    }
    assert!(
        !attention::PTX.contains(".local"),
        "the sums are in registers"
    );
}

#[device]
mod activations {
    /// The error function (Abramowitz and Stegun, 7.1.26), to 1.5 units of the seventh digit.
    fn erf(x: f32) -> f32 {
        let size = x.abs();
        let t = fast::recip(size.mul_add(0.327_591_1, 1.0));
        let mut sum = t.mul_add(1.061_405_4, -1.453_152_1);
        sum = t.mul_add(sum, 1.421_413_8);
        sum = t.mul_add(sum, -0.284_496_72);
        sum = t.mul_add(sum, 0.254_829_6);
        (1.0 - t * sum * fast::exp(-size * size)).copysign(x)
    }

    /// Activations: GELU by tanh and by erf, SiLU, softplus.
    #[kernel]
    pub fn gelu(
        tanh_form: GlobalMut<f32>,
        erf_form: GlobalMut<f32>,
        silu: GlobalMut<f32>,
        softplus: GlobalMut<f32>,
        x: &[f32],
        n: u32,
    ) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let i = i as usize;
        let v = x[i];
        let inner = 0.797_884_6 * (v + 0.044715 * v * v * v);
        tanh_form.set(i, 0.5 * v * (1.0 + fast::tanh(inner)));
        erf_form.set(
            i,
            0.5 * v * (1.0 + erf(v * std::f32::consts::FRAC_1_SQRT_2)),
        );
        silu.set(i, v / (1.0 + fast::exp(-v)));
        softplus.set(i, fast::ln(1.0 + fast::exp(v)));
    }
}

#[test]
fn activations_agree() {
    let x = floats(1, 300);
    let config = line(3, 128);
    let mut other = device(nvrtc!("gelu"));
    let results = [(); 4].map(|()| other.allocate::<f32>(300).unwrap());
    let at = other.upload(&x).unwrap();
    let mut launch = other.launch("gelu", config);
    for result in &results {
        launch = launch.arg(result);
    }
    launch.arg(&at).arg(300i32).run().unwrap();
    let mut rust = device(activations::gelu::PTX);
    let [mut a, mut b, mut c, mut d] = [(); 4].map(|()| rust.allocate::<f32>(300).unwrap());
    let at = rust.upload(&x).unwrap();
    activations::gelu(&mut rust, config, &mut a, &mut b, &mut c, &mut d, &at, 300).unwrap();
    for (found, expected) in [a, b, c, d].iter().zip(&results) {
        near(&rust.read(found), &other.read(expected), 1e-5);
    }
}

/// Rotary position embedding: powers, sines and cosines.
#[kernel]
fn rotary(x: GlobalMut<f32>, heads: u32, width: u32, base: f32) {
    let (position, head, i) = (block::index_x(), block::index_y(), thread::index_x());
    if i >= width / 2 {
        return;
    }
    let power = fast::powf(base, -2.0 * i as f32 / width as f32);
    let angle = position as f32 * power;
    let (s, c) = (fast::sin(angle), fast::cos(angle));
    let at = ((position * heads + head) * width + i) as usize;
    let half = (width / 2) as usize;
    let (a, b) = (x.get(at), x.get(at + half));
    x.set(at, a * c - b * s);
    x.set(at + half, a * s + b * c);
}

#[test]
fn rotations_agree() {
    let x = floats(1, 5 * 3 * 16);
    let config = plane((5, 3), (8, 1));
    let mut other = device(nvrtc!("rotary"));
    let expected = other.upload(&x).unwrap();
    let launch = other.launch("rotary", config).arg(&expected);
    launch.arg(3i32).arg(16i32).arg(1e4f32).run().unwrap();
    let mut rust = device(rotary::PTX);
    let mut at = rust.upload(&x).unwrap();
    rotary(&mut rust, config, &mut at, 3, 16, 1e4).unwrap();
    near(&rust.read(&at), &other.read(&expected), 1e-4);
}

#[device]
mod optimiser {
    use tensor_wasm_guest::bytemuck::{Pod, Zeroable};

    /// The settings of a step.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    pub struct Settings {
        pub rate: f32,
        pub beta1: f32,
        pub beta2: f32,
        pub epsilon: f32,
        pub step: i32,
    }

    /// One step of an optimiser, with its settings in a structure.
    #[kernel]
    pub fn adam(
        weights: GlobalMut<f32>,
        m: GlobalMut<f32>,
        v: GlobalMut<f32>,
        gradient: &[f32],
        s: Settings,
        n: u32,
    ) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let i = i as usize;
        let g = gradient[i];
        let first = s.beta1 * m.get(i) + (1.0 - s.beta1) * g;
        let second = s.beta2 * v.get(i) + (1.0 - s.beta2) * g * g;
        m.set(i, first);
        v.set(i, second);
        let step = s.step as f32;
        let mh = first / (1.0 - fast::powf(s.beta1, step));
        let vh = second / (1.0 - fast::powf(s.beta2, step));
        weights.set(i, weights.get(i) - s.rate * mh / (vh.sqrt() + s.epsilon));
    }
}

#[test]
fn steps_of_an_optimiser_agree() {
    let settings = optimiser::Settings {
        rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-6,
        step: 3,
    };
    let (w, m, g) = (floats(1, 200), floats(2, 200), floats(4, 200));
    let v: Vec<f32> = floats(3, 200).iter().map(|value| value.abs()).collect();
    let config = line(2, 128);
    let mut other = device(nvrtc!("adam"));
    let expected = [&w, &m, &v].map(|values| other.upload(values).unwrap());
    let at = other.upload(&g).unwrap();
    let launch = other
        .launch("adam", config)
        .arg(&expected[0])
        .arg(&expected[1]);
    let launch = launch.arg(&expected[2]).arg(&at);
    launch.arg(Struct(&settings)).arg(200i32).run().unwrap();
    let mut rust = device(optimiser::adam::PTX);
    let [mut a, mut b, mut c] = [&w, &m, &v].map(|values| rust.upload(values).unwrap());
    let at = rust.upload(&g).unwrap();
    optimiser::adam(
        &mut rust, config, &mut a, &mut b, &mut c, &at, settings, 200,
    )
    .unwrap();
    for (found, expected) in [a, b, c].iter().zip(&expected) {
        near(&rust.read(found), &other.read(expected), 1e-4);
    }
}

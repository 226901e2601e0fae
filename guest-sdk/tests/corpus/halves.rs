//! Numbers of 16 bits.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, line, near, nvrtc, words};

/// Arithmetic on half precision numbers.
#[kernel]
fn half_scalars(out: GlobalMut<f16>, x: &[f16], y: &[f16], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let (a, b) = (x[i as usize], y[i as usize]);
    let (p, q) = (a.to_f32(), b.to_f32());
    out.set(i as usize, f16::from_f32(p.mul_add(q, (a - b).to_f32())));
    out.set((n + i) as usize, (a + b) * f16::from_f32(q.abs()));
    let larger = f16::from_f32(p.max(q));
    out.set((2 * n + i) as usize, if p < q { -a } else { larger });
    out.set((3 * n + i) as usize, a / b);
    out.set((4 * n + i) as usize, f16::from_f32(p.abs().sqrt()));
}

/// Arithmetic on bfloat16 numbers.
#[kernel]
fn brain_scalars(out: GlobalMut<bf16>, x: &[bf16], y: &[bf16], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let (a, b) = (x[i as usize], y[i as usize]);
    let (p, q) = (a.to_f32(), b.to_f32());
    out.set(i as usize, bf16::from_f32(p.mul_add(q, (a - b).to_f32())));
    out.set((n + i) as usize, (a + b) * bf16::from_f32(q.abs()));
    let larger = bf16::from_f32(p.max(q));
    out.set((2 * n + i) as usize, if p < q { -a } else { larger });
    out.set((3 * n + i) as usize, a / b);
    out.set((4 * n + i) as usize, bf16::from_f32(p.abs().sqrt()));
}

#[test]
fn half_precision_numbers_agree() {
    let values = |seed| -> Vec<f16> {
        let part = |word: &u32| f16::from_f32((word >> 8) as f32 / 1e6 - 8.0);
        words(seed, 300).iter().map(part).collect()
    };
    let (x, y) = (values(1), values(2));
    let config = line(3, 128);
    let mut other = device(nvrtc!("half"));
    let expected = other.allocate::<f16>(1500).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("scalars", config).arg(&expected).arg(&a);
    launch.arg(&b).arg(300i32).run().unwrap();
    let mut rust = device(half_scalars::PTX);
    let mut out = rust.allocate::<f16>(1500).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    half_scalars(&mut rust, config, &mut out, &a, &b, 300).unwrap();
    let wide = |values: Vec<f16>| values.into_iter().map(f16::to_f32).collect::<Vec<_>>();
    near(&wide(rust.read(&out)), &wide(other.read(&expected)), 1e-3);
}

#[test]
fn brain_floats_agree() {
    let values = |seed| -> Vec<bf16> {
        let part = |word: &u32| bf16::from_f32((word >> 8) as f32 / 1e6 - 8.0);
        words(seed, 300).iter().map(part).collect()
    };
    let (x, y) = (values(1), values(2));
    let config = line(3, 128);
    let mut other = device(nvrtc!("brain_float"));
    let expected = other.allocate::<bf16>(1500).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("scalars", config).arg(&expected).arg(&a);
    launch.arg(&b).arg(300i32).run().unwrap();
    let mut rust = device(brain_scalars::PTX);
    let mut out = rust.allocate::<bf16>(1500).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    brain_scalars(&mut rust, config, &mut out, &a, &b, 300).unwrap();
    let wide = |values: Vec<bf16>| values.into_iter().map(bf16::to_f32).collect::<Vec<_>>();
    near(&wide(rust.read(&out)), &wide(other.read(&expected)), 1e-2);
}

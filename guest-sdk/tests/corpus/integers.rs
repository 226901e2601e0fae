//! Integers: carries, bits, bytes, and conversions.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, doubles, floats, line, nvrtc, words};

#[device]
mod large {
    /// Sums of 256 bits, differences and products of 128: words with what is carried in 64 bits.
    #[kernel]
    pub fn big_integers(
        sum: GlobalMut<u32>,
        difference: GlobalMut<u32>,
        product: GlobalMut<u32>,
        a: &[u32],
        b: &[u32],
    ) {
        let t = thread::global_x();
        let mut x = [0u32; 8];
        let mut y = [0u32; 8];
        for i in 0..8 {
            x[i] = a[(t * 8 + i as u32) as usize];
            y[i] = b[(t * 8 + i as u32) as usize];
        }
        let mut carried = 0u64;
        for i in 0..8 {
            carried += x[i] as u64 + y[i] as u64;
            sum.set((t * 8 + i as u32) as usize, carried as u32);
            carried >>= 32;
        }
        let mut carried = 0i64;
        for i in 0..4 {
            carried += x[i] as i64 - y[i] as i64;
            difference.set((t * 4 + i as u32) as usize, carried as u32);
            carried >>= 32;
        }
        let low = x[0] as u64 * y[0] as u64;
        let middle = x[0] as u64 * y[1] as u64 + (low >> 32);
        let other = x[1] as u64 * y[0] as u64 + (middle & 0xffff_ffff);
        let high = x[1] as u64 * y[1] as u64 + (middle >> 32) + (other >> 32);
        let at = t * 4;
        product.set(at as usize, low as u32);
        product.set((at + 1) as usize, other as u32);
        product.set((at + 2) as usize, high as u32);
        product.set((at + 3) as usize, (high >> 32) as u32);
    }
}

#[test]
fn integers_of_many_words_agree() {
    let (a, b) = (words(1, 64 * 8), words(2, 64 * 8));
    let config = line(2, 32);
    let mut other = device(nvrtc!("big_integers"));
    let expected = [512, 256, 256].map(|count| other.allocate::<u32>(count).unwrap());
    let (x, y) = (other.upload(&a).unwrap(), other.upload(&b).unwrap());
    let launch = other.launch("big_integers", config).arg(&expected[0]);
    let launch = launch.arg(&expected[1]).arg(&expected[2]);
    launch.arg(&x).arg(&y).run().unwrap();
    let mut rust = device(large::big_integers::PTX);
    let [mut s, mut d, mut p] = [512, 256, 256].map(|count| rust.allocate::<u32>(count).unwrap());
    let (x, y) = (rust.upload(&a).unwrap(), rust.upload(&b).unwrap());
    large::big_integers(&mut rust, config, &mut s, &mut d, &mut p, &x, &y).unwrap();
    for (found, expected) in [s, d, p].iter().zip(&expected) {
        assert_eq!(rust.read(found), other.read(expected));
    }
}

#[device]
mod picking {
    /// The place of the lowest bit, from 1; 0 where there is none.
    fn first_set(v: u32) -> u32 {
        if v == 0 { 0 } else { v.trailing_zeros() + 1 }
    }

    fn first_set_of_64(v: u64) -> u32 {
        if v == 0 { 0 } else { v.trailing_zeros() + 1 }
    }

    /// Counting, finding, reversing and picking bits and bytes.
    #[kernel]
    pub fn bits(out: GlobalMut<u32>, x: &[u32], y: &[u64], n: u32) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let (v, w, d) = (x[i as usize], x[((i + 1) % n) as usize], y[i as usize]);
        let mut r = v.count_ones()
            + 3 * v.leading_zeros()
            + 5 * first_set(v)
            + 7 * d.count_ones()
            + 11 * d.leading_zeros()
            + 13 * first_set_of_64(d);
        let bytes = (w >> 8 & 0xff) | (v & 0xff00) | (w >> 24 << 16) | (v & 0xff00_0000);
        let both = (w as u64) << 32 | v as u64;
        let left = (both << (i & 31) >> 32) as u32;
        let right = (both >> (i % 40).min(32)) as u32;
        r ^= v.reverse_bits() ^ bytes ^ left ^ right ^ d.reverse_bits() as u32;
        r += ((v >> (i & 31)) & ((1u32 << (w & 15)) - 1)) + ((v & w) | (!v & d as u32));
        let mean = ((v as u64 + w as u64) >> 1) as u32;
        let rounded = ((v as i32 as i64 + w as i32 as i64 + 1) >> 1) as u32;
        let high = ((v as i32 as i64 * w as i32 as i64) >> 32) as u32;
        let signed = ((v << 8) as i32 >> 8) * ((w << 8) as i32 >> 8);
        let unsigned = (v & 0xff_ffff) * (w & 0xff_ffff);
        out.set(
            i as usize,
            r ^ mean ^ rounded ^ high ^ signed as u32 ^ unsigned,
        );
    }
}

#[test]
fn bits_agree() {
    let mut x = words(1, 300);
    x[7] = 0;
    let y: Vec<u64> = words(2, 300)
        .iter()
        .zip(&words(3, 300))
        .map(|(low, high)| u64::from(*high) << 32 >> (low % 50) | u64::from(*low))
        .collect();
    let config = line(3, 128);
    let mut other = device(nvrtc!("bits"));
    let expected = other.allocate::<u32>(300).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("bits", config).arg(&expected);
    launch.arg(&a).arg(&b).arg(300i32).run().unwrap();
    let mut rust = device(picking::bits::PTX);
    let mut out = rust.allocate::<u32>(300).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    picking::bits(&mut rust, config, &mut out, &a, &b, 300).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// Casts among number types.
#[kernel]
fn conversions(out: GlobalMut<i64>, x: &[f64], y: &[i64], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let (d, l) = (x[i as usize], y[i as usize]);
    let f = d as f32;
    // Rounded towards zero: the nearest one, or the one before it.
    let nearest = l as f32;
    let is_beyond = (nearest as i64).unsigned_abs() > l.unsigned_abs();
    let cut = nearest.to_bits() - is_beyond as u32;
    let parts = [
        f as i32 as i64,
        d as i64,
        d as i64 as u32 as i64,
        l as i16 as i64,
        l as u8 as i64,
        (l >> 8) as i8 as i64,
        l as f32 as i64,
        (l as u32 as f64) as i64,
        d.floor() as i32 as i64,
        f.ceil() as i32 as i64,
        (f as f64).to_bits() as i64,
        cut as i32 as i64,
    ];
    for k in 0..12 {
        out.set((k as u32 * n + i) as usize, parts[k]);
    }
}

#[test]
fn conversions_agree() {
    let x: Vec<f64> = doubles(1, 100).iter().map(|value| value * 1e6).collect();
    let y: Vec<i64> = words(2, 100)
        .iter()
        .zip(&words(3, 100))
        .map(|(a, b)| (i64::from(*a) << 32 | i64::from(*b)) >> (b % 40))
        .collect();
    let config = line(1, 128);
    let mut other = device(nvrtc!("conversions"));
    let expected = other.allocate::<i64>(1200).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("conversions", config).arg(&expected);
    launch.arg(&a).arg(&b).arg(100i32).run().unwrap();
    let mut rust = device(conversions::PTX);
    let mut out = rust.allocate::<i64>(1200).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    conversions(&mut rust, config, &mut out, &a, &b, 100).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// Floats to bytes, with a sign and without.
#[kernel]
fn quantize(out: GlobalMut<i8>, positive: GlobalMut<u8>, x: &[f32], scale: f32, n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let scaled = x[i as usize] * scale;
    let v = scaled.round_ties_even() as i32;
    out.set(i as usize, v.min(127).max(-128) as i8);
    positive.set(i as usize, scaled.max(0.0).min(255.0) as u8);
}

#[test]
fn bytes_of_floats_agree() {
    let x = floats(1, 300);
    let config = line(3, 128);
    let mut other = device(nvrtc!("quantized"));
    let (a, b) = (
        other.allocate::<i8>(300).unwrap(),
        other.allocate::<u8>(300).unwrap(),
    );
    let at = other.upload(&x).unwrap();
    let launch = other.launch("quantize", config).arg(&a).arg(&b);
    launch.arg(&at).arg(40.0f32).arg(300i32).run().unwrap();
    let mut rust = device(quantize::PTX);
    let mut out = rust.allocate::<i8>(300).unwrap();
    let mut positive = rust.allocate::<u8>(300).unwrap();
    let at = rust.upload(&x).unwrap();
    quantize(&mut rust, config, &mut out, &mut positive, &at, 40.0, 300).unwrap();
    assert_eq!(rust.read(&out), other.read(&a));
    assert_eq!(rust.read(&positive), other.read(&b));
}

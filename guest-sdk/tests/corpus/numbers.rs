//! Arithmetic: floats, integers, bits.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, floats, line, near, nvrtc, words};

/// Floating-point operators.
#[kernel]
fn element_wise_floats(out: GlobalMut<f32>, x: &[f32], y: &[f32], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let (a, b) = (x[i as usize], y[i as usize]);
    let value = a * a + b / (a.abs() + 1.0) - a.min(b) * a.max(0.5) + b.floor() - a.trunc();
    out.set(i as usize, value);
}

/// Every operator of integers.
#[kernel]
fn element_wise_integers(out: GlobalMut<i32>, x: &[i32], y: &[i32], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let (a, b) = (x[i as usize], y[i as usize] | 1);
    let (u, v) = (a as u32, b as u32);
    let value = (a / b)
        ^ (a % b)
        ^ (u / v + u % v) as i32
        ^ (a << (b & 7))
        ^ (a >> (b & 15))
        ^ (u >> (v & 31)) as i32
        ^ a.max(b)
        ^ u.min(v) as i32
        ^ a.abs()
        ^ !b;
    out.set(i as usize, value);
}

#[test]
fn operators_agree() {
    let n = 300u32;
    let (x, y) = (floats(1, 300), floats(2, 300));
    let config = line(3, 128);
    let mut other = device(nvrtc!("element_wise"));
    let expected = other.allocate::<f32>(300).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("floats", config).arg(&expected).arg(&a);
    launch.arg(&b).arg(n).run().unwrap();
    let mut rust = device(element_wise_floats::PTX);
    let mut out = rust.allocate::<f32>(300).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    element_wise_floats(&mut rust, config, &mut out, &a, &b, n).unwrap();
    near(&rust.read(&out), &other.read(&expected), 1e-5);

    let signed = |seed| {
        words(seed, 300)
            .iter()
            .map(|word| word.cast_signed())
            .collect::<Vec<_>>()
    };
    let (x, y) = (signed(3), signed(4));
    let expected = other.allocate::<i32>(300).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("integers", config).arg(&expected).arg(&a);
    launch.arg(&b).arg(n).run().unwrap();
    let mut rust = device(element_wise_integers::PTX);
    let mut out = rust.allocate::<i32>(300).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    element_wise_integers(&mut rust, config, &mut out, &a, &b, n).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

#[device]
mod mixing {
    /// The upper half of a product of 128 bits.
    fn high(a: u64, b: u64) -> u64 {
        let (a0, a1) = (a & 0xffff_ffff, a >> 32);
        let (b0, b1) = (b & 0xffff_ffff, b >> 32);
        let middle = a1 * b0 + (a0 * b0 >> 32);
        let other = a0 * b1 + (middle & 0xffff_ffff);
        a1 * b1 + (middle >> 32) + (other >> 32)
    }

    fn high_signed(a: i64, b: i64) -> i64 {
        let mut product = high(a as u64, b as u64) as i64;
        if a < 0 {
            product = product.wrapping_sub(b);
        }
        if b < 0 {
            product = product.wrapping_sub(a);
        }
        product
    }

    /// 64-bit mixing: multiplications, high products, rotations, division and remainder.
    #[kernel]
    pub fn hash(out: GlobalMut<u64>, x: &[u64], n: u32) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let v = x[i as usize];
        let mut z = v.wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(i as u64 + 1));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let h = high(z, v | 1);
        let r = z.rotate_left(23);
        let s = (z as i64 / ((v >> 40) as i64 + 3))
            .wrapping_add(z as i64 % (((v >> 50) as i64 - 8191) | 1));
        let t = high_signed(z as i64, v as i64) as u64;
        out.set(
            i as usize,
            z ^ h ^ r ^ s as u64 ^ t ^ z / ((v & 0xffff) + 1),
        );
    }

    /// Philox 4x32-10, as random numbers and as uniform floats.
    #[kernel]
    pub fn philox(out: GlobalMut<u32>, uniform: GlobalMut<f32>, key0: u32, key1: u32, n: u32) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let (mut key0, mut key1) = (key0, key1);
        let mut c = (i, 0u32, 7u32, 9u32);
        for _ in 0..10 {
            let (p, q) = (
                0xD251_1F53u32 as u64 * c.0 as u64,
                0xCD9E_8D57u32 as u64 * c.2 as u64,
            );
            c = (
                (q >> 32) as u32 ^ c.1 ^ key0,
                q as u32,
                (p >> 32) as u32 ^ c.3 ^ key1,
                p as u32,
            );
            key0 = key0.wrapping_add(0x9E37_79B9);
            key1 = key1.wrapping_add(0xBB67_AE85);
        }
        let at = 4 * i as usize;
        out.set(at, c.0);
        out.set(at + 1, c.1);
        out.set(at + 2, c.2);
        out.set(at + 3, c.3);
        uniform.set(i as usize, (c.0 >> 8) as f32 * (1.0 / 16_777_216.0));
    }
}

#[test]
fn hashes_agree() {
    let high = words(1, 200);
    let x: Vec<u64> = words(2, 200)
        .iter()
        .zip(&high)
        .map(|(low, high)| u64::from(*high) << 32 | u64::from(*low))
        .collect();
    let config = line(2, 128);
    let mut other = device(nvrtc!("hash"));
    let (expected, at) = (
        other.allocate::<u64>(200).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("hash", config).arg(&expected);
    launch.arg(&at).arg(200u32).run().unwrap();
    let mut rust = device(mixing::hash::PTX);
    let (mut out, at) = (rust.allocate::<u64>(200).unwrap(), rust.upload(&x).unwrap());
    mixing::hash(&mut rust, config, &mut out, &at, 200).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

#[test]
fn random_numbers_agree() {
    let config = line(2, 64);
    let mut other = device(nvrtc!("philox"));
    let (a, b) = (
        other.allocate::<u32>(400).unwrap(),
        other.allocate::<f32>(100).unwrap(),
    );
    let launch = other.launch("philox", config).arg(&a).arg(&b);
    launch.arg(11u32).arg(22u32).arg(100i32).run().unwrap();
    let mut rust = device(mixing::philox::PTX);
    let mut out = rust.allocate::<u32>(400).unwrap();
    let mut uniform = rust.allocate::<f32>(100).unwrap();
    mixing::philox(&mut rust, config, &mut out, &mut uniform, 11, 22, 100).unwrap();
    assert_eq!(rust.read(&out), other.read(&a));
    assert_eq!(rust.read(&uniform), other.read(&b));
}

/// The distance of two words by diagonals, with barriers between them.
#[kernel]
fn edit_distance(out: GlobalMut<i32>, a: &[u8], b: &[u8], n: i32) {
    let rows = shared!([i32; 195]);
    let t = thread::index_x() as i32;
    let base = block::index_x() as i32 * n;
    for d in 0..=2 * n {
        let (i, j) = (t, d - t);
        if i <= n && j >= 0 && j <= n {
            let mut best = if i == 0 || j == 0 { i + j } else { 0 };
            if i != 0 && j != 0 {
                let (last, before) = ((d + 2) % 3 * 65, (d + 1) % 3 * 65);
                let step = rows
                    .get((last + i - 1) as usize)
                    .min(rows.get((last + i) as usize))
                    + 1;
                let differs = a[(base + i - 1) as usize] != b[(base + j - 1) as usize];
                best = step.min(rows.get((before + i - 1) as usize) + differs as i32);
            }
            rows.set((d % 3 * 65 + i) as usize, best);
        }
        barrier();
    }
    if t == 0 {
        out.set(
            block::index_x() as usize,
            rows.get((2 * n % 3 * 65 + n) as usize),
        );
    }
}

#[test]
fn distances_of_words_agree() {
    let letters = |seed| {
        words(seed, 120)
            .iter()
            .map(|word| (word % 4) as u8)
            .collect::<Vec<_>>()
    };
    let (x, y) = (letters(1), letters(2));
    let config = line(3, 64);
    let mut other = device(nvrtc!("edit_distance"));
    let expected = other.allocate::<i32>(3).unwrap();
    let (a, b) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("edit_distance", config).arg(&expected);
    launch.arg(&a).arg(&b).arg(40i32).run().unwrap();
    let mut rust = device(edit_distance::PTX);
    let mut out = rust.allocate::<i32>(3).unwrap();
    let (a, b) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    edit_distance(&mut rust, config, &mut out, &a, &b, 40).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// A block sorts its part in shared memory, by key, and carries values along.
#[kernel]
fn bitonic_sort(keys: GlobalMut<i16>, values: GlobalMut<u8>) {
    let key = shared!([i16; 256]);
    let value = shared!([u8; 256]);
    let t = thread::index_x() as usize;
    let base = block::index_x() as usize * 256;
    key.set(t, keys.get(base + t));
    value.set(t, values.get(base + t));
    let mut size = 2;
    while size <= 256 {
        let mut step = size / 2;
        while step > 0 {
            barrier();
            let other = t ^ step;
            if other > t {
                let (a, b) = (key.get(t), key.get(other));
                if (a > b) == (t & size == 0) && a != b {
                    key.set(t, b);
                    key.set(other, a);
                    let first = value.get(t);
                    value.set(t, value.get(other));
                    value.set(other, first);
                }
            }
            step /= 2;
        }
        size *= 2;
    }
    barrier();
    keys.set(base + t, key.get(t));
    values.set(base + t, value.get(t));
}

#[test]
fn sorted_keys_agree() {
    let keys: Vec<i16> = words(1, 512).iter().map(|word| *word as i16).collect();
    let values: Vec<u8> = words(2, 512).iter().map(|word| *word as u8).collect();
    let config = line(2, 256);
    let mut other = device(nvrtc!("bitonic_sort"));
    let (k, v) = (other.upload(&keys).unwrap(), other.upload(&values).unwrap());
    other
        .launch("bitonic_sort", config)
        .arg(&k)
        .arg(&v)
        .run()
        .unwrap();
    let mut rust = device(bitonic_sort::PTX);
    let (mut a, mut b) = (rust.upload(&keys).unwrap(), rust.upload(&values).unwrap());
    bitonic_sort(&mut rust, config, &mut a, &mut b).unwrap();
    assert_eq!(rust.read(&a), other.read(&k));
    assert_eq!(rust.read(&b), other.read(&v));
}

//! Threads that work together: shared memory, shuffles, atomics.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, floats, line, nvrtc, words};

/// Bytes are counted in shared memory, then in device memory.
#[kernel]
fn histogram(counts: GlobalMut<u32>, x: &[u8], n: u32) {
    let own = shared!([u32; 256]);
    let thread = thread::index_x();
    for i in (thread..256).step_by(block::size_x() as usize) {
        own.set(i as usize, 0);
    }
    barrier();
    let mut i = thread::global_x();
    while i < n {
        own.atomic_add(x[i as usize] as usize, 1, Ordering::Relaxed);
        i += grid::size_x() * block::size_x();
    }
    barrier();
    for i in (thread..256).step_by(block::size_x() as usize) {
        let count = own.get(i as usize);
        if count != 0 {
            counts.atomic_add(i as usize, count, Ordering::Relaxed);
        }
    }
}

#[test]
fn histograms_agree() {
    let x: Vec<u8> = words(1, 3000)
        .iter()
        .map(|word| (word >> 7) as u8)
        .collect();
    let config = line(3, 128);
    let mut other = device(nvrtc!("histogram"));
    let (expected, at) = (
        other.upload(&[0u32; 256]).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("histogram", config).arg(&expected);
    launch.arg(&at).arg(3000i32).run().unwrap();
    let mut rust = device(histogram::PTX);
    let (mut counts, at) = (rust.upload(&[0u32; 256]).unwrap(), rust.upload(&x).unwrap());
    histogram(&mut rust, config, &mut counts, &at, 3000).unwrap();
    assert_eq!(rust.read(&counts), other.read(&expected));
}

/// A block's sum in shared memory.
#[kernel]
fn reduce_shared(out: GlobalMut<f32>, x: &[f32], n: u32) {
    let part = shared!([f32; 256]);
    let (i, t) = (thread::global_x(), thread::index_x());
    part.set(t as usize, if i < n { x[i as usize] } else { 0.0 });
    barrier();
    let mut s = block::size_x() / 2;
    while s > 0 {
        if t < s {
            let sum = part.get(t as usize) + part.get((t + s) as usize);
            part.set(t as usize, sum);
        }
        barrier();
        s >>= 1;
    }
    if t == 0 {
        out.set(block::index_x() as usize, part.get(0));
    }
}

#[test]
fn sums_of_blocks_agree() {
    let x = floats(1, 300);
    let config = line(3, 128);
    let mut other = device(nvrtc!("reduce_shared"));
    let (expected, at) = (other.allocate::<f32>(3).unwrap(), other.upload(&x).unwrap());
    let dynamic = config.shared_memory(512);
    let launch = other.launch("reduce_shared", dynamic).arg(&expected);
    launch.arg(&at).arg(300i32).run().unwrap();
    let mut rust = device(reduce_shared::PTX);
    let (mut out, at) = (rust.allocate::<f32>(3).unwrap(), rust.upload(&x).unwrap());
    reduce_shared(&mut rust, config, &mut out, &at, 300).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// A block's sum, minimum and maximum by shuffles, warp by warp.
#[kernel]
fn reduce_shuffle(out: GlobalMut<i32>, x: &[i32], n: u32) {
    let sums = shared!([i32; 32]);
    let least = shared!([i32; 32]);
    let most = shared!([i32; 32]);
    let i = thread::global_x();
    let (lane, warp) = (thread::index_x() % 32, thread::index_x() / 32);
    let value = if i < n { x[i as usize] } else { 0 };
    let mut s = warp::sum(value);
    let mut a = warp::min(if i < n { value } else { i32::MAX });
    let mut b = warp::max(if i < n { value } else { i32::MIN });
    if lane == 0 {
        sums.set(warp as usize, s);
        least.set(warp as usize, a);
        most.set(warp as usize, b);
    }
    barrier();
    if thread::index_x() == 0 {
        for w in 1..(block::size_x() / 32) as usize {
            s += sums.get(w);
            a = a.min(least.get(w));
            b = b.max(most.get(w));
        }
        out.atomic_add(0, s, Ordering::Relaxed);
        out.atomic_min(1, a, Ordering::Relaxed);
        out.atomic_max(2, b, Ordering::Relaxed);
    }
}

#[test]
fn reductions_agree() {
    let x: Vec<i32> = words(1, 300)
        .iter()
        .map(|word| word.cast_signed() >> 8)
        .collect();
    let start = [0, i32::MAX, i32::MIN];
    let config = line(3, 128);
    let mut other = device(nvrtc!("reduce_shuffle"));
    let (expected, at) = (other.upload(&start).unwrap(), other.upload(&x).unwrap());
    let launch = other.launch("reduce_shuffle", config).arg(&expected);
    launch.arg(&at).arg(300i32).run().unwrap();
    let mut rust = device(reduce_shuffle::PTX);
    let (mut out, at) = (rust.upload(&start).unwrap(), rust.upload(&x).unwrap());
    reduce_shuffle(&mut rust, config, &mut out, &at, 300).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

#[device]
mod prefix {
    /// The sums of the lanes up to each.
    fn inclusive(value: u32) -> u32 {
        let mut v = value;
        for k in 0..5 {
            let d = 1u32 << k;
            let u = warp::shuffle_up(v, d);
            if warp::lane() >= d {
                v = v.wrapping_add(u);
            }
        }
        v
    }

    /// Inclusive sums of each block: by shuffles in a warp, then over the warps' sums.
    #[kernel]
    pub fn scan(out: GlobalMut<u32>, x: &[u32], totals: GlobalMut<u32>) {
        let sums = shared!([u32; 32]);
        let i = thread::global_x() as usize;
        let (lane, warp) = (thread::index_x() & 31, thread::index_x() >> 5);
        let mut v = inclusive(x[i]);
        if lane == 31 {
            sums.set(warp as usize, v);
        }
        barrier();
        if warp == 0 {
            let s = if lane < block::size_x() / 32 {
                sums.get(lane as usize)
            } else {
                0
            };
            sums.set(lane as usize, inclusive(s));
        }
        barrier();
        if warp > 0 {
            v = v.wrapping_add(sums.get((warp - 1) as usize));
        }
        out.set(i, v);
        if thread::index_x() == block::size_x() - 1 {
            totals.set(block::index_x() as usize, v);
        }
    }
}

#[test]
fn scans_agree() {
    let x = words(1, 512);
    let config = line(2, 256);
    let mut other = device(nvrtc!("scan"));
    let (expected, at) = (
        other.allocate::<u32>(512).unwrap(),
        other.upload(&x).unwrap(),
    );
    let sums = other.allocate::<u32>(2).unwrap();
    let launch = other.launch("scan", config).arg(&expected);
    launch.arg(&at).arg(&sums).run().unwrap();
    let mut rust = device(prefix::scan::PTX);
    let (mut out, at) = (rust.allocate::<u32>(512).unwrap(), rust.upload(&x).unwrap());
    let mut totals = rust.allocate::<u32>(2).unwrap();
    prefix::scan(&mut rust, config, &mut out, &at, &mut totals).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
    assert_eq!(rust.read(&totals), other.read(&sums));
}

/// Keeps what is positive: ballots and counts of lower lanes give each its place.
#[kernel]
fn compact(out: GlobalMut<i32>, count: GlobalMut<u32>, x: &[i32], n: u32) {
    let i = thread::global_x();
    let lane = warp::lane();
    let keep = i < n && x[i as usize] > 0;
    let mask = warp::ballot(keep);
    let mut start = 0;
    if lane == 0 && mask != 0 {
        start = count.atomic_add(0, mask.count_ones(), Ordering::Relaxed);
    }
    start = warp::shuffle(start, 0);
    if keep {
        let before = (mask & ((1 << lane) - 1)).count_ones();
        out.set((start + before) as usize, x[i as usize]);
    }
}

#[test]
fn compacted_values_agree() {
    let x: Vec<i32> = words(1, 300)
        .iter()
        .map(|word| word.cast_signed())
        .collect();
    let config = line(3, 128);
    let mut other = device(nvrtc!("compact"));
    let (expected, at) = (
        other.upload(&[0i32; 300]).unwrap(),
        other.upload(&x).unwrap(),
    );
    let counted = other.upload(&[0u32]).unwrap();
    let launch = other.launch("compact", config).arg(&expected).arg(&counted);
    launch.arg(&at).arg(300i32).run().unwrap();
    let mut rust = device(compact::PTX);
    let (mut out, at) = (rust.upload(&[0i32; 300]).unwrap(), rust.upload(&x).unwrap());
    let mut count = rust.upload(&[0u32]).unwrap();
    compact(&mut rust, config, &mut out, &mut count, &at, 300).unwrap();
    assert_eq!(rust.read(&count), other.read(&counted));
    // Warps come in any order.
    let sorted = |mut values: Vec<i32>| {
        values.sort_unstable();
        values
    };
    assert_eq!(sorted(rust.read(&out)), sorted(other.read(&expected)));
}

/// Points in a circle: a generator for each thread, a count by warps, a sum in double.
#[kernel]
fn monte_carlo(inside: GlobalMut<u64>, sum: GlobalMut<f64>, rounds: u32) {
    let mut s = thread::global_x() + 1;
    let mut hits = 0u32;
    let mut total = 0.0;
    for _ in 0..rounds {
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
        let a = s;
        s ^= s << 13;
        s ^= s >> 17;
        s ^= s << 5;
        let b = s;
        let (x, y) = (
            a as f64 * (1.0 / 4_294_967_296.0),
            b as f64 * (1.0 / 4_294_967_296.0),
        );
        if x.mul_add(x, y * y) < 1.0 {
            hits += 1;
        }
        total += (a >> 16) as f64;
    }
    let hits = warp::sum(hits);
    if warp::lane() == 0 {
        inside.atomic_add(0, hits as u64, Ordering::Relaxed);
    }
    sum.atomic_add(0, total, Ordering::Relaxed);
}

#[test]
fn counts_of_points_agree() {
    let config = line(2, 64);
    let mut other = device(nvrtc!("monte_carlo"));
    let (a, b) = (
        other.upload(&[0u64]).unwrap(),
        other.upload(&[0f64]).unwrap(),
    );
    let launch = other.launch("monte_carlo", config).arg(&a).arg(&b);
    launch.arg(100i32).run().unwrap();
    let mut rust = device(monte_carlo::PTX);
    let (mut inside, mut sum) = (rust.upload(&[0u64]).unwrap(), rust.upload(&[0f64]).unwrap());
    monte_carlo(&mut rust, config, &mut inside, &mut sum, 100).unwrap();
    assert_eq!(rust.read(&inside), other.read(&a));
    assert_eq!(rust.read(&sum), other.read(&b));
}

/// The largest value and its place, as one word that only grows; and by comparing and swapping.
#[kernel]
fn argmax(best: GlobalMut<u64>, largest: GlobalMut<u32>, x: &[f32], n: u32) {
    let i = thread::global_x();
    if i >= n {
        return;
    }
    let value = x[i as usize];
    let bits = value.to_bits();
    let ordered = if bits & 0x8000_0000 != 0 {
        !bits
    } else {
        bits | 0x8000_0000
    };
    best.atomic_max(
        0,
        (ordered as u64) << 32 | (u32::MAX - i) as u64,
        Ordering::Relaxed,
    );
    let mut old = largest.atomic_load(0, Ordering::Relaxed);
    while f32::from_bits(old) < value {
        let seen = largest.atomic_compare_exchange(0, old, bits, Ordering::Relaxed);
        if seen == old {
            break;
        }
        old = seen;
    }
}

#[test]
fn places_of_the_largest_value_agree() {
    let x = floats(1, 300);
    let config = line(3, 128);
    let mut other = device(nvrtc!("argmax"));
    let (a, b) = (
        other.upload(&[0u64]).unwrap(),
        other.upload(&[f32::MIN]).unwrap(),
    );
    let at = other.upload(&x).unwrap();
    let launch = other.launch("argmax", config).arg(&a).arg(&b);
    launch.arg(&at).arg(300i32).run().unwrap();
    let mut rust = device(argmax::PTX);
    let mut best = rust.upload(&[0u64]).unwrap();
    let mut largest = rust.upload(&[f32::MIN.to_bits()]).unwrap();
    let at = rust.upload(&x).unwrap();
    argmax(&mut rust, config, &mut best, &mut largest, &at, 300).unwrap();
    assert_eq!(rust.read(&best), other.read(&a));
    assert_eq!(f32::from_bits(rust.read(&largest)[0]), other.read(&b)[0]);
}

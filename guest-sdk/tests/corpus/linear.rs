//! Vectors and matrices.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, doubles, floats, line, near, nvrtc, plane, words};

/// Fewer threads than elements.
#[kernel]
fn saxpy(y: GlobalMut<f32>, x: &[f32], a: f32, n: u32) {
    let mut i = thread::global_x();
    while i < n {
        let at = i as usize;
        y.set(at, x[at].mul_add(a, y.get(at)));
        i += grid::size_x() * block::size_x();
    }
}

#[test]
fn saxpy_agrees() {
    let (x, y) = (floats(1, 1000), floats(2, 1000));
    let mut rust = device(saxpy::PTX);
    let (at_x, mut at_y) = (rust.upload(&x).unwrap(), rust.upload(&y).unwrap());
    saxpy(&mut rust, line(2, 96), &mut at_y, &at_x, 2.5, 1000).unwrap();
    let mut other = device(nvrtc!("saxpy"));
    let (b, c) = (other.upload(&x).unwrap(), other.upload(&y).unwrap());
    let launch = other.launch("saxpy", line(2, 96)).arg(&c).arg(&b);
    launch.arg(2.5f32).arg(1000u32).run().unwrap();
    assert_eq!(rust.read(&at_y), other.read(&c));
}

/// One element of the product a thread.
#[kernel]
fn matmul_naive(c: GlobalMut<f32>, a: &[f32], b: &[f32], m: u32, n: u32, k: u32) {
    let (row, column) = (thread::global_y(), thread::global_x());
    if row >= m || column >= n {
        return;
    }
    let mut sum = 0.0;
    for i in 0..k {
        sum = a[(row * k + i) as usize].mul_add(b[(i * n + column) as usize], sum);
    }
    c.set((row * n + column) as usize, sum);
}

/// Tiles of both factors in shared memory.
#[kernel]
fn matmul_tiled(c: GlobalMut<f32>, a: &[f32], b: &[f32], m: u32, n: u32, k: u32) {
    const TILE: u32 = 16;
    let left = shared!([f32; 256]);
    let right = shared!([f32; 256]);
    let (x, y) = (thread::index_x(), thread::index_y());
    let row = block::index_y() * TILE + y;
    let column = block::index_x() * TILE + x;
    let own = (y * TILE + x) as usize;
    let mut sum = 0.0;
    for t in (0..k).step_by(16) {
        let value = if row < m && t + x < k {
            a[(row * k + t + x) as usize]
        } else {
            0.0
        };
        left.set(own, value);
        let value = if column < n && t + y < k {
            b[((t + y) * n + column) as usize]
        } else {
            0.0
        };
        right.set(own, value);
        barrier();
        for i in 0..TILE {
            let (p, q) = (
                left.get((y * TILE + i) as usize),
                right.get((i * TILE + x) as usize),
            );
            sum = p.mul_add(q, sum);
        }
        barrier();
    }
    if row < m && column < n {
        c.set((row * n + column) as usize, sum);
    }
}

#[test]
fn products_of_matrices_agree() {
    let (m, n, k) = (21u32, 35u32, 18u32);
    let (a, b) = (floats(1, (m * k) as usize), floats(2, (k * n) as usize));
    let config = plane((3, 2), (16, 16));
    let expected = {
        let mut other = device(nvrtc!("matmul_naive"));
        let c = other.upload(&vec![0f32; (m * n) as usize]).unwrap();
        let (a, b) = (other.upload(&a).unwrap(), other.upload(&b).unwrap());
        let launch = other.launch("matmul_naive", config).arg(&c).arg(&a).arg(&b);
        launch.arg(m).arg(n).arg(k).run().unwrap();
        other.read(&c)
    };
    let mut rust = device(matmul_naive::PTX);
    let mut c = rust.allocate::<f32>((m * n) as usize).unwrap();
    let (at_a, at_b) = (rust.upload(&a).unwrap(), rust.upload(&b).unwrap());
    matmul_naive(&mut rust, config, &mut c, &at_a, &at_b, m, n, k).unwrap();
    assert_eq!(rust.read(&c), expected);
    let mut rust = device(matmul_tiled::PTX);
    let mut c = rust.allocate::<f32>((m * n) as usize).unwrap();
    let (at_a, at_b) = (rust.upload(&a).unwrap(), rust.upload(&b).unwrap());
    matmul_tiled(&mut rust, config, &mut c, &at_a, &at_b, m, n, k).unwrap();
    near(&rust.read(&c), &expected, 1e-6);
}

/// Each of 64 threads computes 4 by 4 elements of a tile of 32 by 32, in registers.
#[kernel]
fn matmul_registers(c: GlobalMut<f32>, a: &[f32], b: &[f32], n: u32) {
    let left = shared!([f32; 256]);
    let right = shared!([f32; 256]);
    let thread = thread::index_x();
    let (tx, ty) = (thread % 8, thread / 8);
    let (row0, column0) = (block::index_y() * 32, block::index_x() * 32);
    let mut sum = [[0.0f32; 4]; 4];
    for t in (0..n).step_by(8) {
        let (r, s) = (thread / 2, thread % 2 * 4);
        for j in 0..4u32 {
            let value = a[((row0 + r) * n + t + s + j) as usize];
            left.set(((s + j) * 32 + r) as usize, value);
            let at = thread % 8 * 4 + j;
            right.set(
                (ty * 32 + at) as usize,
                b[((t + ty) * n + column0 + at) as usize],
            );
        }
        barrier();
        for i in 0..8u32 {
            let mut p = [0.0f32; 4];
            let mut q = [0.0f32; 4];
            for j in 0..4 {
                p[j] = left.get((i * 32 + ty * 4 + j as u32) as usize);
                q[j] = right.get((i * 32 + tx * 4 + j as u32) as usize);
            }
            for j in 0..4 {
                for l in 0..4 {
                    sum[j][l] = p[j].mul_add(q[l], sum[j][l]);
                }
            }
        }
        barrier();
    }
    for j in 0..4 {
        for l in 0..4 {
            let at = (row0 + ty * 4 + j as u32) * n + column0 + tx * 4 + l as u32;
            c.set(at as usize, sum[j][l]);
        }
    }
}

#[test]
fn products_in_registers_agree() {
    let n = 64u32;
    let (a, b) = (floats(1, 4096), floats(2, 4096));
    let config = plane((2, 2), (64, 1));
    let mut other = device(nvrtc!("matmul_registers"));
    let expected = other.allocate::<f32>(4096).unwrap();
    let (x, y) = (other.upload(&a).unwrap(), other.upload(&b).unwrap());
    let launch = other.launch("matmul_registers", config).arg(&expected);
    launch.arg(&x).arg(&y).arg(n).run().unwrap();
    let mut rust = device(matmul_registers::PTX);
    let mut c = rust.allocate::<f32>(4096).unwrap();
    let (x, y) = (rust.upload(&a).unwrap(), rust.upload(&b).unwrap());
    matmul_registers(&mut rust, config, &mut c, &x, &y, n).unwrap();
    assert_eq!(rust.read(&c), other.read(&expected));
    assert!(
        !matmul_registers::PTX.contains(".local"),
        "the sums are in registers"
    );
}

/// A tile at a time, with a column more so that banks do not collide.
#[kernel]
fn transpose(out: GlobalMut<f64>, x: &[f64], width: u32, height: u32) {
    let tile = shared!([f64; 272]);
    let (tx, ty) = (thread::index_x(), thread::index_y());
    let column = block::index_x() * 16 + tx;
    let row = block::index_y() * 16 + ty;
    if column < width && row < height {
        tile.set((ty * 17 + tx) as usize, x[(row * width + column) as usize]);
    }
    barrier();
    let column = block::index_y() * 16 + tx;
    let row = block::index_x() * 16 + ty;
    if column < height && row < width {
        out.set(
            (row * height + column) as usize,
            tile.get((tx * 17 + ty) as usize),
        );
    }
}

#[test]
fn transposed_matrices_agree() {
    let (width, height) = (37u32, 21u32);
    let x = doubles(1, (width * height) as usize);
    let config = plane((3, 2), (16, 16));
    let mut other = device(nvrtc!("transpose"));
    let (expected, at_x) = (
        other.allocate::<f64>(x.len()).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("transpose", config).arg(&expected).arg(&at_x);
    launch.arg(width).arg(height).run().unwrap();
    let mut rust = device(transpose::PTX);
    let (mut out, at_x) = (
        rust.allocate::<f64>(x.len()).unwrap(),
        rust.upload(&x).unwrap(),
    );
    transpose(&mut rust, config, &mut out, &at_x, width, height).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// A sparse matrix by rows, a warp to each row.
#[kernel]
fn spmv(y: GlobalMut<f64>, starts: &[i32], columns: &[i32], values: &[f64], x: &[f64], rows: u32) {
    let row = thread::global_x() / 32;
    let lane = thread::index_x() % 32;
    if row >= rows {
        return;
    }
    let end = starts[row as usize + 1];
    let mut i = starts[row as usize] + lane as i32;
    let mut sum = 0.0;
    while i < end {
        sum = values[i as usize].mul_add(x[columns[i as usize] as usize], sum);
        i += 32;
    }
    sum = warp::sum(sum);
    if lane == 0 {
        y.set(row as usize, sum);
    }
}

#[test]
fn products_of_sparse_matrices_agree() {
    let rows = 10u32;
    let mut starts = vec![0i32];
    for word in words(1, rows as usize) {
        starts.push(starts.last().unwrap() + (word % 70) as i32);
    }
    let count = *starts.last().unwrap() as usize;
    let columns: Vec<i32> = words(2, count)
        .iter()
        .map(|word| (word % 50) as i32)
        .collect();
    let (values, x) = (doubles(3, count), doubles(4, 50));
    let config = line(3, 128);
    let mut other = device(nvrtc!("spmv"));
    let expected = other.allocate::<f64>(10).unwrap();
    let (s, c) = (
        other.upload(&starts).unwrap(),
        other.upload(&columns).unwrap(),
    );
    let (v, at_x) = (other.upload(&values).unwrap(), other.upload(&x).unwrap());
    let launch = other.launch("spmv", config).arg(&expected).arg(&s).arg(&c);
    launch.arg(&v).arg(&at_x).arg(rows).run().unwrap();
    let mut rust = device(spmv::PTX);
    let mut y = rust.allocate::<f64>(10).unwrap();
    let (s, c) = (
        rust.upload(&starts).unwrap(),
        rust.upload(&columns).unwrap(),
    );
    let (v, at_x) = (rust.upload(&values).unwrap(), rust.upload(&x).unwrap());
    spmv(&mut rust, config, &mut y, &s, &c, &v, &at_x, rows).unwrap();
    assert_eq!(rust.read(&y), other.read(&expected));
}

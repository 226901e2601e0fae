//! Planes and bodies.

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::bytemuck::{Pod, Zeroable};
use tensor_wasm_guest::kernel::prelude::*;

use super::{device, doubles, floats, line, near, nvrtc, plane, words};

/// Heat on a plane.
#[kernel]
fn heat(out: GlobalMut<f32>, x: &[f32], width: u32, height: u32, rate: f32) {
    let (c, r) = (thread::global_x(), thread::global_y());
    if c >= width || r >= height {
        return;
    }
    let i = r * width + c;
    let own = x[i as usize];
    let mut value = own;
    if c > 0 && r > 0 && c < width - 1 && r < height - 1 {
        let beside = x[(i - 1) as usize] + x[(i + 1) as usize];
        let around = beside + x[(i - width) as usize] + x[(i + width) as usize];
        value = own + rate * (around - 4.0 * own);
    }
    out.set(i as usize, value);
}

#[test]
fn heat_agrees() {
    let (width, height) = (30u32, 20u32);
    let x = floats(1, 600);
    let config = plane((4, 3), (8, 8));
    let mut other = device(nvrtc!("stencil"));
    let (expected, at_x) = (
        other.allocate::<f32>(600).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("heat", config).arg(&expected).arg(&at_x);
    launch.arg(width).arg(height).arg(0.1f32).run().unwrap();
    let mut rust = device(heat::PTX);
    let (mut out, at_x) = (rust.allocate::<f32>(600).unwrap(), rust.upload(&x).unwrap());
    heat(&mut rust, config, &mut out, &at_x, width, height, 0.1).unwrap();
    near(&rust.read(&out), &other.read(&expected), 1e-5);
}

/// Escape times in double precision.
#[kernel]
fn mandelbrot(
    out: GlobalMut<i32>,
    width: u32,
    height: u32,
    left: f64,
    top: f64,
    step: f64,
    most: i32,
) {
    let (px, py) = (thread::global_x(), thread::global_y());
    if px >= width || py >= height {
        return;
    }
    let (cx, cy) = (
        (px as f64).mul_add(step, left),
        (py as f64).mul_add(step, top),
    );
    let (mut x, mut y) = (0.0, 0.0);
    let mut i = 0;
    while i < most && x * x + y * y < 4.0 {
        let t = x * x - y * y + cx;
        y = 2.0 * x * y + cy;
        x = t;
        i += 1;
    }
    out.set((py * width + px) as usize, i);
}

#[test]
fn escape_times_agree() {
    let (width, height) = (40u32, 24u32);
    let config = plane((3, 3), (16, 8));
    let mut other = device(nvrtc!("mandelbrot"));
    let expected = other.allocate::<i32>(960).unwrap();
    let launch = other
        .launch("mandelbrot", config)
        .arg(&expected)
        .arg(width)
        .arg(height);
    launch
        .arg(-2.2)
        .arg(-1.2)
        .arg(0.1)
        .arg(60i32)
        .run()
        .unwrap();
    let mut rust = device(mandelbrot::PTX);
    let mut out = rust.allocate::<i32>(960).unwrap();
    mandelbrot(
        &mut rust, config, &mut out, width, height, -2.2, -1.2, 0.1, 60,
    )
    .unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// The game of life on bytes, on a torus.
#[kernel]
fn life(out: GlobalMut<u8>, x: &[u8], width: i32, height: i32) {
    let (c, r) = (thread::global_x() as i32, thread::global_y() as i32);
    if c >= width || r >= height {
        return;
    }
    let mut alive = 0;
    for i in -1..=1 {
        for j in -1..=1 {
            if i != 0 || j != 0 {
                let at = (r + i + height) % height * width + (c + j + width) % width;
                alive += x[at as usize] as i32;
            }
        }
    }
    let own = x[(r * width + c) as usize] != 0;
    out.set(
        (r * width + c) as usize,
        (alive == 3 || alive == 2 && own) as u8,
    );
}

#[test]
fn generations_of_life_agree() {
    let x: Vec<u8> = words(1, 600)
        .iter()
        .map(|word| (word >> 9 & 1) as u8)
        .collect();
    let config = plane((4, 3), (8, 8));
    let mut other = device(nvrtc!("life"));
    let (expected, at_x) = (
        other.allocate::<u8>(600).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("life", config).arg(&expected).arg(&at_x);
    launch.arg(30i32).arg(20i32).run().unwrap();
    let mut rust = device(life::PTX);
    let (mut out, at_x) = (rust.allocate::<u8>(600).unwrap(), rust.upload(&x).unwrap());
    life(&mut rust, config, &mut out, &at_x, 30, 20).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

/// Two-dimensional, with a halo in shared memory.
#[kernel]
fn convolution(out: GlobalMut<f32>, x: &[f32], width: i32, height: i32) {
    const FILTER: [f32; 5] = [1.0, 4.0, 6.0, 4.0, 1.0];
    let filter = FILTER;
    let tile = shared!([f32; 144]);
    let (tx, ty) = (thread::index_x() as i32, thread::index_y() as i32);
    let left = block::index_x() as i32 * 8 - 2;
    let top = block::index_y() as i32 * 8 - 2;
    let mut t = ty * 8 + tx;
    while t < 144 {
        let column = (left + t % 12).max(0).min(width - 1);
        let row = (top + t / 12).max(0).min(height - 1);
        tile.set(t as usize, x[(row * width + column) as usize]);
        t += 64;
    }
    barrier();
    let (column, row) = (left + 2 + tx, top + 2 + ty);
    if column >= width || row >= height {
        return;
    }
    let mut sum = 0.0;
    for i in 0..5 {
        for j in 0..5 {
            let at = (ty as usize + i) * 12 + tx as usize + j;
            sum = (filter[i] * filter[j]).mul_add(tile.get(at), sum);
        }
    }
    out.set((row * width + column) as usize, sum / 256.0);
}

#[test]
fn convolutions_agree() {
    let x = floats(1, 600);
    let config = plane((4, 3), (8, 8));
    let mut other = device(nvrtc!("convolution"));
    let (expected, at_x) = (
        other.allocate::<f32>(600).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other
        .launch("convolution", config)
        .arg(&expected)
        .arg(&at_x);
    launch.arg(30i32).arg(20i32).run().unwrap();
    let mut rust = device(convolution::PTX);
    let (mut out, at_x) = (rust.allocate::<f32>(600).unwrap(), rust.upload(&x).unwrap());
    convolution(&mut rust, config, &mut out, &at_x, 30, 20).unwrap();
    near(&rust.read(&out), &other.read(&expected), 1e-5);
}

#[device]
mod gravity {
    use super::{Pod, Zeroable};

    /// A place and a mass.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
    pub struct Body {
        pub x: f32,
        pub y: f32,
        pub z: f32,
        pub mass: f32,
    }

    /// Gravity among bodies, tile by tile.
    #[kernel]
    pub fn nbody(acceleration: GlobalMut<Body>, bodies: &[Body], n: u32) {
        let tile = shared!([Body; 32]);
        let lane = thread::index_x();
        let i = block::index_x() * 32 + lane;
        let own = bodies[i.min(n - 1) as usize];
        let mut sum = Body {
            x: 0.0,
            y: 0.0,
            z: 0.0,
            mass: 0.0,
        };
        for t in (0..n).step_by(32) {
            if t + lane < n {
                tile.set(lane as usize, bodies[(t + lane) as usize]);
            }
            barrier();
            let mut j = 0;
            while j < 32 && t + j < n {
                let body = tile.get(j as usize);
                let (dx, dy, dz) = (body.x - own.x, body.y - own.y, body.z - own.z);
                let inverse = fast::rsqrt(dx * dx + dy * dy + dz * dz + 0.01);
                let f = body.mass * inverse * inverse * inverse;
                sum.x += dx * f;
                sum.y += dy * f;
                sum.z += dz * f;
                j += 1;
            }
            barrier();
        }
        if i < n {
            acceleration.set(i as usize, sum);
        }
    }
}

#[test]
fn gravity_agrees() {
    let values: Vec<f32> = floats(1, 200).iter().map(|value| value.abs()).collect();
    let bodies: Vec<gravity::Body> = bytemuck::cast_slice(&values).to_vec();
    let config = line(2, 32);
    let mut other = device(nvrtc!("nbody"));
    let (expected, at) = (
        other.allocate::<f32>(200).unwrap(),
        other.upload(&bodies).unwrap(),
    );
    let launch = other.launch("nbody", config).arg(&expected);
    launch.arg(&at).arg(50i32).run().unwrap();
    let mut rust = device(gravity::nbody::PTX);
    let mut out = rust.allocate::<gravity::Body>(50).unwrap();
    let at = rust.upload(&bodies).unwrap();
    gravity::nbody(&mut rust, config, &mut out, &at, 50).unwrap();
    let found = rust.read(&out);
    let found: &[f32] = bytemuck::cast_slice(&found);
    near(found, &other.read(&expected), 1e-4);
}

/// A seven-point stencil in space.
#[kernel]
fn space(out: GlobalMut<f64>, x: &[f64], size: u32) {
    let (a, b, c) = (thread::global_x(), thread::global_y(), thread::global_z());
    if a < 1 || b < 1 || c < 1 || a >= size - 1 || b >= size - 1 || c >= size - 1 {
        return;
    }
    let plane = size * size;
    let i = (c * size + b) * size + a;
    let sum = x[(i - 1) as usize]
        + x[(i + 1) as usize]
        + x[(i - size) as usize]
        + x[(i + size) as usize]
        + x[(i - plane) as usize]
        + x[(i + plane) as usize];
    out.set(i as usize, sum / 6.0 - x[i as usize]);
}

#[test]
fn stencils_in_space_agree() {
    let x = doubles(2, 729);
    let config = LaunchConfig::new((3, 3, 3), (4, 4, 4));
    let mut other = device(nvrtc!("stencil"));
    let (expected, at) = (
        other.upload(&[0f64; 729]).unwrap(),
        other.upload(&x).unwrap(),
    );
    let launch = other.launch("space", config).arg(&expected);
    launch.arg(&at).arg(9u32).run().unwrap();
    let mut rust = device(space::PTX);
    let (mut out, at) = (rust.upload(&[0f64; 729]).unwrap(), rust.upload(&x).unwrap());
    space(&mut rust, config, &mut out, &at, 9).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

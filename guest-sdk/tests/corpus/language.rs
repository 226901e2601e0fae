//! What a language has: structures, functions, jumps by tables.

use tensor_wasm_guest::kernel::prelude::*;

use super::{device, doubles, line, near, nvrtc, words};

#[device]
mod rays {
    use tensor_wasm_guest::bytemuck::{Pod, Zeroable};

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct Vector {
        pub x: f64,
        pub y: f64,
        pub z: f64,
    }

    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct Ray {
        pub from: Vector,
        pub to: Vector,
        pub weight: f32,
        pub tag: i16,
        pub unused: u16,
    }

    fn cross(a: Vector, b: Vector) -> Vector {
        Vector {
            x: a.y * b.z - a.z * b.y,
            y: a.z * b.x - a.x * b.z,
            z: a.x * b.y - a.y * b.x,
        }
    }

    fn dot(a: Vector, b: Vector) -> f64 {
        a.x * b.x + a.y * b.y + a.z * b.z
    }

    fn bend(r: Ray, by: i8) -> Ray {
        Ray {
            from: r.from,
            to: cross(r.from, r.to),
            weight: r.weight + by as f32,
            tag: r.tag.wrapping_mul(by as i16),
            unused: r.unused,
        }
    }

    /// Structures passed to and from functions.
    #[kernel]
    pub fn structures(rays: GlobalMut<Ray>, lengths: GlobalMut<f64>, n: u32) {
        let i = thread::global_x();
        if i >= n {
            return;
        }
        let r = bend(rays.get(i as usize), (i as i32 - 3) as i8);
        rays.set(i as usize, r);
        lengths.set(i as usize, dot(r.to, r.to).sqrt() + dot(r.from, r.to));
    }
}

#[test]
fn structures_agree() {
    let numbers = doubles(1, 40 * 6);
    let rays: Vec<rays::Ray> = numbers
        .chunks(6)
        .zip(0i16..)
        .map(|(part, number)| rays::Ray {
            from: rays::Vector {
                x: part[0],
                y: part[1],
                z: part[2],
            },
            to: rays::Vector {
                x: part[3],
                y: part[4],
                z: part[5],
            },
            weight: f32::from(number),
            tag: number * 300,
            unused: 0,
        })
        .collect();
    let config = line(2, 32);
    let mut other = device(nvrtc!("structures"));
    let expected = other.upload(&rays).unwrap();
    let lengths = other.allocate::<f64>(40).unwrap();
    let launch = other.launch("structures", config).arg(&expected);
    launch.arg(&lengths).arg(40i32).run().unwrap();
    let mut rust = device(rays::structures::PTX);
    let mut found = rust.upload(&rays).unwrap();
    let mut out = rust.allocate::<f64>(40).unwrap();
    rays::structures(&mut rust, config, &mut found, &mut out, 40).unwrap();
    near(&rust.read(&out), &other.read(&lengths), 1e-12);
    for (found, expected) in rust.read(&found).iter().zip(other.read(&expected)) {
        assert_eq!((found.weight, found.tag), (expected.weight, expected.tag));
        let parts = |ray: &rays::Ray| [ray.to.x, ray.to.y, ray.to.z];
        near(&parts(found), &parts(&expected), 1e-12);
    }
}

/// A little machine: a jump by a table, in a loop.
#[kernel]
fn machine(out: GlobalMut<i32>, program: &[u8], length: i32) {
    let t = thread::index_x() as usize;
    let (mut a, mut b) = (t as i32, 1i32);
    let (mut steps, mut i) = (0, 0);
    while i < length && steps < 1000 {
        let code = program[i as usize];
        i += 1;
        match code {
            0 => a = a.wrapping_add(b),
            1 => b = a ^ 5,
            2 => a = a.wrapping_mul(3),
            3 => {
                if a & 1 != 0 {
                    i += 1;
                }
            }
            4 => a >>= 1,
            5 => b = b.wrapping_sub(a),
            6 => {
                a = if b > 0 && b != i32::MAX {
                    a % (b + 1)
                } else {
                    a.wrapping_sub(b)
                };
            }
            7 => {
                if steps < 40 {
                    i = 0;
                }
            }
            8 => out.set(t, a),
            _ => a = !a,
        }
        steps += 1;
    }
    out.set(t, out.get(t).wrapping_add(a).wrapping_add(b));
}

#[test]
fn little_machines_agree() {
    let program: Vec<u8> = words(1, 200).iter().map(|word| (word % 10) as u8).collect();
    let config = line(1, 64);
    let mut other = device(nvrtc!("switch"));
    let (expected, at) = (
        other.upload(&[0i32; 64]).unwrap(),
        other.upload(&program).unwrap(),
    );
    let launch = other.launch("machine", config).arg(&expected);
    launch.arg(&at).arg(200i32).run().unwrap();
    let mut rust = device(machine::PTX);
    let (mut out, at) = (
        rust.upload(&[0i32; 64]).unwrap(),
        rust.upload(&program).unwrap(),
    );
    machine(&mut rust, config, &mut out, &at, 200).unwrap();
    assert_eq!(rust.read(&out), other.read(&expected));
}

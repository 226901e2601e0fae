//! Tests of kernels in Rust: what their PTX computes in the host's interpreter, under its checks, is
//! what they compute as ordinary Rust.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::bytemuck::Zeroable;
use tensor_wasm_guest::kernel::prelude::*;
use tensor_wasm_guest::testing::{Device, Failure};

/// Adds a multiple of one vector to another.
#[kernel]
fn saxpy(n: u32, a: f32, x: &[f32], y: GlobalMut<f32>) {
    let i = thread::global_x();
    if i < n {
        let i = i as usize;
        y.set(i, a.mul_add(x[i], y.get(i)));
    }
}

#[test]
fn a_kernel_runs_by_the_function_of_its_name_and_as_ordinary_rust() {
    let mut device = Device::load(saxpy::PTX).unwrap();
    let values: Vec<f32> = (0..1000).map(|value| value as f32).collect();
    let x = device.upload(&values).unwrap();
    let mut y = device.upload(&[1f32; 1000]).unwrap();
    let config = LaunchConfig::for_len(1000);
    saxpy(&mut device, config, 1000, 0.5, &x, &mut y).unwrap();
    let mut native = [1f32; 1000];
    saxpy::native(config, 1000, 0.5, &values, &mut native);
    assert_eq!(device.read(&y), native);
    assert_eq!(native[10], 6.0);
}

#[test]
fn an_index_that_is_not_within_a_buffer_names_the_line_of_the_source() {
    let mut device = Device::load(saxpy::PTX).unwrap();
    let x = device.upload(&[1f32; 10]).unwrap();
    let mut y = device.upload(&[1f32; 20]).unwrap();
    let failure = saxpy(&mut device, LaunchConfig::for_len(20), 20, 0.5, &x, &mut y);
    let Err(Failure::Fault(fault)) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(fault.thread.unwrap().x, 10);
    assert!(fault.message.contains("index out of bounds"), "{fault}");
    let line = include_str!("kernels.rs")
        .lines()
        .position(|line| line.contains("a.mul_add(x[i]"));
    let place = format!("kernels.rs:{}", line.unwrap() + 1);
    assert!(fault.message.contains(&place), "{fault} is not at {place}");
}

#[device]
mod statistics {
    use tensor_wasm_guest::bytemuck::{Pod, Zeroable};

    /// What is known of a part of the values.
    #[repr(C)]
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct Range {
        pub least: f32,
        pub greatest: f32,
    }

    pub const BLOCK: usize = 128;

    fn wider(a: Range, b: Range) -> Range {
        Range {
            least: a.least.min(b.least),
            greatest: a.greatest.max(b.greatest),
        }
    }

    /// The least and the greatest value of each block.
    #[kernel]
    pub fn ranges(scale: Range, x: &[f32], out: GlobalMut<Range>) {
        let tile = shared!([Range; BLOCK]);
        let lane = thread::index_x() as usize;
        let at = thread::global_x() as usize;
        let value = if at < x.len() {
            x[at].clamp(scale.least, scale.greatest)
        } else {
            scale.least
        };
        tile.set(
            lane,
            Range {
                least: value,
                greatest: value,
            },
        );
        barrier();
        let mut width = BLOCK / 2;
        while width > 0 {
            if lane < width {
                tile.set(lane, wider(tile.get(lane), tile.get(lane + width)));
            }
            barrier();
            width /= 2;
        }
        if lane == 0 {
            out.set(block::index_x() as usize, tile.get(0));
        }
    }

    /// How many values are at least `bound`, by warps and atomics.
    #[kernel]
    pub fn count(bound: i64, values: &[i64], out: GlobalMut<u32>) {
        let at = thread::global_x() as usize;
        let counts = at < values.len() && values[at] >= bound;
        let bits = warp::ballot(counts);
        if warp::lane() == 0 {
            out.atomic_add(0, bits.count_ones(), Ordering::Relaxed);
        }
        let sum = warp::sum(if counts { 1u32 } else { 0 });
        if warp::lane() == 31 {
            out.atomic_add(1, sum, Ordering::Relaxed);
        }
    }
}

#[test]
fn kernels_of_a_module_share_structures_functions_and_constants() {
    use statistics::{Range, ranges};
    let values: Vec<f32> = (0..300).map(|value| ((value * 37) % 101) as f32).collect();
    let scale = Range {
        least: 3.0,
        greatest: 90.0,
    };
    let config = LaunchConfig::new(3, statistics::BLOCK as u32);
    let zero = Range::zeroed();
    let mut native = [zero; 3];
    ranges::native(config, scale, &values, &mut native);
    let mut device = Device::load(ranges::PTX).unwrap();
    let x = device.upload(&values).unwrap();
    let mut out = device.upload(&[zero; 3]).unwrap();
    ranges(&mut device, config, scale, &x, &mut out).unwrap();
    assert_eq!(device.read(&out), native);
    assert_eq!(native[0], scale);
}

#[test]
fn warps_and_atomics_do_the_same_as_ordinary_rust() {
    let values: Vec<i64> = (0..200).map(|value| value - 50).collect();
    let config = LaunchConfig::new(2, 128);
    let mut native = [0; 2];
    statistics::count::native(config, 10, &values, &mut native);
    assert_eq!(native, [140, 140]);
    let mut device = Device::load(statistics::count::PTX).unwrap();
    let x = device.upload(&values).unwrap();
    let mut out = device.upload(&[0u32; 2]).unwrap();
    statistics::count(&mut device, config, 10, &x, &mut out).unwrap();
    assert_eq!(device.read(&out), native);
}

/// Uses numbers of all sizes as parameters.
#[kernel]
fn sizes(a: u8, b: i16, c: u64, d: f64, e: usize, f: f16, g: bf16, out: GlobalMut<f64>) {
    let sum = a as f64 + b as f64 + c as f64 + d + e as f64;
    out.set(0, sum + f.to_f32() as f64 + (g * g).to_f32() as f64);
}

#[test]
fn numbers_of_all_sizes_are_passed() {
    let (half, brain) = (f16::from_f32(0.25), bf16::from_f32(2.0));
    let config = LaunchConfig::new(1, 1);
    let mut native = [0.0];
    sizes::native(config, 200, -5, 1 << 40, 0.5, 7, half, brain, &mut native);
    let mut device = Device::load(sizes::PTX).unwrap();
    let mut out = device.upload(&[0f64]).unwrap();
    sizes(
        &mut device,
        config,
        200,
        -5,
        1 << 40,
        0.5,
        7,
        half,
        brain,
        &mut out,
    )
    .unwrap();
    assert_eq!(device.read(&out), native);
    assert_eq!(native, [(1u64 << 40) as f64 + 206.75]);
}

/// Half of the threads do not come to the barrier.
#[kernel]
fn lost(out: GlobalMut<u32>) {
    if thread::index_x() < 16 {
        while out.get(0) == 0 {
            barrier();
        }
    } else {
        barrier();
        barrier();
        out.set(warp::lane() as usize, warp::shuffle(1, 0));
    }
}

#[test]
#[should_panic(expected = "wait for one another")]
fn threads_that_wait_for_one_another_are_found() {
    lost::native(LaunchConfig::new(1, 32), &mut [0; 32]);
}

#[test]
#[should_panic(expected = "index out of bounds: the len is 1 but the index is 1")]
fn a_kernel_as_ordinary_rust_panics_where_it_would_fault() {
    let config = LaunchConfig::new(1, 2);
    saxpy::native(config, 2, 0.5, &[1.0, 2.0], &mut [1.0]);
}

mod foreign {
    tensor_wasm_guest::kernel::kernels!("../../components/saxpy/kernels/saxpy.ptx");
    tensor_wasm_guest::kernel::kernels!("../../host/ptx/corpus/structures/nvrtc.ptx");
}

/// What is launched here has types that the compiler has checked; there is no device.
#[allow(dead_code)]
fn kernels_of_a_file_are_launched_by_functions_with_the_types_of_the_text(
    queue: &tensor_wasm_guest::Queue,
    x: &tensor_wasm_guest::Buffer<f32>,
    y: &tensor_wasm_guest::Buffer<f32>,
) -> tensor_wasm_guest::Result<()> {
    foreign::saxpy(queue, LaunchConfig::for_len(y.len()), y, x, 2.0, 4)?;
    foreign::saxpy(queue, LaunchConfig::for_len(1), y, x.from_index(1), 2.0, -1)
}

#[test]
fn kernels_of_a_file_have_its_text() {
    assert_eq!(foreign::saxpy::NAME, "saxpy");
    assert!(foreign::saxpy::PTX.contains(".entry saxpy("));
}

/// Its parameters have the names that the macro uses itself.
#[kernel]
fn names(launcher: u32, config: u32, memory: GlobalMut<u32>, queue: u32) {
    memory.set(0, launcher + config + queue);
}

#[test]
fn parameters_may_have_any_name() {
    let mut native = [0];
    names::native(LaunchConfig::new(1, 1), 1, 2, &mut native, 3);
    assert_eq!(native, [6]);
}

/// Reads past its buffer without a check.
#[kernel]
fn careless(x: &[u32], out: GlobalMut<u32>) {
    let i = thread::index_x() as usize;
    // SAFETY: there is none.
    #[allow(unsafe_code)]
    let value = unsafe { *x.get_unchecked(i + 4) };
    out.set(i, value);
}

#[test]
fn a_finding_of_the_checks_is_found_in_the_source() {
    let mut device = Device::load(careless::PTX).unwrap();
    let x = device.upload(&[1u32; 4]).unwrap();
    let mut out = device.upload(&[0u32; 4]).unwrap();
    let failure = careless(&mut device, LaunchConfig::new(1, 4), &x, &mut out).unwrap_err();
    let place = device.source_line(failure.finding().unwrap().line).unwrap();
    let mut lines = include_str!("kernels.rs").lines();
    let line = lines
        .position(|line| line.contains("*x.get_unchecked(i + 4)"))
        .unwrap()
        + 1;
    assert!(place.ends_with(&format!("kernels.rs:{line}")), "{place}");
}
